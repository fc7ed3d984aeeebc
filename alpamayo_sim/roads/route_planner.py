"""Routes along the lanes of a map: dense points with road options, as CARLA's global route planner hands them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.lane_graph import LaneGraph
from alpamayo_sim.roads.lane_search import LanePiece, merge_pieces, search, spread_lane_changes
from alpamayo_sim.roads.road_options import RoadOption, turn_option

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

OFF_MAP_M = 5.0
"""A route point must lie this close to a driving lane."""
AMBIGUOUS_M = 0.75
"""Lanes that are this much farther than the nearest one (lanes cross inside junctions) are tried as well."""
LEAST_STEP_M = 0.2
"""The last sample of a lane lies up to a metre within the next lane, whose first samples are left out then."""
SNAP_COST = 20.0
"""Metres of detour that one metre of distance to a lane is worth, when a point lies near several lanes."""


@dataclass(frozen=True, eq=False)
class Route:
    """A dense route: N points about 1 m apart at lane centres, in driving order, CARLA world frame."""

    points: Array
    """[N, 3] metres. Where the lane is changed, the line jumps to the other lane 5 m ahead, as CARLA's planner has it."""
    yaw_deg: Array
    """[N] heading of the lane."""
    road_option: IntArray
    """[N] `RoadOption` numbers."""
    arc_length_m: Array
    """[N] distance from the start along the points."""
    lane_width_m: Array
    """[N] width of the lane."""
    lane: IntArray
    """[N, 3] OpenDRIVE road id, lane section index, lane id."""
    in_junction: NDArray[np.bool_]
    """[N] whether the point lies inside a junction."""

    @property
    def length_m(self) -> float:
        """Length from the first to the last point, metres."""
        return float(self.arc_length_m[-1])

    def transform(self, index: int) -> Transform:
        """Return the pose of the lane at one point of the route."""
        x, y, z = (float(value) for value in self.points[index])
        return Transform(x, y, z, yaw=float(self.yaw_deg[index]))


