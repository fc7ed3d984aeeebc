"""Ground heights on roads, sidewalks, bridges and the land between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from straight_road import straight_map

from alpamayo_sim.roads.ground import ground_height
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.road_map import RoadMap


def test_driving_lanes_lie_at_their_own_height(town: RoadMap) -> None:
    lanes = town.lanes
    driving = lanes.lane_type[lanes.lane_index] == LaneType.DRIVING
    z, _ = town.ground.height(lanes.xyz[driving, :2], lanes.xyz[driving, 2])
    error = np.abs(z - lanes.xyz[driving, 2])
    assert np.percentile(error, 99) < 0.02
    assert error.max() < 0.2


def test_a_slope_gives_height_and_normal() -> None:
    road_map = straight_map()
    z, normal = road_map.ground.height(np.array([[20.0, 1.75], [40.0, -1.0]]), np.array([1.0, 2.0]))
    np.testing.assert_allclose(z, [1.0, 2.0], atol=0.01)
    expected = np.array([-0.05, 0.0, 1.0]) / np.hypot(0.05, 1.0)
    np.testing.assert_allclose(normal, [expected, expected], atol=1e-3)


def test_sidewalks_are_raised_by_a_kerb_or_by_the_height_of_the_file() -> None:
    for records, kerb in (("", 0.12), ('<height sOffset="0" inner="0.2" outer="0.2"/>', 0.2)):
        road_map = straight_map(sidewalk_records=records)
        z, _ = road_map.ground.height(np.array([[20.0, 4.5], [20.0, 3.0]]), 1.0)
        np.testing.assert_allclose(z, [1.0 + kerb, 1.0], atol=0.02)


def test_bridges_are_told_apart_by_the_hint(real_town) -> None:
    ground = real_town("Town04").ground
    under = np.array([[5.0, 15.4], [12.1, 30.3], [-9.0, 17.4]])
    low, _ = ground.height(under, 0.0)
    high, _ = ground.height(under, 11.0)
    np.testing.assert_allclose(low, 0.0, atol=0.05)
    assert (high > 10.0).all()
    beside, _ = ground.height(np.array([[5.0, -20.0]]), 0.0)
    assert abs(beside[0]) < 0.2


def test_land_follows_the_embankment_of_a_ramp(real_town) -> None:
    ground = real_town("Town04").ground
    z, _ = ground.height(np.array([[-60.0, 50.0], [-300.0, -300.0]]), 12.0)
    assert 3.0 < z[0] < 10.0
    assert abs(z[1]) < 1.0


def test_land_meets_the_road_edge(town: RoadMap) -> None:
    lanes = town.lanes
    rng = np.random.default_rng(0)
    z_jump = []
    for lane in rng.permutation(len(lanes))[:150]:
        sample = int(lanes.start[lane] + lanes.stop[lane]) // 2
        side = np.array([-lanes.tangent[sample, 1], lanes.tangent[sample, 0]])
        edge = lanes.xyz[sample, :2] + side * (0.5 * lanes.width[sample])
        z, _ = town.ground.height(np.array([edge - 0.02 * side, edge + 0.02 * side]), lanes.xyz[sample, 2])
        z_jump.append(abs(z[1] - z[0]))
    bridges = 0.1 if town.name == "Town04" else 0.0
    assert np.quantile(z_jump, 1.0 - bridges) < 0.2


coordinate = st.floats(-2000.0, 2000.0)


@settings(max_examples=100, deadline=None)
@given(x=coordinate, y=coordinate, z_hint=st.floats(-50.0, 50.0))
def test_height_is_defined_everywhere(gridvale: RoadMap, x: float, y: float, z_hint: float) -> None:
    z, normal = gridvale.ground.height(np.array([[x, y]]), z_hint)
    again, _ = gridvale.ground.height(np.array([[x, y]]), z_hint)
    assert np.isfinite(z).all() and z[0] == again[0]
    assert np.linalg.norm(normal[0]) == pytest.approx(1.0)
    assert normal[0, 2] > 0.0


@njit
def _sum_of_heights(arrays, xy):
    total = 0.0
    for m in range(len(xy)):
        total += ground_height(arrays, xy[m, 0], xy[m, 1], 0.0)[0]
    return total


def test_kernels_can_call_it(gridvale: RoadMap) -> None:
    xy = gridvale.spawn_points[:50, :2].copy()
    z, _ = gridvale.ground.height(xy, 0.0)
    assert _sum_of_heights(gridvale.ground.arrays(), xy) == pytest.approx(z.sum())
