"""The triangles of roads, sidewalks and land, and the paint on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from scipy.spatial import KDTree

from alpamayo_sim.roads.arrows import ARROW_BEFORE_END_M, ARROW_M, arrow_lanes
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.markings import YELLOW, build_markings, stop_line_segments
from alpamayo_sim.roads.ribbons import WHITE, MarkingMesh
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.surface import GroundMesh, Surface, build_ground_mesh


@pytest.fixture(scope="module", params=["Gridvale", "Town04", "Town10HD"])
def road_map(request: pytest.FixtureRequest, shared_data: Path) -> RoadMap:
    if request.param == "Gridvale":
        return load_road_map(request.param)
    return load_road_map(shared_data / "maps" / f"{request.param}.xodr")


@pytest.fixture(params=["Gridvale", "Oldwick", "Rampfield", "Town01", "Town02", "Town04", "Town10HD"])
def every_map(request: pytest.FixtureRequest, shared_data: Path) -> RoadMap:
    name: str = request.param
    return load_road_map(name if not name.startswith("Town") else shared_data / "maps" / f"{name}.xodr")


@pytest.fixture(scope="module")
def mesh(road_map: RoadMap) -> GroundMesh:
    return build_ground_mesh(road_map)


@pytest.fixture(scope="module")
def paint(road_map: RoadMap) -> MarkingMesh:
    return build_markings(road_map)


def _highest_below(vertices: np.ndarray, triangles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the greatest height at or below each point [M, 3] (+ 5 cm) of any triangle over it, -inf without one."""
    corners = vertices[triangles]
    low, high = corners[:, :, :2].min(axis=1), corners[:, :, :2].max(axis=1)
    heights = np.full(len(points), -np.inf)
    for k, (x, y, z) in enumerate(points):
        near = np.nonzero((low[:, 0] <= x) & (high[:, 0] >= x) & (low[:, 1] <= y) & (high[:, 1] >= y))[0]
        a, b, c = (corners[near, i] for i in range(3))
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
        near, a, b, c, area = (v[np.abs(area) > 1e-9] for v in (near, a, b, c, area))
        u = ((x - a[:, 0]) * (c[:, 1] - a[:, 1]) - (y - a[:, 1]) * (c[:, 0] - a[:, 0])) / area
        v = ((b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (b[:, 1] - a[:, 1]) * (x - a[:, 0])) / area
        inside = (u >= -1e-6) & (v >= -1e-6) & (u + v <= 1 + 1e-6)
        height = (a[:, 2] + u * (b[:, 2] - a[:, 2]) + v * (c[:, 2] - a[:, 2]))[inside]
        height = height[height <= z + 0.05]
        heights[k] = height.max() if len(height) else -np.inf
    return heights


def test_every_lane_is_covered_at_its_height(road_map: RoadMap, mesh: GroundMesh) -> None:
    lanes = road_map.lanes
    rng = np.random.default_rng(1)
    sample = rng.choice(len(lanes.xyz), 250, replace=False)
    lane = lanes.lane_index[sample]
    right = np.stack([-lanes.tangent[sample, 1], lanes.tangent[sample, 0]], axis=1)
    offset = rng.uniform(-0.45, 0.45, len(sample)) * lanes.width[sample]
    points = lanes.xyz[sample] + np.column_stack([right * offset[:, None], lanes.height_m[lane]])
    heights = _highest_below(mesh.vertices, mesh.triangles, points)
    # Sharp bends and ends of lanes aside, where strips of one lane cross another's.
    assert np.mean(np.abs(heights - points[:, 2]) < 0.06) > 0.98
    assert np.isfinite(heights).all()


def test_nothing_green_lies_over_a_road(road_map: RoadMap, mesh: GroundMesh) -> None:
    lanes = road_map.lanes
    rng = np.random.default_rng(2)
    driving = np.nonzero(lanes.lane_type[lanes.lane_index] == int(LaneType.DRIVING))[0]
    points = lanes.xyz[rng.choice(driving, 250, replace=False)] + np.array([0.0, 0.0, 0.0])
    grass = mesh.triangles[mesh.surface[mesh.triangles[:, 0]] == int(Surface.GRASS)]
    over = _highest_below(mesh.vertices, grass, points + np.array([0.0, 0.0, 2.0])) > points[:, 2] + 0.005
    assert not over.any(), points[over]


def test_the_picture_of_the_ground_lies_where_wheels_meet_it(every_map: RoadMap) -> None:
    """Random points within 14 m of the lanes' edges, and all over the land."""
    lanes, rng = every_map.lanes, np.random.default_rng(5)
    count = 3000
    sample = rng.integers(len(lanes.xyz), size=count)
    right = np.stack([-lanes.tangent[sample, 1], lanes.tangent[sample, 0]], axis=1)
    offset = (0.5 * lanes.width[sample] + rng.uniform(-1.0, 14.0, count)) * rng.choice([-1.0, 1.0], count)
    near = lanes.xyz[sample, :2] + right * offset[:, None]
    low, high = lanes.xyz[:, :2].min(axis=0) - 60.0, lanes.xyz[:, :2].max(axis=0) + 60.0
    far = rng.uniform(low, high, (count // 2, 2))
    hint = np.append(lanes.xyz[sample, 2], lanes.xyz[KDTree(lanes.xyz[:, :2]).query(far)[1], 2])
    points = np.concatenate([near, far])
    wheels = every_map.ground.height(points, hint)[0]
    seen = _top(build_ground_mesh(every_map), points, wheels + 1.0)
    error = np.abs(seen - wheels)
    share = 0.99 if every_map.name == "Town04" else 0.999  # ramps cross one another there
    assert np.mean(error < 0.05) > share, f"{np.mean(error < 0.05):.2%}, {np.quantile(error, (0.99, 1.0))}"
    assert error.max() < 0.35


def _top(mesh: GroundMesh, points: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
    """Return the greatest height [M] under a ceiling of the triangles that face up over points [M, 2]."""
    a, b, c = (mesh.vertices[mesh.triangles[:, k]] for k in range(3))
    up = np.cross(b - a, c - a)[:, 2] > 1e-9
    a, b, c = a[up], b[up], c[up]
    tree = shapely.STRtree(list(np.asarray(shapely.polygons(np.stack([a, b, c, a], axis=1)[..., :2]))))
    at, triangle = tree.query(shapely.points(points), predicate="intersects")
    a, b, c, p = a[triangle], b[triangle], c[triangle], points[at]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    u = ((p[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (p[:, 1] - a[:, 1])) / area
    v = ((b[:, 0] - a[:, 0]) * (p[:, 1] - a[:, 1]) - (p[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])) / area
    z = a[:, 2] + u * (b[:, 2] - a[:, 2]) + v * (c[:, 2] - a[:, 2])
    top = np.full(len(points), -np.inf)
    np.maximum.at(top, at, np.where(z <= ceiling[at], z, -np.inf))
    return top


def test_faces_show_their_normals_side(mesh: GroundMesh) -> None:
    a, b, c = (mesh.vertices[mesh.triangles[:, k]] for k in range(3))
    facing = np.einsum("ij,ij->i", np.cross(b - a, c - a), mesh.normals[mesh.triangles[:, 0]])
    assert (facing >= 0.0).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-6)


def test_sidewalks_are_raised_behind_kerbs(road_map: RoadMap, mesh: GroundMesh) -> None:
    walk = mesh.vertices[mesh.surface == int(Surface.SIDEWALK)]
    lanes = road_map.lanes
    level = lanes.xyz[lanes.lane_type[lanes.lane_index] == int(LaneType.SIDEWALK)]
    nearest = KDTree(level[:, :2]).query(walk[:, :2])[1]
    rise = np.median(walk[:, 2] - level[nearest, 2])
    assert 0.05 < rise < 0.3
    kerb = mesh.triangles[mesh.surface[mesh.triangles[:, 0]] == int(Surface.KERB)]
    assert len(kerb) and (np.abs(mesh.normals[kerb[:, 0], 2]) < 1e-9).all()


def test_paint_lies_where_the_lane_table_has_a_solid_marking(road_map: RoadMap, paint: MarkingMesh) -> None:
    lanes = road_map.lanes
    rng = np.random.default_rng(3)
    solid = np.nonzero((lanes.right_marking == 2) & (lanes.height_m[lanes.lane_index] <= 0.0))[0]
    last = lanes.stop[lanes.lane_index[solid]] - 1
    solid = rng.choice(solid[(solid != last) & (np.roll(lanes.right_marking, -1)[solid] == 2)], 120, replace=False)
    right = np.stack([-lanes.tangent[solid, 1], lanes.tangent[solid, 0]], axis=1)
    points = lanes.xyz[solid] + np.column_stack([right * 0.5 * lanes.width[solid, None], np.full(len(solid), 0.05)])
    heights = _highest_below(paint.vertices, paint.triangles, points)
    assert np.mean(np.abs(heights - points[:, 2] + 0.05) < 0.04) > 0.97


def test_no_paint_where_the_lane_table_has_none(road_map: RoadMap, paint: MarkingMesh) -> None:
    """Away from crosswalks, stop lines and arrows, the middle of a driving lane is bare."""
    lanes = road_map.lanes
    rng = np.random.default_rng(4)
    driving = lanes.lane_type[lanes.lane_index] == int(LaneType.DRIVING)
    bare = driving & ~lanes.is_junction[lanes.lane_index] & (lanes.width > 2.5)
    for lane in arrow_lanes(road_map):
        part = slice(int(lanes.start[lane]), int(lanes.stop[lane]))
        after_tail = lanes.along_m[part] - (lanes.along_m[part][-1] - ARROW_BEFORE_END_M)
        bare[part] &= (after_tail < 0.0) | (after_tail > ARROW_M)
    points = lanes.xyz[rng.choice(np.nonzero(bare)[0], 300, replace=False)]
    marked = [np.asarray(p).mean(axis=0) for p in road_map.crosswalks] + [
        e.mean(axis=0) for e, _ in stop_line_segments(road_map)
    ]
    far = KDTree(np.array(marked)[:, :2]).query(points[:, :2])[0] > 12.0
    points = points[far] + np.array([0.0, 0.0, 0.05])
    assert np.mean(np.isneginf(_highest_below(paint.vertices, paint.triangles, points))) > 0.98


def test_paint_is_white_and_yellow_faces_up_and_is_dashed_where_broken(road_map: RoadMap, paint: MarkingMesh) -> None:
    assert {WHITE, YELLOW} <= {tuple(int(v) for v in row) for row in np.unique(paint.color, axis=0)}
    v = paint.vertices[paint.triangles]
    assert (np.cross(v[:, 1] - v[:, 0], v[:, 2] - v[:, 0])[:, 2] >= -1e-9).all()
    lanes = road_map.lanes
    broken = np.nonzero((lanes.right_marking == 1) & ~lanes.is_junction[lanes.lane_index])[0][::7][:400]
    if len(broken) > 100:
        right = np.stack([-lanes.tangent[broken, 1], lanes.tangent[broken, 0]], axis=1)
        points = lanes.xyz[broken] + np.column_stack(
            [right * 0.5 * lanes.width[broken, None], np.full(len(broken), 0.05)]
        )
        painted = np.mean(np.isfinite(_highest_below(paint.vertices, paint.triangles, points)))
        assert 0.15 < painted < 0.6


def test_stop_lines_lie_before_the_crosswalk(road_map: RoadMap) -> None:
    import shapely

    segments = stop_line_segments(road_map)
    assert len(segments) >= len(road_map.signals.lights) / 2
    stripes = [shapely.Polygon(p[:, :2]) for p in road_map.crosswalks]
    clear = [not any(s.intersects(shapely.LineString(ends[:, :2])) for s in stripes) for ends, _ in segments]
    assert np.mean(clear) > 0.9


def test_paint_is_not_buried_on_slopes(road_map: RoadMap, mesh: GroundMesh, paint: MarkingMesh) -> None:
    rng = np.random.default_rng(5)
    points = paint.center[rng.choice(len(paint.center), 300, replace=False)]
    below = _highest_below(mesh.vertices, mesh.triangles, points)
    assert np.isfinite(below).all()
    # Where two lanes cross at different heights, one lane's paint may lie under the other's asphalt.
    assert np.mean(points[:, 2] - below > 0.005) > 0.97
