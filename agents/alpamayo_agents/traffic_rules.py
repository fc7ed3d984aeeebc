"""Traffic lights and stop signs: where they stop the ego and others, through CARLA's client API."""

from __future__ import annotations

import math
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.ego import EgoModel
from alpamayo_agents.reference_path import STEP_M, ReferencePath
from alpamayo_sim.roads.lane_graph import LaneGraph

Array = NDArray[np.float64]

STOP_MARGIN_M = 0.8
"""From the front bumper to the stop line."""
YELLOW_BRAKING_MPS2 = 3.5
"""A yellow light stops the ego if this deceleration is enough."""
RED_BRAKING_MPS2 = 7.5
"""A red light stops the ego if this deceleration is enough."""
KEEP_STOPPING_MPS2 = 9.0
"""Once the ego has begun to stop it goes on with it up to this deceleration."""
EASY_BRAKING_MPS2 = 2.5
"""A red light that the ego was about to pass stops it after all if this is enough."""
OVERSHOOT_M, RED_OVERSHOOT_M = 1.0, 2.6
"""A stop so far beyond the line is better than none."""
LINE_PASSED_M = 3.0
"""With its front bumper farther beyond the line the ego goes on."""
LEADER_GAP_M = 2.0
TAIL_M = 1.0
LONGEST_JUNCTION_M = 32.0
STOPPED_MPS = 0.08
SIGN_REACH_M = 4.0
"""A stop at a stop sign counts while the vehicle's origin is within this distance of the box's centre (ScenarioRunner's rule)."""
SIGN_MARGIN_M = 0.4


@dataclass(frozen=True)
class StopLine:
    """The end of a lane at a traffic light."""

    light: carla.TrafficLight
    xy: Array
    z: float
    yaw: float
    segment: int
    """Lane segment of the graph, -1 if the place is on none."""
    arc_m: float


def find_stop_lines(world: carla.World, graph: LaneGraph) -> list[StopLine]:
    """Return the stop lines of every traffic light: its stop waypoints, moved on to where the junction begins."""
    index_of = {segment.key: segment.index for segment in graph.segments}
    lines: list[StopLine] = []
    lights = sorted(world.get_actors().filter("traffic.traffic_light*"), key=lambda actor: actor.id)
    for light in lights:
        assert isinstance(light, carla.TrafficLight)
        for waypoint in light.get_stop_waypoints():
            for _ in range(40):
                following = waypoint.next(0.5)
                if waypoint.is_junction or not following or following[0].is_junction:
                    break
                waypoint = following[0]
            pose = waypoint.transform
            segment = index_of.get((waypoint.road_id, waypoint.section_id, waypoint.lane_id), -1)
            xy = np.array([pose.location.x, pose.location.y])
            arc = 0.0
            if segment >= 0:
                lane = graph.segments[segment]
                arc = float(lane.arc_m[int(np.argmin(np.linalg.norm(lane.points[:, :2] - xy, axis=1)))])
            yaw = math.radians(pose.rotation.yaw)
            lines.append(StopLine(light, xy, pose.location.z, yaw, segment, arc))
    return lines


@dataclass
class _RouteLight:
    station_m: float
    clear_m: float
    """Station beyond which the tail keeps no way blocked: the far side of the junction, or the line if that is far."""
    light: carla.TrafficLight
    going: bool = False
    """The ego has decided not to stop, since it cannot."""
    stopping: bool = False
    """It has decided to stop."""
    waited_enough: bool = False
    """The ego drives into the junction though it may have to stop in it."""


@dataclass
class _RouteSign:
    first_m: float
    center_m: float
    last_m: float
    actor_id: int = 0
    done: bool = False


