"""Reads a tile set back, as Detour would, and says what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.navmesh.detour_format import (
    BV_NODE,
    DETAIL_MESH,
    DETAIL_TRIANGLE,
    EXTERNAL_EDGE,
    LINK_BYTES,
    MESH_HEADER,
    POLY,
    REFERENCE_BITS,
    SET_HEADER,
    SET_MAGIC,
    SET_VERSION,
    TILE_HEADER,
    TILE_MAGIC,
    TILE_VERSION,
    bits,
    tile_reference,
)


class TileSetError(ValueError):
    """Bytes are not a tile set that Detour could load."""


@dataclass(frozen=True, eq=False)
class Tile:
    """One tile: structured arrays of the types in `detour_format`."""

    reference: int
    header: NDArray[np.void]
    vertices: NDArray[np.float32]
    """[V, 3] in Detour's axes: CARLA's x, z, y."""
    polys: NDArray[np.void]
    details: NDArray[np.void]
    triangles: NDArray[np.void]
    tree: NDArray[np.void]

    def corners(self, poly: int) -> NDArray[np.float32]:
        """Return the corners [K, 3] of a polygon in the CARLA world frame."""
        record = self.polys[poly]
        return self.vertices[record["verts"][: record["vert_count"]]][:, [0, 2, 1]]

    @property
    def area(self) -> NDArray[np.integer]:
        """[P] the polygons' kinds of ground."""
        return self.polys["area_and_type"] & 0x3F


@dataclass(frozen=True, eq=False)
class TileSet:
    """A tile set: its header and tiles."""

    header: NDArray[np.void]
    tiles: tuple[Tile, ...]


def read_tile_set(content: bytes) -> TileSet:
    """Return a tile set. Raises TileSetError for bytes that are too short, of another format, or longer than they say."""
    header, at = _record(content, 0, SET_HEADER)
    if header["magic"] != SET_MAGIC or header["version"] != SET_VERSION:
        raise TileSetError(f"not a tile set of version {SET_VERSION}")
    if bits(int(header["max_tiles"])) + bits(int(header["max_polys"])) > REFERENCE_BITS:
        raise TileSetError("tiles and polygons need too many bits")
    tiles: list[Tile] = []
    for k in range(int(header["tile_count"])):
        lead, at = _record(content, at, TILE_HEADER)
        if int(lead["tile_ref"]) != tile_reference(k, int(header["max_tiles"]), int(header["max_polys"])):
            raise TileSetError(f"tile {k} has reference {int(lead['tile_ref'])}")
        size = int(lead["data_size"])
        tiles.append(_tile(content[at : at + size], int(lead["tile_ref"]), size))
        at += size
    if at != len(content):
        raise TileSetError(f"{len(content) - at} bytes after the last tile")
    return TileSet(header, tuple(tiles))


def _record(content: bytes, at: int, dtype: np.dtype[Any]) -> tuple[NDArray[np.void], int]:
    if at + dtype.itemsize > len(content):
        raise TileSetError("ends within a header")
    return np.frombuffer(content, dtype, 1, at)[0], at + dtype.itemsize


def _tile(data: bytes, reference: int, size: int) -> Tile:
    if len(data) != size:
        raise TileSetError("ends within a tile")
    header, at = _record(data, 0, MESH_HEADER)
    if header["magic"] != TILE_MAGIC or header["version"] != TILE_VERSION:
        raise TileSetError(f"not a tile of version {TILE_VERSION}")
    if header["off_mesh_con_count"] or header["detail_vert_count"]:
        raise TileSetError("off-mesh connections and extra detail vertices are not ours")
    blocks: list[NDArray[Any]] = []
    for dtype, count in (
        (np.dtype(("<f4", 3)), header["vert_count"]),
        (POLY, header["poly_count"]),
        (np.dtype(("u1", LINK_BYTES)), header["max_link_count"]),
        (DETAIL_MESH, header["detail_mesh_count"]),
        (DETAIL_TRIANGLE, header["detail_tri_count"]),
        (BV_NODE, header["bv_node_count"]),
    ):
        length = dtype.itemsize * int(count)
        if at + length > len(data):
            raise TileSetError("ends within a tile's arrays")
        base, shape = (dtype.base, (int(count), *dtype.shape))
        blocks.append(np.frombuffer(data, base, int(np.prod(shape)), at).reshape(shape))
        at += length
    if at != len(data):
        raise TileSetError(f"{len(data) - at} bytes after a tile's arrays")
    vertices, polys, _, details, triangles, tree = blocks
    return Tile(reference, header, vertices, polys, details, triangles, tree)


