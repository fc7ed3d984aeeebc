"""Driving a scenario's vehicles and walkers: along a line at a speed, by the seed and the tick alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.ego import EgoModel
from alpamayo_agents.longitudinal_model import pedals
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.library.timing import Behaviour

Array = NDArray[np.float64]

PREVIEW_S, SHORTEST_PREVIEW_M = 0.5, 2.5
GAIN_PER_S = 1.2
TRIM_PER_S = 0.4
GAP_M, GAP_S = 3.0, 1.0
"""What a driver that heeds others keeps to whom it follows."""
CORRIDOR_M = 1.6
LOOK_M = 30.0
BEND_WINDOW_M = 2.0
"""The curvature of a line is that of its heading's change over so far behind and ahead."""
BEND_BRAKE_MPS2 = 2.5


class LineDriver:
    """Drives one vehicle along a polyline; `step` is called once a tick.

    With `constant=True` the vehicle has its speed whatever is in the way, as the leaderboard's flows do; otherwise throttle
    and brake make the speed, and with `heeds` it also keeps its distance from what is on its line.
    """

    def __init__(
        self,
        stage: Stage,
        vehicle: carla.Vehicle,
        line: Array,
        speed_mps: float,
        *,
        constant: bool = False,
        heeds: bool = False,
        turn_mps2: float | None = None,
    ) -> None:
        """Take a vehicle and its line [N, 3], N >= 2, CARLA world frame.

        With `turn_mps2` it slows down for bends, to that sideways acceleration.
        """
        self._stage = stage
        self.vehicle = vehicle
        self.line = line
        self.arc_m = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1))])
        self.speed_mps = speed_mps
        self.heeds = heeds
        self._bends_mps = None if turn_mps2 is None else bend_speeds(line, turn_mps2)
        self.progress_m = 0.0
        """How far along the line the vehicle has come."""
        self._model = EgoModel.read(vehicle)
        self._trim = 0.0
        self.constant = constant
        """Whether the speed is forced."""

    def set_speed(self, speed_mps: float) -> None:
        """Change the speed that is driven."""
        self.speed_mps = speed_mps

    @property
    def half_length_m(self) -> float:
        """From the vehicle's middle to its bumpers."""
        return (self._model.front_m + self._model.rear_m) / 2.0

    @property
    def allowed_mps(self) -> float:
        """The speed that is driven where the vehicle is: its own, or less in a bend."""
        if self._bends_mps is None:
            return self.speed_mps
        return min(self.speed_mps, float(np.interp(self.progress_m, self.arc_m, self._bends_mps)))

    @property
    def left_m(self) -> float:
        """How much of the line is left."""
        return float(self.arc_m[-1]) - self.progress_m

    @property
    def arrived(self) -> bool:
        """Whether less than two metres of the line are left."""
        return self.left_m < 2.0

    def step(self) -> None:
        """Apply the control for the next tick; nothing for a vehicle that the last tick did not have."""
        state = self._stage.actor_state(self.vehicle.id)
        if state is None:
            return
        pose, velocity = state.get_transform(), state.get_velocity()
        yaw = math.radians(pose.rotation.yaw)
        heading = np.array([math.cos(yaw), math.sin(yaw)])
        here = np.array([pose.location.x, pose.location.y]) + self._model.rear_axle_x_m * heading
        speed = velocity.x * heading[0] + velocity.y * heading[1]
        self.progress_m = self._project(here)
        wanted = self.allowed_mps
        if self.constant:
            self._force(velocity, heading, wanted)
        if self.heeds:
            wanted = min(wanted, self._speed_behind_others(heading))
        throttle, brake = self._pedals(speed, wanted)
        self.vehicle.apply_control(
            carla.VehicleControl(throttle=throttle, steer=self._steer(here, yaw, speed), brake=brake)
        )

    def _force(self, velocity: carla.Vector3D, heading: Array, wanted_mps: float) -> None:
        """Give the vehicle its speed, the way it moves: CARLA's constant velocity, along its heading, would make it slip."""
        way = np.array([velocity.x, velocity.y])
        speed = float(np.linalg.norm(way))
        way = way / speed if speed > 0.5 and float(way @ heading) > 0.7 * speed else heading
        self.vehicle.set_target_velocity(carla.Vector3D(way[0] * wanted_mps, way[1] * wanted_mps, velocity.z))

    def _project(self, here: Array) -> float:
        first = max(0, int(np.searchsorted(self.arc_m, self.progress_m)) - 2)
        last = min(len(self.arc_m) - 1, first + 12)
        start, along = self.line[first:last, :2], np.diff(self.line[first : last + 1, :2], axis=0)
        square = np.maximum(1e-9, (along**2).sum(axis=1))
        share = np.clip(((here - start) * along).sum(axis=1) / square, 0.0, 1.0)
        off = start + share[:, None] * along - here
        best = int(np.argmin((off**2).sum(axis=1)))
        return float(self.arc_m[first + best] + share[best] * math.sqrt(square[best]))

    def _steer(self, here: Array, yaw: float, speed: float) -> float:
        target_arc = self.progress_m + max(SHORTEST_PREVIEW_M, PREVIEW_S * abs(speed))
        x, y = (float(np.interp(target_arc, self.arc_m, self.line[:, axis])) for axis in (0, 1))
        if target_arc > self.arc_m[-1]:
            end = self.line[-1, :2] - self.line[-2, :2]
            end = end / max(1e-6, float(np.linalg.norm(end))) * (target_arc - float(self.arc_m[-1]))
            x, y = x + float(end[0]), y + float(end[1])
        forward = (x - here[0]) * math.cos(yaw) + (y - here[1]) * math.sin(yaw)
        right = -(x - here[0]) * math.sin(yaw) + (y - here[1]) * math.cos(yaw)
        return self._model.steer(2.0 * right / max(1.0, forward * forward + right * right), speed)

    def _pedals(self, speed: float, wanted: float) -> tuple[float, float]:
        if wanted < 0.1 and speed < 1.0:
            return 0.0, 1.0
        error = wanted - speed
        self._trim = float(np.clip(self._trim + TRIM_PER_S * error * self._stage.step_s, -2.0, 2.0))
        return pedals(max(0.0, speed), float(np.clip(GAIN_PER_S * error + self._trim, -8.0, 3.5)))

    def _speed_behind_others(self, heading: Array) -> float:
        """Return the speed that keeps the distance from vehicles and walkers on the line ahead."""
        allowed = math.inf
        first = int(np.searchsorted(self.arc_m, self.progress_m))
        last = int(np.searchsorted(self.arc_m, self.progress_m + LOOK_M)) + 1
        stretch, arc = self.line[first:last, :2], self.arc_m[first:last]
        if len(stretch) == 0:
            return allowed
        for other in self._stage.snapshot:
            if other.id == self.vehicle.id:
                continue
            at = other.get_transform().location
            off = ((stretch - np.array([at.x, at.y])) ** 2).sum(axis=1)
            nearest = int(np.argmin(off))
            if off[nearest] > (CORRIDOR_M + 0.6) ** 2 or not self._stage.is_road_user(other.id):
                continue
            length = self._stage.half_length_m(other.id)
            gap = float(arc[nearest]) - self.progress_m - self._model.front_m - length
            if gap < -length:
                continue
            velocity = other.get_velocity()
            speed = max(0.0, velocity.x * heading[0] + velocity.y * heading[1])
            allowed = min(allowed, max(0.0, speed + (gap - GAP_M) / GAP_S if gap > 0.5 else 0.0))
        return allowed


