"""Cuts areas into convex polygons of at most six corners whose edges match their neighbours' edges exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from alpamayo_sim.roads.navmesh.convex import convex_pieces, is_convex
from alpamayo_sim.roads.navmesh.kinds import Area

MAX_CORNERS = 6
SNAP_M = 0.01
"""All corners lie on a grid of this spacing, so that cutting is exact."""
CELL_M = 24.0
"""Side of the square cells at whose borders areas are cut: routes judge a polygon by the middles of its edges."""
TOLERANCE_M = 0.1
"""How far outlines may move sideways to save corners."""
MIN_AREA_M2 = 0.02

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Convex polygons, clockwise where x points right and y up."""

    xy: NDArray[np.float64]
    """[V, 2] corners, each place once."""
    corners: list[list[int]]
    """For each polygon its corners as rows of `xy`."""
    area: NDArray[np.uint8]
    """[P] Area."""
    cell: Ints
    """[P, 2] column and row of the cell that holds the polygon, from `origin` on."""
    origin: NDArray[np.float64]
    """[2] corner of cell (0, 0)."""


def partition(areas: dict[Area, BaseGeometry], *, simplify: bool) -> Pieces:
    """Return the pieces of disjoint areas; `simplify` lets outlines move by `TOLERANCE_M`, to be left out where it is hilly."""
    faces, kinds = _coverage(areas)
    if simplify and len(faces):
        faces = shapely.coverage_simplify(faces, TOLERANCE_M)
    origin = np.floor(np.array(shapely.total_bounds(faces)[:2]) / CELL_M) * CELL_M if len(faces) else np.zeros(2)
    cells, kinds = _cut(faces, kinds, origin)
    return _pieces(cells, kinds, origin)


def _coverage(areas: dict[Area, BaseGeometry]) -> tuple[NDArray[np.object_], NDArray[np.uint8]]:
    """Return one polygon per connected part of an area, with the same corners where they touch, and their kinds."""
    lines = shapely.union_all([shape.boundary for shape in areas.values() if not shape.is_empty], grid_size=SNAP_M)
    faces = _polygons(lines)
    inner = shapely.point_on_surface(faces)
    kinds = np.zeros(len(faces), dtype=np.uint8)
    for area, shape in areas.items():
        shapely.prepare(shape)
        kinds[shapely.contains_properly(shape, inner)] = int(area)
    parts: list[BaseGeometry] = []
    part_kinds: list[int] = []
    for area in areas:
        mine = faces[kinds == int(area)]
        if len(mine):
            found = [p for p in shapely.get_parts(shapely.coverage_union_all(mine)) if p.area > MIN_AREA_M2]
            parts += found
            part_kinds += [int(area)] * len(found)
    return np.array(parts, dtype=object), np.array(part_kinds, dtype=np.uint8)


def _cut(
    faces: NDArray[np.object_], kinds: NDArray[np.uint8], origin: NDArray[np.float64]
) -> tuple[NDArray[np.object_], NDArray[np.uint8]]:
    """Return the faces cut along the borders of the cells."""
    if not len(faces):
        return faces, kinds
    x0, y0, x1, y1 = shapely.total_bounds(faces)
    columns = np.arange(origin[0], x1 + CELL_M, CELL_M)
    rows = np.arange(origin[1], y1 + CELL_M, CELL_M)
    borders = [shapely.LineString([(x, y0 - 1.0), (x, y1 + 1.0)]) for x in columns]
    borders += [shapely.LineString([(x0 - 1.0, y), (x1 + 1.0, y)]) for y in rows]
    whole = shapely.union_all(faces)
    inside = shapely.intersection(borders, whole)
    lines = shapely.union_all([*shapely.boundary(faces), *inside], grid_size=SNAP_M)
    cut = _polygons(lines)
    points = shapely.point_on_surface(cut)
    tree = shapely.STRtree(faces)
    found, source = tree.query(points, predicate="within")
    kind = np.zeros(len(cut), dtype=np.uint8)
    kind[found] = kinds[source]
    return cut[kind > 0], kind[kind > 0]


def _polygons(lines: BaseGeometry) -> NDArray[np.object_]:
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    return faces[shapely.area(faces) > 1e-6]


def _pieces(cells: NDArray[np.object_], kinds: NDArray[np.uint8], origin: NDArray[np.float64]) -> Pieces:
    number: dict[tuple[int, int], int] = {}
    corners: list[list[int]] = []
    area: list[int] = []
    cell: list[NDArray[np.int64]] = []
    order = np.lexsort(np.floor(shapely.bounds(cells)[:, :2] / SNAP_M).T) if len(cells) else np.zeros(0, dtype=np.int64)
    for face, kind in zip(cells[order], kinds[order], strict=True):
        xy = np.rint(np.asarray(shapely.get_coordinates(face)) / SNAP_M).astype(np.int64)
        column_row = np.floor((np.asarray(face.bounds[:2]) + SNAP_M - origin) / CELL_M).astype(np.int64)
        whole = len(face.interiors) == 0 and len(xy) - 1 <= MAX_CORNERS and is_convex(xy[:-1])
        rings = [_clockwise(xy[:-1])] if whole else convex_pieces(face, SNAP_M, MAX_CORNERS)
        for ring in rings:
            corners.append([number.setdefault((int(x), int(y)), len(number)) for x, y in ring])
            area.append(int(kind))
            cell.append(column_row)
    xy_all = np.array(list(number), dtype=np.float64).reshape(-1, 2) * SNAP_M
    return Pieces(
        xy_all, corners, np.array(area, dtype=np.uint8), np.array(cell, dtype=np.int64).reshape(-1, 2), origin
    )


def _clockwise(ring: Ints) -> Ints:
    x, y = ring[:, 0], ring[:, 1]
    twice_area = int(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    return ring if twice_area < 0 else ring[::-1]
