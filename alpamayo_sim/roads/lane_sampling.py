"""Sampling of every lane through `carla.Map` into a `LaneTable`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.roads.lanes import LaneTable, LaneType
from alpamayo_sim.roads.opendrive import LaneRecord, OpenDrive, Road

STEP_M = 1.0
STEP_TOLERANCE = 1.02
MAX_STRETCH = 20.0
MAX_REFINEMENTS = 3
END_MARGIN_M = 1e-3
LINK_PROBE_M = 0.02
NO_MARKING = int(carla.LaneMarkingType.NONE)
MAX_SAMPLES = 4_000_000
DEFAULT_SPEED_LIMIT_KMH = 30.0
KERB_HEIGHT_M = 0.12

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Lane:
    """One sampled lane in driving order."""

    road: Road
    section_id: int
    lane_id: int
    lane_type: int
    is_junction: bool
    speed_limit_kmh: float
    height_m: float
    rows: Floats
    """[n, 7] x, y, z, cos yaw, sin yaw, width, s."""
    marks: NDArray[np.uint8]
    """[n, 4] left type, right type, left colour, right colour."""


def sample_lanes(carla_map: carla.Map, opendrive: OpenDrive) -> LaneTable:
    """Return every lane of every type of `opendrive`, sampled at most 1 m apart along the road.

    Raises InputError when no driving lane can be placed, a coordinate is not finite, or there are too many samples.
    """
    lanes: list[_Lane] = []
    total = 0
    for road in opendrive.roads.values():
        for section in road.sections:
            length = section.end_s - section.start_s
            if length <= 4 * END_MARGIN_M:
                continue
            count = max(2, math.ceil(length / STEP_M) + 1)
            total += count * len(section.lanes)
            if total > MAX_SAMPLES:
                raise InputError(f"the map's lanes are too long together: more than {MAX_SAMPLES:,} samples 1 m apart")
            stations: list[float] = np.linspace(
                section.start_s + END_MARGIN_M, section.end_s - END_MARGIN_M, count
            ).tolist()
            for record in section.lanes:
                lane = _sample_lane(carla_map, road, record, stations)
                if lane is not None:
                    lanes.append(lane)
    if not any(lane.lane_type == LaneType.DRIVING for lane in lanes):
        raise InputError("the map has no driving lane that carla.Map can place: check its road links and lane widths")
    table = _table(lanes)
    if not (np.isfinite(table.xyz).all() and np.isfinite(table.tangent).all() and np.isfinite(table.width).all()):
        raise InputError("carla.Map places a lane at a coordinate that is not finite: check the map's geometry records")
    return _with_links(carla_map, table)


def _sample_lane(carla_map: carla.Map, road: Road, record: LaneRecord, stations: list[float]) -> _Lane | None:
    """Return one lane, sampled more densely where the outer side of a bend stretches it, or None if carla has none."""
    lane = _sample_at(carla_map, road, record, stations)
    for _ in range(MAX_REFINEMENTS):
        if lane is None:
            return None
        longest = float(np.linalg.norm(np.diff(lane.rows[:, :2], axis=0), axis=1).max())
        if longest <= STEP_TOLERANCE * STEP_M or not longest < MAX_STRETCH * STEP_M:
            return lane
        count = math.ceil(len(lane.rows) * longest / STEP_M) + 1
        lane = _sample_at(carla_map, road, record, np.linspace(stations[0], stations[-1], count).tolist())
    return lane


def _sample_at(carla_map: carla.Map, road: Road, record: LaneRecord, stations: list[float]) -> _Lane | None:
    rows: list[tuple[float, ...]] = []
    marks: list[tuple[int, int, int, int]] = []
    seen: carla.Waypoint | None = None
    for s in stations:
        waypoint = carla_map.get_waypoint_xodr(road.road_id, record.lane_id, s)
        if waypoint is None:
            continue
        seen = waypoint
        pose = waypoint.transform
        place, yaw = pose.location, math.radians(pose.rotation.yaw)
        rows.append((place.x, place.y, place.z, math.cos(yaw), math.sin(yaw), waypoint.lane_width, s))
        marks.append(_markings(waypoint))
    if len(rows) < 2 or seen is None:
        return None
    first, second = rows[0], rows[1]
    against = (second[0] - first[0]) * first[3] + (second[1] - first[1]) * first[4] < 0.0
    order = -1 if against else 1
    kerb = KERB_HEIGHT_M if record.lane_type == "sidewalk" else 0.0
    return _Lane(
        road=road,
        section_id=seen.section_id,
        lane_id=record.lane_id,
        lane_type=int(seen.lane_type),
        is_junction=seen.is_junction,
        speed_limit_kmh=_speed_limit(road, record, stations[0]),
        height_m=kerb if record.height_m is None else record.height_m,
        rows=np.array(rows)[::order],
        marks=np.array(marks, dtype=np.uint8)[::order],
    )


def _markings(waypoint: carla.Waypoint) -> tuple[int, int, int, int]:
    left_type, left_color = _marking(waypoint.left_lane_marking)
    right_type, right_color = _marking(waypoint.right_lane_marking)
    return left_type, right_type, left_color, right_color


def _marking(marking: carla.LaneMarking | None) -> tuple[int, int]:
    """Return (type, colour); lanes at the edge of a road may have no marking at all."""
    return (NO_MARKING, 0) if marking is None else (int(marking.type), int(marking.color))


def _speed_limit(road: Road, lane: LaneRecord, s: float) -> float:
    if lane.max_speed_kmh is not None:
        return lane.max_speed_kmh
    limit = DEFAULT_SPEED_LIMIT_KMH
    for start, speed in road.speeds_kmh:
        if start <= s:
            limit = speed
    return limit


def _table(lanes: list[_Lane]) -> LaneTable:
    counts = np.array([len(lane.rows) for lane in lanes], dtype=np.int32)
    stop = np.cumsum(counts, dtype=np.int32)
    start = stop - counts
    rows = np.concatenate([lane.rows for lane in lanes])
    marks = np.concatenate([lane.marks for lane in lanes])
    lane_index = np.repeat(np.arange(len(lanes), dtype=np.int32), counts)
    xyz = np.ascontiguousarray(rows[:, :3])
    steps = np.zeros(len(rows))
    steps[1:] = np.linalg.norm(np.diff(xyz, axis=0), axis=1)
    steps[start] = 0.0
    total = np.cumsum(steps)

    def ints(values: list[int]) -> NDArray[np.int32]:
        return np.array(values, dtype=np.int32)

    return LaneTable(
        xyz=xyz,
        tangent=np.ascontiguousarray(rows[:, 3:5]),
        width=np.maximum(rows[:, 5], 0.0),
        s=rows[:, 6].copy(),
        along_m=total - total[start][lane_index],
        lane_index=lane_index,
        left_marking=marks[:, 0].copy(),
        right_marking=marks[:, 1].copy(),
        left_color=marks[:, 2].copy(),
        right_color=marks[:, 3].copy(),
        road_id=ints([lane.road.road_id for lane in lanes]),
        section=ints([lane.section_id for lane in lanes]),
        lane_id=ints([lane.lane_id for lane in lanes]),
        lane_type=ints([lane.lane_type for lane in lanes]),
        is_junction=np.array([lane.is_junction for lane in lanes], dtype=np.bool_),
        junction_id=ints([lane.road.junction_id for lane in lanes]),
        start=start,
        stop=stop,
        speed_limit_kmh=np.array([lane.speed_limit_kmh for lane in lanes]),
        height_m=np.array([lane.height_m for lane in lanes]),
        next_start=np.zeros(len(lanes) + 1, dtype=np.int32),
        next_lane=np.zeros(0, dtype=np.int32),
    )


def _with_links(carla_map: carla.Map, table: LaneTable) -> LaneTable:
    """Return the table with the driving lanes that follow each driving lane."""
    next_start, next_lane = [0], list[int]()
    for lane in range(len(table)):
        if table.lane_type[lane] == LaneType.DRIVING:
            end = float(table.s[table.stop[lane] - 1])
            waypoint = carla_map.get_waypoint_xodr(int(table.road_id[lane]), int(table.lane_id[lane]), end)
            ahead = [] if waypoint is None else waypoint.next(LINK_PROBE_M)
            found = {table.find(w.road_id, w.lane_id, w.s) for w in ahead} - {lane, -1}
            next_lane.extend(sorted(found))
        next_start.append(len(next_lane))
    return table.replaced(
        next_start=np.array(next_start, dtype=np.int32), next_lane=np.array(next_lane, dtype=np.int32)
    )
