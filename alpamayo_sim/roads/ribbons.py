"""Ribbons of triangles for paint on the road, in the CARLA world frame.

A ribbon's vertices carry their centre line and their offset from it apart, so that a renderer can widen a ribbon to a pixel and
fade it instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.strips import strip_triangles

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


LIFT_M = 0.015
"""Height of paint above the lane."""
WHITE = (225, 225, 220)


@dataclass(frozen=True)
class MarkingMesh:
    """Ribbons: `center` [V, 3] on the centre line, `offset` [V, 2] from it to the vertex, `color` [V, 3], `triangles` [T, 3]."""

    center: Floats
    offset: Floats
    color: NDArray[np.uint8]
    triangles: Ints
    right_side: NDArray[np.bool_]
    """[V] whether the vertex lies on the right of its centre line."""

    @property
    def vertices(self) -> Floats:
        """[V, 3] points of the paint's outline."""
        return self.center + np.column_stack([self.offset, np.zeros(len(self.offset))])


class Ribbons:
    """Collects ribbons; `mesh` returns them."""

    def __init__(self) -> None:
        self.center: list[Floats] = [np.zeros((0, 3))]
        self.offset: list[Floats] = [np.zeros((0, 2))]
        self.color: list[NDArray[np.uint8]] = [np.zeros((0, 3), dtype=np.uint8)]
        self.triangles: list[Ints] = [np.zeros((0, 3), dtype=np.int32)]
        self.right_side: list[NDArray[np.bool_]] = [np.zeros(0, dtype=np.bool_)]
        self.count = 0

    def add(
        self,
        center: Floats,
        right: Floats,
        half_width: float | Floats,
        color: NDArray[np.uint8],
        run: NDArray[np.integer],
    ) -> None:
        """Add ribbons through points [n, 3] with right-hand unit vectors [n, 2], half widths (one, or [n]) and colours [n, 3].

        Points of the same `run` [n] are joined.
        """
        triangles = strip_triangles(run)
        half_width = np.broadcast_to(half_width, len(center))[:, None]
        self.center.append(np.concatenate([center, center]))
        self.offset.append(np.concatenate([-right * half_width, right * half_width]))
        self.color.append(np.concatenate([color, color]).astype(np.uint8))
        self.triangles.append(triangles + self.count)
        self.right_side.append(np.repeat([False, True], len(center)))
        self.count += 2 * len(center)

    def mesh(self) -> MarkingMesh:
        """Return all ribbons added."""
        return MarkingMesh(
            np.concatenate(self.center),
            np.concatenate(self.offset),
            np.concatenate(self.color),
            np.concatenate(self.triangles),
            np.concatenate(self.right_side),
        )
