"""Traffic lights and signs of a map: where they stand, which lanes they govern, and who takes turns with whom.

Trigger volumes follow CARLA's `TrafficLightComponent` and `SignComponent`: one box per governed driving lane, 3 m upstream
of the signal's place on the lane, half extents 1.5 m x 0.25 lane widths x 1 m; a place inside a junction moves to
the end of the single lane that leads there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, wrap_degrees
from alpamayo_sim.roads.lanes import LaneTable, LaneType
from alpamayo_sim.roads.opendrive import OpenDrive, SignalRecord

TRAFFIC_LIGHT_TYPE = "1000001"
BOX_SHIFT_M = 3.0
BOX_HALF_LENGTH_M = 1.5
BOX_WIDTH_FRACTION = 0.25
BOX_HALF_HEIGHT_M = 1.0


@dataclass(frozen=True)
class Box:
    """An upright box in the CARLA world frame: centre and half extents in metres, yaw in degrees."""

    center: tuple[float, float, float]
    extent: tuple[float, float, float]
    yaw_deg: float


@dataclass(frozen=True, eq=False)
class TrafficLightSpec:
    """One traffic light."""

    signal_id: str
    transform: Transform
    """Pose of the actor; its forward vector runs across the road, as CARLA places it (signal yaw + 90 degrees)."""
    controller_id: str
    """OpenDRIVE controller, "" without one."""
    junction_id: int
    """-1 for a light away from junctions."""
    trigger_box: Box
    """All lane boxes together; its yaw is the actor's, so extent[0] lies across the lanes."""
    lane_boxes: tuple[Box, ...]
    """One per governed lane, yaw in the lane's driving direction."""
    stop_line: NDArray[np.float64]
    """[2, 3] left and right end, where the governed lanes end."""
    affected_lanes: tuple[tuple[int, int, float], ...]
    """(road id, lane id, s) of the governed places."""
    light_boxes: tuple[Box, ...]
    """Boxes of the lamp housings."""


@dataclass(frozen=True)
class SignSpec:
    """One stop, yield, speed limit or other sign."""

    signal_id: str
    type_id: str
    transform: Transform
    boxes: tuple[Box, ...]
    value: float
    affected_lanes: tuple[tuple[int, int, float], ...]


@dataclass(frozen=True)
class Signals:
    """All lights and signs. `groups` takes turns: per junction the controllers in their order, each a tuple of light indices."""

    lights: tuple[TrafficLightSpec, ...]
    signs: tuple[SignSpec, ...]
    groups: tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True)
class _Place:
    """A governed spot on a lane: index of the lane, sample nearest to the spot."""

    lane: int
    sample: int
    s: float


class _Builder:
    def __init__(self, carla_map: carla.Map, opendrive: OpenDrive, lanes: LaneTable) -> None:
        self.carla_map = carla_map
        self.opendrive = opendrive
        self.lanes = lanes
        self.references: dict[str, list[SignalRecord]] = {}
        for record in opendrive.references():
            self.references.setdefault(record.signal_id, []).append(record)
        self.landmark_pose: dict[str, carla.Transform] = {}
        for landmark in carla_map.get_all_landmarks():
            self.landmark_pose.setdefault(landmark.id, landmark.transform)

    def places(self, signal_id: str) -> list[_Place]:
        """Return the governed spots of a signal, one per lane, junction lanes moved to the lane that leads to them."""
        found: dict[int, _Place] = {}
        for record in self.references.get(signal_id, ()):
            for lane_id in self._valid_lanes(record):
                lane = self.lanes.find(record.road_id, lane_id, record.s)
                if lane < 0 or self.lanes.lane_type[lane] != LaneType.DRIVING:
                    continue
                place = self._upstream(lane, record.s)
                found.setdefault(place.lane, place)
        return list(found.values())

    def _valid_lanes(self, record: SignalRecord) -> list[int]:
        spans = record.validities
        if not spans:
            lanes = [
                lane.lane_id
                for section in self.opendrive.roads[record.road_id].sections
                for lane in section.lanes
                if lane.lane_type == "driving"
            ]
            positive, negative = record.orientation != "-", record.orientation != "+"
            return sorted({i for i in lanes if (i > 0 and positive) or (i < 0 and negative)})
        return sorted({i for low, high in spans for i in range(min(low, high), max(low, high) + 1) if i != 0})

    def _upstream(self, lane: int, s: float) -> _Place:
        lanes = self.lanes
        if lanes.is_junction[lane]:
            first = lanes.start[lane]
            begin = self.carla_map.get_waypoint_xodr(
                int(lanes.road_id[lane]), int(lanes.lane_id[lane]), float(lanes.s[first])
            )
            before = [] if begin is None else begin.previous(0.2)
            if len(before) == 1 and not before[0].is_junction:
                feeder = lanes.find(before[0].road_id, before[0].lane_id, before[0].s)
                if feeder >= 0:
                    last = int(lanes.stop[feeder]) - 1
                    return _Place(feeder, last, float(lanes.s[last]))
        span = slice(int(lanes.start[lane]), int(lanes.stop[lane]))
        return _Place(lane, span.start + int(np.argmin(np.abs(lanes.s[span] - s))), s)

    def box(self, place: _Place) -> Box:
        """Return the trigger box of a governed spot."""
        lanes = self.lanes
        start, stop = int(lanes.start[place.lane]), int(lanes.stop[place.lane])
        along = lanes.along_m[start:stop]
        target = max(0.0, float(lanes.along_m[place.sample]) - BOX_SHIFT_M)
        center = [float(np.interp(target, along, lanes.xyz[start:stop, k])) for k in range(3)]
        k = start + min(int(np.searchsorted(along, target)), stop - start - 1)
        yaw = float(np.degrees(np.arctan2(lanes.tangent[k, 1], lanes.tangent[k, 0])))
        half_width = BOX_WIDTH_FRACTION * float(lanes.width[k])
        return Box(
            (center[0], center[1], center[2] + BOX_HALF_HEIGHT_M),
            (BOX_HALF_LENGTH_M, half_width, BOX_HALF_HEIGHT_M),
            yaw,
        )

    def stop_line(self, places: Sequence[_Place]) -> NDArray[np.float64]:
        """Return [2, 3]: left and right end of the line across the governed lanes at their signal place."""
        lanes = self.lanes
        samples = np.array([place.sample for place in places])
        forward = lanes.tangent[samples[0]]
        left = np.array([forward[1], -forward[0]])
        ends: list[NDArray[np.float64]] = []
        for sample in samples:
            half = 0.5 * lanes.width[sample]
            for sign in (1.0, -1.0):
                end = lanes.xyz[sample].copy()
                end[:2] += sign * half * left
                ends.append(end)
        across = np.array([end[:2] @ left for end in ends])
        return np.array([ends[int(np.argmax(across))], ends[int(np.argmin(across))]])

    def transform(self, signal_id: str, travel_yaw_deg: float) -> Transform:
        """Return the pose at the signal, turned so that it faces the traffic it governs."""
        pose = self.landmark_pose[signal_id]
        return Transform(
            pose.location.x, pose.location.y, pose.location.z, 0.0, wrap_degrees(travel_yaw_deg - 90.0), 0.0
        )