def bend_speeds(line: Array, turn_mps2: float) -> Array:
    """Return the speed [N] at each point of a line [N, 3] that keeps to a sideways acceleration in its bends.

    Before and after a bend it changes by 2.5 m/s^2.
    """
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1))])
    ways = np.diff(line[:, :2], axis=0)
    heading = np.unwrap(np.arctan2(ways[:, 1], ways[:, 0]))
    middle = 0.5 * (arc[:-1] + arc[1:])
    turned = np.interp(arc + BEND_WINDOW_M, middle, heading) - np.interp(arc - BEND_WINDOW_M, middle, heading)
    curvature = np.abs(turned) / (2.0 * BEND_WINDOW_M)
    squares = turn_mps2 / np.maximum(1e-4, curvature)
    change = 2.0 * BEND_BRAKE_MPS2 * np.diff(arc)
    for k in range(len(squares) - 2, -1, -1):
        squares[k] = min(squares[k], squares[k + 1] + change[k])
    for k in range(1, len(squares)):
        squares[k] = min(squares[k], squares[k - 1] + change[k - 1])
    return np.sqrt(squares)


def drive(driver: LineDriver, until: Callable[[], bool] | None = None) -> Behaviour:
    """Drive along the line until it has been driven or a condition holds; the vehicle then rolls on as it is."""
    while not driver.arrived and not (until is not None and until()):
        driver.step()
        yield


def brake_and_hold(vehicle: carla.Vehicle) -> None:
    """Bring a vehicle to a stop and keep it there."""
    vehicle.disable_constant_velocity()
    vehicle.apply_control(carla.VehicleControl(brake=1.0, hand_brake=True))


def walk(stage: Stage, walker: carla.Walker, direction_deg: float, speed_mps: float, distance_m: float) -> Behaviour:
    """Walk straight in a direction (CARLA yaw) for a distance, then stand."""
    yaw = math.radians(direction_deg)
    control = carla.WalkerControl(carla.Vector3D(math.cos(yaw), math.sin(yaw), 0.0), speed_mps, False)
    start: carla.Location | None = None
    try:
        while True:
            here = stage.actor_location(walker)
            if here is not None:
                start = start or here
                if here.distance_2d(start) >= distance_m:
                    return
                walker.apply_control(control)
            yield
    finally:
        if walker.is_alive:
            walker.apply_control(carla.WalkerControl(carla.Vector3D(), 0.0, False))