class RoutePlanner:
    """Finds routes on one map; needs no server."""

    def __init__(self, carla_map: carla.Map, sampling_m: float = 1.0) -> None:
        self.graph = LaneGraph.of(carla_map) if sampling_m == 1.0 else LaneGraph(carla_map, sampling_m)

    def trace(self, waypoints: Sequence[Transform | Sequence[float]]) -> Route:
        """Return the shortest route through two or more points, given as transforms or (x, y, z), CARLA world frame.

        A transform with a yaw other than 0 is only matched to lanes that run its way. Raises InputError for fewer than two
        points, a point more than 5 m from any driving lane, and a point that no lane leads to.
        """
        if len(waypoints) < 2:
            raise InputError(f"a route needs at least 2 points; found {len(waypoints)}")
        candidates = [self._candidates(number, waypoint) for number, waypoint in enumerate(waypoints)]
        costs = [SNAP_COST * distance for distance, _, _ in candidates[0]]
        paths: list[list[LanePiece]] = [[] for _ in candidates[0]]
        for number in range(1, len(waypoints)):
            new_costs: list[float] = []
            new_paths: list[list[LanePiece]] = []
            found: dict[int, dict[tuple[int, int], tuple[float, list[LanePiece]]]] = {}
            goals = [(segment, sample) for _, segment, sample in candidates[number]]
            for row, (_, segment, sample) in enumerate(candidates[number - 1]):
                if np.isfinite(costs[row]):
                    found[row] = search(self.graph, (segment, sample), goals)
            for distance, segment, sample in candidates[number]:
                best, best_row = np.inf, -1
                for row, ways in found.items():
                    if (segment, sample) in ways and costs[row] + ways[segment, sample][0] < best:
                        best, best_row = costs[row] + ways[segment, sample][0], row
                new_costs.append(best + SNAP_COST * distance)
                reached = best_row >= 0
                new_paths.append(paths[best_row] + found[best_row][segment, sample][1] if reached else [])
            if not np.isfinite(new_costs).any():
                raise InputError(
                    f"no lane leads from route point {number - 1} {_text(waypoints[number - 1])} to route point {number} "
                    f"{_text(waypoints[number])} on {self.graph.name}; move one of them or add points between them"
                )
            costs, paths = new_costs, new_paths
        pieces = paths[int(np.argmin(costs))]
        return self._route(spread_lane_changes(self.graph, merge_pieces(pieces)))

    def random_route(self, rng: np.random.Generator, min_length_m: float, max_length_m: float) -> Route:
        """Return a route of a length in the given range that starts and ends outside junctions, turning at random.

        Raises InputError when the range is empty or the map holds no such route.
        """
        if not 0.0 < min_length_m <= max_length_m:
            raise InputError(f"a random route needs 0 < min <= max length; found {min_length_m} m and {max_length_m} m")
        starts = [segment for segment in self.graph.segments if not segment.is_junction and segment.length_m >= 5.0]
        for _ in range(500 if starts else 0):
            segment = starts[int(rng.integers(len(starts)))]
            wanted = float(rng.uniform(min_length_m, max_length_m))
            sample = int(rng.integers(len(segment.arc_m)))
            pieces: list[LanePiece] = []
            left = wanted
            while True:
                room = segment.length_m - float(segment.arc_m[sample])
                if room >= left and not segment.is_junction:
                    end = int(np.searchsorted(segment.arc_m, segment.arc_m[sample] + left))
                    pieces.append(LanePiece(segment.index, sample, min(end, len(segment.arc_m) - 1)))
                    break
                pieces.append(LanePiece(segment.index, sample, len(segment.arc_m) - 1))
                left -= room
                following = self.graph.successors[segment.index]
                if not following or left < min_length_m - max_length_m:
                    break
                segment, sample = self.graph.segments[following[int(rng.integers(len(following)))]], 0
            route = self._route(merge_pieces(pieces)) if len(pieces) > 1 or pieces[0].start < pieces[0].stop else None
            if route is not None and not route.in_junction[-1] and min_length_m <= route.length_m <= max_length_m:
                return route
        raise InputError(
            f"{self.graph.name} holds no route of {min_length_m:.0f} to {max_length_m:.0f} m that ends outside a junction; "
            "ask for another length"
        )

    def _candidates(self, number: int, waypoint: Transform | Sequence[float]) -> list[tuple[float, int, int]]:
        point = np.array([float(value) for value in waypoint[:3]], dtype=np.float64)
        if point.shape != (3,) or not np.isfinite(point).all():
            raise InputError(f"route point {number} is not three finite numbers x, y, z: {tuple(waypoint)}")
        yaw = waypoint.yaw if isinstance(waypoint, Transform) and waypoint.yaw != 0.0 else None
        near = self.graph.nearest(point, within_m=OFF_MAP_M, yaw_deg=yaw) or self.graph.nearest(
            point, within_m=OFF_MAP_M
        )
        if not near:
            raise InputError(
                f"route point {number} {_text(waypoint)} lies more than {OFF_MAP_M:.0f} m from every driving lane of "
                f"{self.graph.name}; check that the route belongs to this town"
            )
        return [found for found in near if found[0] <= near[0][0] + AMBIGUOUS_M]

    def _route(self, pieces: list[LanePiece]) -> Route:
        options = [RoadOption.LANEFOLLOW] * len(pieces)
        first = 0
        while first < len(pieces):
            segment = self.graph.segments[pieces[first].segment]
            last = first
            if segment.is_junction:
                while last + 1 < len(pieces) and self.graph.segments[pieces[last + 1].segment].is_junction:
                    last += 1
                options[first : last + 1] = [self._turn(pieces, first, last)] * (last + 1 - first)
            first = last + 1
        rows: list[tuple[Array, float, int, float, tuple[int, int, int], bool]] = []
        for number, piece in enumerate(pieces):
            segment = self.graph.segments[piece.segment]
            changes_next = pieces[number + 1].change if number + 1 < len(pieces) else None
            for sample in range(piece.start, piece.stop + 1):
                option = options[number]
                if sample == piece.start and piece.change is not None:
                    option = piece.change
                elif sample == piece.stop and changes_next is not None:
                    option = changes_next
                point = segment.points[sample]
                if rows and piece.change is None and _ahead_m(point - rows[-1][0], rows[-1][1]) < LEAST_STEP_M:
                    if option in (RoadOption.CHANGELANELEFT, RoadOption.CHANGELANERIGHT):
                        rows[-1] = (*rows[-1][:2], int(option), *rows[-1][3:])
                    continue
                rows.append(
                    (
                        point,
                        segment.yaw_deg[sample],
                        int(option),
                        segment.width_m[sample],
                        segment.key,
                        segment.is_junction,
                    )
                )
        points = np.array([row[0] for row in rows])
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        return Route(
            points=points,
            yaw_deg=np.array([row[1] for row in rows]),
            road_option=np.array([row[2] for row in rows], dtype=np.int64),
            arc_length_m=np.concatenate([[0.0], np.cumsum(steps)]),
            lane_width_m=np.array([row[3] for row in rows]),
            lane=np.array([row[4] for row in rows], dtype=np.int64),
            in_junction=np.array([row[5] for row in rows], dtype=bool),
        )

    def _turn(self, pieces: list[LanePiece], first: int, last: int) -> RoadOption:
        entered, left = self.graph.segments[pieces[first].segment], self.graph.segments[pieces[last].segment]
        before = pieces[first - 1].segment if first > 0 else -1
        if before < 0:
            before = next(iter(self.graph.predecessors[entered.index]), -1)
        heading_in = self.graph.segments[before].heading(-1) if before >= 0 else entered.heading(0)
        others: list[Array] = []
        for index in self.graph.successors[before] if before >= 0 else ():
            if index != entered.index:
                other = self.graph.segments[index]
                across = other.points[-1, :2] - other.points[0, :2]
                others.append(across / max(1e-6, float(np.linalg.norm(across))))
        return turn_option(heading_in, left.heading(-1), others)


def _ahead_m(step: Array, yaw_deg: float) -> float:
    """How far a step [3] goes along a heading."""
    yaw = np.radians(yaw_deg)
    return float(step[0] * np.cos(yaw) + step[1] * np.sin(yaw))


def _text(waypoint: Transform | Sequence[float]) -> str:
    return "(" + ", ".join(f"{float(value):.1f}" for value in waypoint[:3]) + ")"
