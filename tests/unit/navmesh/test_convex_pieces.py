"""Any polygon falls into convex pieces whose edges match."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_sim.roads.navmesh.convex import convex_pieces, is_convex
from alpamayo_sim.roads.navmesh.kinds import Area
from alpamayo_sim.roads.navmesh.partition import MAX_CORNERS, SNAP_M, partition


@st.composite
def stars(draw: st.DrawFn) -> shapely.Polygon:
    """Polygons around a centre with corners at any distance from it, some with a hole."""
    count = draw(st.integers(3, 14))
    radii = np.array(draw(st.lists(st.floats(2.0, 30.0), min_size=count, max_size=count)))
    angle = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    shell = np.rint(np.column_stack([radii * np.cos(angle), radii * np.sin(angle)]) / SNAP_M) * SNAP_M
    hole = [(-0.3, -0.3), (0.3, -0.3), (0.0, 0.3)]
    face = shapely.Polygon(shell, [hole] if draw(st.booleans()) else [])
    return face if face.is_valid else shapely.Polygon(shell).convex_hull


@given(stars())
def test_pieces_cover_the_polygon_and_are_convex_clockwise_and_small(face: shapely.Polygon) -> None:
    rings = convex_pieces(face, SNAP_M, MAX_CORNERS)
    polygons = [shapely.Polygon(np.array(ring) * SNAP_M) for ring in rings]
    assert np.isclose(sum(p.area for p in polygons), face.area, rtol=1e-6, atol=1e-6)
    assert all(is_convex(np.array(ring)) and 3 <= len(ring) <= MAX_CORNERS for ring in rings)
    assert all(not p.exterior.is_ccw for p in polygons)
    corners = {(int(x), int(y)) for x, y in np.rint(shapely.get_coordinates(face) / SNAP_M)}
    assert {corner for ring in rings for corner in ring} <= corners


@settings(max_examples=30)
@given(stars(), stars(), st.floats(-20.0, 20.0))
def test_pieces_of_neighbouring_areas_share_their_edges(
    first: shapely.Polygon, second: shapely.Polygon, shift: float
) -> None:
    second = shapely.affinity.translate(second, shift, 7.0).difference(first)
    pieces = partition({Area.SIDEWALK: first, Area.ROAD: second}, simplify=False)
    for area, shape in ((Area.SIDEWALK, first), (Area.ROAD, second)):
        mine = [
            shapely.Polygon(pieces.xy[ring]) for ring, a in zip(pieces.corners, pieces.area, strict=True) if a == area
        ]
        covered = sum(p.area for p in mine)
        assert abs(covered - shape.area) <= 0.2 + 2.0 * SNAP_M * shape.length
    whole = shapely.union_all([shapely.Polygon(pieces.xy[ring]) for ring in pieces.corners])
    edges = {(a, b) for ring in pieces.corners for a, b in zip(ring, ring[1:] + ring[:1], strict=True)}
    single = [pieces.xy[list(edge)] for edge in edges if edge[::-1] not in edges]
    # An edge that no other polygon has is on the outline of the whole, never between two polygons.
    middles = shapely.points(np.array([edge.mean(axis=0) for edge in single]))
    assert (shapely.distance(whole.boundary, middles) < 2.0 * SNAP_M).all()