def defects(tiles: TileSet) -> list[str]:
    """Return what Detour would trip over in a tile set, in words; nothing for a sound one."""
    found: list[str] = []
    for k, tile in enumerate(tiles.tiles):
        found += [f"tile {k}: {what}" for what in (*_shape_defects(tile), *_link_defects(tile), *_tree_defects(tile))]
    return found


def _shape_defects(tile: Tile) -> list[str]:
    found: list[str] = []
    if (tile.polys["verts"].max(initial=0) >= len(tile.vertices)) or not np.isfinite(tile.vertices).all():
        return ["a corner without a vertex"]
    low, high = tile.header["bmin"] - 0.02, tile.header["bmax"] + 0.02
    if ((tile.vertices < low) | (tile.vertices > high)).any():
        found.append("a vertex outside of the tile")
    for k in range(len(tile.polys)):
        xy = np.rint(tile.corners(k)[:, :2].astype(np.float64) * 100.0)
        step = np.roll(xy, -1, axis=0) - xy
        after = np.roll(step, -1, axis=0)
        turn = step[:, 0] * after[:, 1] - step[:, 1] * after[:, 0]
        if not 3 <= len(xy) <= 6 or (turn > 0).any() or not (turn < 0).any():
            found.append(f"polygon {k} is not convex and clockwise")
        if (np.abs(step).sum(axis=1) == 0).any():
            found.append(f"polygon {k} has an edge without length")
        detail = tile.details[k]
        mine = tile.triangles[detail["tri_base"] : detail["tri_base"] + detail["tri_count"]]["corners"]
        if len(mine) != len(xy) - 2 or mine.max() >= len(xy):
            found.append(f"polygon {k} has the wrong triangles")
    return found


def _link_defects(tile: Tile) -> list[str]:
    found: list[str] = []
    links = 0
    for k, poly in enumerate(tile.polys):
        count = int(poly["vert_count"])
        for slot in range(count):
            to = int(poly["neis"][slot])
            links += 3 if to & EXTERNAL_EDGE else 1
            if not to or to & EXTERNAL_EDGE:
                continue
            if to > len(tile.polys):
                found.append(f"polygon {k} has a neighbour that does not exist")
                continue
            a, b = tile.corners(k)[[slot, (slot + 1) % count], :2]
            other = tile.polys[to - 1]
            ring = tile.corners(to - 1)[:, :2]
            back = [
                s
                for s in range(len(ring))
                if (ring[s] == b).all() and (ring[(s + 1) % len(ring)] == a).all() and int(other["neis"][s]) == k + 1
            ]
            if len(back) != 1:
                found.append(f"polygons {k} and {to - 1} do not share an edge both ways")
    if links > int(tile.header["max_link_count"]):
        found.append("too little room for links")
    return found


def _tree_defects(tile: Tile) -> list[str]:
    """Walk the tree with boxes that hit everything and nothing, as Detour's queries do."""
    leaves = sorted(int(i) for i in tile.tree["index"] if i >= 0)
    if leaves != list(range(len(tile.polys))):
        return ["the tree does not hold every polygon once"]
    found: list[str] = []
    for at, node in enumerate(tile.tree):
        last = at + 1 if node["index"] >= 0 else at - int(node["index"])
        inside = tile.tree[at:last]
        if last > len(tile.tree) or (inside["bmin"] < node["bmin"]).any() or (inside["bmax"] > node["bmax"]).any():
            found.append(f"node {at} of the tree does not enclose its branches")
    quantum = 1.0 / float(tile.header["bv_quant_factor"])
    for node in tile.tree[tile.tree["index"] >= 0]:
        corners = tile.corners(int(node["index"]))[:, [0, 2, 1]].astype(np.float64) - tile.header["bmin"]
        low, high = node["bmin"] * quantum, (node["bmax"].astype(np.float64) + 1.0) * quantum
        if (corners < low - 1e-3).any() or (corners > high + 1e-3).any():
            found.append(f"polygon {int(node['index'])} lies outside of its box in the tree")
    return found
