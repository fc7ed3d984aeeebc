"""Routes of ours along the evaluator's lines."""

from __future__ import annotations

import carla
import numpy as np
import pytest

from alpamayo_agents.serving.evaluator_plan import route_of_plan
from alpamayo_agents.serving.messages import RoutePlan
from alpamayo_sim.errors import InputError
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner


@pytest.fixture(scope="module", params=["Gridvale", "Oldwick", "Rampfield"])
def carla_map(request: pytest.FixtureRequest) -> carla.Map:
    return load_road_map(request.param).carla_map


def plan_of(route: Route) -> RoutePlan:
    poses = np.zeros((len(route.points), 6))
    poses[:, :3], poses[:, 4] = route.points, route.yaw_deg
    return RoutePlan(poses, route.road_option)


@pytest.mark.parametrize("seed", range(4))
def test_the_lanes_of_the_evaluators_route_are_found_again(carla_map: carla.Map, seed: int) -> None:
    meant = RoutePlanner(carla_map).random_route(np.random.default_rng(seed), 300.0, 600.0)
    key_points = [meant.transform(row) for row in range(0, len(meant.points), 60)]
    evaluators = EvaluatorPlanner(carla_map).trace([*key_points, meant.transform(-1)])
    found = route_of_plan(carla_map, plan_of(evaluators))
    off = np.linalg.norm(found.points[:, None, :2] - evaluators.points[None, :, :2], axis=2)
    assert off.min(axis=1).max() < 4.0 and off.min(axis=0).max() < 4.0
    assert found.length_m == pytest.approx(evaluators.length_m, rel=0.1, abs=5.0)
    turned = np.radians(found.yaw_deg - evaluators.yaw_deg[off.argmin(axis=1)])
    assert np.cos(turned).min() > 0.9
    assert found.in_junction.any()


def test_points_that_step_back_are_left_out(carla_map: carla.Map) -> None:
    meant = RoutePlanner(carla_map).random_route(np.random.default_rng(7), 200.0, 300.0)
    plan = plan_of(meant)
    rows = np.concatenate([np.arange(80), np.arange(77, len(meant.points))])
    stuttering = RoutePlan(plan.poses[rows], plan.options[rows])
    assert route_of_plan(carla_map, stuttering).length_m == pytest.approx(meant.length_m, abs=3.0)


def test_a_line_that_no_lane_follows_is_taken_as_it_is(carla_map: carla.Map) -> None:
    meant = RoutePlanner(carla_map).random_route(np.random.default_rng(3), 200.0, 300.0)
    plan = plan_of(meant)
    aside = plan.poses.copy()
    aside[:, 0] += 500.0
    aside[:, 1] -= 300.0
    route = route_of_plan(carla_map, RoutePlan(aside, plan.options))
    np.testing.assert_allclose(route.points[0], aside[0, :3])
    np.testing.assert_allclose(route.points[-1], aside[-1, :3])


def test_a_route_that_goes_nowhere_is_refused(carla_map: carla.Map) -> None:
    with pytest.raises(InputError, match="goes somewhere"):
        route_of_plan(carla_map, RoutePlan(np.zeros((5, 6)), np.full(5, 4)))
