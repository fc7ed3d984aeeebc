"""The navigation mesh as arrays: convex polygons on the ground, and which of them meet at which edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from alpamayo_sim.roads.navmesh.areas import walkable_areas
from alpamayo_sim.roads.navmesh.partition import CELL_M, MAX_CORNERS, Pieces, partition
from alpamayo_sim.roads.navmesh.storeys import beside_sidewalks
from alpamayo_sim.roads.road_map import RoadMap

INSET_M = 0.05
"""How far inside of its polygons a corner's height is measured: at a kerb two heights meet."""
FLAT_M = 0.5
"""Outlines are simplified on maps with less relief than this; elsewhere the corners also carry the slopes."""
NONE = -1

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NavMesh:
    """P polygons in the CARLA world frame, metres, clockwise where x points right and y up."""

    vertices: NDArray[np.float64]
    """[V, 3] corners on the ground; ground of two kinds has corners of its own at the same place, a kerb apart."""
    corners: Ints
    """[P, 6] rows of `vertices`, padded with -1."""
    neighbours: Ints
    """[P, 6] the polygon across the edge from this corner to the next, or -1."""
    area: NDArray[np.uint8]
    """[P] Area."""
    cell: Ints
    """[P, 2] column and row of the square cell that holds the polygon."""
    origin: NDArray[np.float64]
    """[2] corner of cell (0, 0)."""
    cell_m: float
    """Side of a cell."""

    @property
    def corner_count(self) -> Ints:
        """[P] corners of each polygon."""
        return (self.corners >= 0).sum(axis=1)


def build_mesh(road_map: RoadMap) -> NavMesh:
    """Return the navigation mesh of a map; it has no polygon (P = 0) only where the map has no ground to walk on."""
    simplify = float(np.ptp(road_map.lanes.xyz[:, 2])) < FLAT_M
    pieces = partition(walkable_areas(road_map), simplify=simplify)
    corners = np.full((len(pieces.corners), MAX_CORNERS), NONE, dtype=np.int64)
    for k, ring in enumerate(pieces.corners):
        corners[k, : len(ring)] = ring
    vertices, own = _on_ground(road_map, pieces, corners)
    return NavMesh(
        vertices=vertices,
        corners=own,
        neighbours=_neighbours(corners),
        area=pieces.area,
        cell=pieces.cell,
        origin=pieces.origin,
        cell_m=CELL_M,
    )


def _neighbours(corners: Ints) -> Ints:
    """Return [P, 6] the polygon that has each edge the other way round, or -1."""
    following = _following(corners)
    owner: dict[tuple[int, int], int] = {}
    for k, slot in zip(*np.nonzero(corners >= 0), strict=True):
        owner[int(corners[k, slot]), int(following[k, slot])] = int(k)
    found = np.full_like(corners, NONE)
    for k, slot in zip(*np.nonzero(corners >= 0), strict=True):
        found[k, slot] = owner.get((int(following[k, slot]), int(corners[k, slot])), NONE)
    return found


def _following(corners: Ints) -> Ints:
    """Return [P, 6] the corner after each corner of its polygon, or -1."""
    after = np.roll(corners, -1, axis=1)
    after[:, -1] = NONE
    count = (corners >= 0).sum(axis=1)
    rows = np.arange(len(corners))
    after[rows, count - 1] = corners[:, 0]
    return after


def _on_ground(road_map: RoadMap, pieces: Pieces, corners: Ints) -> tuple[NDArray[np.float64], Ints]:
    """Return vertices [V, 3], one per place and kind of ground, and the polygons' corners [P, 6] as their rows."""
    used = corners >= 0
    polygon, _ = np.nonzero(used)
    place = corners[used]
    middle = np.zeros((len(corners), 2))
    np.add.at(middle, polygon, pieces.xy[place])
    middle /= np.maximum(used.sum(axis=1), 1)[:, None]
    key, own = np.unique(place * 8 + pieces.area[polygon], return_inverse=True)
    inward = np.zeros((len(key), 2))
    toward = middle[polygon] - pieces.xy[place]
    toward /= np.maximum(np.linalg.norm(toward, axis=1), 1e-9)[:, None]
    np.add.at(inward, own, toward)
    length = np.linalg.norm(inward, axis=1)
    inward /= np.maximum(length, 1e-3)[:, None]
    xy = pieces.xy[key // 8]
    z = _heights(road_map, xy + INSET_M * inward)
    renumbered = np.full_like(corners, NONE)
    renumbered[used] = own
    return np.column_stack([xy, z]), renumbered


def _heights(road_map: RoadMap, xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ground's heights [M] at places [M, 2], on the storey of the sidewalks."""
    if not len(xy):
        return np.zeros(0)
    samples = road_map.lanes.xyz[beside_sidewalks(road_map.lanes)]
    _, nearest = KDTree(samples[:, :2]).query(xy)
    return road_map.ground.height(xy, np.asarray(samples[nearest, 2], dtype=np.float64))[0]
