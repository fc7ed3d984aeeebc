"""Polygons with holes as few convex ones: a constrained triangulation whose triangles are joined again."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Corner = tuple[int, int]


def is_convex(ring: Ints) -> bool:
    """Return whether a ring [K, 2] of whole numbers turns one way only; corners on straight edges are allowed."""
    step = np.roll(ring, -1, axis=0) - ring
    after = np.roll(step, -1, axis=0)
    turn = step[:, 0] * after[:, 1] - step[:, 1] * after[:, 0]
    return bool((turn >= 0).all() or (turn <= 0).all()) and bool(turn.any())


def convex_pieces(face: shapely.Polygon, snap_m: float, max_corners: int) -> list[list[Corner]]:
    """Return clockwise convex rings of at most `max_corners` corners, in units of `snap_m`, that make up a polygon.

    All of their corners are corners of the polygon, so that neighbours' edges still match. The longest inner edges go first.
    """
    rings: list[list[Corner]] = []
    for triangle in shapely.get_parts(shapely.constrained_delaunay_triangles(face)):
        xy = np.rint(np.asarray(shapely.get_coordinates(triangle))[:3] / snap_m).astype(np.int64)
        a, b, c = ((int(x), int(y)) for x, y in xy)
        turn = _turn(a, b, c)
        if turn:
            rings.append([a, b, c] if turn < 0 else [a, c, b])
    return _joined(rings, max_corners)


def _turn(a: Corner, b: Corner, c: Corner) -> int:
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])


def _joined(rings: list[list[Corner]], max_corners: int) -> list[list[Corner]]:
    """Return the rings with neighbours joined, over the longest edge first, while the result stays convex and small."""
    owner: dict[tuple[Corner, Corner], int] = {}
    for k, ring in enumerate(rings):
        for a, b in _edges(ring):
            owner[a, b] = k
    inner = [(a, b) for a, b in owner if a < b and (b, a) in owner]
    inner.sort(key=lambda e: (-((e[0][0] - e[1][0]) ** 2 + (e[0][1] - e[1][1]) ** 2), e))
    for a, b in inner:
        first, second = owner.get((a, b)), owner.get((b, a))
        if first is None or second is None or first == second:
            continue
        merged = _merged(rings[first], rings[second], a, b)
        if len(merged) <= max_corners and _convex(merged):
            rings[first], rings[second] = merged, []
            del owner[a, b], owner[b, a]
            for edge in _edges(merged):
                owner[edge] = first
    return [ring for ring in rings if ring]


def _edges(ring: list[Corner]) -> list[tuple[Corner, Corner]]:
    return list(zip(ring, ring[1:] + ring[:1], strict=True))


def _merged(first: list[Corner], second: list[Corner], a: Corner, b: Corner) -> list[Corner]:
    """Return the ring around two rings that share the edge a-b (b-a in the second)."""
    at, other = first.index(b), second.index(a)
    return first[at:] + first[:at] + (second[other:] + second[:other])[1:-1]


def _convex(ring: list[Corner]) -> bool:
    if len(set(ring)) != len(ring):
        return False
    return all(_turn(a, b, c) <= 0 for a, b, c in zip(ring, ring[1:] + ring[:1], ring[2:] + ring[:2], strict=True))
