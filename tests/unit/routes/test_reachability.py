"""On a strongly connected map every spawn point leads to every other."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.road_map import available_towns, load_road_map
from alpamayo_sim.roads.route_planner import RoutePlanner


@pytest.mark.parametrize("town", available_towns())
def test_every_spawn_point_leads_to_every_other(town: str) -> None:
    road_map = load_road_map(town)
    planner = RoutePlanner(road_map.carla_map)
    rng = np.random.default_rng(0)
    for _ in range(120):
        first, last = rng.choice(len(road_map.spawn_points), 2, replace=False)
        start, goal = (Transform(*road_map.spawn_points[i]) for i in (first, last))
        route = planner.trace([start, goal])
        assert np.hypot(*(route.points[-1, :2] - np.array(goal[:2]))) < 2.0
        steps = np.linalg.norm(np.diff(route.points[:, :2], axis=0), axis=1)
        assert steps.max() < 8.0
