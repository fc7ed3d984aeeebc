"""The ground as triangles: lanes of every type, kerbs, junction floors, verges and the land around.

CARLA world frame, metres. A triangle (a, b, c) shows the side to which (b - a) x (c - a) points.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.junction_floor import JunctionFloor, junction_floors
from alpamayo_sim.roads.lane_cover import LaneCover
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.strips import kept_samples, strip_triangles

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

OVERLAP_M = 0.03
"""Lane strips reach this far over their edges, so that no seam shows between neighbours."""
VERGE_AT_M = (0.0, 2.5, 6.5)
"""Distances from the road's edge at which the verge is sampled."""
SINK_M = 0.4
"""How far the land mesh lies below the land, so that verges and roads cover it."""
HILLS_M = 1.0
"""Difference in height between a map's roads from which verges are sampled densely, at every `VERGE_EVERY`th lane sample."""
VERGE_EVERY = 5
BLOCK_CELLS = 6
"""Side of a block of land, in cells of the terrain."""
FLAT_M = 0.08
"""A block with less relief than this is two triangles."""
HORIZON_M = 2_500.0
FASCIA_M = 1.2
"""Height of a bridge's side."""
STOREY_M = 2.5
LEDGE_M = 1.1
"""How far a bridge's deck reaches beyond its lanes, to carry the guard rail."""


class Surface(IntEnum):
    """What a piece of ground is made of."""

    ROAD = 0
    SHOULDER = 1
    SIDEWALK = 2
    KERB = 3
    MEDIAN = 4
    GRASS = 5
    CONCRETE = 6
    BIKE = 7


_SURFACE_OF_LANE = {
    LaneType.SHOULDER: Surface.SHOULDER,
    LaneType.SIDEWALK: Surface.SIDEWALK,
    LaneType.MEDIAN: Surface.MEDIAN,
    LaneType.BIKING: Surface.BIKE,
    LaneType.BORDER: Surface.GRASS,
    LaneType.NONE: Surface.GRASS,
}


@dataclass(frozen=True)
class GroundMesh:
    """Triangles of the ground: `vertices` [V, 3], unit `normals` [V, 3], `surface` [V] Surface, `triangles` [T, 3] indices."""

    vertices: Floats
    normals: Floats
    surface: NDArray[np.uint8]
    triangles: Ints
    fine: NDArray[np.bool_]
    """[T] kerbs and verges, which nobody misses from some hundred metres on."""


class _Parts:
    def __init__(self) -> None:
        self.vertices: list[Floats] = []
        self.normals: list[Floats] = []
        self.surface: list[NDArray[np.uint8]] = []
        self.triangles: list[Ints] = []
        self.fine: list[NDArray[np.bool_]] = []
        self.count = 0

    def add(
        self,
        vertices: Floats,
        normals: Floats,
        surface: NDArray[np.uint8] | Surface,
        triangles: Ints,
        *,
        fine: bool = False,
    ) -> None:
        self.vertices.append(vertices)
        self.normals.append(np.broadcast_to(normals, vertices.shape))
        self.surface.append(np.broadcast_to(np.asarray(surface, dtype=np.uint8), (len(vertices),)))
        self.triangles.append(triangles.astype(np.int32) + self.count)
        self.fine.append(np.full(len(triangles), fine, dtype=np.bool_))
        self.count += len(vertices)

    def mesh(self) -> GroundMesh:
        """Return all parts as one mesh, every triangle turned to the side of its normals."""
        vertices, normals = np.concatenate(self.vertices), np.concatenate(self.normals)
        triangles = np.concatenate(self.triangles)
        a, b, c = (vertices[triangles[:, k]] for k in range(3))
        facing = np.einsum("ij,ij->i", np.cross(b - a, c - a), normals[triangles[:, 0]])
        triangles[facing < 0.0] = triangles[facing < 0.0][:, ::-1]
        return GroundMesh(vertices, normals, np.concatenate(self.surface), triangles, np.concatenate(self.fine))


def build_ground_mesh(road_map: RoadMap) -> GroundMesh:
    """Return the triangles of everything one can stand on in a map."""
    keep = kept_samples(road_map.lanes)
    lane, center, right, half, rise = _cross_sections(road_map, keep)
    parts = _Parts()
    _add_lanes(parts, road_map, lane, center, right, half, rise)
    _add_kerbs(parts, lane, center, right, half, rise)
    floors = list(junction_floors(road_map))
    for floor in floors:
        parts.add(floor.vertices, np.array([0.0, 0.0, 1.0]), Surface.ROAD, floor.triangles)
    if np.ptp(road_map.lanes.xyz[:, 2]) > HILLS_M:
        # Along a straight slope the road needs few samples, its verge over uneven land many.
        keep = np.union1d(keep, np.arange(0, len(road_map.lanes.xyz), VERGE_EVERY))
    lane, center, right, half, _ = _cross_sections(road_map, keep)
    _add_verges(parts, road_map, lane, center, right, half, floors)
    _add_land(parts, road_map)
    return parts.mesh()


