"""Verges: the ground beside roads where it passes from the road's edge to the land, and the sides of bridges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.ground import VERGE_M
from alpamayo_sim.roads.ground_parts import GroundParts, Surface
from alpamayo_sim.roads.junction_floor import JunctionFloor
from alpamayo_sim.roads.lane_cover import LaneCover
from alpamayo_sim.roads.strips import strip_triangles

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
ROWS_M, HILLY_ROWS_M = (0.0, 2.5, VERGE_M), (0.0, 1.0, 2.0, 3.0, 4.0, VERGE_M)
"""Distances from the road's edge at which the verge is sampled."""
LEVEL_M = 0.3
"""A verge that rises or falls by less needs only its first, middle and last line."""
PROBE_M, PROBE_EVERY_M = 0.35, 0.5
"""From where on, and how densely, a verge looks for the next lane, before which it ends."""
BELOW_EDGE_M, BELOW_LANE_M = 0.02, 0.03
"""How far a verge lies below the edge where it begins, and below a lane where it ends."""
DROP_M = 0.8
"""Ground that falls by more than this right behind the edge belongs to a bridge."""
WALL_M, FASCIA_M = 3.5, 1.2
"""Bridges up to this high have walls down to the land, higher ones a side of this height."""
STOREY_M = 2.5
LEDGE_M = 1.1
"""How far a bridge's deck reaches beyond its lanes, to carry the guard rail."""
FAN_DEG = (30.0, 60.0, 90.0)
"""How a verge goes on round the end of an edge."""
UP = np.array([0.0, 0.0, 1.0])


def add_verges(
    parts: GroundParts,
    road_map: RoadMap,
    lane: Ints,
    center: Floats,
    right: Floats,
    half: Floats,
    floors: list[JunctionFloor],
    *,
    hilly: bool,
) -> None:
    """Add the verges along the outer edges of cross sections: lane [N], middle [N, 3], unit right [N, 2], half width [N]."""
    everything = LaneCover.from_lanes(road_map, np.ones(len(road_map.lanes.xyz), dtype=np.bool_))
    rows_m = HILLY_ROWS_M if hilly else ROWS_M
    for side in (-1.0, 1.0):
        outward = right * side
        edge = _out(center, outward, half)
        probe = _out(edge, outward, PROBE_M)
        tiny = np.full((len(edge), 3), 0.02)
        outer = ~everything.touched_by(probe, tiny, np.zeros(len(edge)), 0.0, storey_m=STOREY_M)
        paved = _on_floors(floors, probe)
        outer &= ~paved
        # A strip needs both of its ends, so that a verge goes on one sample past the last free one.
        same_next = np.append(lane[1:] == lane[:-1], False)
        same_before = np.append(False, lane[1:] == lane[:-1])
        outer |= (np.append(outer[1:], False) & same_next) | (np.append(False, outer[:-1]) & same_before)
        outer &= ~paved
        if not outer.any():
            continue
        index = np.nonzero(outer)[0]
        run = np.cumsum((np.diff(index, prepend=-9) != 1) | (np.diff(lane[index], prepend=-1) != 0))
        edge, outward, run, fan = _with_fans(edge[index], outward[index], run, side)
        _add_strips(parts, road_map, edge, outward, run, fan, floors, rows_m, side)
    _add_ends(parts, road_map, everything, lane, center, right, half, floors, rows_m)


