"""Routes of files: judged by the evaluator's own line, driven along our lanes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import KDTree

from alpamayo_scenarios.director import is_on_route
from alpamayo_scenarios.episode import EpisodeSpec, start_transform
from alpamayo_scenarios.route_file import RouteSpec, load_routes
from alpamayo_scenarios.suite import SUITES
from alpamayo_scenarios.traced_route import trace_route
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.road_options import RoadOption

BESIDE_M = 4.5


@cache
def road_map_of(town: str, maps: Path | None = None) -> RoadMap:
    return load_road_map(town, maps_dirs=[maps] if maps else [])


def check(spec: RouteSpec, road_map: RoadMap) -> None:
    route = trace_route(road_map.carla_map, spec)
    evaluators = EvaluatorPlanner(road_map.carla_map).trace(spec.waypoints)
    np.testing.assert_array_equal(route.judged.points, evaluators.points)
    off, _ = KDTree(route.driven.points[:, :2]).query(route.judged.points[:, :2])
    back, _ = KDTree(route.judged.points[:, :2]).query(route.driven.points[:, :2])
    assert max(off.max(), back.max()) < BESIDE_M
    assert route.driven.length_m == pytest.approx(route.judged.length_m, abs=5.0)
    steps = np.diff(route.driven.points[:, :2], axis=0)
    yaw = np.radians(route.driven.yaw_deg[:-1])
    assert np.min(steps[:, 0] * np.cos(yaw) + steps[:, 1] * np.sin(yaw)) > 0.1
    for scenario in spec.scenarios:
        assert is_on_route(scenario.trigger, route.judged) and is_on_route(scenario.trigger, route.driven)


@pytest.mark.parametrize("every", [pytest.param(4, id="some"), pytest.param(1, id="all", marks=pytest.mark.full)])
@pytest.mark.parametrize("suite", ["smoke", "abilities"])
def test_suites_are_driven_where_they_are_judged(suite: str, every: int) -> None:
    for spec in load_routes(SUITES / f"{suite}.xml")[::every]:
        check(spec, road_map_of(spec.town))


@pytest.mark.parametrize("town", ["Town01", "Town02"])
def test_longest6_is_driven_where_it_is_judged(shared_data: Path, town: str) -> None:
    for spec in load_routes(shared_data / "routes" / f"longest6_{town}.xml"):
        check(spec, road_map_of(town, shared_data / "maps"))


def test_lanes_are_changed_where_the_evaluator_changes_them() -> None:
    specs = [s for s in load_routes(SUITES / "abilities.xml") if s.scenarios[0].type == "HighwayExit"]
    for spec in specs:
        route = trace_route(road_map_of(spec.town).carla_map, spec)
        changes = (RoadOption.CHANGELANELEFT, RoadOption.CHANGELANERIGHT)
        theirs, ours = (r.points[np.isin(r.road_option, changes)] for r in (route.judged, route.driven))
        assert len(theirs) == len(ours) > 0
        assert np.linalg.norm(theirs - ours, axis=1).max() < 2.0


def test_the_ego_starts_where_the_evaluator_puts_it() -> None:
    spec = load_routes(SUITES / "smoke.xml")[0]
    road_map = road_map_of(spec.town)
    route = trace_route(road_map.carla_map, spec)
    start = EpisodeSpec(route.driven, "expert", 0, evaluators_route=route.judged).start
    assert (start.location.x, start.location.y) == pytest.approx(route.judged.points[0, :2].tolist(), abs=1e-4)
    ground = road_map.carla_map.get_waypoint(start.location).transform.location.z
    assert start.location.z - ground == pytest.approx(0.5, abs=1e-3)
    alone = EpisodeSpec(route.driven, "expert", 0)
    assert alone.start == start_transform(route.driven) and alone.judged_route is route.driven


def test_a_point_off_the_map_is_named() -> None:
    spec = load_routes(SUITES / "smoke.xml")[0]
    points = (spec.waypoints[0], Transform(9000.0, 0.0, 0.0), *spec.waypoints[2:])
    with pytest.raises(InputError, match=r"route point 1 \(9000"):
        trace_route(road_map_of(spec.town).carla_map, replace(spec, waypoints=points))
