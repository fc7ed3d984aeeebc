"""The ground's triangles as arrays, and what they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


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


@dataclass(frozen=True)
class GroundMesh:
    """Triangles of the ground: `vertices` [V, 3], unit `normals` [V, 3], `surface` [V] Surface, `triangles` [T, 3] indices."""

    vertices: Floats
    normals: Floats
    surface: NDArray[np.uint8]
    triangles: Ints
    fine: NDArray[np.bool_]
    """[T] kerbs and verges, which nobody misses from some hundred metres on."""


class GroundParts:
    """Collects parts of a ground mesh; `mesh` returns them."""

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
        """Add triangles [T, 3] of vertices [V, 3] with unit normals (one, or [V, 3]), of one surface or one a vertex."""
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