class RouteRules:
    """The lights and stop signs along one path."""

    def __init__(self, world: carla.World, path: ReferencePath, lines: list[StopLine], model: EgoModel) -> None:
        self._model = model
        self._reach_m = math.inf
        self.lights: list[_RouteLight] = []
        for line in lines:
            for station in stations_passed(path, line.xy, line.z, line.yaw, 1.8):
                self.lights.append(_RouteLight(station, _far_side(path, station), line.light))
        self.lights.sort(key=lambda found: found.station_m)
        self.signs: list[_RouteSign] = []
        for sign in world.get_actors().filter("traffic.stop*"):
            assert isinstance(sign, carla.TrafficSign)
            box = sign.trigger_volume
            center = sign.get_transform().transform(carla.Location(box.location.x, box.location.y, box.location.z))
            reach = max(box.extent.x, box.extent.y)
            for station in stations_passed(path, np.array([center.x, center.y]), center.z, None, reach + 1.0):
                self.signs.append(_RouteSign(station - reach, station, station + reach, sign.id))
        self.signs.sort(key=lambda found: found.first_m)

    def notice_leader(self, station_m: float, contact_m: float, leader_mps: float) -> None:
        """Remember how far the ego will get behind its leader, should that one stop (braking at 3 m/s2)."""
        self._reach_m = station_m + contact_m + max(0.0, leader_mps) ** 2 / 6.0 - LEADER_GAP_M

    def lose_patience(self, station_m: float) -> None:
        """Enter the next junction even if it cannot be left at once."""
        for found in self.lights:
            if found.station_m > station_m:
                found.waited_enough = True
                return

    def _blocked_line(self, station_m: float, speed_mps: float) -> float:
        """Return where to stop because the junction behind the next light could not be left, infinite if it could."""
        for found in self.lights:
            stop = found.station_m - self._model.front_m - STOP_MARGIN_M
            if stop < station_m - 1.0:
                continue
            if (
                found.waited_enough
                or stop > station_m + 40.0
                or self._reach_m > found.clear_m + self._model.rear_m + TAIL_M
            ):
                return math.inf
            braking = speed_mps * speed_mps / (2.0 * max(0.1, stop - station_m))
            return max(stop, station_m) if braking < YELLOW_BRAKING_MPS2 else math.inf
        return math.inf

    def next_light_m(self, station_m: float) -> float:
        """Return the station of the next traffic light's stop line, infinite for none."""
        return min((found.station_m for found in self.lights if found.station_m > station_m), default=math.inf)

    def stop_station(self, station_m: float, speed_mps: float, horizon_m: float) -> tuple[float, str]:
        """Return the nearest station at which the rear axle has to stand, infinite for none, and why.

        The reason is "red_light", "yellow_light", "blocked_junction", "stop_sign" or "".
        """
        return min(
            self._light_stop(station_m, speed_mps, horizon_m),
            (self._blocked_line(station_m, speed_mps), "blocked_junction"),
            (self._sign_stop(station_m, speed_mps, horizon_m), "stop_sign"),
            (math.inf, ""),
        )

    def _light_stop(self, station_m: float, speed_mps: float, horizon_m: float) -> tuple[float, str]:
        front = self._model.front_m
        for found in self.lights:
            line = found.station_m - front
            if line + LINE_PASSED_M < station_m:
                continue
            if line > station_m + horizon_m:
                break
            state = found.light.get_state()
            if state not in (carla.TrafficLightState.Red, carla.TrafficLightState.Yellow):
                found.going = found.stopping = False
                continue
            stop = line - STOP_MARGIN_M
            yellow = state == carla.TrafficLightState.Yellow
            _decide_to_stop(found, line - station_m, speed_mps, yellow)
            if not found.going:
                return max(stop, station_m if line < station_m else stop), "red_light" if not yellow else "yellow_light"
        return math.inf, ""

    def _sign_stop(self, station_m: float, speed_mps: float, horizon_m: float) -> float:
        front = self._model.front_m
        for sign in self.signs:
            if sign.done or sign.last_m + SIGN_REACH_M < station_m:
                continue
            if sign.first_m - front > station_m + horizon_m:
                break
            counts_from = sign.center_m - SIGN_REACH_M + SIGN_MARGIN_M + self._model.rear_axle_x_m
            if speed_mps < STOPPED_MPS and station_m > counts_from:
                sign.done = True
                continue
            return max(sign.first_m + 0.5 - front, counts_from + SIGN_MARGIN_M, station_m)
        return math.inf


def _decide_to_stop(found: _RouteLight, line_ahead_m: float, speed_mps: float, yellow: bool) -> None:
    """Settle whether the ego stops at a light that is not green, given how far its front bumper is from the line."""

    def needed(overshoot_m: float) -> float:
        return speed_mps * speed_mps / (2.0 * max(0.01, line_ahead_m + overshoot_m))

    if found.going:
        found.going = yellow or needed(OVERSHOOT_M) > EASY_BRAKING_MPS2
    elif found.stopping:
        found.going = needed(RED_OVERSHOOT_M) > KEEP_STOPPING_MPS2
    elif yellow:
        found.going = needed(OVERSHOOT_M) > YELLOW_BRAKING_MPS2
    else:
        found.going = needed(RED_OVERSHOOT_M) > RED_BRAKING_MPS2
    found.stopping = not found.going


def _far_side(path: ReferencePath, line_m: float) -> float:
    """Return the station at which the junction behind a stop line ends; of the line itself where that is far off."""
    first = int(line_m / STEP_M)
    inside = path.in_junction[first : first + int(LONGEST_JUNCTION_M / STEP_M)]
    if not inside.any():
        return line_m
    entry = int(np.argmax(inside))
    outside = np.flatnonzero(~inside[entry:])
    return line_m if len(outside) == 0 else float(path.station_m[first + entry + int(outside[0])])


def stations_passed(path: ReferencePath, xy: Array, z: float, yaw: float | None, within_m: float) -> list[float]:
    """Return the stations at which the path passes a place, one per pass."""
    distance = np.linalg.norm(path.xy - xy, axis=1)
    near = (distance < within_m) & (np.abs(path.z - z) < 3.0)
    if yaw is not None:
        near &= np.cos(path.yaw - yaw) > 0.7
    rows = np.flatnonzero(near)
    passes = np.split(rows, np.flatnonzero(np.diff(rows) > 40) + 1) if len(rows) else []
    return [float(path.station_m[group[np.argmin(distance[group])]]) for group in passes]