def _cross_sections(road_map: RoadMap, keep: NDArray[np.integer]) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """Return of the chosen samples: lane, middle of the surface, unit vector to the right, half width, height over the road."""
    lanes = road_map.lanes
    lane = np.asarray(lanes.lane_index)[keep]
    right = np.stack([-lanes.tangent[keep, 1], lanes.tangent[keep, 0]], axis=1)
    rise = np.asarray(lanes.height_m)[lane]
    center = lanes.xyz[keep] + np.column_stack([np.zeros((len(keep), 2)), rise])
    return lane, center, right, lanes.width[keep] * 0.5, rise


def _edge(center: Floats, right: Floats, offset: Floats) -> Floats:
    return center + np.column_stack([right * offset[:, None], np.zeros(len(center))])


def _add_lanes(
    parts: _Parts, road_map: RoadMap, lane: Ints, center: Floats, right: Floats, half: Floats, rise: Floats
) -> None:
    overlap = np.where(rise > 0.0, 0.0, OVERLAP_M)
    vertices = np.concatenate([_edge(center, right, -half - overlap), _edge(center, right, half + overlap)])
    table = np.array(
        [_SURFACE_OF_LANE.get(LaneType(t), Surface.ROAD) for t in road_map.lanes.lane_type], dtype=np.uint8
    )
    surface = np.tile(table[lane], 2)
    parts.add(vertices, np.array([0.0, 0.0, 1.0]), surface, strip_triangles(lane))


def _add_kerbs(parts: _Parts, lane: Ints, center: Floats, right: Floats, half: Floats, rise: Floats) -> None:
    raised = rise > 0.0
    if not raised.any():
        return
    lane, center, right, half, rise = lane[raised], center[raised], right[raised], half[raised], rise[raised]
    down = np.column_stack([np.zeros((len(center), 2)), rise + 0.06])
    for side in (-1.0, 1.0):
        top = _edge(center, right, half * side)
        first, second = (top, top - down) if side > 0 else (top - down, top)
        normals = np.tile(np.column_stack([right * side, np.zeros(len(right))]), (2, 1))
        parts.add(np.concatenate([first, second]), normals, Surface.KERB, strip_triangles(lane), fine=True)
    new_lane = np.diff(lane, prepend=-1) != 0
    starts = np.nonzero(new_lane)[0]
    ends = np.append(starts[1:], len(lane)) - 1
    for at, sign in ((starts, -1.0), (ends, 1.0)):
        a, b = _edge(center[at], right[at], -half[at]), _edge(center[at], right[at], half[at])
        if sign < 0:
            a, b = b, a
        corners = np.concatenate([a, a - down[at], b, b - down[at]])
        n, k = len(at), np.arange(len(at))
        forward = np.column_stack([right[at, 1], -right[at, 0], np.zeros(n)]) * sign
        quads = np.concatenate([np.stack([k, k + 2 * n, k + n], 1), np.stack([k + 2 * n, k + 3 * n, k + n], 1)])
        parts.add(corners, np.tile(forward, (4, 1)), Surface.KERB, quads, fine=True)


def _add_verges(
    parts: _Parts,
    road_map: RoadMap,
    lane: Ints,
    center: Floats,
    right: Floats,
    half: Floats,
    floors: list[JunctionFloor],
) -> None:
    everything = LaneCover.from_lanes(road_map, np.ones(len(road_map.lanes.xyz), dtype=np.bool_))
    for side in (-1.0, 1.0):
        outward = right * side
        edge = _edge(center, outward, half)
        probe = edge + np.column_stack([outward * 0.35, np.zeros(len(edge))])
        tiny = np.full((len(edge), 3), 0.02)
        outer = ~everything.touched_by(probe, tiny, np.zeros(len(edge)), 0.0, storey_m=STOREY_M)
        paved = np.zeros(len(edge), dtype=np.bool_)
        for floor in floors:
            paved |= floor.holds(probe, STOREY_M)
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
        up = np.array([0.0, 0.0, 1.0])
        rows, bridge = _verge_rows(road_map, edge[index], outward[index])
        for near, far in zip(rows[:-1], rows[1:], strict=True):
            strip = [near, far] if side > 0 else [far, near]
            parts.add(np.concatenate(strip), up, Surface.GRASS, strip_triangles(run, ~bridge), fine=True)
        if bridge.any():
            # The deck goes on to the first sample of the verge, so that no gap opens between them.
            after = np.append(False, bridge[:-1] & (run[1:] == run[:-1]))
            before = np.append(bridge[1:] & (run[1:] == run[:-1]), False)
            bridge = bridge | after | before
            inner = edge[index] - np.array([0.0, 0.0, 0.02])
            top = inner + np.column_stack([outward[index] * LEDGE_M, np.zeros(len(index))])
            strip = [inner, top] if side > 0 else [top, inner]
            ledge = strip_triangles(run, bridge)
            parts.add(np.concatenate(strip), np.array([0.0, 0.0, 1.0]), Surface.CONCRETE, ledge)
            bottom = top - np.array([0.0, 0.0, FASCIA_M])
            strip = [top, bottom] if side > 0 else [bottom, top]
            normals = np.tile(np.column_stack([outward[index], np.zeros(len(index))]), (2, 1))
            parts.add(np.concatenate(strip), normals, Surface.CONCRETE, strip_triangles(run, bridge))


