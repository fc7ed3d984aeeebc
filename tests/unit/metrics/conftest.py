"""The town, routes and drives that the criteria are tested on."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner


@pytest.fixture(scope="session")
def road_map() -> RoadMap:
    return load_road_map("Gridvale")


@pytest.fixture(scope="session")
def planner(road_map: RoadMap) -> RoutePlanner:
    return RoutePlanner(road_map.carla_map)


@pytest.fixture(scope="session")
def route(planner: RoutePlanner) -> Route:
    return planner.random_route(np.random.default_rng(7), 300.0, 500.0)
