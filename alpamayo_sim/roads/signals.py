"""Traffic lights and signs of a map: where they stand, which lanes they govern, and who takes turns with whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, wrap_degrees
from alpamayo_sim.roads.ground import Ground
from alpamayo_sim.roads.lanes import LaneTable
from alpamayo_sim.roads.light_groups import Groups, light_groups
from alpamayo_sim.roads.opendrive import OpenDrive
from alpamayo_sim.roads.signal_boxes import (
    Box,
    GovernedPlace,
    combined_box,
    lane_pose,
    speed_box,
    stop_line,
    trigger_box,
)
from alpamayo_sim.roads.signal_lanes import Landmark, SignalLanes, read_landmarks

__all__ = ["Box", "SignSpec", "Signals", "TrafficLightSpec", "build_signals"]

TRAFFIC_LIGHT_TYPE = "1000001"
STOP_TYPE, YIELD_TYPE, SPEED_TYPE = "206", "205", "274"
PAINTED_STOP = "Stencil_STOP"
SAME_SIGN_M = 1.0


@dataclass(frozen=True, eq=False)
class TrafficLightSpec:
    """One traffic light."""

    signal_id: str
    transform: Transform
    """Foot of the pole; yaw is the governed traffic's plus 90 degrees, as CARLA places it: the actor's forward vector
    runs across the road and its lamps, which face that traffic, look along yaw + 90."""
    controller_id: str
    """OpenDRIVE controller, "" without one."""
    junction_id: int
    """-1 for a light away from junctions."""
    trigger_box: Box
    """All lane boxes together; its yaw is the actor's, so extent[0] lies across the lanes."""
    lane_boxes: tuple[Box, ...]
    """One per governed lane, yaw in the lane's driving direction."""
    stop_line: NDArray[np.float64]
    """[2, 3] left and right end of the line across the governed lanes."""
    affected_lanes: tuple[tuple[int, int, float], ...]
    """(road id, lane id, s) of the governed places."""


@dataclass(frozen=True)
class SignSpec:
    """One stop, yield, speed limit or other sign. `value` is the limit in km/h as CARLA reads it, else 0."""

    signal_id: str
    type_id: str
    transform: Transform
    boxes: tuple[Box, ...]
    """One per governed lane, yaw in the lane's driving direction."""
    value: float
    affected_lanes: tuple[tuple[int, int, float], ...]


@dataclass(frozen=True)
class Signals:
    """All lights and signs. `groups`: per junction the controllers that take turns, each a tuple of light indices."""

    lights: tuple[TrafficLightSpec, ...]
    signs: tuple[SignSpec, ...]
    groups: Groups


def build_signals(carla_map: carla.Map, opendrive: OpenDrive, lanes: LaneTable, ground: Ground) -> Signals:
    """Return the lights, signs and groups of a map, in the order in which the file names them."""
    landmarks = read_landmarks(carla_map)
    governed = SignalLanes(lanes)
    named = [signal_id for signal_id in opendrive.signal_ids if signal_id in landmarks]
    order = [*named, *sorted(landmarks.keys() - set(named), key=lambda i: (len(i), i))]
    kinds = {signal_id: landmarks[signal_id][0].signal_type for signal_id in order}
    light_ids = [i for i in order if kinds[i] == TRAFFIC_LIGHT_TYPE]
    sign_ids = [i for i in order if kinds[i] != TRAFFIC_LIGHT_TYPE]
    lights = _lights(light_ids, landmarks, governed, opendrive, lanes, ground)
    signs = _signs(sign_ids, landmarks, governed, lanes, ground)
    groups = light_groups(
        opendrive,
        [light.signal_id for light in lights],
        [light.junction_id for light in lights],
        [light.affected_lanes[0][0] for light in lights],
    )
    return Signals(lights, signs, groups)


