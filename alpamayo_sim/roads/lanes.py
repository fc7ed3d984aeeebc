"""Every lane of a map as sampled arrays in the CARLA world frame, and vectorised queries on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.lane_grid import LaneGrid, Stations, build_lane_grid, lane_hits

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bytes = NDArray[np.uint8]


class LaneType(IntEnum):
    """OpenDRIVE lane types with the values of `carla.LaneType`, so that they combine into masks."""

    NONE = 0x1
    DRIVING = 0x1 << 1
    STOP = 0x1 << 2
    SHOULDER = 0x1 << 3
    BIKING = 0x1 << 4
    SIDEWALK = 0x1 << 5
    BORDER = 0x1 << 6
    RESTRICTED = 0x1 << 7
    PARKING = 0x1 << 8
    BIDIRECTIONAL = 0x1 << 9
    MEDIAN = 0x1 << 10
    SPECIAL1 = 0x1 << 11
    SPECIAL2 = 0x1 << 12
    SPECIAL3 = 0x1 << 13
    ROADWORKS = 0x1 << 14
    TRAM = 0x1 << 15
    RAIL = 0x1 << 16
    ENTRY = 0x1 << 17
    EXIT = 0x1 << 18
    OFFRAMP = 0x1 << 19
    ONRAMP = 0x1 << 20


ANY_LANE = 0x7FFFFFFF
UNLIMITED_M = 1e6
WALKABLE = LaneType.SIDEWALK | LaneType.SHOULDER
DRIVABLE = LaneType.DRIVING | LaneType.BIDIRECTIONAL | LaneType.PARKING | LaneType.STOP


@dataclass(frozen=True, eq=False)
class LaneHits:
    """The lane nearest to each of M query points. `lane_index` is -1 where no lane of the asked types is in reach."""

    lane_index: Ints
    """[M] index of the lane, or -1."""
    sample: Ints
    """[M] index of the sample that begins the nearest segment."""
    fraction: Floats
    """[M] place of the foot point within its segment, 0 at `sample`, 1 at the next one."""
    distance: Floats
    """[M] horizontal distance to the lane's centre line, metres; infinite without a lane."""
    lateral_m: Floats
    """[M] signed offset from the centre line, positive to the right of the driving direction."""
    along_m: Floats
    """[M] metres from the lane's start in its driving direction."""
    along_s: Floats
    """[M] OpenDRIVE road coordinate s."""
    xyz: Floats
    """[M, 3] foot point on the centre line."""
    yaw_deg: Floats
    """[M] CARLA yaw of the lane's driving direction."""
    width: Floats
    """[M] lane width in metres."""

    @property
    def inside(self) -> NDArray[np.bool_]:
        """[M] whether the point lies on the lane's surface."""
        return (self.lane_index >= 0) & (self.distance <= 0.5 * self.width)


