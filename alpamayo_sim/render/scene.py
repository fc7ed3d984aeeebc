"""The still part of a scene, as arrays ready for the graphics card; no OpenGL here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.facades import awning_instances, building_triangles
from alpamayo_sim.render.instances import Instances, joined
from alpamayo_sim.render.library import MeshLibrary, mesh_library
from alpamayo_sim.render.street_furniture import light_instances, roadside_instances, sign_instances, speed_limits
from alpamayo_sim.roads.light_heads import light_heads
from alpamayo_sim.roads.markings import build_markings
from alpamayo_sim.roads.static_boxes import SWITCHED_OFF, Shown, StaticBoxes, StaticKind
from alpamayo_sim.roads.surface import build_ground_mesh

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

Floats = NDArray[np.floating]
TILE_M = 80.0
GROUND_VERTEX = np.dtype([("position", "3f4"), ("normal", "4u1")])
MARKING_VERTEX = np.dtype([("center", "3f4"), ("offset", "2f4"), ("color", "4u1")])


@dataclass(frozen=True)
class TiledMesh:
    """Triangles sorted into square tiles: `vertices` (structured), `indices` [3 T]; per tile first index, count and sphere."""

    vertices: NDArray[np.void]
    indices: NDArray[np.integer]
    first: NDArray[np.integer]
    count: NDArray[np.integer]
    sphere: Floats
    """[tiles, 4] centre and radius of each tile's triangles."""


def tiled(
    vertices: NDArray[np.void], positions: Floats, triangles: NDArray[np.integer], places: Floats | None = None
) -> TiledMesh:
    """Return the triangles [T, 3] in tiles by their middle, or by `places` [T, 2]."""
    if not len(triangles):
        return TiledMesh(
            vertices, np.zeros(0, np.uint32), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4))
        )
    corners = positions[triangles]
    where = corners[:, :, :2].mean(axis=1) if places is None else places
    cell = np.floor(where / TILE_M).astype(np.int64)
    _, tile = np.unique(cell, axis=0, return_inverse=True)
    tile = tile.ravel()
    order = np.argsort(tile, kind="stable")
    count = np.bincount(tile) * 3
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    starts = first // 3
    low = np.minimum.reduceat(corners[order].min(axis=1), starts, axis=0)
    high = np.maximum.reduceat(corners[order].max(axis=1), starts, axis=0)
    sphere = np.concatenate([0.5 * (low + high), 0.5 * np.linalg.norm(high - low, axis=1, keepdims=True)], axis=1)
    return TiledMesh(vertices, triangles[order].astype(np.uint32).ravel(), first, count, sphere)


@dataclass(frozen=True)
class Scene:
    """Everything that stands still in a map."""

    library: MeshLibrary
    ground: TiledMesh
    kerbs: TiledMesh
    """Kerbs and verges."""
    markings: TiledMesh
    facades: TiledMesh
    instances: Instances
    light_heads: NDArray[np.integer]
    """[H] rows of `instances` that are traffic light heads."""
    light_of_head: NDArray[np.integer]
    """[H] index of the map's traffic light that each head shows."""
    head_height_m: Floats
    """[H] of each head over its pole's foot."""
    statics: StaticBoxes
    speed_limits: tuple[int, ...]
    """Values on the map's signs, ascending: the order of their cells in the atlas."""

    @classmethod
    def from_road_map(cls, road_map: RoadMap, statics: StaticBoxes, shown: Shown | None = None) -> Scene:
        """Return the scene of a map with the things that stand beside its roads, all of them or those that are shown."""
        limits = speed_limits(road_map)
        traffic_heads = light_heads(road_map, statics)
        if shown is not None:
            switched = np.where(shown.dark, SWITCHED_OFF, statics.source)
            statics = replace(statics, source=switched).where(shown.statics)
            poles = statics.source[statics.kind == int(StaticKind.LIGHT_POLE)]
            traffic_heads = traffic_heads.where(shown.heads, set(poles.tolist()))
        library = mesh_library(limits)
        roadside = roadside_instances(library, statics)
        lights, head_rows, light_of_head = light_instances(library, traffic_heads)
        signs = sign_instances(library, road_map, statics, None if shown is None else shown.plates)
        heads = head_rows + len(roadside.rows)
        ground, kerbs = _ground(road_map)
        quads, triangles, places = building_triangles(statics)
        return cls(
            library,
            ground,
            kerbs,
            _markings(road_map),
            tiled(quads, quads["position"].astype(np.float64), triangles, places),
            joined([roadside, lights, signs, awning_instances(library, statics)]),
            heads.astype(np.int32),
            light_of_head,
            traffic_heads.height_m,
            statics,
            limits,
        )


def _ground(road_map: RoadMap) -> tuple[TiledMesh, TiledMesh]:
    """Return roads and land, and the kerbs and verges."""
    mesh = build_ground_mesh(road_map)
    vertices = np.zeros(len(mesh.vertices), dtype=GROUND_VERTEX)
    vertices["position"] = mesh.vertices
    vertices["normal"][:, :3] = np.rint(mesh.normals * 127.5 + 127.5)
    vertices["normal"][:, 3] = mesh.surface
    coarse, fine = (_used(vertices, mesh.triangles[mesh.fine == k]) for k in (False, True))
    return coarse, fine


def _used(vertices: NDArray[np.void], triangles: NDArray[np.integer]) -> TiledMesh:
    """Return a tiled mesh of the vertices that the triangles need."""
    index, compact = np.unique(triangles, return_inverse=True)
    chosen = vertices[index]
    return tiled(chosen, chosen["position"].astype(np.float64), compact.reshape(-1, 3))


def _markings(road_map: RoadMap) -> TiledMesh:
    mesh = build_markings(road_map)
    vertices = np.zeros(len(mesh.center), dtype=MARKING_VERTEX)
    vertices["center"] = mesh.center
    vertices["offset"] = mesh.offset
    vertices["color"][:, :3] = mesh.color
    vertices["color"][:, 3] = mesh.right_side * np.uint8(255)
    return tiled(vertices, mesh.vertices, mesh.triangles)
