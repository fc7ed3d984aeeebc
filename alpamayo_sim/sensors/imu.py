"""IMU: specific force, angular velocity and compass, in the sensor's frame."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from alpamayo_sim.frames import rotation_matrix
from alpamayo_sim.sensors.sensor import Tick, floats, noise_generator, pack


class Imu:
    """`sensor.other.imu`.

    The accelerometer is the second difference of the sensor's place over the last three measurements plus gravity, as
    CARLA computes it; so the first value is gravity alone and the second one is spurious.
    """

    def __init__(self, attributes: Mapping[str, str], seed: int) -> None:
        axes = "xyz"
        self._accel_stddev = np.array(floats(attributes, *(f"noise_accel_stddev_{a}" for a in axes)))
        self._gyro_stddev = np.array(floats(attributes, *(f"noise_gyro_stddev_{a}" for a in axes)))
        self._gyro_bias = np.array(floats(attributes, *(f"noise_gyro_bias_{a}" for a in axes)))
        self._random = noise_generator(attributes, seed)
        self._places_m = [np.zeros(3), np.zeros(3)]
        self._last_step_s = math.inf
        self._last_time_s: float | None = None

    def measure(self, tick: Tick) -> Sequence[bytes]:
        """Return one body: `[accelerometer m/s^2, gyroscope rad/s, compass rad]`."""
        to_world = rotation_matrix(*tick.pose[3:])
        now_s = tick.world.elapsed_s
        step_s = tick.world.delta_s if self._last_time_s is None else now_s - self._last_time_s
        self._last_time_s = now_s
        acceleration = self._acceleration(np.array(tick.pose[:3]), step_s)
        acceleration[2] += tick.gravity_mps2
        accelerometer = acceleration @ to_world + self._accel_stddev * self._random.standard_normal(3)
        spin = np.radians(self._parent_spin_dps(tick)) @ to_world
        gyroscope = spin + self._gyro_bias + self._gyro_stddev * self._random.standard_normal(3)
        compass = math.radians(tick.pose.yaw + 90.0) % (2.0 * math.pi)
        return (pack([accelerometer.tolist(), gyroscope.tolist(), compass]),)

    def _acceleration(self, place_m: np.ndarray, step_s: float) -> np.ndarray:
        before, last = self._places_m
        h1, h2 = step_s, self._last_step_s
        self._places_m = [last, place_m]
        self._last_step_s = step_s
        if math.isinf(h2) or h1 <= 0.0 or h2 <= 0.0:
            return np.zeros(3)
        return 2.0 * (place_m / (h1 * (h1 + h2)) - last / (h1 * h2) + before / (h2 * (h1 + h2)))

    def _parent_spin_dps(self, tick: Tick) -> np.ndarray:
        """Return the angular velocity of the parent, or of the sensor without one, in the CARLA world frame."""
        actors = tick.world.actors
        row = int(np.searchsorted(actors.ids, tick.parent_id or tick.actor_id))
        if row < len(actors.ids) and actors.ids[row] == (tick.parent_id or tick.actor_id):
            return actors.angular_velocity_dps[row]
        return np.zeros(3)
