"""The driving lanes of a map as a graph: sampled segments, what follows them, and where lanes may be changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import carla
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from alpamayo_sim.errors import InputError

Array = NDArray[np.float64]
LaneKey = tuple[int, int, int]
"""OpenDRIVE road id, lane section index, lane id."""


@dataclass(frozen=True, eq=False)
class LaneSegment:
    """One driving lane of one lane section, sampled from its start to its end in driving direction, CARLA world frame."""

    index: int
    key: LaneKey
    points: Array
    """[K, 3] metres."""
    yaw_deg: Array
    """[K] heading of the lane."""
    width_m: Array
    """[K]"""
    arc_m: Array
    """[K] distance from the start of the segment."""
    junction_id: int
    """-1 outside junctions."""
    left: int
    """Index of the segment beside it that runs the same way, -1 if there is none."""
    right: int
    may_change_left: NDArray[np.bool_]
    """[K] where the markings allow a change to `left`."""
    may_change_right: NDArray[np.bool_]
    opposite: int
    """Index of the segment on its left that runs the other way, -1 if there is none."""

    @property
    def length_m(self) -> float:
        """Length along the lane, metres."""
        return float(self.arc_m[-1])

    @property
    def is_junction(self) -> bool:
        """Whether the segment lies inside a junction."""
        return self.junction_id >= 0

    def heading(self, sample: int) -> Array:
        """Return the unit vector [2] of the lane's heading at a sample."""
        yaw = np.radians(self.yaw_deg[sample])
        return np.array([np.cos(yaw), np.sin(yaw)])


def _key(waypoint: carla.Waypoint) -> LaneKey:
    return (waypoint.road_id, waypoint.section_id, waypoint.lane_id)


def _drivable(waypoint: carla.Waypoint | None) -> bool:
    return waypoint is not None and waypoint.lane_type == carla.LaneType.Driving


