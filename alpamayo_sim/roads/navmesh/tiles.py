"""Writes a navigation mesh as a Detour tile set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.navmesh.bv_tree import QUANTUM_M, bv_tree
from alpamayo_sim.roads.navmesh.detour_format import (
    DETAIL_MESH,
    DETAIL_TRIANGLE,
    EXTERNAL_EDGE,
    LINK_BYTES,
    MAX_TILE_POLYGONS,
    MAX_TILE_VERTICES,
    MESH_HEADER,
    POLY,
    REFERENCE_BITS,
    SET_HEADER,
    SET_MAGIC,
    SET_VERSION,
    SIDE_X_MINUS,
    SIDE_X_PLUS,
    SIDE_Z_MINUS,
    SIDE_Z_PLUS,
    TILE_HEADER,
    TILE_MAGIC,
    TILE_VERSION,
    bits,
    tile_reference,
)
from alpamayo_sim.roads.navmesh.kinds import AGENT_CLIMB_M, AGENT_HEIGHT_M, AGENT_RADIUS_M, FLAG
from alpamayo_sim.roads.navmesh.mesh import NavMesh

LARGEST_TILE_M = 6000.0
"""Tiles stay below what the tree's coordinates hold."""
_SIDE = {(1, 0): SIDE_X_PLUS, (0, 1): SIDE_Z_PLUS, (-1, 0): SIDE_X_MINUS, (0, -1): SIDE_Z_MINUS}

Ints = NDArray[np.int64]


def tile_set(mesh: NavMesh, *, max_tile_polygons: int = MAX_TILE_POLYGONS) -> bytes:
    """Return the tile set of a mesh: one tile if it fits, since clients pick tiles, not areas, evenly at random.

    A mesh without polygons gives a set without tiles. Raises ValueError for one that no tile grid can number.
    """
    cells = _cells_per_tile(mesh, max_tile_polygons)
    tile = mesh.cell // cells
    names, index = np.unique(tile, axis=0, return_inverse=True)
    index = np.asarray(index).ravel()
    sizes = np.bincount(index, minlength=len(names)) if len(names) else np.zeros(0, dtype=np.int64)
    max_polys = max(int(sizes.max(initial=1)), 1)
    if bits(len(names)) + bits(max_polys) > REFERENCE_BITS:
        raise ValueError(f"{len(names)} tiles of up to {max_polys} polygons need more than {REFERENCE_BITS} bits")
    header = np.zeros((), dtype=SET_HEADER)
    header["magic"], header["version"], header["tile_count"] = SET_MAGIC, SET_VERSION, len(names)
    header["origin"] = (mesh.origin[0], float(mesh.vertices[:, 2].min(initial=0.0)), mesh.origin[1])
    header["tile_width"] = header["tile_height"] = cells * mesh.cell_m
    header["max_tiles"], header["max_polys"] = max(len(names), 1), max_polys
    parts = [header.tobytes()]
    local = np.zeros(len(mesh.area), dtype=np.int64)
    for k in range(len(names)):
        members = np.flatnonzero(index == k)
        local[members] = np.arange(len(members))
    for k, name in enumerate(names):
        data = _tile(mesh, np.flatnonzero(index == k), index, local, names, name, cells * mesh.cell_m)
        lead = np.zeros((), dtype=TILE_HEADER)
        lead["tile_ref"] = tile_reference(k, max(len(names), 1), max_polys)
        lead["data_size"] = len(data)
        parts += [lead.tobytes(), data]
    return b"".join(parts)


