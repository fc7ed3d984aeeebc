"""Meshes made of simple solids, with smooth normals across soft edges and flat ones across hard edges.

Mesh frame: x forward, y right, z up (CARLA's), metres. A triangle (a, b, c) shows the side to which (b - a) x (c - a) points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]
Color = tuple[float, float, float]
BLACK: Color = (0.02, 0.02, 0.02)
RUBBER: Color = (0.13, 0.13, 0.135)
GLASS: Color = (0.13, 0.15, 0.17)
STEEL: Color = (0.55, 0.56, 0.58)
VERTEX = np.dtype([("position", "3f4"), ("normal", "4u1"), ("color", "4u1")])


class Material(IntEnum):
    """How the object shader treats a face; the numbers are those of `shaders/object.*`."""

    MATT = 0
    PAINT = 1
    GLASS = 2
    HEADLIGHT = 3
    TAILLIGHT = 4
    BLINKER_LEFT = 5
    BLINKER_RIGHT = 6
    REVERSE_LIGHT = 7
    LENS_RED = 8
    LENS_YELLOW = 9
    LENS_GREEN = 10
    FOLIAGE = 11
    CHROME = 12
    LAMP = 13
    SIGN_FACE = 14
    BEACON = 15
    LEG_LEFT = 20
    LEG_RIGHT = 21
    ARM_LEFT = 22
    ARM_RIGHT = 23
    CLOTH = 24


@dataclass(frozen=True)
class Mesh:
    """Vertices (structured VERTEX) and triangle indices [T, 3]."""

    vertices: NDArray[np.void]
    triangles: NDArray[np.integer]

    @property
    def radius_m(self) -> float:
        """Distance of the farthest vertex from the mesh's origin."""
        return float(np.linalg.norm(self.vertices["position"], axis=1).max())


