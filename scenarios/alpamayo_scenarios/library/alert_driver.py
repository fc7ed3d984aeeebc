"""A driver that brakes for whoever is in the way of its own vehicle's width, as CARLA's `BasicAgent` does."""

from __future__ import annotations

import math

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_scenarios.library.motion import LineDriver
from alpamayo_scenarios.library.stage import Stage

LONGEST_M = 5.0
"""Half the length of the longest vehicle."""
FARTHEST_OFF_M = 3.0
BRAKE = 0.5


class AlertDriver(LineDriver):
    """Drives along a line; brakes for somebody closer than `base_m` and `ahead_s` of its own driving.

    With `constant` it does not brake by itself: its owner sets the speed by what `next_on_line` says.
    """

    def __init__(
        self,
        stage: Stage,
        vehicle: carla.Vehicle,
        line: NDArray[np.float64],
        speed_mps: float,
        *,
        constant: bool = False,
        base_m: float = 10.0,
        ahead_s: float = 1.6,
    ) -> None:
        """Take a vehicle and its line [N, 3], N >= 2, CARLA world frame."""
        super().__init__(stage, vehicle, line, speed_mps, constant=constant)
        self._base_m, self._ahead_s = base_m, ahead_s

    def step(self) -> None:
        """Apply the control for the next tick: the line's steering, and the brake instead of the throttle in an emergency."""
        super().step()
        if self.constant:
            return
        state = self._stage.actor_state(self.vehicle.id)
        if state is None:
            return
        velocity = state.get_velocity()
        speed = math.hypot(velocity.x, velocity.y)
        if self.next_on_line(self._base_m + self._ahead_s * speed) is not None:
            steer = self.vehicle_steer(state)
            self.vehicle.apply_control(carla.VehicleControl(steer=steer, brake=BRAKE))

    def vehicle_steer(self, state: carla.ActorSnapshot) -> float:
        """Return the steering that keeps the vehicle on its line."""
        pose, velocity = state.get_transform(), state.get_velocity()
        yaw = math.radians(pose.rotation.yaw)
        heading = np.array([math.cos(yaw), math.sin(yaw)])
        here = np.array([pose.location.x, pose.location.y]) + self._model.rear_axle_x_m * heading
        return self._steer(here, yaw, velocity.x * float(heading[0]) + velocity.y * float(heading[1]))

    def next_on_line(self, reach_m: float) -> tuple[int, float] | None:
        """Return the first actor that this vehicle would drive into within a distance, and the gap to it in metres.

        None when its way is free for so far. Both are taken to be as wide as they are.
        """
        first = int(np.searchsorted(self.arc_m, self.progress_m))
        last = int(np.searchsorted(self.arc_m, self.progress_m + reach_m + 2.0 * LONGEST_M)) + 1
        stretch, arc = self.line[first:last, :2], self.arc_m[first:last]
        if len(stretch) == 0:
            return None
        own_m = self._stage.half_width_m(self.vehicle.id)
        found: tuple[int, float] | None = None
        for other in self._stage.snapshot:
            if other.id == self.vehicle.id:
                continue
            at = other.get_transform().location
            off = ((stretch - np.array([at.x, at.y])) ** 2).sum(axis=1)
            nearest = int(np.argmin(off))
            if off[nearest] > FARTHEST_OFF_M**2 or not self._stage.is_road_user(other.id):
                continue
            if off[nearest] > (own_m + self._stage.half_width_m(other.id)) ** 2:
                continue
            length = self._stage.half_length_m(other.id)
            gap = float(arc[nearest]) - self.progress_m - self._model.front_m - length
            if -length <= gap < reach_m and (found is None or gap < found[1]):
                found = other.id, gap
        return found
