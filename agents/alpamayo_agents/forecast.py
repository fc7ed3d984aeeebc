"""Where others will be: along their lanes, at the speed they have, over every way they may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.surroundings import Neighbours
from alpamayo_agents.traffic_rules import StopLine
from alpamayo_agents.turning_habits import TurningHabits
from alpamayo_sim.roads.lane_graph import LaneGraph

Array = NDArray[np.float64]

STEP_S = 0.25
TIMES_S = np.arange(0.0, 5.01, STEP_S)
MAX_WAYS = 4
"""At most so many branches are followed for one vehicle."""
REACH_M = 70.0
"""How far beyond the end of its segment a vehicle is followed."""
STILL_MPS = 0.3
SPEEDING_UP_M = 8.0
"""How much farther a vehicle may come than its speed now takes it."""
OTHERS_BRAKING_MPS2 = 4.0
CURVE_LATERAL_MPS2, CURVE_BRAKING_MPS2 = 4.0, 3.0
"""Others are taken to slow down for a curve ahead so that it makes no more lateral acceleration, with so much braking."""
CURVE_BASE_M = 4.0
"""The curvature of a lane is looked at over this length: lanes join with small kinks."""
TOO_FAST_MPS = 0.5
"""Who is faster than the way allows by more than this does not take it, if there is another."""
LIKELY, POSSIBLE = 0.35, 1.2
"""Lanes that fit worse than the best by no more than this are likely, or at least possible if others came that way."""
LANE_CHANGE_M = 3.5
"""How far sideways somebody who changes lane is expected to go."""


@dataclass(frozen=True)
class Forecasts:
    """H hypotheses over the K instants of `TIMES_S`, CARLA world frame, yaw in radians."""

    owner: NDArray[np.int64]
    """[H] row in the neighbours."""
    xy: Array
    """[H, K, 2] centre of the box."""
    yaw: Array
    """[H, K]"""
    ambiguous: NDArray[np.bool_]
    """[H] whether the way is one of several that begin in a junction which the vehicle has not entered yet."""


@dataclass(frozen=True)
class _Way:
    xy: Array
    yaw: Array
    arc_m: Array
    stops: tuple[tuple[float, carla.TrafficLight], ...]
    branches: bool
    parts_at_m: float
    """Arc length up to which an earlier way from the same segment runs alike; 0 for the first way."""
    allowed_mps: Array
    """Speed at each point that the curves there and farther on allow."""
    exit_segment: int
    """The first lane behind the first junction on the way, -1 for none within reach."""


class _Match(NamedTuple):
    """A lane that a vehicle may be on."""

    segment: int
    arc_m: float
    lateral_m: float
    """To the right of its centre line."""
    drift_mps: float
    excess: float
    """How much worse it fits than the best lane, metres of lateral offset."""


class LaneForecaster:
    """Forecasts along the lanes of one map."""

    def __init__(self, graph: LaneGraph, lines: Sequence[StopLine]) -> None:
        self._graph = graph
        self._ways: dict[int, list[_Way]] = {}
        self._habits = TurningHabits()
        self._stops: dict[int, list[tuple[float, carla.TrafficLight]]] = {}
        for line in lines:
            if line.segment >= 0:
                self._stops.setdefault(line.segment, []).append((line.arc_m, line.light))

    def forecast(self, neighbours: Neighbours, rows: NDArray[np.int64], *, heed_unlikely: bool = True) -> Forecasts:
        """Return the hypotheses about some of the neighbours, without `heed_unlikely` only what others did there before."""
        owner: list[int] = []
        xy: list[Array] = []
        yaw: list[Array] = []
        ambiguous: list[bool] = []
        speeds = neighbours.speed_mps
        moving = rows[(~neighbours.is_walker[rows]) & (np.abs(speeds[rows]) > STILL_MPS)]
        matched = set(moving.tolist())
        lanes = dict(zip(moving.tolist(), self._match(neighbours, moving), strict=True)) if len(moving) else {}
        for row in rows.tolist():
            found = lanes.get(row) if row in matched and speeds[row] > 0.0 else None
            if found is None:
                step = neighbours.velocity_mps[row] * TIMES_S[:, None]
                owner.append(row)
                xy.append(neighbours.center[row, :2] + step)
                yaw.append(np.full(len(TIMES_S), neighbours.yaw[row]))
                ambiguous.append(False)
                continue
            self._observe(int(neighbours.ids[row]), found)
            likely = [match for match in found if match.excess < LIKELY]
            ways = [] if heed_unlikely else self._usual_ways(int(neighbours.ids[row]), found, float(speeds[row]))
            for match, way in ways or self._likely_ways(likely, float(speeds[row])):
                segment, arc, lateral, sideways, _ = match
                drift = 0.0 if self._graph.segments[segment].is_junction else sideways
                there, heading = self._drive(way, arc, lateral, drift, neighbours, row)
                owner.append(row)
                xy.append(there)
                yaw.append(heading)
                ambiguous.append(way.branches and not self._graph.segments[segment].is_junction)
        return Forecasts(
            owner=np.array(owner, dtype=np.int64),
            xy=np.array(xy).reshape(-1, len(TIMES_S), 2),
            yaw=np.array(yaw).reshape(-1, len(TIMES_S)),
            ambiguous=np.array(ambiguous, dtype=bool),
        )

    def _match(self, neighbours: Neighbours, rows: NDArray[np.int64]) -> list[list[_Match] | None]:
        """Return, per vehicle, the lanes it may be on."""
        center = neighbours.center[rows]
        center = center - np.array([0.0, 0.0, 1.0]) * neighbours.half_size_m[rows, 1:2] * 0.8
        _, samples = self._graph.nearest_samples(center, 12)
        lane_yaw = np.radians(self._graph.sample_yaw_deg[samples])
        off = center[:, None, :] - self._graph.sample_points[samples]
        along = off[..., 0] * np.cos(lane_yaw) + off[..., 1] * np.sin(lane_yaw)
        lateral = off[..., 1] * np.cos(lane_yaw) - off[..., 0] * np.sin(lane_yaw)
        turned = np.cos(neighbours.yaw[rows, None] - lane_yaw)
        velocity = neighbours.velocity_mps[rows]
        drift = velocity[:, None, 1] * np.cos(lane_yaw) - velocity[:, None, 0] * np.sin(lane_yaw)
        cost = np.abs(lateral) + 4.0 * (1.0 - turned)
        cost = np.where((turned > 0.6) & (np.abs(along) < 2.0) & (np.abs(off[..., 2]) < 3.0), cost, np.inf)
        result: list[list[_Match] | None] = []
        for number in range(len(rows)):
            order = np.argsort(cost[number])
            best = cost[number, order[0]]
            if not best < 2.5:
                result.append(None)
                continue
            found: dict[int, _Match] = {}
            for column in order:
                if not cost[number, column] < best + POSSIBLE or len(found) >= 4:
                    break
                sample = samples[number, column]
                segment = int(self._graph.sample_segment[sample])
                if segment not in found:
                    lane = self._graph.segments[segment]
                    arc = float(lane.arc_m[self._graph.sample_index[sample]]) + float(along[number, column])
                    excess = float(cost[number, column] - best)
                    found[segment] = _Match(
                        segment, arc, float(lateral[number, column]), float(drift[number, column]), excess
                    )
            follows = {after for segment in found for after in self._graph.successors[segment]}
            result.append([self._seen_from_where_it_is(found, s) for s in found if s not in follows])
        return result

    def _seen_from_where_it_is(self, found: dict[int, _Match], segment: int) -> _Match:
        """Return the match with a segment; who is on the next one already does not drift off this one by turning with the next.

        Matches stand in the order of how well they fit.
        """
        order = list(found)
        better = order[: order.index(segment)]
        ahead = next((after for after in better if after in self._graph.successors[segment]), None)
        if ahead is None:
            return found[segment]
        turning = self._graph.segments[ahead].is_junction
        return found[segment]._replace(drift_mps=0.0 if turning else found[ahead].drift_mps)

    def _observe(self, vehicle: int, matches: list[_Match]) -> None:
        segment = matches[0].segment
        if any(self._graph.segments[match.segment].is_junction for match in matches):
            return
        before = self._habits.came_from(vehicle)
        exits = (
            frozenset(way.exit_segment for way in self._ways_from(before)) if before is not None else frozenset[int]()
        )
        self._habits.saw(vehicle, segment, exits)

    def _usual_ways(self, vehicle: int, matches: list[_Match], speed_mps: float) -> list[tuple[_Match, _Way]]:
        """Return the ways that others took who came from where a vehicle comes from; none if that is not known."""
        came_from = self._habits.came_from(vehicle)
        if came_from is None or not self._habits.are_known(came_from):
            return []
        usual = [
            (match, way)
            for match in matches
            for way in self._ways_from(match.segment)
            if self._habits.is_usual(came_from, way.exit_segment)
        ]
        return _apart(usual, speed_mps)

    def _likely_ways(self, matches: list[_Match], speed_mps: float) -> list[tuple[_Match, _Way]]:
        """Return the ways that somebody so fast can take from the lanes it may be on; all of them if there is none."""
        all_ways = [(match, way) for match in matches for way in self._ways_from(match.segment)]
        likely = [
            (match, way)
            for match, way in all_ways
            if speed_mps < float(np.interp(match.arc_m, way.arc_m, way.allowed_mps)) + TOO_FAST_MPS
        ]
        return _apart(likely or all_ways, speed_mps)

    def _ways_from(self, segment: int) -> list[_Way]:
        if segment not in self._ways:
            chains: list[list[int]] = []
            stack: list[tuple[list[int], float]] = [([segment], 0.0)]
            while stack and len(chains) < MAX_WAYS:
                chain, beyond = stack.pop()
                following = self._graph.successors[chain[-1]]
                if beyond >= REACH_M or not following:
                    chains.append(chain)
                    continue
                for after in following:
                    stack.append(([*chain, after], beyond + self._graph.segments[after].length_m))
            self._ways[segment] = [
                self._way(chain, len(chains) > 1, self._shared_m(chain, chains[:number]))
                for number, chain in enumerate(chains)
            ]
        return self._ways[segment]

    def _shared_m(self, chain: list[int], earlier: list[list[int]]) -> float:
        shared = 0
        for other in earlier:
            same = [ours == theirs for ours, theirs in zip(chain, other, strict=False)]
            shared = max(shared, same.index(False) if False in same else len(same))
        return sum(self._graph.segments[index].length_m for index in chain[:shared])

    def _way(self, chain: list[int], branches: bool, parts_at_m: float) -> _Way:
        lanes = [self._graph.segments[index] for index in chain]
        points = np.concatenate([lane.points[:, :2] for lane in lanes])
        yaw = np.unwrap(np.radians(np.concatenate([lane.yaw_deg for lane in lanes])))
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        arc = np.concatenate([[0.0], np.cumsum(steps)])
        keep = np.concatenate([[True], np.diff(arc) > 1e-3])
        stops: list[tuple[float, carla.TrafficLight]] = []
        first = 0
        for index, lane in zip(chain, lanes, strict=True):
            stops += [(float(arc[first]) + at, light) for at, light in self._stops.get(index, ())]
            first += len(lane.points)
        allowed = _allowed_mps(arc[keep], yaw[keep])
        return _Way(
            points[keep], yaw[keep], arc[keep], tuple(stops), branches, parts_at_m, allowed, self._exit_of(chain)
        )

    def _exit_of(self, chain: list[int]) -> int:
        inside = False
        for index in chain:
            junction = self._graph.segments[index].is_junction
            if inside and not junction:
                return index
            inside = inside or junction
        return -1

    def _drive(
        self, way: _Way, arc: float, lateral: float, drift: float, neighbours: Neighbours, row: int
    ) -> tuple[Array, Array]:
        speed = float(neighbours.speed_mps[row])
        acceleration = float(np.clip(neighbours.acceleration_mps2[row], -OTHERS_BRAKING_MPS2, 1.5))
        changing = np.minimum(TIMES_S, 1.0)
        if acceleration < 0.0:
            changing = np.minimum(changing, speed / -acceleration)
        travelled = speed * changing + 0.5 * acceleration * changing**2
        travelled = travelled + np.maximum(0.0, speed + acceleration * changing) * (TIMES_S - np.minimum(TIMES_S, 1.0))
        if way.branches and speed < float(np.interp(arc, way.arc_m, way.allowed_mps)) + TOO_FAST_MPS:
            travelled = _slowed(way, arc, travelled)
        front = arc + float(neighbours.half_size_m[row, 0])
        for at, light in way.stops:
            room = at - front
            if room < -1.0 or room > travelled[-1]:
                continue
            if room * 2.0 * OTHERS_BRAKING_MPS2 < speed * speed:
                continue
            if light.get_state() in (carla.TrafficLightState.Red, carla.TrafficLightState.Yellow):
                travelled = np.minimum(travelled, max(0.0, room))
        at = arc + travelled
        beyond = np.maximum(0.0, at - way.arc_m[-1])
        yaw = np.interp(at, way.arc_m, way.yaw)
        sideways = (
            lateral + np.clip(drift * np.minimum(TIMES_S, 1.5), -LANE_CHANGE_M, LANE_CHANGE_M)
            if abs(drift) > 0.3
            else lateral
        )
        x = np.interp(at, way.arc_m, way.xy[:, 0]) + beyond * np.cos(yaw) - sideways * np.sin(yaw)
        y = np.interp(at, way.arc_m, way.xy[:, 1]) + beyond * np.sin(yaw) + sideways * np.cos(yaw)
        return np.stack([x, y], axis=1), yaw


def _apart(ways: list[tuple[_Match, _Way]], speed_mps: float) -> list[tuple[_Match, _Way]]:
    """Return the ways without those that part from another beyond what is reached within the forecast."""
    result: list[tuple[_Match, _Way]] = []
    for match, way in ways:
        farthest = match.arc_m + speed_mps * float(TIMES_S[-1]) + SPEEDING_UP_M
        if way.parts_at_m <= farthest or all(other.segment != match.segment for other, _ in result):
            result.append((match, way))
    return result


def _allowed_mps(arc_m: Array, yaw: Array) -> Array:
    """Return the speeds [N] that the curvature of a line allows, with braking ahead of curves."""
    half = 0.5 * CURVE_BASE_M
    turned = np.interp(arc_m + half, arc_m, yaw) - np.interp(arc_m - half, arc_m, yaw)
    square = CURVE_LATERAL_MPS2 * CURVE_BASE_M / np.maximum(1e-3, np.abs(turned))
    along = 2.0 * CURVE_BRAKING_MPS2 * arc_m
    return np.sqrt(np.minimum.accumulate((square + along)[::-1])[::-1] - along)


def _slowed(way: _Way, arc: float, travelled_m: Array) -> Array:
    """Return the distances [K] of somebody who goes as far as given, but not faster than the way allows."""
    result = np.zeros_like(travelled_m)
    for instant in range(1, len(travelled_m)):
        free = float(travelled_m[instant] - travelled_m[instant - 1])
        at = arc + float(result[instant - 1])
        result[instant] = result[instant - 1] + min(free, STEP_S * float(np.interp(at, way.arc_m, way.allowed_mps)))
    return result
