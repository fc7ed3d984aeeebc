"""Lane arrays and their queries against carla.Map and against brute force."""

from __future__ import annotations

import carla
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_sim.roads.lanes import ANY_LANE, LaneTable, LaneType
from alpamayo_sim.roads.road_map import RoadMap

RNG_SEED = 3


def scattered(lanes: LaneTable, count: int, sigma_m: float, lane_type: int = LaneType.DRIVING) -> np.ndarray:
    """Return points [count, 3] around the lanes of a type."""
    rng = np.random.default_rng(RNG_SEED)
    of_type = np.nonzero(lanes.lane_type[lanes.lane_index] == lane_type)[0]
    return lanes.xyz[rng.choice(of_type, count)] + rng.normal(0.0, [sigma_m, sigma_m, 0.05], (count, 3))


def test_samples_lie_where_carla_puts_them(town: RoadMap) -> None:
    lanes = town.lanes
    rng = np.random.default_rng(RNG_SEED)
    for sample in rng.choice(len(lanes.xyz), 400, replace=False):
        lane = lanes.lane_index[sample]
        waypoint = town.carla_map.get_waypoint_xodr(
            int(lanes.road_id[lane]), int(lanes.lane_id[lane]), float(lanes.s[sample])
        )
        place, forward = waypoint.transform.location, waypoint.transform.get_forward_vector()
        np.testing.assert_allclose(lanes.xyz[sample], (place.x, place.y, place.z), atol=1e-3)
        assert float(lanes.tangent[sample] @ (forward.x, forward.y)) > 0.99
        assert lanes.width[sample] == pytest.approx(waypoint.lane_width, abs=1e-3)
        assert lanes.lane_type[lane] == int(waypoint.lane_type)
        assert lanes.is_junction[lane] == waypoint.is_junction
        assert lanes.left_marking[sample] == int(waypoint.left_lane_marking.type)
        assert lanes.right_color[sample] == int(waypoint.right_lane_marking.color)


def test_samples_run_in_driving_direction_at_most_a_metre_apart(town: RoadMap) -> None:
    lanes = town.lanes
    same_lane = np.diff(lanes.lane_index) == 0
    steps = np.diff(lanes.xyz[:, :2], axis=0)[same_lane]
    assert np.hypot(*steps.T).max() < 1.05
    ahead = np.einsum("ij,ij->i", steps, lanes.tangent[:-1][same_lane])
    moving = np.hypot(*steps.T) > 0.05
    assert (ahead[moving] > 0.0).all()
    np.testing.assert_allclose(np.hypot(*lanes.tangent.T), 1.0, atol=1e-6)
    assert (np.diff(lanes.along_m)[same_lane] >= 0.0).all()


def test_every_lane_of_the_file_is_there(town: RoadMap) -> None:
    driving = town.lanes.lane_type == LaneType.DRIVING
    expected = {(w.road_id, w.lane_id, w.section_id) for w in town.carla_map.generate_waypoints(2.0)}
    lanes = town.lanes
    found = {
        (int(r), int(i), int(s))
        for r, i, s in zip(lanes.road_id[driving], lanes.lane_id[driving], lanes.section[driving], strict=True)
    }
    assert expected <= found
    assert (town.lanes.lane_type == LaneType.SIDEWALK).any()


def test_nearest_agrees_with_carla(town: RoadMap) -> None:
    lanes = town.lanes
    points = scattered(lanes, 1500, 1.0)
    hits = lanes.nearest(points[:, :2], points[:, 2])
    agree = 0
    for k, point in enumerate(points):
        waypoint = town.carla_map.get_waypoint(carla.Location(*point.tolist()))
        place = waypoint.transform.location
        carla_distance = np.linalg.norm(point - (place.x, place.y, place.z))
        assert np.linalg.norm(point - hits.xyz[k]) <= carla_distance + 0.02
        lane = hits.lane_index[k]
        agree += waypoint.road_id == lanes.road_id[lane] and waypoint.lane_id == lanes.lane_id[lane]
    assert agree / len(points) > 0.95


def test_on_surface_agrees_with_carla(town: RoadMap) -> None:
    points = scattered(town.lanes, 1000, 4.0)
    hits = town.lanes.nearest(points[:, :2], points[:, 2], on_surface=True)
    inside = np.array([
        town.carla_map.get_waypoint(carla.Location(*point.tolist()), project_to_road=False) is not None
        for point in points
    ])  # fmt: skip
    assert ((hits.lane_index >= 0) == inside).mean() > 0.98
    assert hits.inside[hits.lane_index >= 0].all()


