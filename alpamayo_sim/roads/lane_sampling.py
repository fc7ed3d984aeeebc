"""Sampling of every lane through `carla.Map` into a `LaneTable`."""

from __future__ import annotations

import math

import carla
import numpy as np

from alpamayo_sim.errors import InputError
from alpamayo_sim.roads.lanes import LaneTable, LaneType
from alpamayo_sim.roads.opendrive import LaneRecord, OpenDrive, Road

STEP_M = 1.0
END_MARGIN_M = 1e-3
DEFAULT_SPEED_LIMIT_KMH = 30.0
KERB_HEIGHT_M = 0.12


def _speed_limit(road: Road, lane: LaneRecord, s: float) -> float:
    if lane.max_speed_kmh is not None:
        return lane.max_speed_kmh
    limit = DEFAULT_SPEED_LIMIT_KMH
    for start, speed in road.speeds_kmh:
        if start <= s:
            limit = speed
    return limit


def sample_lanes(carla_map: carla.Map, opendrive: OpenDrive) -> LaneTable:
    """Return every lane of every type of `opendrive`, sampled at most 1 m apart along the road."""
    rows: list[tuple[float, ...]] = []
    marks: list[tuple[int, int, int, int]] = []
    lanes: list[tuple[float, ...]] = []
    get = carla_map.get_waypoint_xodr
    for road in opendrive.roads.values():
        for section in road.sections:
            length = section.end_s - section.start_s
            if length <= 4 * END_MARGIN_M:
                continue
            count = max(2, math.ceil(length / STEP_M) + 1)
            stations = np.linspace(section.start_s + END_MARGIN_M, section.end_s - END_MARGIN_M, count).tolist()
            for lane in section.lanes:
                begin = len(rows)
                waypoint = None
                for s in stations:
                    waypoint = get(road.road_id, lane.lane_id, s)
                    if waypoint is None:
                        continue
                    pose = waypoint.transform
                    place = pose.location
                    yaw = math.radians(pose.rotation.yaw)
                    rows.append((place.x, place.y, place.z, math.cos(yaw), math.sin(yaw), waypoint.lane_width, s))
                    left, right = waypoint.left_lane_marking, waypoint.right_lane_marking
                    if left is None or right is None:
                        marks.append(_marks(left, right))
                    else:
                        marks.append((int(left.type), int(right.type), int(left.color), int(right.color)))
                if len(rows) - begin < 2 or waypoint is None:
                    del rows[begin:], marks[begin:]
                    continue
                if _runs_backwards(rows[begin], rows[-1], rows[begin + 1]):
                    rows[begin:] = rows[begin:][::-1]
                    marks[begin:] = marks[begin:][::-1]
                raised = KERB_HEIGHT_M if lane.lane_type == "sidewalk" else 0.0
                lanes.append((
                    road.road_id, waypoint.section_id, lane.lane_id, int(waypoint.lane_type), waypoint.is_junction,
                    road.junction_id, begin, len(rows), _speed_limit(road, lane, section.start_s),
                    raised if lane.height_m is None else lane.height_m,
                ))  # fmt: skip
    if not any(lane[3] == LaneType.DRIVING for lane in lanes):
        raise InputError("the map has no driving lane that carla.Map can place")
    return _table(np.array(rows), np.array(marks, dtype=np.uint8), np.array(lanes))


def _marks(left: carla.LaneMarking | None, right: carla.LaneMarking | None) -> tuple[int, int, int, int]:
    none = int(carla.LaneMarkingType.NONE)
    return (
        none if left is None else int(left.type),
        none if right is None else int(right.type),
        0 if left is None else int(left.color),
        0 if right is None else int(right.color),
    )


def _runs_backwards(first: tuple[float, ...], last: tuple[float, ...], second: tuple[float, ...]) -> bool:
    """Whether the driving direction at the first sample points away from the second one."""
    return (second[0] - first[0]) * first[3] + (second[1] - first[1]) * first[4] < 0.0


def _table(rows: np.ndarray, marks: np.ndarray, lanes: np.ndarray) -> LaneTable:
    start, stop = lanes[:, 6].astype(np.int32), lanes[:, 7].astype(np.int32)
    xyz = np.ascontiguousarray(rows[:, :3])
    lane_index = np.repeat(np.arange(len(lanes), dtype=np.int32), stop - start)
    steps = np.zeros(len(rows))
    steps[1:] = np.linalg.norm(np.diff(xyz, axis=0), axis=1)
    total = np.cumsum(steps)
    return LaneTable(
        xyz=xyz,
        tangent=np.ascontiguousarray(rows[:, 3:5]),
        width=rows[:, 5].copy(),
        s=rows[:, 6].copy(),
        along_m=total - total[start][lane_index],
        lane_index=lane_index,
        left_marking=marks[:, 0].copy(),
        right_marking=marks[:, 1].copy(),
        left_color=marks[:, 2].copy(),
        right_color=marks[:, 3].copy(),
        road_id=lanes[:, 0].astype(np.int32),
        section=lanes[:, 1].astype(np.int32),
        lane_id=lanes[:, 2].astype(np.int32),
        lane_type=lanes[:, 3].astype(np.int32),
        is_junction=lanes[:, 4].astype(np.bool_),
        junction_id=lanes[:, 5].astype(np.int32),
        start=start,
        stop=stop,
        speed_limit_kmh=lanes[:, 8].copy(),
        height_m=lanes[:, 9].copy(),
    )
