"""Shortest ways through the lane graph, with lane changes where the markings allow them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from alpamayo_sim.roads.lane_graph import LaneGraph, LaneSegment
from alpamayo_sim.roads.road_options import RoadOption

CHANGE_COST_M = 5.0
"""Detour that a lane change is worth."""
CHANGE_ADVANCE_M = 5.0
"""How far ahead the new lane is entered."""
CHANGE_SPACING_M = 30.0
"""Distance from one lane change to the next where there is room for it."""


@dataclass(frozen=True)
class LanePiece:
    """A stretch of one lane: samples `start` to `stop`, both included."""

    segment: int
    start: int
    stop: int
    change: RoadOption | None = None
    """How the stretch is entered, if from the lane beside it."""


Goal = tuple[int, int]


@dataclass(frozen=True)
class _Label:
    cost_at_end: float
    start: int
    previous: int
    """Number of the label that led here, -1 for the first."""
    left_at: int
    """Sample at which the previous segment is left."""
    segment: int
    change: RoadOption | None


def search(graph: LaneGraph, start: Goal, goals: Sequence[Goal]) -> dict[Goal, tuple[float, list[LanePiece]]]:
    """Return, for every goal (segment, sample) that can be reached, its distance in metres and the way there (Dijkstra)."""
    segment = graph.segments[start[0]]
    labels = [_Label(segment.length_m - float(segment.arc_m[start[1]]), start[1], -1, 0, start[0], None)]
    queue: list[tuple[float, int]] = [(labels[0].cost_at_end, 0)]
    # The earliest sample from which each segment has been explored; a later label that enters earlier opens more of it.
    explored_from: dict[int, int] = {}
    found: dict[Goal, tuple[float, list[LanePiece]]] = {}
    while queue and len(found) < len(goals):
        cost, number = heapq.heappop(queue)
        label = labels[number]
        if explored_from.get(label.segment, label.start + 1) <= label.start:
            continue
        explored_from[label.segment] = label.start
        segment = graph.segments[label.segment]
        for goal in goals:
            if goal[0] == label.segment and goal[1] >= label.start and goal not in found:
                rest = segment.length_m - float(segment.arc_m[goal[1]])
                found[goal] = (cost - rest, _way(labels, number, goal[1]))
        last = len(segment.arc_m) - 1
        following: list[_Label] = []
        for index in graph.successors[label.segment]:
            following.append(_Label(cost + graph.segments[index].length_m, 0, number, last, index, None))
        for side, neighbour, option in _changes(segment):
            allowed = np.flatnonzero(side[label.start :])
            if len(allowed):
                left_at = label.start + int(allowed[0])
                entered_at = _beside(graph, segment, left_at, neighbour)
                following.append(_Label(cost + CHANGE_COST_M, entered_at, number, left_at, neighbour, option))
        for new in following:
            if explored_from.get(new.segment, new.start + 1) > new.start:
                labels.append(new)
                heapq.heappush(queue, (new.cost_at_end, len(labels) - 1))
    return found


def _changes(segment: LaneSegment):
    if segment.left >= 0:
        yield segment.may_change_left, segment.left, RoadOption.CHANGELANELEFT
    if segment.right >= 0:
        yield segment.may_change_right, segment.right, RoadOption.CHANGELANERIGHT


def _beside(graph: LaneGraph, segment: LaneSegment, sample: int, neighbour: int) -> int:
    other = graph.segments[neighbour]
    fraction = float(segment.arc_m[sample]) / max(1e-6, segment.length_m)
    index = int(np.searchsorted(other.arc_m, fraction * other.length_m + CHANGE_ADVANCE_M))
    return min(index, len(other.arc_m) - 1)


def _way(labels: list[_Label], number: int, stop: int) -> list[LanePiece]:
    pieces: list[LanePiece] = []
    while number >= 0:
        label = labels[number]
        pieces.append(LanePiece(label.segment, label.start, max(stop, label.start), label.change))
        stop, number = label.left_at, label.previous
    return pieces[::-1]


def merge_pieces(pieces: Sequence[LanePiece]) -> list[LanePiece]:
    """Return the pieces with neighbours joined where one goes on in the other's lane."""
    merged: list[LanePiece] = []
    for piece in pieces:
        before = merged[-1] if merged else None
        goes_on = before is not None and before.segment == piece.segment and piece.change is None
        if before is not None and goes_on and before.stop <= piece.start <= before.stop + 1:
            merged[-1] = replace(before, stop=piece.stop)
        else:
            merged.append(piece)
    return merged


def spread_lane_changes(graph: LaneGraph, pieces: Sequence[LanePiece]) -> list[LanePiece]:
    """Return the pieces with several lane changes in a row set apart, as far as lane and markings allow."""
    spread = list(pieces)
    first = 0
    while first < len(spread):
        last = first
        while last + 1 < len(spread) and spread[last + 1].change is not None:
            last += 1
        changes = last - first
        if changes > 1:
            segments = [graph.segments[piece.segment] for piece in spread[first : last + 1]]
            begin = float(segments[0].arc_m[spread[first].stop])
            room = float(segments[-1].arc_m[spread[last].stop]) - begin
            step = min(CHANGE_SPACING_M, room / changes)
            for number in range(1, changes):
                piece, following = spread[first + number], spread[first + number + 1]
                left_at = int(np.searchsorted(segments[number].arc_m, begin + number * step))
                left_at = min(max(left_at, piece.start), len(segments[number].arc_m) - 1)
                side = segments[number].may_change_left
                if following.change == RoadOption.CHANGELANERIGHT:
                    side = segments[number].may_change_right
                entered_at = _beside(graph, segments[number], left_at, following.segment)
                if side[left_at] and entered_at <= max(following.stop, following.start):
                    spread[first + number] = replace(piece, stop=left_at)
                    spread[first + number + 1] = replace(following, start=entered_at)
        first = last + 1
    return spread