@dataclass(frozen=True, eq=False)
class LaneTable:
    """All lanes of all types, sampled at most 1 m apart in their driving direction (structure of arrays).

    N samples, L lanes (one per road, lane section and lane id). The samples of lane i are `start[i]:stop[i]`.
    """

    xyz: Floats
    """[N, 3] centre line, CARLA world frame, metres."""
    tangent: Floats
    """[N, 2] unit driving direction in the x-y plane."""
    width: Floats
    """[N] metres."""
    s: Floats
    """[N] OpenDRIVE road coordinate (falls along the lanes that run against their road)."""
    along_m: Floats
    """[N] metres from the lane's start in driving direction."""
    lane_index: Ints
    """[N] lane of the sample."""
    left_marking: Bytes
    """[N] `carla.LaneMarkingType` on the left of the driving direction."""
    right_marking: Bytes
    left_color: Bytes
    """[N] `carla.LaneMarkingColor`."""
    right_color: Bytes

    road_id: Ints
    section: Ints
    lane_id: Ints
    lane_type: Ints
    """[L] `LaneType`."""
    is_junction: NDArray[np.bool_]
    junction_id: Ints
    """[L] -1 outside junctions."""
    start: Ints
    stop: Ints
    speed_limit_kmh: Floats
    height_m: Floats
    """[L] height of the lane's surface above the road (kerb height of a sidewalk)."""
    next_start: Ints
    """[L + 1] first entry of each lane in `next_lane`."""
    next_lane: Ints
    """Driving lanes that follow a driving lane, by lane."""

    def __len__(self) -> int:
        return len(self.road_id)

    @cached_property
    def length_m(self) -> Floats:
        """[L] length of each lane's centre line in metres."""
        return self.along_m[self.stop - 1]

    @cached_property
    def grid(self) -> LaneGrid:
        """The numba-callable segment grid over all lanes."""
        return build_lane_grid(
            self.xyz, self.tangent, self.width, self.lane_index, self.lane_type, self.start, self.stop
        )

    @cached_property
    def _by_road_lane(self) -> dict[tuple[int, int], list[int]]:
        index: dict[tuple[int, int], list[int]] = {}
        for lane, key in enumerate(zip(self.road_id.tolist(), self.lane_id.tolist(), strict=True)):
            index.setdefault(key, []).append(lane)
        return index

    def find(self, road_id: int, lane_id: int, s: float) -> int:
        """Return the index of the lane at road coordinate `s`, or -1 where there is none."""
        best, best_gap = -1, 0.05
        for lane in self._by_road_lane.get((road_id, lane_id), ()):
            ends = self.s[self.start[lane]], self.s[self.stop[lane] - 1]
            gap = max(min(ends) - s, s - max(ends))
            if gap < best_gap:
                best, best_gap = lane, gap
        return best

    def along_at(self, lane: int, s: float) -> float:
        """Return the metres from the start of `lane` at OpenDRIVE road coordinate `s`."""
        part = slice(int(self.start[lane]), int(self.stop[lane]))
        stations, along = self.s[part], self.along_m[part]
        order = slice(None, None, -1 if stations[-1] < stations[0] else 1)
        return float(np.interp(s, stations[order], along[order]))

    def next_lanes(self, lane: int) -> Ints:
        """Return the driving lanes that begin where driving lane `lane` ends."""
        return self.next_lane[self.next_start[lane] : self.next_start[lane + 1]]

    def replaced(self, **arrays: NDArray[Any]) -> LaneTable:
        """Return a table with some arrays exchanged."""
        return replace(self, **arrays)

    def nearest(
        self,
        xy: Floats,
        z: Floats | None = None,
        heading: Floats | None = None,
        lane_types: int = LaneType.DRIVING,
        *,
        on_surface: bool = False,
        max_distance_m: float = np.inf,
    ) -> LaneHits:
        """Return for each point [M, 2] the lane whose centre line is nearest (as `carla.Map.get_waypoint`).

        `z` [M] makes the distance three-dimensional, so that bridges are told apart. `heading` [M, 2] (unit vectors)
        prefers lanes that run the same way: a lane at an angle a counts as 2 m (1 - cos a) farther. `lane_types` is a
        mask of `LaneType`. With `on_surface` only lanes whose surface holds the point count.
        """
        xy = np.ascontiguousarray(xy, dtype=np.float64).reshape(-1, 2)
        heights = np.full(len(xy), np.nan) if z is None else np.ascontiguousarray(z, dtype=np.float64).reshape(-1)
        headings = np.zeros_like(xy) if heading is None else np.ascontiguousarray(heading, dtype=np.float64)
        lane_index, sample, values = lane_hits(
            self.grid.arrays,
            Stations(self.along_m, self.s),
            xy,
            heights,
            headings.reshape(-1, 2),
            int(lane_types),
            on_surface,
            float(min(max_distance_m, UNLIMITED_M)),
        )
        return LaneHits(
            lane_index=lane_index,
            sample=sample,
            fraction=values[:, 0],
            distance=values[:, 1],
            lateral_m=values[:, 2],
            along_m=values[:, 3],
            along_s=values[:, 4],
            xyz=values[:, 5:8],
            yaw_deg=values[:, 8],
            width=values[:, 9],
        )