def _cells_per_tile(mesh: NavMesh, max_tile_polygons: int) -> int:
    """Return the side of the largest tiles, in cells, that hold few enough polygons and vertices."""
    if not len(mesh.cell):
        return 1
    cells = int(mesh.cell.max()) + 1
    cells = min(cells, int(LARGEST_TILE_M / mesh.cell_m))
    corners = mesh.corner_count
    while cells > 1:
        _, index = np.unique(mesh.cell // cells, axis=0, return_inverse=True)
        index = np.asarray(index).ravel()
        if (
            np.bincount(index).max() <= max_tile_polygons
            and np.bincount(index, weights=corners).max() <= MAX_TILE_VERTICES
        ):
            break
        cells = (cells + 1) // 2
    return cells


def _tile(mesh: NavMesh, members: Ints, tile_of: Ints, local: Ints, names: Ints, name: Ints, side_m: float) -> bytes:
    """Return the bytes of the tile at `name` [column, row] with polygons `members`."""
    corners, neighbours = mesh.corners[members], mesh.neighbours[members]
    used = corners >= 0
    rows, own = np.unique(corners[used], return_inverse=True)
    vertices = np.asarray(mesh.vertices[rows][:, [0, 2, 1]], dtype="<f4")
    polys = np.zeros(len(members), dtype=POLY)
    numbered = np.zeros_like(corners)
    numbered[used] = own
    polys["verts"] = numbered
    polys["neis"] = _edges(neighbours, members, tile_of, local, names)
    polys["vert_count"] = used.sum(axis=1)
    polys["area_and_type"] = mesh.area[members]
    for area, flag in FLAG.items():
        polys["flags"][mesh.area[members] == int(area)] = flag
    details, triangles = _details(polys["vert_count"].astype(np.int64))
    bmin = np.array([mesh.origin[0] + name[0] * side_m, vertices[:, 1].min() - 1.0, mesh.origin[1] + name[1] * side_m])
    bmax = np.array([bmin[0] + side_m, vertices[:, 1].max() + AGENT_HEIGHT_M, bmin[2] + side_m])
    tree = bv_tree(*_boxes(vertices, numbered, used, bmin))
    portals = int(((polys["neis"] & EXTERNAL_EDGE) != 0).sum())
    header = np.zeros((), dtype=MESH_HEADER)
    header["magic"], header["version"] = TILE_MAGIC, TILE_VERSION
    header["x"], header["y"] = name
    header["poly_count"], header["vert_count"] = len(polys), len(vertices)
    header["max_link_count"] = int(used.sum()) + 2 * portals
    header["detail_mesh_count"], header["detail_tri_count"] = len(details), len(triangles)
    header["bv_node_count"], header["off_mesh_base"] = len(tree), len(polys)
    header["walkable_height"], header["walkable_radius"] = AGENT_HEIGHT_M, AGENT_RADIUS_M
    header["walkable_climb"] = AGENT_CLIMB_M
    header["bmin"], header["bmax"], header["bv_quant_factor"] = bmin, bmax, 1.0 / QUANTUM_M
    links = bytes(LINK_BYTES * int(header["max_link_count"]))
    blocks = (header, vertices, polys, links, details, triangles, tree)
    return b"".join(block if isinstance(block, bytes) else block.tobytes() for block in blocks)


def _edges(neighbours: Ints, members: Ints, tile_of: Ints, local: Ints, names: Ints) -> NDArray[np.uint16]:
    """Return what Detour keeps of each edge: 0, the neighbour's number from 1 on, or the side on which another tile is."""
    edges = np.zeros(neighbours.shape, dtype=np.uint16)
    known = neighbours >= 0
    here = known & (tile_of[neighbours] == tile_of[members][:, None])
    edges[here] = local[neighbours[here]] + 1
    for k, slot in zip(*np.nonzero(known & ~here), strict=True):
        step = names[tile_of[neighbours[k, slot]]] - names[tile_of[members[k]]]
        edges[k, slot] = EXTERNAL_EDGE | _SIDE[int(step[0]), int(step[1])]
    return edges


def _details(count: Ints) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return the fan of triangles over each polygon's own corners, by which Detour measures heights."""
    details = np.zeros(len(count), dtype=DETAIL_MESH)
    details["tri_count"] = count - 2
    details["tri_base"] = np.cumsum(count - 2) - (count - 2)
    triangles = np.zeros(int((count - 2).sum()), dtype=DETAIL_TRIANGLE)
    polygon = np.repeat(np.arange(len(count)), count - 2)
    step = np.arange(len(triangles)) - details["tri_base"][polygon].astype(np.int64)
    triangles["corners"] = np.column_stack([np.zeros_like(step), step + 1, step + 2])
    # Two bits an edge: whether it is the polygon's own.
    triangles["flags"] = 1 << 2 | (step == 0) | (step == count[polygon] - 3) << 4
    return details, triangles


def _boxes(vertices: NDArray[np.floating], corners: Ints, used: NDArray[np.bool_], bmin: NDArray[np.float64]):
    """Return the lowest and highest corners [P, 3] of the polygons' boxes, in quanta from the tile's corner."""
    xyz = vertices.astype(np.float64)[corners]
    low = np.where(used[:, :, None], xyz, np.inf).min(axis=1) - bmin
    high = np.where(used[:, :, None], xyz, -np.inf).max(axis=1) - bmin
    quanta = (np.floor(low / QUANTUM_M), np.floor(high / QUANTUM_M) + 1.0)
    return tuple(np.clip(q, 0, 0xFFFF).astype(np.int64) for q in quanta)