class LaneGraph:
    """All driving lanes of one map. Build it once per map: `LaneGraph.of(carla_map)` remembers the last few."""

    _remembered: ClassVar[dict[str, LaneGraph]] = {}

    def __init__(self, carla_map: carla.Map, sampling_m: float = 1.0) -> None:
        self.name = carla_map.name
        topology = carla_map.get_topology()
        entries: dict[LaneKey, carla.Waypoint] = {}
        for start, following in topology:
            entries.setdefault(_key(start), start)
            entries.setdefault(_key(following), following)
        isolated: dict[LaneKey, list[carla.Waypoint]] = {}
        for waypoint in carla_map.generate_waypoints(2.0):
            if _key(waypoint) not in entries:  # the topology leaves out lanes that nothing leads to or from
                isolated.setdefault(_key(waypoint), []).append(waypoint)
        for key, waypoints in isolated.items():
            entries[key] = min(waypoints, key=lambda w: -w.s if w.lane_id > 0 else w.s)
        if not entries:
            raise InputError(
                f"{self.name} has no driving lane, so nothing can be driven there; check the OpenDRIVE file"
            )
        keys = sorted(entries)
        index_of = {key: index for index, key in enumerate(keys)}
        self.segments = [self._sample(index_of, entries[key], sampling_m) for key in keys]
        after: list[set[int]] = [set() for _ in keys]
        for start, following in topology:
            after[index_of[_key(start)]].add(index_of[_key(following)])
        self.successors = [tuple(sorted(found)) for found in after]
        before: list[list[int]] = [[] for _ in keys]
        for index, found in enumerate(self.successors):
            for successor in found:
                before[successor].append(index)
        self.predecessors = [tuple(found) for found in before]
        sizes = [len(segment.points) for segment in self.segments]
        self.sample_segment = np.repeat(np.arange(len(keys)), sizes)
        self.sample_index = np.concatenate([np.arange(size) for size in sizes])
        self.sample_points = np.concatenate([segment.points for segment in self.segments])
        self.sample_yaw_deg = np.concatenate([segment.yaw_deg for segment in self.segments])
        self._tree = KDTree(self.sample_points)

    @classmethod
    def of(cls, carla_map: carla.Map) -> LaneGraph:
        """Return the graph of this map at 1 m, built on first use."""
        digest = hashlib.sha256(carla_map.to_opendrive().encode()).hexdigest()
        if digest not in cls._remembered:
            while len(cls._remembered) >= 8:
                cls._remembered.pop(next(iter(cls._remembered)))
            cls._remembered[digest] = cls(carla_map)
        return cls._remembered[digest]

    @staticmethod
    def _sample(index_of: dict[LaneKey, int], entry: carla.Waypoint, sampling_m: float) -> LaneSegment:
        waypoints = [entry]
        for waypoint in entry.next_until_lane_end(sampling_m):  # runs on through the road's other lane sections
            waypoints.append(waypoint)
            if _key(waypoint) != _key(entry):
                break
        rows: list[tuple[float, float, float, float, float]] = []
        beside: dict[str, list[int]] = {"left": [], "right": [], "opposite": []}
        allowed: dict[str, list[bool]] = {"left": [], "right": []}
        for waypoint in waypoints:
            pose = waypoint.transform
            where = pose.location
            if rows and abs(where.x - rows[-1][0]) + abs(where.y - rows[-1][1]) < 1e-3:
                continue
            rows.append((where.x, where.y, where.z, pose.rotation.yaw, waypoint.lane_width))
            if _key(waypoint) != _key(entry):
                allowed["left"].append(False)
                allowed["right"].append(False)
                continue
            change = int(waypoint.lane_change)
            for side, neighbour, bit in (
                ("left", waypoint.get_left_lane(), int(carla.LaneChange.Left)),
                ("right", waypoint.get_right_lane(), int(carla.LaneChange.Right)),
            ):
                same_way = False
                if neighbour is not None and _drivable(neighbour) and neighbour.road_id == waypoint.road_id:
                    index = index_of.get(_key(neighbour), -1)
                    same_way = index >= 0 and neighbour.lane_id * waypoint.lane_id > 0
                    if index >= 0:
                        beside[side if same_way else "opposite"].append(index)
                allowed[side].append(same_way and bool(change & bit))
        table = np.array(rows, dtype=np.float64)
        steps = np.linalg.norm(np.diff(table[:, :3], axis=0), axis=1) if len(table) > 1 else np.zeros(0)
        return LaneSegment(
            index=index_of[_key(entry)],
            key=_key(entry),
            points=table[:, :3],
            yaw_deg=(table[:, 3] + 180.0) % 360.0 - 180.0,
            width_m=table[:, 4],
            arc_m=np.concatenate([[0.0], np.cumsum(steps)]),
            junction_id=entry.junction_id if entry.is_junction else -1,
            left=_most_common(beside["left"]),
            right=_most_common(beside["right"]),
            may_change_left=np.array(allowed["left"], dtype=bool),
            may_change_right=np.array(allowed["right"], dtype=bool),
            opposite=_most_common(beside["opposite"]),
        )

    def nearest(
        self, point: Array, *, within_m: float = 5.0, yaw_deg: float | None = None
    ) -> list[tuple[float, int, int]]:
        """Return (distance in metres, segment, sample) of every lane near a point [3], nearest first, one entry a lane.

        Lanes whose heading is more than 90 degrees off `yaw_deg`, if given, are left out. The distance is in three
        dimensions, measured across the lane where the point lies between two samples.
        """
        best: dict[int, tuple[float, float, int]] = {}
        for sample in self._tree.query_ball_point(point, within_m + 1.0):
            off = point - self.sample_points[sample]
            yaw = np.radians(self.sample_yaw_deg[sample])
            if yaw_deg is not None and np.cos(yaw - np.radians(yaw_deg)) < 0.0:
                continue
            along = float(off[0] * np.cos(yaw) + off[1] * np.sin(yaw))
            excess = max(0.0, abs(along) - 0.75)
            flat = float(off[1] * np.cos(yaw) - off[0] * np.sin(yaw))
            distance = float(np.sqrt(flat * flat + excess * excess + off[2] * off[2]))
            segment = int(self.sample_segment[sample])
            found = (distance, abs(along), int(self.sample_index[sample]))
            if distance <= within_m and (segment not in best or found < best[segment]):
                best[segment] = found
        return sorted((distance, segment, sample) for segment, (distance, _, sample) in best.items())

    def nearest_samples(self, points: Array, count: int = 8) -> tuple[Array, NDArray[np.int64]]:
        """Return distances [M, count] and sample rows [M, count] of the samples nearest to points [M, 3]."""
        distance, row = self._tree.query(points, k=count)
        return np.asarray(distance), np.asarray(row)


def _most_common(values: list[int]) -> int:
    return max(sorted(set(values)), key=values.count) if values else -1
