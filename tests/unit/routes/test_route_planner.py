"""Routes on real maps: which way, how long, with which options."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import carla
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_scenarios.route_file import load_routes
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.road_options import RoadOption, turn_option
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

_PLANNERS: dict[str, RoutePlanner] = {}


def planner(shared_data: Path, town: str) -> RoutePlanner:
    if town not in _PLANNERS:
        text = (shared_data / "maps" / f"{town}.xodr").read_text(encoding="utf-8")
        _PLANNERS[town] = RoutePlanner(carla.Map(town, text))
    return _PLANNERS[town]


@cache
def own_planner(town: str) -> RoutePlanner:
    return RoutePlanner(load_road_map(town).carla_map)


def manoeuvres(route: Route) -> list[RoadOption]:
    """The options in driving order, without repetitions and without plain lane following."""
    options = [RoadOption(int(value)) for value in route.road_option]
    runs = [option for option, before in zip(options, [None, *options[:-1]], strict=True) if option != before]
    return [option for option in runs if option != RoadOption.LANEFOLLOW]


@pytest.mark.parametrize(
    ("start", "goal", "turn"),
    [
        ((181.6, -2.0, 0.0), (140.0, -2.0, 0.0), RoadOption.STRAIGHT),
        ((181.6, -2.0, 0.0), (154.1, 16.0, 0.0), RoadOption.LEFT),
        ((131.7, 2.0, 0.0), (154.1, 16.0, 0.0), RoadOption.RIGHT),
        ((131.7, 2.0, 0.0), (173.1, 2.0, 0.0), RoadOption.STRAIGHT),
        ((312.4, 133.5, 0.0), (338.8, 115.6, 0.0), RoadOption.LEFT),
        ((312.4, 133.5, 0.0), (334.8, 148.7, 0.0), RoadOption.RIGHT),
    ],
)
def test_turns_at_known_junctions_of_town01(shared_data: Path, start, goal, turn: RoadOption) -> None:
    route = planner(shared_data, "Town01").trace([start, goal])
    assert manoeuvres(route) == [turn]
    assert np.array_equal(route.road_option == turn, route.in_junction)
    np.testing.assert_allclose(route.points[0, :2], start[:2], atol=1.0)
    np.testing.assert_allclose(route.points[-1, :2], goal[:2], atol=1.0)


def test_lane_changes_where_the_markings_allow_them(shared_data: Path) -> None:
    route = planner(shared_data, "Town04").trace([(381.7, -147.0, 0.0), (385.1, -120.0, 0.0)])
    assert manoeuvres(route) == [RoadOption.CHANGELANELEFT]
    at = np.flatnonzero(route.road_option == RoadOption.CHANGELANELEFT)
    assert len(at) == 2, "one point in the old lane, one in the new lane"
    assert route.lane[at[0], 2] != route.lane[at[1], 2]
    assert 4.0 < np.linalg.norm(route.points[at[1]] - route.points[at[0]]) < 9.0


@pytest.mark.parametrize("town", ["Town01", "Town02", "Town04"])
def test_longest6_routes_pass_their_points_without_detours(shared_data: Path, town: str) -> None:
    for spec in load_routes(shared_data / "routes" / f"longest6_{town}.xml"):
        route = planner(shared_data, town).trace(spec.waypoints)
        wanted = np.array([point[:2] for point in spec.waypoints])
        distance = np.array([np.linalg.norm(route.points[:, :2] - point, axis=1).min() for point in wanted])
        assert distance.max() < 0.9, "half a sampling step along, and the published 0.63 m across"
        direct = np.linalg.norm(np.diff(wanted, axis=0), axis=1).sum()
        assert direct * 0.999 < route.length_m < direct * 1.16, spec.route_id
        steps = np.linalg.norm(np.diff(route.points, axis=0), axis=1)
        changes = np.isin(route.road_option[1:], (RoadOption.CHANGELANELEFT, RoadOption.CHANGELANERIGHT))
        assert steps[~changes].max() < 1.5
        assert steps.min() > 0.05
        turned = np.abs((np.diff(route.yaw_deg) + 180.0) % 360.0 - 180.0)
        assert turned[~changes].max() < 35.0
        assert (route.lane_width_m > 2.0).all()
        np.testing.assert_allclose(route.arc_length_m, np.concatenate([[0.0], np.cumsum(steps)]))


def test_bridges_are_told_apart_by_height(shared_data: Path) -> None:
    graph = planner(shared_data, "Town04").graph
    low = [s for s in graph.segments if s.points[:, 2].max() < 1.0]
    high = [s for s in graph.segments if s.points[:, 2].min() > 8.0]
    top = np.concatenate([s.points for s in high])
    for segment in low:
        gap = np.linalg.norm(top[:, None, :2] - segment.points[None, :, :2], axis=2)
        above, below = np.unravel_index(int(np.argmin(gap)), gap.shape)
        if gap[above, below] < 1.0:
            found_low = graph.nearest(segment.points[below])
            found_high = graph.nearest(top[above])
            assert {f[1] for f in found_low}.isdisjoint({f[1] for f in found_high})
            return
    pytest.fail("Town04 has a bridge")


@given(seed=st.integers(0, 2**32 - 1), length=st.floats(60.0, 900.0), spread=st.floats(10.0, 200.0))
@settings(max_examples=25, deadline=None)
def test_random_routes_keep_their_promises(shared_data: Path, seed: int, length: float, spread: float) -> None:
    planner_ = planner(shared_data, "Town01")
    route = planner_.random_route(np.random.default_rng(seed), length, length + spread)
    assert length <= route.length_m <= length + spread
    assert not route.in_junction[0] and not route.in_junction[-1]
    again = planner_.random_route(np.random.default_rng(seed), length, length + spread)
    np.testing.assert_array_equal(route.points, again.points)


@pytest.mark.parametrize("town", ["Gridvale", "Oldwick", "Rampfield", "Longmoor", "Town01", "Town02", "Town04"])
@given(seed=st.integers(0, 2**32 - 1), every=st.integers(5, 80))
@settings(max_examples=20, deadline=None)
def test_routes_go_forward_from_point_to_point(shared_data: Path, town: str, seed: int, every: int) -> None:
    """Also where lane segments join."""
    planner_ = planner(shared_data, town) if town.startswith("Town") else own_planner(town)
    meant = planner_.random_route(np.random.default_rng(seed), 60.0, 900.0)
    free = [k for k in range(0, len(meant.points) - 5, every) if not meant.in_junction[k]]
    for route in (meant, planner_.trace(meant.points[[*free, -1]])):
        steps = np.diff(route.points[:, :2], axis=0)
        for yaw_deg in (route.yaw_deg[:-1], route.yaw_deg[1:]):
            yaw = np.radians(yaw_deg)
            assert np.min(steps[:, 0] * np.cos(yaw) + steps[:, 1] * np.sin(yaw)) > 0.1
        changes = np.isin(route.road_option[1:], (RoadOption.CHANGELANELEFT, RoadOption.CHANGELANERIGHT))
        assert np.linalg.norm(steps, axis=1)[~changes].max() < 1.6


def test_errors_say_which_point_and_why(shared_data: Path) -> None:
    planner_ = planner(shared_data, "Town01")
    with pytest.raises(InputError, match="at least 2 points; found 1"):
        planner_.trace([(0.0, 0.0, 0.0)])
    with pytest.raises(InputError, match=r"route point 1 .*9999.*more than 5 m from every driving lane of Town01"):
        planner_.trace([(181.6, -2.0, 0.0), (9999.0, 0.0, 0.0)])
    with pytest.raises(InputError, match="finite"):
        planner_.trace([(181.6, -2.0, 0.0), (float("nan"), 0.0, 0.0)])
    with pytest.raises(InputError, match="0 < min <= max"):
        planner_.random_route(np.random.default_rng(0), 500.0, 100.0)


def test_unreachable_points_are_an_input_error() -> None:
    road = """<road name="" length="100.0" id="{id}" junction="-1"><planView>
      <geometry s="0.0" x="0.0" y="{y}" hdg="0.0" length="100.0"><line/></geometry></planView>
      <lanes><laneSection s="0.0"><center><lane id="0" type="none" level="false"/></center>
      <right><lane id="-1" type="driving" level="false"><width sOffset="0.0" a="3.5" b="0.0" c="0.0" d="0.0"/></lane></right>
      </laneSection></lanes></road>"""
    head = '<header revMajor="1" revMinor="4" name="" version="1" north="0" south="0" east="0" west="0"/>'
    text = f'<?xml version="1.0"?><OpenDRIVE>{head}{road.format(id=1, y=0)}{road.format(id=2, y=50)}</OpenDRIVE>'
    planner_ = RoutePlanner(carla.Map("two_roads", text))
    assert len(planner_.graph.segments) == 2
    with pytest.raises(InputError, match="no lane leads from route point 0"):
        planner_.trace([(10.0, 1.75, 0.0), (90.0, -48.25, 0.0)])


def test_a_yaw_chooses_among_crossing_lanes(shared_data: Path) -> None:
    planner_ = planner(shared_data, "Town01")
    east = planner_.trace([Transform(131.7, 2.0, 0.0, yaw=1.0), Transform(150.0, 2.0, 0.0, yaw=1.0)])
    assert abs(float(east.yaw_deg[-1])) < 20.0


@given(turn=st.floats(-179.0, 179.0))
def test_turn_option_is_the_sign_of_the_turn(turn: float) -> None:
    angle = np.radians(turn)
    option = turn_option(np.array([1.0, 0.0]), np.array([np.cos(angle), np.sin(angle)]), [np.array([1.0, 0.0])])
    expected = RoadOption.STRAIGHT if abs(turn) < 35.0 else RoadOption.RIGHT if turn > 0 else RoadOption.LEFT
    assert option == expected or abs(abs(turn) - 35.0) < 1e-6
