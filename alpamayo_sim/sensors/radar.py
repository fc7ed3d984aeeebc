"""Radar: rays into a cone, with the speed at which what they meet goes away. After CARLA's `Radar.cpp`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import rotation_matrix
from alpamayo_sim.sensors.ray_scene import ray_scene
from alpamayo_sim.sensors.sensor import Tick, floats, noise_generator

MAX_POINTS_PER_S = 20_000_000
MAX_RAYS_PER_TICK = 1_000_000
"""About a second's work; what asks for more gets this many."""


class Radar:
    """`sensor.other.radar`."""

    def __init__(self, attributes: Mapping[str, str], seed: int) -> None:
        """Read the attributes; ValueError for those that make no sense."""
        self._points_per_second = int(attributes["points_per_second"])
        if not 0 <= self._points_per_second <= MAX_POINTS_PER_S:
            raise ValueError(f"{self._points_per_second} points per second; a radar has 0 to {MAX_POINTS_PER_S}")
        self._range_m, width_deg, height_deg = floats(attributes, "range", "horizontal_fov", "vertical_fov")
        if not (0.0 <= self._range_m < math.inf and 0.0 <= width_deg < 180.0 and 0.0 <= height_deg < 180.0):
            raise ValueError("range is finite and not negative, fields of view lie in 0 to 180 degrees")
        self._spread = math.tan(math.radians(0.5 * width_deg)), math.tan(math.radians(0.5 * height_deg))
        self._random = noise_generator(attributes, seed)
        self._last: tuple[float, NDArray[np.float64]] | None = None

    def measure(self, tick: Tick) -> Sequence[bytes]:
        """Return one body: velocity (m/s, positive away), azimuth and altitude (rad), depth (m) of each detection."""
        velocity = self._own_velocity(tick)
        count = int(np.float32(self._points_per_second) * np.float32(tick.world.delta_s))
        radius, angle = self._random.random((min(count, MAX_RAYS_PER_TICK), 2)).T
        angle = 2.0 * math.pi * angle
        across, up = self._spread[0] * radius * np.cos(angle), self._spread[1] * radius * np.sin(angle)
        rays = np.column_stack([np.ones(len(across)), across, up])
        # The rays end on a plane at the range, so that those at the rim are longer.
        stretch = np.linalg.norm(rays, axis=1)
        rays /= stretch[:, None]
        longest = self._range_m * float(stretch.max(initial=1.0))
        hits = ray_scene(tick.world).cast(tick.world, tick.pose, rays, longest, tick.ignored_ids)
        seen = hits.hit & (hits.distance_m <= self._range_m * stretch)
        rays = rays[seen]
        along = rays @ rotation_matrix(*tick.pose[3:]).T
        speed = ((hits.velocity_mps[seen] - velocity) * along).sum(axis=1)
        azimuth, altitude = np.arctan2(rays[:, 1], rays[:, 0]), np.arcsin(rays[:, 2])
        return (np.column_stack([speed, azimuth, altitude, hits.distance_m[seen]]).astype("<f4").tobytes(),)

    def _own_velocity(self, tick: Tick) -> NDArray[np.float64]:
        """Return how the sensor has moved since its last measurement (m/s), at the first one as its parent moves."""
        now_s, place = tick.world.elapsed_s, np.array(tick.pose[:3])
        last, self._last = self._last, (now_s, place)
        if last is not None and now_s > last[0]:
            return (place - last[1]) / (now_s - last[0])
        actors = tick.world.actors
        parent = np.flatnonzero(actors.ids == tick.parent_id) if tick.parent_id else []
        return actors.velocity_mps[int(parent[0])].copy() if len(parent) else np.zeros(3)
