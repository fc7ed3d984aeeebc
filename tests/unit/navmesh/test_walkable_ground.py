"""What is sidewalk, crossing and road: towns with and without them, and how it hangs together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.navmesh.areas import walkable_areas
from alpamayo_sim.roads.navmesh.kinds import AGENT_RADIUS_M, Area
from alpamayo_sim.roads.navmesh.mesh import NavMesh, build_mesh
from alpamayo_sim.roads.navmesh.obstacles import without_obstacles
from alpamayo_sim.roads.navmesh.reader import defects, read_tile_set
from alpamayo_sim.roads.navmesh.store import FOLDER, NavMeshStore
from alpamayo_sim.roads.navmesh.tiles import tile_set
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.statics import build_statics


def sizes_m2(mesh: NavMesh) -> NDArray[np.float64]:
    """Return the size of each polygon."""
    rings = [mesh.vertices[ring[ring >= 0], :2] for ring in mesh.corners]
    return np.array([shapely.Polygon(ring).area for ring in rings])


def linked_share(mesh: NavMesh, kinds: set[Area]) -> float:
    """Return the share of the sidewalks that one can walk between over ground of some kinds."""
    usable = np.isin(mesh.area, list(kinds))
    source, slot = np.nonzero((mesh.neighbours >= 0) & usable[:, None])
    target = mesh.neighbours[source, slot]
    kept = usable[target]
    graph = coo_matrix((np.ones(kept.sum()), (source[kept], target[kept])), shape=(len(usable), len(usable)))
    count, label = connected_components(graph, directed=False)
    weight = np.bincount(label, weights=sizes_m2(mesh) * (mesh.area == Area.SIDEWALK), minlength=count)
    return float(weight.max() / weight.sum())


def test_sidewalks_hang_together_by_crossings_alone(town_mesh: NavMesh) -> None:
    assert linked_share(town_mesh, {Area.SIDEWALK, Area.CROSSWALK, Area.GRASS}) > 0.99
    assert linked_share(town_mesh, set(Area)) > 0.99


def test_blocks_are_islands_without_crossings(gridvale_mesh: NavMesh) -> None:
    assert linked_share(gridvale_mesh, {Area.SIDEWALK}) < 0.3


def test_areas_do_not_overlap_and_sidewalks_are_the_maps(town: RoadMap) -> None:
    areas = walkable_areas(town)
    total = sum(shape.area for shape in areas.values())
    assert shapely.union_all(list(areas.values())).area == pytest.approx(total, rel=1e-6)
    lanes = town.lanes
    sidewalks = lanes.lane_type == LaneType.SIDEWALK
    width = np.array([lanes.width[a:b].mean() for a, b in zip(lanes.start, lanes.stop, strict=True)])
    assert areas[Area.SIDEWALK].area == pytest.approx(float((lanes.length_m * width)[sidewalks].sum()), rel=0.25)


def test_every_corner_is_on_the_ground(town: RoadMap, town_mesh: NavMesh) -> None:
    rings = [ring[ring >= 0] for ring in town_mesh.corners]
    middles = np.array([town_mesh.vertices[ring].mean(axis=0) for ring in rings])
    ground = town.ground.height(middles[:, :2], middles[:, 2] + 0.2)[0]
    error = np.abs(middles[:, 2] - ground)
    assert np.percentile(error, 95) < 0.03 and error.max() < 0.25


def test_sidewalks_lie_a_kerb_above_the_road(gridvale: RoadMap, gridvale_mesh: NavMesh) -> None:
    kerb = float(gridvale.lanes.height_m[gridvale.lanes.lane_type == LaneType.SIDEWALK].max())
    for area, height in ((Area.SIDEWALK, kerb), (Area.ROAD, 0.0)):
        rows = np.unique(gridvale_mesh.corners[gridvale_mesh.area == area])
        z = gridvale_mesh.vertices[rows[rows >= 0], 2]
        assert np.mean(np.abs(z - height) < 0.01) > 0.97


def test_maps_without_crosswalks_get_crossings_before_junctions(without_crosswalks: RoadMap) -> None:
    mesh = build_mesh(without_crosswalks)
    assert defects(read_tile_set(tile_set(mesh))) == []
    assert (mesh.area == Area.CROSSWALK).sum() > 30
    assert linked_share(mesh, {Area.SIDEWALK, Area.CROSSWALK}) > 0.99


def test_maps_without_sidewalks_have_somewhere_to_walk(without_sidewalks: RoadMap) -> None:
    assert not (without_sidewalks.lanes.lane_type == LaneType.SIDEWALK).any()
    mesh = build_mesh(without_sidewalks)
    assert defects(read_tile_set(tile_set(mesh))) == []
    sidewalk = sizes_m2(mesh)[mesh.area == Area.SIDEWALK].sum()
    assert sidewalk > 3_000.0
    assert linked_share(mesh, set(Area)) > 0.99


def test_poles_are_walked_round(gridvale: RoadMap) -> None:
    sidewalk = walkable_areas(gridvale)[Area.SIDEWALK]
    poles = shapely.points(build_statics(gridvale).center[:, :2])
    near = poles[shapely.distance(poles, sidewalk) < 2.0]
    assert len(near) > 20
    assert (shapely.distance(near, sidewalk) >= AGENT_RADIUS_M).all()


def test_a_pole_that_would_block_the_way_is_walked_through(gridvale: RoadMap) -> None:
    pole = build_statics(gridvale).center[np.argsort(build_statics(gridvale).extent[:, 0])[0], :2]
    narrow = shapely.box(pole[0] - 6.0, pole[1] - 0.3, pole[0] + 6.0, pole[1] + 0.3)
    wide = shapely.box(pole[0] - 6.0, pole[1] - 2.0, pole[0] + 6.0, pole[1] + 2.0)
    assert without_obstacles(narrow, gridvale).area == pytest.approx(narrow.area)
    assert without_obstacles(wide, gridvale).area < wide.area - 0.3


@pytest.mark.parametrize("name", ["Town01", "Town02", "Town04", "Town10HD"])
def test_carlas_towns(name: str, shared_data: Path) -> None:
    mesh = build_mesh(load_road_map(name, maps_dirs=[shared_data / "maps"]))
    content = tile_set(mesh)
    assert defects(read_tile_set(content)) == [] and len(content) < 1_000_000
    assert linked_share(mesh, {Area.SIDEWALK, Area.CROSSWALK, Area.GRASS}) > 0.99


def test_the_store_builds_once_and_heals_a_damaged_file(gridvale: RoadMap, tmp_path: Path) -> None:
    store = NavMeshStore(tmp_path)
    name = store.offer(gridvale)
    assert name.startswith(f"{FOLDER}/Gridvale-") and gridvale.digest[:16] in name
    content = store.content(name)
    assert content and defects(read_tile_set(content)) == []
    (file,) = tmp_path.iterdir()
    written = file.read_bytes()
    assert written[32:] == content
    file.write_bytes(written[:-7] + b"damaged")
    fresh = NavMeshStore(tmp_path)
    assert fresh.content(fresh.offer(gridvale)) == content
    assert file.read_bytes() == written


def test_the_store_knows_offered_names_only(gridvale: RoadMap) -> None:
    store = NavMeshStore(None)
    assert store.content(store.offer(gridvale)[:-1]) is None
    assert store.content("/etc/passwd") is None
