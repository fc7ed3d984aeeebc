"""The bytes of a Detour navigation mesh of tile format 7, in the tile set that CARLA's clients read ("MSET" version 1).

Little-endian, 32-bit references. Detour's axes are (x, y, z) = CARLA's (x, z, y). Structs as in Detour's `DetourNavMesh.h`
(https://github.com/recastnavigation/recastnavigation) and LibCarla's `Navigation::Load`.
"""

from __future__ import annotations

import numpy as np

SET_MAGIC = int.from_bytes(b"MSET", "big")
SET_VERSION = 1
TILE_MAGIC = int.from_bytes(b"DNAV", "big")
TILE_VERSION = 7
CORNERS = 6
EXTERNAL_EDGE = 0x8000
"""An edge that leads to another tile: with this go the sides below."""
SIDE_X_PLUS, SIDE_Z_PLUS, SIDE_X_MINUS, SIDE_Z_MINUS = 0, 2, 4, 6
REFERENCE_BITS = 22
"""Bits that the numbers of tile and polygon may take together: Detour wants ten more for its counter of changes."""
MAX_TILE_POLYGONS = 0x7FFE
MAX_TILE_VERTICES = 0xFFFE

SET_HEADER = np.dtype(
    [
        ("magic", "<i4"), ("version", "<i4"), ("tile_count", "<i4"),
        ("origin", "<f4", 3), ("tile_width", "<f4"), ("tile_height", "<f4"), ("max_tiles", "<i4"), ("max_polys", "<i4"),
    ]
)  # fmt: skip
TILE_HEADER = np.dtype([("tile_ref", "<u4"), ("data_size", "<i4")])
MESH_HEADER = np.dtype(
    [
        ("magic", "<i4"), ("version", "<i4"), ("x", "<i4"), ("y", "<i4"), ("layer", "<i4"), ("user_id", "<u4"),
        ("poly_count", "<i4"), ("vert_count", "<i4"), ("max_link_count", "<i4"), ("detail_mesh_count", "<i4"),
        ("detail_vert_count", "<i4"), ("detail_tri_count", "<i4"), ("bv_node_count", "<i4"),
        ("off_mesh_con_count", "<i4"), ("off_mesh_base", "<i4"),
        ("walkable_height", "<f4"), ("walkable_radius", "<f4"), ("walkable_climb", "<f4"),
        ("bmin", "<f4", 3), ("bmax", "<f4", 3), ("bv_quant_factor", "<f4"),
    ]
)  # fmt: skip
POLY = np.dtype(
    [
        ("first_link", "<u4"), ("verts", "<u2", CORNERS), ("neis", "<u2", CORNERS), ("flags", "<u2"),
        ("vert_count", "u1"), ("area_and_type", "u1"),
    ]
)  # fmt: skip
LINK_BYTES = 12
"""Detour makes the links when it loads a tile; the file only leaves room for them."""
DETAIL_MESH = np.dtype(
    {
        "names": ["vert_base", "tri_base", "vert_count", "tri_count"],
        "formats": ["<u4", "<u4", "u1", "u1"],
        "offsets": [0, 4, 8, 9],
        "itemsize": 12,
    }
)
DETAIL_TRIANGLE = np.dtype([("corners", "u1", 3), ("flags", "u1")])
BV_NODE = np.dtype([("bmin", "<u2", 3), ("bmax", "<u2", 3), ("index", "<i4")])
"""A box of the bounding volume tree: `index` is a polygon's number, or minus the nodes to skip where the box is missed."""


def bits(count: int) -> int:
    """Return how many bits Detour gives numbers below `count`: the logarithm of the next power of two."""
    return max(count - 1, 0).bit_length()


def tile_reference(tile: int, max_tiles: int, max_polys: int) -> int:
    """Return the reference under which Detour knows a tile that was never changed."""
    poly_bits = bits(max_polys)
    return 1 << (poly_bits + bits(max_tiles)) | tile << poly_bits