def _verge_rows(road_map: RoadMap, edge: Floats, outward: Floats) -> tuple[list[Floats], NDArray[np.bool_]]:
    """Return the verge's lines from the road's edge outwards, and where the edge belongs to a bridge."""
    rows: list[Floats] = []
    for distance in VERGE_AT_M:
        row = edge + np.column_stack([outward * distance, np.zeros(len(edge))])
        if distance > 0.0:
            row[:, 2] = (
                road_map.ground.height(np.asarray(row[:, :2], np.float64), np.asarray(edge[:, 2], np.float64))[0] - 0.05
            )
        rows.append(row)
    rows[0] = rows[0] - np.array([0.0, 0.0, 0.03])
    bridge = edge[:, 2] - rows[1][:, 2] > 1.6
    rows[-1] = np.column_stack([rows[-1][:, :2], np.minimum(rows[-1][:, 2], rows[-2][:, 2]) - SINK_M - 0.4])
    for k in range(1, len(rows)):
        # Across a lower or higher neighbour road the verge must not climb above this edge.
        rows[k][:, 2] = np.minimum(rows[k][:, 2], rows[0][:, 2] + 0.6 * VERGE_AT_M[k])
    return rows, bridge


def _land_nodes(road_map: RoadMap) -> tuple[Floats, float, float, float]:
    """Return heights [rows, columns] of the land's nodes, below the land and every road, and the grid's x, y and spacing."""
    terrain = road_map.ground.arrays().terrain
    x0, y0, cell = (float(v) for v in terrain.origin)
    z = terrain.z.copy()
    corner = np.floor((road_map.lanes.xyz[:, :2] - (x0, y0)) / cell).astype(np.intp)
    for dj in (0, 1):
        for di in (0, 1):
            np.minimum.at(z, (corner[:, 1] + dj, corner[:, 0] + di), road_map.lanes.xyz[:, 2])
    return z - SINK_M, x0, y0, cell


def _add_land(parts: _Parts, road_map: RoadMap) -> None:
    """Add the land in blocks: fine where it is uneven, two triangles where it is flat."""
    z, x0, y0, cell = _land_nodes(road_map)
    n = BLOCK_CELLS
    rows, columns = (int(np.ceil((k - 1) / n)) * n + 1 for k in z.shape)
    z = np.pad(z, ((0, rows - z.shape[0]), (0, columns - z.shape[1])), mode="edge")
    gx, gy = np.meshgrid(x0 + np.arange(columns) * cell, y0 + np.arange(rows) * cell)
    vertices = np.stack([gx, gy, z], axis=2).reshape(-1, 3)
    index = np.arange(len(vertices)).reshape(rows, columns)
    windows = np.lib.stride_tricks.sliding_window_view(z, (n + 1, n + 1))[::n, ::n]
    rough = np.ptp(windows, axis=(2, 3)) > FLAT_M
    fine = np.repeat(np.repeat(rough, n, axis=0), n, axis=1)
    quads = [
        (index[:-1, :-1][fine], index[:-1, 1:][fine], index[1:, :-1][fine], index[1:, 1:][fine]),
        tuple(
            index[a : rows - n + a : n, b : columns - n + b : n][~rough] for a, b in ((0, 0), (0, n), (n, 0), (n, n))
        ),
    ]
    triangles = np.concatenate([np.stack(t, axis=1) for a, b, c, d in quads for t in ((a, b, c), (b, d, c))])
    used, compact = np.unique(triangles, return_inverse=True)
    normals = _grid_normals(gx, gy, z)
    parts.add(vertices[used], normals[used], Surface.GRASS, compact.reshape(-1, 3))
    _add_horizon(parts, gx, gy, z)


def _grid_normals(gx: Floats, gy: Floats, z: Floats) -> Floats:
    slope_y, slope_x = np.gradient(z, gy[:, 0], gx[0])
    normals = np.stack([-slope_x, -slope_y, np.ones_like(z)], axis=2).reshape(-1, 3)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def _add_horizon(parts: _Parts, gx: Floats, gy: Floats, z: Floats) -> None:
    """Add the flat ring from the land's border to the horizon."""
    inner = np.array([[gx[0, 0], gy[0, 0]], [gx[0, -1], gy[0, 0]], [gx[0, -1], gy[-1, 0]], [gx[0, 0], gy[-1, 0]]])
    outer = inner + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * HORIZON_M
    border = np.concatenate([z[0], z[-1], z[:, 0], z[:, -1]])
    corners = np.concatenate(
        [
            np.column_stack([inner, np.full(4, border.min() - 0.1)]),
            np.column_stack([outer, np.full(4, border.min() - 0.1)]),
        ]
    )
    quads = [[k, k + 4, (k + 1) % 4] for k in range(4)] + [[(k + 1) % 4, k + 4, (k + 1) % 4 + 4] for k in range(4)]
    triangles = np.array(quads, dtype=np.int32)
    parts.add(corners, np.array([0.0, 0.0, 1.0]), Surface.GRASS, triangles)