def _combined(boxes: Sequence[Box], yaw_deg: float) -> Box:
    """Return the box with the given yaw around all `boxes`."""
    angle = np.radians(yaw_deg)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners: list[NDArray[np.float64]] = []
    for box in boxes:
        turn = np.radians(box.yaw_deg)
        forward, side = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        for a in (-1, 1):
            for b in (-1, 1):
                corners.append(np.array(box.center[:2]) + a * box.extent[0] * forward + b * box.extent[1] * side)
    local = np.array(corners) @ axes.T
    low, high = local.min(axis=0), local.max(axis=0)
    bottom = min(box.center[2] - box.extent[2] for box in boxes)
    top = max(box.center[2] + box.extent[2] for box in boxes)
    middle = axes.T @ (0.5 * (low + high))
    half = 0.5 * (high - low)
    return Box(
        (float(middle[0]), float(middle[1]), 0.5 * (bottom + top)),
        (float(half[0]), float(half[1]), 0.5 * (top - bottom)),
        yaw_deg,
    )


def _light(builder: _Builder, record: SignalRecord, controller_id: str, junction_id: int) -> TrafficLightSpec | None:
    places = builder.places(record.signal_id)
    if not places or record.signal_id not in builder.landmark_pose:
        return None
    boxes = tuple(builder.box(place) for place in places)
    transform = builder.transform(record.signal_id, boxes[0].yaw_deg)
    lanes = builder.lanes
    lamp = Box((transform.x, transform.y, transform.z), (0.25, 0.25, 0.6), transform.yaw)
    return TrafficLightSpec(
        record.signal_id,
        transform,
        controller_id,
        junction_id,
        _combined(boxes, transform.yaw),
        boxes,
        builder.stop_line(places),
        tuple((int(lanes.road_id[p.lane]), int(lanes.lane_id[p.lane]), p.s) for p in places),
        (lamp,),
    )


def build_signals(carla_map: carla.Map, opendrive: OpenDrive, lanes: LaneTable) -> Signals:
    """Return the lights, signs and groups of a map."""
    builder = _Builder(carla_map, opendrive, lanes)
    controller_of = {sid: c.controller_id for c in opendrive.controllers.values() for sid in c.signal_ids}
    junction_of = {cid: j.junction_id for j in opendrive.junctions.values() for cid in j.controller_ids}
    lights: list[TrafficLightSpec] = []
    for record in opendrive.signals.values():
        if record.signal_type != TRAFFIC_LIGHT_TYPE:
            continue
        controller = controller_of.get(record.signal_id, "")
        light = _light(builder, record, controller, junction_of.get(controller, -1))
        if light is not None:
            lights.append(light)
    return Signals(tuple(lights), (), _groups(opendrive, lights))


def _groups(opendrive: OpenDrive, lights: Sequence[TrafficLightSpec]) -> tuple[tuple[tuple[int, ...], ...], ...]:
    by_controller: dict[str, list[int]] = {}
    for index, light in enumerate(lights):
        by_controller.setdefault(light.controller_id, []).append(index)
    groups: list[tuple[tuple[int, ...], ...]] = []
    grouped: set[str] = set()
    for junction in opendrive.junctions.values():
        members = [tuple(by_controller[c]) for c in junction.controller_ids if c in by_controller]
        grouped.update(junction.controller_ids)
        if members:
            groups.append(tuple(members))
    for controller, members in by_controller.items():
        if controller and controller not in grouped:
            groups.append((tuple(members),))
    groups.extend(((index,),) for index in by_controller.get("", ()))
    return tuple(groups)
