"""Meshes made of simple solids, with smooth normals across soft edges and flat ones across hard edges.

Mesh frame: x forward, y right, z up (CARLA's), metres. A triangle (a, b, c) shows the side to which (b - a) x (c - a) points.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]
Color = tuple[float, float, float]
WHITE: Color = (0.9, 0.9, 0.9)
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
    POSTER = 16
    """A piece of the atlas of sign faces: red and green are the place in the cell, blue the cell's number / 255."""
    SKIN = 17
    HAIR = 18
    TROUSERS = 19
    CLOTH = 20
    BRAKE_LIGHT = 22
    LACQUER = 23
    """Shines like PAINT, in the mesh's own colour."""


class Joint(IntEnum):
    """What a vertex moves with; the numbers are those of `shaders/object.vert`. Odd numbers below 9 are left."""

    NONE = 0
    THIGH_LEFT = 1
    THIGH_RIGHT = 2
    SHIN_LEFT = 3
    SHIN_RIGHT = 4
    ARM_LEFT = 5
    ARM_RIGHT = 6
    FOREARM_LEFT = 7
    FOREARM_RIGHT = 8
    DOOR = 9
    """9 to 14: doors front left, front right, rear left, rear right, bonnet, boot."""


PAINT_FLAG = 64
"""Added to the joint of what is painted on the ground, which CARLA labels as road lines."""
RIDER_FLAG = 128
"""Added to the joint of what belongs to a two-wheeler's rider, whom CARLA labels apart."""


@dataclass(frozen=True)
class Mesh:
    """Vertices (structured VERTEX) and triangle indices [T, 3]."""

    vertices: NDArray[np.void]
    triangles: NDArray[np.integer]

    @property
    def radius_m(self) -> float:
        """Distance of the farthest vertex from the mesh's origin."""
        return float(np.linalg.norm(self.vertices["position"], axis=1).max())


@njit(cache=True)
def _smooth_normals(
    order: NDArray[Any], spot: NDArray[Any], face: NDArray[Any], cross: NDArray[Any], crease: float
) -> NDArray[Any]:
    """Return [corners, 3] the sum of `cross` over the triangles that meet at each corner without an edge between them.

    `order` sorts the corners by their `spot`; `face` and `cross` [triangles, 3] are unit and full normals.
    """
    normals = np.zeros((len(order), 3))
    first = 0
    while first < len(order):
        last = first
        while last < len(order) and spot[order[last]] == spot[order[first]]:
            last += 1
        for i in range(first, last):
            one = order[i] // 3
            for j in range(first, last):
                other = order[j] // 3
                alike = face[one, 0] * face[other, 0] + face[one, 1] * face[other, 1] + face[one, 2] * face[other, 2]
                if alike >= crease:
                    for k in range(3):
                        normals[order[i], k] += cross[other, k]
        first = last
    return normals


@dataclass(frozen=True)
class _Polygon:
    points: Floats
    color: Floats
    away_from: Floats | None
    material: int
    joint: int
    part: int