def _lights(
    signal_ids: Sequence[str],
    landmarks: dict[str, list[Landmark]],
    governed: SignalLanes,
    opendrive: OpenDrive,
    lanes: LaneTable,
    ground: Ground,
) -> tuple[TrafficLightSpec, ...]:
    controller_of: dict[str, str] = {}
    for controller in opendrive.controllers.values():
        for signal_id in controller.signal_ids:
            controller_of.setdefault(signal_id, controller.controller_id)
    junction_of = {c: j.junction_id for j in opendrive.junctions.values() for c in j.controller_ids}
    direct = {signal_id: governed.places(landmarks[signal_id]) for signal_id in signal_ids}
    taken = {place.lane for places in direct.values() for place in places}
    lights: list[TrafficLightSpec] = []
    for signal_id, own in direct.items():
        if not own:
            continue
        places = governed.with_siblings(own, taken)
        taken.update(place.lane for place in places)
        controller = controller_of.get(signal_id, "")
        ahead = sorted(governed.junctions_ahead(own[0].lane))
        junction_id = junction_of.get(controller, ahead[0] if ahead else -1)
        lights.append(_light(landmarks[signal_id][0], places, controller, junction_id, lanes, ground))
    return tuple(lights)


def _light(
    landmark: Landmark,
    places: list[GovernedPlace],
    controller_id: str,
    junction_id: int,
    lanes: LaneTable,
    ground: Ground,
) -> TrafficLightSpec:
    boxes = tuple(trigger_box(lanes, place) for place in places)
    pose = _pose(landmark, places, lanes, ground)
    return TrafficLightSpec(
        signal_id=landmark.signal_id,
        transform=pose,
        controller_id=controller_id,
        junction_id=junction_id,
        trigger_box=combined_box(boxes, pose.yaw),
        lane_boxes=boxes,
        stop_line=stop_line(lanes, places),
        affected_lanes=_affected(lanes, places),
    )


def _signs(
    signal_ids: Sequence[str],
    landmarks: dict[str, list[Landmark]],
    governed: SignalLanes,
    lanes: LaneTable,
    ground: Ground,
) -> tuple[SignSpec, ...]:
    signs: list[SignSpec] = []
    for signal_id in signal_ids:
        landmark = landmarks[signal_id][0]
        if landmark.name == PAINTED_STOP:
            continue
        type_id, value = _sign_type(landmark)
        places = governed.places(landmarks[signal_id])
        make_box = speed_box if landmark.signal_type == SPEED_TYPE else trigger_box
        sign = SignSpec(
            signal_id,
            type_id,
            _pose(landmark, places, lanes, ground),
            tuple(make_box(lanes, place) for place in places),
            value,
            _affected(lanes, places),
        )
        if not any(_is_same(sign, other) for other in signs):
            signs.append(sign)
    return tuple(signs)


def _sign_type(landmark: Landmark) -> tuple[str, float]:
    if landmark.signal_type == STOP_TYPE:
        return "traffic.stop", 0.0
    if landmark.signal_type == YIELD_TYPE:
        return "traffic.yield", 0.0
    if landmark.signal_type == SPEED_TYPE:
        limit = float(landmark.subtype) if landmark.subtype.isdecimal() else landmark.value
        if limit > 0:
            return f"traffic.speed_limit.{round(limit)}", limit
    return "traffic.unknown", 0.0


def _is_same(one: SignSpec, other: SignSpec) -> bool:
    gap = np.subtract(one.transform[:3], other.transform[:3])
    return (
        one.type_id == other.type_id
        and bool(np.linalg.norm(gap) < SAME_SIGN_M)
        and (abs(wrap_degrees(one.transform.yaw - other.transform.yaw)) < 30.0)
    )


def _pose(landmark: Landmark, places: list[GovernedPlace], lanes: LaneTable, ground: Ground) -> Transform:
    """Return the actor's pose: the signal's place on the ground, turned across the traffic it governs."""
    x, y, z = landmark.xyz
    travel = landmark.yaw_deg
    if places:
        first = lane_pose(lanes, places[0].lane, places[0].along_m)
        travel, z = first.yaw_deg, first.xyz[2]
    height, _ = ground.height(np.array([[x, y]]), z)
    return Transform(x, y, float(height[0]), 0.0, wrap_degrees(travel + 90.0), 0.0)


def _affected(lanes: LaneTable, places: list[GovernedPlace]) -> tuple[tuple[int, int, float], ...]:
    return tuple(
        (int(lanes.road_id[p.lane]), int(lanes.lane_id[p.lane]), lane_pose(lanes, p.lane, p.along_m).s) for p in places
    )