class MeshBuilder:
    """Collects triangles; `build` returns the mesh."""

    def __init__(self, crease_deg: float = 38.0) -> None:
        self._corners: list[Floats] = []
        self._material: list[int] = []
        self._color: list[Color] = []
        self._part: list[int] = []
        self._parts = 0
        self._crease = float(np.cos(np.radians(crease_deg)))

    def polygon(
        self, points: ArrayLike, material: Material, color: Color, *, away_from: ArrayLike | None = None
    ) -> MeshBuilder:
        """Add a flat convex polygon [K, 3], turned to show the side away from the point `away_from`."""
        p = np.asarray(points, dtype=np.float64)
        if away_from is not None:
            normal = np.cross(p[1] - p[0], p[2] - p[0])
            if len(p) > 3 and np.linalg.norm(normal) < 1e-9:
                normal = np.cross(p[2] - p[0], p[3] - p[0])
            if normal @ (p.mean(axis=0) - np.asarray(away_from, dtype=np.float64)) < 0.0:
                p = p[::-1]
        for k in range(1, len(p) - 1):
            triangle = np.stack([p[0], p[k], p[k + 1]])
            if np.linalg.norm(np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])) > 1e-10:
                self._corners.append(triangle)
                self._material.append(int(material))
                self._color.append(color)
                self._part.append(self._parts)
        return self

    def new_part(self) -> MeshBuilder:
        """Begin a solid whose normals do not mix with those before it."""
        self._parts += 1
        return self

    def box(
        self, center: ArrayLike, half: ArrayLike, material: Material, color: Color, *, taper: float = 1.0
    ) -> MeshBuilder:
        """Add a box; its top is scaled by `taper` in x and y."""
        self.new_part()
        c, h = np.asarray(center, dtype=np.float64), np.asarray(half, dtype=np.float64)
        signs = np.array(
            [[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]
        )
        scale = np.where(signs[:, 2:] > 0, taper, 1.0) * np.array([1.0, 1.0, 0.0]) + np.array([0.0, 0.0, 1.0])
        v = c + signs * h * scale
        for face in ((0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)):
            self.polygon(v[list(face)], material, color, away_from=c)
        return self

    def tube(
        self,
        start: ArrayLike,
        end: ArrayLike,
        radii: tuple[float, float],
        material: Material,
        color: Color,
        *,
        sides: int = 8,
        caps: bool = True,
    ) -> MeshBuilder:
        """Add a round tube between two points, with the radius at each."""
        self.new_part()
        a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
        axis = (b - a) / np.linalg.norm(b - a)
        side = np.cross(axis, [0.0, 0.0, 1.0] if abs(axis[2]) < 0.9 else [1.0, 0.0, 0.0])
        side /= np.linalg.norm(side)
        angle = np.arange(sides) * 2.0 * np.pi / sides
        ring = np.outer(np.cos(angle), side) + np.outer(np.sin(angle), np.cross(axis, side))
        low, high = a + ring * radii[0], b + ring * radii[1]
        middle = 0.5 * (a + b)
        for k in range(sides):
            j = (k + 1) % sides
            self.polygon([low[k], low[j], high[j], high[k]], material, color, away_from=middle)
        if caps:
            self.polygon(low, material, color, away_from=middle)
            self.polygon(high, material, color, away_from=middle)
        return self

    def ball(
        self, center: ArrayLike, radii: ArrayLike, material: Material, color: Color, *, sides: int = 8, rings: int = 5
    ) -> MeshBuilder:
        """Add an ellipsoid."""
        self.new_part()
        c, r = np.asarray(center, dtype=np.float64), np.asarray(radii, dtype=np.float64)
        latitude = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
        longitude = np.arange(sides) * 2.0 * np.pi / sides

        def at(i: int, k: int) -> Floats:
            turn = longitude[k % sides] + (np.pi / sides if i % 2 else 0.0)
            return c + r * np.array(
                [np.cos(latitude[i]) * np.cos(turn), np.cos(latitude[i]) * np.sin(turn), np.sin(latitude[i])]
            )

        for i in range(rings):
            for k in range(sides):
                self.polygon([at(i, k), at(i, k + 1), at(i + 1, k + 1), at(i + 1, k)], material, color, away_from=c)
        return self

    def disc(
        self, center: ArrayLike, normal: ArrayLike, radius: float, material: Material, color: Color, *, sides: int = 12
    ) -> MeshBuilder:
        """Add a flat regular polygon that shows the side of `normal`."""
        n = np.asarray(normal, dtype=np.float64)
        side = np.cross(n, [0.0, 0.0, 1.0] if abs(n[2]) < 0.9 else [1.0, 0.0, 0.0])
        side /= np.linalg.norm(side)
        angle = (np.arange(sides) + 0.5) * 2.0 * np.pi / sides
        ring = np.outer(np.cos(angle), side) + np.outer(np.sin(angle), np.cross(n, side))
        c = np.asarray(center, dtype=np.float64)
        return self.new_part().polygon(c + ring * radius, material, color, away_from=c - n)

    def build(self) -> Mesh:
        """Return the mesh of everything added."""
        corners = np.array(self._corners)
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        face = cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-12)
        part = np.repeat(np.array(self._part), 3)
        points = corners.reshape(-1, 3)
        key = np.column_stack([part, np.rint(points * 1e4).astype(np.int64)])
        _, spot = np.unique(key, axis=0, return_inverse=True)
        spot = spot.ravel()
        owner = np.repeat(np.arange(len(corners)), 3)
        normals = np.empty_like(points)
        order = np.argsort(spot, kind="stable")
        for members in np.split(order, np.nonzero(np.diff(spot[order]))[0] + 1):
            own = face[owner[members]]
            soft = own @ own.T >= self._crease
            normals[members] = soft @ cross[owner[members]]
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        material = np.repeat(np.array(self._material), 3)
        color = np.repeat(np.array(self._color), 3, axis=0)
        return pack(points, normals, material, color, np.arange(len(points), dtype=np.uint32).reshape(-1, 3))


def pack(
    points: Floats, normals: Floats, material: NDArray[np.integer], color: Floats, triangles: NDArray[np.integer]
) -> Mesh:
    """Return a mesh of plain arrays, equal vertices merged; colours are sRGB-like in 0..1."""
    vertices = np.zeros(len(points), dtype=VERTEX)
    vertices["position"] = points
    vertices["normal"][:, :3] = np.rint(normals * 127.5 + 127.5)
    vertices["normal"][:, 3] = material
    vertices["color"][:, :3] = np.rint(np.clip(color, 0.0, 1.0) * 255.0)
    merged, index = np.unique(vertices, return_inverse=True)
    return Mesh(merged, index.ravel()[triangles].astype(np.uint32))


def mirrored(points: Sequence[Sequence[float]]) -> Floats:
    """Return the points [K, 3] with y negated."""
    return np.asarray(points, dtype=np.float64) * np.array([1.0, -1.0, 1.0])
