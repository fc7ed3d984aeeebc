"""Another way on than the route's, on a real town."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_scenarios.counterfactual.driving import rest_of_route
from alpamayo_scenarios.counterfactual.other_ways import other_way
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> RoadMap:
    """A grid of streets with junctions of four ways."""
    return load_road_map("Gridvale", maps_dirs=(), cache_dir=tmp_path_factory.mktemp("maps"))


@pytest.fixture(scope="module")
def routes(town: RoadMap) -> list[Route]:
    """Some routes through it."""
    planner = RoutePlanner(town.carla_map)
    return [planner.random_route(np.random.default_rng(seed), 250.0, 400.0) for seed in range(8)]


def test_the_other_way_begins_alike_and_ends_elsewhere(town: RoadMap, routes: list[Route]) -> None:
    found = 0
    for route in routes:
        entry = int(np.argmax(route.in_junction))
        before = max(0, entry - 15)
        if not route.in_junction.any() or route.in_junction[before]:
            continue
        x, y, _ = (float(v) for v in route.points[before])
        other = other_way(town, route, x, y)
        if other is None:
            continue
        found += 1
        assert np.hypot(*(other.points[0, :2] - (x, y))) < 1.5
        assert other.length_m > 60.0
        off = np.min(np.linalg.norm(other.points[-1, :2] - route.points[:, :2], axis=1))
        assert off > 10.0, "it goes somewhere else"
    assert found >= 4


def test_inside_of_a_junction_there_is_no_other_way(town: RoadMap, routes: list[Route]) -> None:
    route = next(one for one in routes if one.in_junction.any())
    inside = int(np.argmax(route.in_junction)) + 3
    x, y, _ = (float(v) for v in route.points[inside])
    assert other_way(town, route, x, y) is None


def test_the_rest_of_a_route_is_its_end(routes: list[Route]) -> None:
    route = routes[0]
    x, y, _ = (float(v) for v in route.points[40])
    rest = rest_of_route(route, x + 0.1, y - 0.1)
    assert len(rest.points) == len(route.points) - 40
    assert rest.arc_length_m[0] == 0.0
    assert rest.length_m == pytest.approx(route.length_m - float(route.arc_length_m[40]))
    last = route.points[-1]
    assert len(rest_of_route(route, float(last[0]), float(last[1])).points) == 2