def _add_ends(
    parts: GroundParts,
    road_map: RoadMap,
    everything: LaneCover,
    lane: Ints,
    center: Floats,
    right: Floats,
    half: Floats,
    floors: list[JunctionFloor],
    rows_m: tuple[float, ...],
) -> None:
    """Add verges across the ends of lanes after which no other lane comes."""
    start = np.flatnonzero(np.diff(lane, prepend=-1) != 0)
    stop = np.append(start[1:], len(lane)) - 1
    at, sign = np.concatenate([start, stop]), np.repeat([-1.0, 1.0], len(start))
    ahead = np.stack([right[at, 1], -right[at, 0]], axis=1) * sign[:, None]
    corners = [_out(center[at], right[at] * share, half[at]) for share in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    free = np.ones(len(at), dtype=np.bool_)
    for corner in corners[1:4]:
        probe = _out(corner, ahead, PROBE_M)
        free &= ~everything.touched_by(probe, np.full((len(at), 3), 0.02), np.zeros(len(at)), 0.0, storey_m=STOREY_M)
        free &= ~_on_floors(floors, probe)
    if not free.any():
        return
    count, points = int(free.sum()), len(corners)
    edge = np.stack([corner[free] for corner in corners], axis=1).reshape(-1, 3)
    outward = np.repeat(ahead[free], points, axis=0)
    run = np.repeat(np.arange(count), points)
    _add_strips(parts, road_map, edge, outward, run, np.zeros(len(run), np.bool_), floors, rows_m, 1.0)


def _out(start: Floats, outward: Floats, distance_m: Floats | float) -> Floats:
    distance = np.broadcast_to(distance_m, len(start))[:, None]
    return start + np.column_stack([outward * distance, np.zeros(len(start))])


def _on_floors(floors: list[JunctionFloor], points: Floats) -> NDArray[np.bool_]:
    paved = np.zeros(len(points), dtype=np.bool_)
    for floor in floors:
        paved |= floor.holds(points, STOREY_M)
    return paved


def _with_fans(edge: Floats, outward: Floats, run: Ints, side: float) -> tuple[Floats, Floats, Ints, NDArray[np.bool_]]:
    """Return edge points and directions with a fan at both ends of each run, and which of them are a fan's."""
    first = np.flatnonzero(np.diff(run, prepend=-1) != 0)
    last = np.append(first[1:], len(run)) - 1
    count = len(FAN_DEG)
    order: list[Floats] = [np.arange(len(run), dtype=np.float64)]
    sources: list[Ints] = [np.arange(len(run))]
    turns: list[Floats] = [np.zeros(len(run))]
    for k, angle in enumerate(FAN_DEG, start=1):
        # Before a run's first sample the fan turns toward where the lane comes from, after its last one ahead.
        for ends, sign in ((first, -1.0), (last, 1.0)):
            order.append(ends + sign * k / (2.0 * count + 2.0))
            sources.append(ends)
            turns.append(np.full(len(ends), -sign * side * angle))
    rank = np.argsort(np.concatenate(order), kind="stable")
    source, turn = np.concatenate(sources)[rank], np.concatenate(turns)[rank]
    return edge[source], _turned(outward[source], np.radians(turn)), run[source], turn != 0.0


def _add_strips(
    parts: GroundParts,
    road_map: RoadMap,
    edge: Floats,
    outward: Floats,
    run: Ints,
    fan: NDArray[np.bool_],
    floors: list[JunctionFloor],
    rows_m: tuple[float, ...],
    side: float,
) -> None:
    reach = _reach(road_map, edge, outward, floors)
    drop = edge[:, 2] - _height(road_map, _out(edge, outward, PROBE_M), edge[:, 2])
    bridge = drop > DROP_M
    open_end = reach >= VERGE_M
    rows: list[Floats] = []
    for distance in rows_m:
        row = _out(edge, outward, np.minimum(distance, reach))
        row[:, 2] = edge[:, 2] - BELOW_EDGE_M if distance == 0.0 else _height(road_map, row, edge[:, 2])
        row[:, 2] -= BELOW_LANE_M * ((distance >= reach) & ~open_end)
        rows.append(row)
    allowed = ~bridge & ~(fan & (reach <= PROBE_M))
    # Where the verge is nearly level, a few of its lines do.
    steep = np.abs(rows[-1][:, 2] - rows[0][:, 2]) > LEVEL_M
    steep[:-1] |= steep[1:]
    few = [rows[k] for k in (0, len(rows) // 2, len(rows) - 1)]
    for lines, wanted in ((rows, steep), (few, ~steep)) if len(rows) > len(few) else ((rows, steep | ~steep),):
        for near, far in zip(lines[:-1], lines[1:], strict=True):
            strip = [near, far] if side > 0 else [far, near]
            normals = _normals(near, far, outward)
            triangles = _of_segments(strip_triangles(run, allowed), wanted)
            parts.add(np.concatenate(strip), np.concatenate([normals, normals]), Surface.GRASS, triangles, fine=True)
    if (bridge & ~fan).any():
        _add_deck(parts, edge[~fan], outward[~fan], run[~fan], bridge[~fan], drop[~fan], side)


def _of_segments(triangles: Ints, wanted: NDArray[np.bool_]) -> Ints:
    """Return the triangles of a strip that lie between line points k and k + 1 of which k is wanted [n]."""
    half = len(triangles) // 2
    segment = np.concatenate([triangles[:half, 0], triangles[half:, 0] - 1])
    return triangles[wanted[segment]]


def _add_deck(
    parts: GroundParts, edge: Floats, outward: Floats, run: Ints, bridge: NDArray[np.bool_], drop: Floats, side: float
) -> None:
    # The deck goes on to the first sample of the verge, so that no gap opens between them.
    after = np.append(np.False_, bridge[:-1] & (run[1:] == run[:-1]))
    before = np.append(bridge[1:] & (run[1:] == run[:-1]), False)
    bridge = bridge | after | before
    inner = edge - np.array([0.0, 0.0, BELOW_EDGE_M])
    top = _out(inner, outward, LEDGE_M)
    strip = [inner, top] if side > 0 else [top, inner]
    parts.add(np.concatenate(strip), UP, Surface.CONCRETE, strip_triangles(run, bridge))
    bottom = top.copy()
    bottom[:, 2] -= np.where(drop < WALL_M, drop + 0.3, FASCIA_M)
    strip = [top, bottom] if side > 0 else [bottom, top]
    normals = np.tile(np.column_stack([outward, np.zeros(len(edge))]), (2, 1))
    parts.add(np.concatenate(strip), normals, Surface.CONCRETE, strip_triangles(run, bridge))


def _height(road_map: RoadMap, points: Floats, z_hint: Floats) -> Floats:
    return road_map.ground.height(np.asarray(points[:, :2], np.float64), np.asarray(z_hint, np.float64))[0]


def _reach(road_map: RoadMap, edge: Floats, outward: Floats, floors: list[JunctionFloor]) -> Floats:
    """Return [n] how far a verge may go outward before it meets another lane or a junction's floor."""
    reach = np.full(len(edge), VERGE_M)
    for distance in np.arange(PROBE_M, VERGE_M + 0.5 * PROBE_EVERY_M, PROBE_EVERY_M)[::-1]:
        probe = _out(edge, outward, distance)
        surface = road_map.ground.surface(np.asarray(probe[:, :2], np.float64), np.asarray(edge[:, 2], np.float64))
        met = np.abs(surface - edge[:, 2]) < STOREY_M
        met |= _on_floors(floors, probe)
        reach[met] = distance
    return reach


def _normals(near: Floats, far: Floats, outward: Floats) -> Floats:
    """Return the upward normals [n, 3] of strips from their two lines."""
    gap = np.maximum(np.hypot(*(far - near)[:, :2].T), 0.05)
    slope = np.clip((far[:, 2] - near[:, 2]) / gap, -1.0, 1.0)
    normal = np.column_stack([-outward * slope[:, None], np.ones(len(near))])
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _turned(direction: Floats, angle_rad: Floats) -> Floats:
    """Return directions [n, 2] turned by angles [n], clockwise seen from above."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.stack([c * direction[:, 0] - s * direction[:, 1], s * direction[:, 0] + c * direction[:, 1]], axis=1)
