"""Lidars: the scan that both kinds share, and the one with intensities.

After CARLA's `RayCastSemanticLidar.cpp` and `RayCastLidar.cpp`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.sensors.ray_scene import RayHits, ray_scene
from alpamayo_sim.sensors.sensor import Tick, floats, noise_generator

Floats = NDArray[np.float64]
MAX_CHANNELS = 4096
MAX_POINTS_PER_S = 20_000_000
MAX_RAYS_PER_TICK = 1_000_000
"""About a second's work; what asks for more gets this many."""


class Scan:
    """The rays of a spinning sensor: channels one above the other, each going on from tick to tick where it stopped."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        """Read the attributes; ValueError for a fan that no sensor has."""
        self.channels, self.points_per_second = int(attributes["channels"]), int(attributes["points_per_second"])
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise ValueError(f"{self.channels} channels; a lidar has 1 to {MAX_CHANNELS}")
        if not 0 <= self.points_per_second <= MAX_POINTS_PER_S:
            raise ValueError(f"{self.points_per_second} points per second; a lidar has 0 to {MAX_POINTS_PER_S}")
        values = floats(attributes, "range", "rotation_frequency", "upper_fov", "lower_fov", "horizontal_fov")
        if not all(map(math.isfinite, values)):
            raise ValueError("range, rotation_frequency, upper_fov, lower_fov and horizontal_fov are finite numbers")
        self.range_m, self._frequency_hz, upper_deg, lower_deg, self._fov_deg = values
        if self.range_m < 0.0 or not 0.0 < self._fov_deg <= 360.0:
            raise ValueError("range is not negative and horizontal_fov lies in 0 to 360 degrees")
        step_deg = 0.0 if self.channels == 1 else (upper_deg - lower_deg) / (self.channels - 1)
        self._pitch_rad = np.radians(upper_deg - step_deg * np.arange(self.channels))
        self._angle_deg = 0.0

    @property
    def angle_rad(self) -> float:
        """Where the next tick's rays begin, 0 to the horizontal field of view."""
        return math.radians(self._angle_deg)

    def directions(self, step_s: float) -> Floats:
        """Return unit vectors [channels, points of a channel, 3] of the next `step_s` seconds, in the sensor's frame."""
        wanted = float(np.float32(self.points_per_second) * np.float32(step_s) / np.float32(self.channels))
        count = min(math.floor(wanted + 0.5), MAX_RAYS_PER_TICK // self.channels)
        if count <= 0:
            return np.zeros((self.channels, 0, 3))
        sweep_deg = self._frequency_hz * self._fov_deg * step_s
        yaw_deg = np.fmod(self._angle_deg + sweep_deg / count * np.arange(count), self._fov_deg) - 0.5 * self._fov_deg
        self._angle_deg = math.fmod(self._angle_deg + sweep_deg, self._fov_deg)
        yaw, pitch = np.radians(yaw_deg)[None, :], self._pitch_rad[:, None]
        level = np.cos(pitch)
        up = np.broadcast_to(np.sin(pitch), (self.channels, count))
        return np.stack([level * np.cos(yaw), level * np.sin(yaw), up], axis=2)

    def cast(self, tick: Tick, directions: Floats) -> RayHits:
        """Return what rays [R, 3] meet at a tick."""
        return ray_scene(tick.world).cast(tick.world, tick.pose, directions, self.range_m, tick.ignored_ids)

    def header(self, counts: NDArray[np.int64]) -> bytes:
        """Return what precedes the points: horizontal angle, channels, points of each channel [channels]."""
        return struct.pack("<fI", self.angle_rad, self.channels) + counts.astype("<u4").tobytes()


class Lidar:
    """`sensor.lidar.ray_cast`: points with intensities, some dropped, with noise along the ray."""

    def __init__(self, attributes: Mapping[str, str], seed: int) -> None:
        """Read the attributes; ValueError for those that make no sense."""
        self._scan = Scan(attributes)
        values = floats(
            attributes, "atmosphere_attenuation_rate", "dropoff_general_rate", "dropoff_intensity_limit",
            "dropoff_zero_intensity", "noise_stddev",
        )  # fmt: skip
        if not all(map(math.isfinite, values)):
            raise ValueError("the attributes of drop-off, attenuation and noise are finite numbers")
        self._attenuation_per_m, self._drop_rate, self._limit, zero, self._stddev_m = values
        self._drop_slope = zero / self._limit if self._limit else 0.0
        self._drop_base = 1.0 - zero
        self._random = noise_generator(attributes, seed)

    def measure(self, tick: Tick) -> Sequence[bytes]:
        """Return one body: the scan's header, then x, y, z (m, sensor's frame) and intensity of each point, by channel."""
        fan = self._scan.directions(tick.world.delta_s)
        channel = np.repeat(np.arange(self._scan.channels), fan.shape[1])
        directions = fan.reshape(-1, 3)
        if self._drop_rate > np.finfo(np.float32).eps:
            shot = self._random.random(len(directions)) >= self._drop_rate
            channel, directions = channel[shot], directions[shot]
        hits = self._scan.cast(tick, directions)
        channel, directions, distance = channel[hits.hit], directions[hits.hit], hits.distance_m[hits.hit]
        intensity = np.exp(-self._attenuation_per_m * distance)
        if self._stddev_m > np.finfo(np.float32).eps:
            distance = distance + self._stddev_m * self._random.standard_normal(len(distance))
        chance = self._random.random(len(distance))
        kept = (intensity > self._limit) | (chance < self._drop_slope * intensity + self._drop_base)
        points = np.column_stack([directions * distance[:, None], intensity])[kept]
        counts = np.bincount(channel[kept], minlength=self._scan.channels)
        return (self._scan.header(counts) + points.astype("<f4").tobytes(),)
