"""The evaluator's routes on our own towns; beside CARLA's own planner they are tested in tests/third_party."""

from __future__ import annotations

import carla
import numpy as np
import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.route_planner import RoutePlanner

KEY_POINT_EVERY = 12


@pytest.fixture(scope="module", params=["Gridvale", "Oldwick", "Rampfield"])
def road_map(request: pytest.FixtureRequest) -> RoadMap:
    return load_road_map(request.param)


@pytest.mark.parametrize("seed", range(4))
def test_through_dense_key_points_it_is_the_route_that_was_meant(road_map: RoadMap, seed: int) -> None:
    """Key points outside junctions cannot be mistaken for another lane's, so that CARLA's planner makes no detour."""
    meant = RoutePlanner(road_map.carla_map).random_route(np.random.default_rng(seed), 150.0, 300.0)
    free = [k for k in range(0, len(meant.points) - 5, KEY_POINT_EVERY) if not meant.in_junction[k]]
    places = [tuple(meant.points[k].tolist()) for k in (*free, len(meant.points) - 1)]
    route = EvaluatorPlanner(road_map.carla_map).trace(places)
    gaps = np.linalg.norm(route.points[:, None, :2] - meant.points[None, :, :2], axis=2)
    assert gaps.min(axis=1).max() < 1.5
    assert route.length_m == pytest.approx(meant.length_m, abs=8.0)
    assert np.linalg.norm(route.points[-1] - meant.points[-1]) < 2.0
    assert (
        len(route.points) == len(route.yaw_deg) == len(route.arc_length_m) == len(route.lane) == len(route.in_junction)
    )


def test_the_first_point_is_where_the_ego_is_spawned(road_map: RoadMap) -> None:
    """Half a metre up, which lengthens the route's first step."""
    meant = RoutePlanner(road_map.carla_map).random_route(np.random.default_rng(1), 100.0, 200.0)
    route = EvaluatorPlanner(road_map.carla_map).trace([meant.points[0], meant.points[20]])
    ground = road_map.carla_map.get_waypoint(carla.Location(*route.points[0].tolist())).transform.location
    assert route.points[0, 2] - ground.z == pytest.approx(0.5, abs=1e-3)
    first, second = route.points[0], route.points[1]
    assert route.arc_length_m[1] == pytest.approx(np.linalg.norm(second - first), abs=1e-4)
    assert route.arc_length_m[0] == 0.0


def test_a_point_alone_is_no_route(road_map: RoadMap) -> None:
    with pytest.raises(InputError, match="at least 2 points"):
        EvaluatorPlanner(road_map.carla_map).trace([(0.0, 0.0, 0.0)])


def test_the_same_points_give_the_same_route(road_map: RoadMap) -> None:
    meant = RoutePlanner(road_map.carla_map).random_route(np.random.default_rng(2), 100.0, 200.0)
    planner = EvaluatorPlanner(road_map.carla_map)
    places = [meant.points[0], meant.points[30], meant.points[-1]]
    assert np.array_equal(planner.trace(places).points, EvaluatorPlanner(road_map.carla_map).trace(places).points)