def test_lane_type_mask(gridvale: RoadMap) -> None:
    lanes = gridvale.lanes
    points = scattered(lanes, 300, 3.0, LaneType.SIDEWALK)
    for mask in (LaneType.SIDEWALK, LaneType.DRIVING, LaneType.SIDEWALK | LaneType.DRIVING):
        hits = lanes.nearest(points[:, :2], points[:, 2], lane_types=mask)
        assert (lanes.lane_type[hits.lane_index] & mask != 0).all()
    nothing = lanes.nearest(points[:, :2], lane_types=LaneType.TRAM)
    assert (nothing.lane_index == -1).all() and np.isinf(nothing.distance).all()


def test_heading_picks_the_lane_that_runs_the_same_way(gridvale: RoadMap) -> None:
    lanes = gridvale.lanes
    plain = np.nonzero((lanes.lane_type == LaneType.DRIVING) & ~lanes.is_junction)[0]
    samples = np.array([(lanes.start[lane] + lanes.stop[lane]) // 2 for lane in plain])
    left = np.stack([lanes.tangent[samples, 1], -lanes.tangent[samples, 0]], axis=1)
    between = lanes.xyz[samples, :2] + 0.55 * lanes.width[samples, None] * left
    hits = lanes.nearest(between, lanes.xyz[samples, 2], lanes.tangent[samples])
    ahead = np.einsum("ij,ij->i", lanes.tangent[hits.sample], lanes.tangent[samples])
    assert (ahead > 0.9).all()


def test_height_tells_bridges_apart(real_town) -> None:
    town = real_town("Town04")
    lanes = town.lanes
    low = np.array([[5.0, 15.4]])
    below, above = lanes.nearest(low, np.array([0.3])), lanes.nearest(low, np.array([11.3]))
    assert below.xyz[0, 2] < 1.0 and above.xyz[0, 2] > 10.0


coordinate = st.floats(-400.0, 400.0)


@settings(max_examples=60, deadline=None)
@given(x=coordinate, y=coordinate)
def test_nearest_is_the_nearest(gridvale: RoadMap, x: float, y: float) -> None:
    lanes = gridvale.lanes
    hits = lanes.nearest(np.array([[x, y]]), lane_types=ANY_LANE)
    segment = np.diff(lanes.lane_index) == 0
    a, b = lanes.xyz[:-1, :2][segment], lanes.xyz[1:, :2][segment]
    step = b - a
    share = np.clip(((np.array([x, y]) - a) * step).sum(1) / (step**2).sum(1), 0.0, 1.0)
    expected = np.hypot(*(a + share[:, None] * step - (x, y)).T).min()
    assert hits.distance[0] == pytest.approx(expected, abs=1e-9)
    assert abs(hits.lateral_m[0]) == pytest.approx(hits.distance[0])


@settings(max_examples=40, deadline=None)
@given(lane_share=st.floats(0.0, 0.999), place_share=st.floats(0.02, 0.98), offset_m=st.floats(-1.4, 1.4))
def test_offset_and_place_along_come_back(
    gridvale: RoadMap, lane_share: float, place_share: float, offset_m: float
) -> None:
    lanes = gridvale.lanes
    plain = np.nonzero((lanes.lane_type == LaneType.DRIVING) & ~lanes.is_junction & (lanes.length_m > 5.0))[0]
    lane = int(plain[int(lane_share * len(plain))])
    sample = int(lanes.start[lane] + round(place_share * (lanes.stop[lane] - 1 - lanes.start[lane])))
    forward = lanes.tangent[sample]
    right = np.array([-forward[1], forward[0]])
    hit = lanes.nearest((lanes.xyz[sample, :2] + offset_m * right)[None], lanes.xyz[sample, 2:3], forward[None])
    assert hit.lane_index[0] == lane
    assert hit.lateral_m[0] == pytest.approx(offset_m, abs=0.02)
    assert hit.along_m[0] == pytest.approx(lanes.along_m[sample], abs=0.3)
    assert lanes.along_at(lane, float(hit.along_s[0])) == pytest.approx(hit.along_m[0], abs=0.02)
    assert lanes.find(int(lanes.road_id[lane]), int(lanes.lane_id[lane]), float(hit.along_s[0])) == lane


def test_next_lanes_begin_where_a_lane_ends(town: RoadMap) -> None:
    lanes = town.lanes
    linked = 0
    for lane in np.nonzero(lanes.lane_type == LaneType.DRIVING)[0]:
        for ahead in lanes.next_lanes(lane):
            linked += 1
            gap = lanes.xyz[lanes.start[ahead]] - lanes.xyz[lanes.stop[lane] - 1]
            assert np.linalg.norm(gap) < 0.5
            assert lanes.lane_type[ahead] == LaneType.DRIVING
    assert linked > 0.9 * (lanes.lane_type == LaneType.DRIVING).sum()
