"""Tile sets are what Detour wants, say what the mesh says, and are refused when damaged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.roads.navmesh import tiles
from alpamayo_sim.roads.navmesh.bv_tree import bv_tree
from alpamayo_sim.roads.navmesh.detour_format import (
    BV_NODE,
    DETAIL_MESH,
    DETAIL_TRIANGLE,
    EXTERNAL_EDGE,
    MESH_HEADER,
    POLY,
    SET_HEADER,
    TILE_HEADER,
)
from alpamayo_sim.roads.navmesh.kinds import FLAG
from alpamayo_sim.roads.navmesh.mesh import NavMesh, build_mesh
from alpamayo_sim.roads.navmesh.reader import TileSetError, defects, read_tile_set
from alpamayo_sim.roads.navmesh.tiles import tile_set
from alpamayo_sim.roads.road_map import RoadMap


def test_structs_have_the_sizes_that_the_c_compiler_gives_them() -> None:
    sizes = {
        SET_HEADER: 40,
        TILE_HEADER: 8,
        MESH_HEADER: 100,
        POLY: 32,
        DETAIL_MESH: 12,
        DETAIL_TRIANGLE: 4,
        BV_NODE: 16,
    }
    assert {dtype: dtype.itemsize for dtype in sizes} == sizes


def test_a_town_is_one_sound_tile_of_less_than_a_megabyte(town_mesh: NavMesh) -> None:
    content = tile_set(town_mesh)
    found = read_tile_set(content)
    assert len(found.tiles) == 1 and len(content) < 1_000_000
    assert defects(found) == []


def test_what_is_read_is_what_was_written(town_mesh: NavMesh) -> None:
    (tile,) = read_tile_set(tile_set(town_mesh)).tiles
    assert len(tile.polys) == len(town_mesh.area)
    assert (tile.area == town_mesh.area).all()
    assert all(FLAG[area] == flag for area, flag in zip(tile.area, tile.polys["flags"], strict=True))
    for k in range(len(tile.polys)):
        count = int(town_mesh.corner_count[k])
        assert np.allclose(tile.corners(k), town_mesh.vertices[town_mesh.corners[k, :count]], atol=1e-4)
        assert (tile.polys[k]["neis"][:count].astype(int) - 1 == town_mesh.neighbours[k, :count]).all()


def test_the_same_map_gives_the_same_bytes(gridvale: RoadMap, gridvale_mesh: NavMesh) -> None:
    assert tile_set(build_mesh(gridvale)) == tile_set(gridvale_mesh)


def test_small_tiles_keep_every_neighbour(gridvale_mesh: NavMesh) -> None:
    found = read_tile_set(tile_set(gridvale_mesh, max_tile_polygons=150))
    assert len(found.tiles) > 20 and defects(found) == []
    inner = outer = 0
    portals: dict[frozenset[tuple[int, int]], list[int]] = {}
    for tile in found.tiles:
        assert len(tile.polys) <= 150
        for k, poly in enumerate(tile.polys):
            count = int(poly["vert_count"])
            inner += int(((poly["neis"][:count] > 0) & (poly["neis"][:count] < EXTERNAL_EDGE)).sum())
            for slot in np.flatnonzero(poly["neis"][:count] & EXTERNAL_EDGE):
                outer += 1
                edge = np.rint(tile.corners(k)[[slot, (slot + 1) % count], :2] * 100).astype(int)
                side = int(poly["neis"][slot]) & 0xF
                axis, high = (0, side == 0) if side in (0, 4) else (1, side == 2)
                border = tile.header["bmax" if high else "bmin"][axis * 2]
                assert np.abs(edge[:, axis] / 100 - border).max() < 0.006, "a portal lies on its tile's border"
                portals.setdefault(
                    tuple(sorted(map(tuple, edge.tolist()))[0] + sorted(map(tuple, edge.tolist()))[1]), []
                ).append(side)
    assert inner + outer == int((gridvale_mesh.neighbours >= 0).sum())
    assert all(sorted(sides) in ([0, 4], [2, 6]) for sides in portals.values()), "portals meet their opposites"


def test_more_than_detour_can_number_is_refused(gridvale_mesh: NavMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "REFERENCE_BITS", 11)
    with pytest.raises(ValueError, match="11 bits"):
        tile_set(gridvale_mesh)


def test_a_map_without_ground_gives_a_set_without_tiles(gridvale_mesh: NavMesh) -> None:
    empty = NavMesh(
        np.zeros((0, 3)), np.zeros((0, 6), np.int64), np.zeros((0, 6), np.int64), np.zeros(0, np.uint8),
        np.zeros((0, 2), np.int64), np.zeros(2), gridvale_mesh.cell_m,
    )  # fmt: skip
    assert read_tile_set(tile_set(empty)).tiles == ()


def test_truncated_and_foreign_bytes_are_refused(gridvale_mesh: NavMesh) -> None:
    content = tile_set(gridvale_mesh, max_tile_polygons=600)
    for length in [*range(150), *np.random.default_rng(0).integers(150, len(content), 200)]:
        with pytest.raises(TileSetError):
            read_tile_set(content[: int(length)])
    for damaged in (b"X" + content[1:], content + b"\0", content[:48] + b"X" + content[49:]):
        with pytest.raises(TileSetError):
            read_tile_set(damaged)


def test_defects_are_found(gridvale_mesh: NavMesh) -> None:
    cut = gridvale_mesh.neighbours.copy()
    cut[0, np.flatnonzero(cut[0] >= 0)[0]] = -1
    assert "share an edge" in defects(read_tile_set(tile_set(NavMesh(**{**vars(gridvale_mesh), "neighbours": cut}))))[0]
    turned = gridvale_mesh.corners.copy()
    turned[0, : int(gridvale_mesh.corner_count[0])] = turned[0, : int(gridvale_mesh.corner_count[0])][::-1]
    assert "clockwise" in defects(read_tile_set(tile_set(NavMesh(**{**vars(gridvale_mesh), "corners": turned}))))[0]


@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_the_tree_finds_what_a_look_at_every_box_finds(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 1000, (count, 3))
    high = low + rng.integers(0, 200, (count, 3))
    nodes = bv_tree(low, high)
    query_low = rng.integers(0, 1000, 3)
    query_high = query_low + rng.integers(0, 300, 3)
    found, at = set[int](), 0
    while at < len(nodes):
        node = nodes[at]
        touches = bool((node["bmin"] <= query_high).all() and (node["bmax"] >= query_low).all())
        if node["index"] >= 0 and touches:
            found.add(int(node["index"]))
        at += 1 if touches or node["index"] >= 0 else -int(node["index"])
    assert found == set(np.flatnonzero(((low <= query_high) & (high >= query_low)).all(axis=1)).tolist())