class MeshBuilder:
    """Collects polygons; `build` returns the mesh."""

    def __init__(self, crease_deg: float = 38.0) -> None:
        self._polygons: list[_Polygon] = []
        self._moves_with = 0
        self._parts = 0
        self._crease = float(np.cos(np.radians(crease_deg)))

    def joint(self, joint: int) -> MeshBuilder:
        """Let what follows move with a joint."""
        self._moves_with = int(joint)
        return self

    def poster(self, points: ArrayLike, places: ArrayLike, cell: int, *, away_from: ArrayLike) -> MeshBuilder:
        """Add a flat convex polygon [K, 3] that shows the atlas cell at `places` [K, 2] (0..1, right and down)."""
        places = np.asarray(places, dtype=np.float64)
        colors = np.column_stack([places, np.full(len(places), cell / 255.0)])
        return self.new_part().polygon(points, Material.POSTER, colors, away_from=away_from)

    def polygon(
        self, points: ArrayLike, material: Material, color: Color | Floats, *, away_from: ArrayLike | None = None
    ) -> MeshBuilder:
        """Add a flat convex polygon [K, 3], turned to show the side away from the point `away_from`."""
        away = None if away_from is None else np.asarray(away_from, dtype=np.float64)
        self._polygons.append(
            _Polygon(
                np.asarray(points, dtype=np.float64), np.asarray(color, dtype=np.float64), away, int(material),
                self._moves_with, self._parts,
            )
        )  # fmt: skip
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

    def _triangles(self) -> tuple[Floats, Floats, NDArray[np.integer]]:
        """Return corners [T, 3, 3], colours [T, 3, 3] and material, joint and part [T, 3] of fans over all polygons."""
        corners: list[Floats] = []
        colors: list[Floats] = []
        kinds: list[NDArray[np.integer]] = []
        order: list[NDArray[np.integer]] = []
        sizes = np.array([len(p.points) for p in self._polygons])
        for size in np.unique(sizes):
            chosen = np.flatnonzero(sizes == size)
            members = [self._polygons[k] for k in chosen]
            points = np.stack([p.points for p in members])
            color = np.stack([np.broadcast_to(p.color, p.points.shape) for p in members])
            away = np.stack([np.full(3, np.nan) if p.away_from is None else p.away_from for p in members])
            normal = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
            if size > 3:
                flat = np.linalg.norm(normal, axis=1) < 1e-9
                normal[flat] = np.cross(points[:, 2] - points[:, 0], points[:, 3] - points[:, 0])[flat]
            inside_out = np.einsum("ij,ij->i", normal, points.mean(axis=1) - away) < 0.0
            points[inside_out], color[inside_out] = points[inside_out, ::-1], color[inside_out, ::-1]
            kind = np.array([(p.material, p.joint, p.part) for p in members])
            for k in range(1, int(size) - 1):
                corners.append(points[:, [0, k, k + 1]])
                colors.append(color[:, [0, k, k + 1]])
                kinds.append(kind)
                order.append(chosen * 64 + k)
        sequence = np.argsort(np.concatenate(order), kind="stable")
        return np.concatenate(corners)[sequence], np.concatenate(colors)[sequence], np.concatenate(kinds)[sequence]

    def build(self) -> Mesh:
        """Return the mesh of everything added."""
        corners, colors, kinds = self._triangles()
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area = np.linalg.norm(cross, axis=1)
        kept = area > 1e-10
        corners, colors, kinds, cross = corners[kept], colors[kept], kinds[kept], cross[kept]
        face = cross / area[kept, None]
        points = corners.reshape(-1, 3)
        key = np.column_stack([np.repeat(kinds[:, 2], 3), np.rint(points * 1e4).astype(np.int64)])
        _, spot = np.unique(key, axis=0, return_inverse=True)
        spot = spot.ravel()
        normals = _smooth_normals(np.argsort(spot, kind="stable"), spot, face, cross, self._crease)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        material, joint = np.repeat(kinds[:, 0], 3), np.repeat(kinds[:, 1], 3)
        triangles = np.arange(len(points), dtype=np.uint32).reshape(-1, 3)
        return pack(points, normals, material, colors.reshape(-1, 3), joint, triangles)


def pack(
    points: Floats,
    normals: Floats,
    material: NDArray[np.integer],
    color: Floats,
    joint: NDArray[np.integer],
    triangles: NDArray[np.integer],
) -> Mesh:
    """Return a mesh of plain arrays, equal vertices merged; colours are sRGB-like in 0..1."""
    vertices = np.zeros(len(points), dtype=VERTEX)
    vertices["position"] = points
    vertices["normal"][:, :3] = np.rint(normals * 127.5 + 127.5)
    vertices["normal"][:, 3] = material
    vertices["color"][:, :3] = np.rint(np.clip(color, 0.0, 1.0) * 255.0)
    vertices["color"][:, 3] = joint
    merged, index = np.unique(vertices, return_inverse=True)
    return Mesh(merged, index.ravel()[triangles].astype(np.uint32))
