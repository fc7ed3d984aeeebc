"""Pieces of the atlas of sign faces on upright planes of an object."""

from __future__ import annotations

from alpamayo_sim.render.mesh import MeshBuilder
from alpamayo_sim.render.sign_atlas import Cell


def side_poster(b: MeshBuilder, cell: Cell, x: tuple[float, float], y: float, z: tuple[float, float]) -> None:
    """Put a poster on a side wall at y, from x[0] to x[1] and z[0] to z[1], to be read from outside."""
    # Seen from the right side, forward is to the reader's right.
    left, right = (x[0], x[1]) if y > 0 else (x[1], x[0])
    corners = [(left, y, z[1]), (right, y, z[1]), (right, y, z[0]), (left, y, z[0])]
    b.poster(
        corners, [(0, 0), (1, 0), (1, 1), (0, 1)], cell, away_from=(0.5 * (left + right), 0.0, 0.5 * (z[0] + z[1]))
    )


def end_poster(b: MeshBuilder, cell: Cell, x: float, y: float, z: tuple[float, float]) -> None:
    """Put a poster of half width y on the front (x > 0) or the rear."""
    left = -y if x < 0 else y
    corners = [(x, left, z[1]), (x, -left, z[1]), (x, -left, z[0]), (x, left, z[0])]
    b.poster(corners, [(0, 0), (1, 0), (1, 1), (0, 1)], cell, away_from=(0.0, 0.0, 0.5 * (z[0] + z[1])))
