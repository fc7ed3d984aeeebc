"""Leaving the lane's middle: for oncoming traffic, against oncoming traffic, for emergency vehicles; and lights that turn red."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import carla
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_vehicle import arc_route, ego_model

from alpamayo_agents.making_way import MakingWay
from alpamayo_agents.nudging import EdgeKeeping
from alpamayo_agents.oncoming import duration_s, somebody_comes
from alpamayo_agents.passing import ObstaclePassing
from alpamayo_agents.reference_path import ReferencePath
from alpamayo_agents.speed_profile import DriverStyle, simulate
from alpamayo_agents.surroundings import Neighbours
from alpamayo_agents.traffic_rules import RouteRules

MODEL = ego_model()
FAST, SLOW = 8.0, 0.0


def one(x: float, y: float, yaw: float, speed: float, *, standing_s: float = 0.0) -> Neighbours:
    return Neighbours(
        ids=np.array([7]),
        is_walker=np.array([False]),
        center=np.array([[x, y, 0.8]]),
        yaw=np.array([yaw]),
        velocity_mps=speed * np.array([[np.cos(yaw), np.sin(yaw)]]),
        acceleration_mps2=np.zeros(1),
        half_size_m=np.array([[2.3, 1.0]]),
        standing_s=np.array([standing_s]),
    )


def facing(path: ReferencePath, station_m: float, speed: float, *, standing_s: float = 0.0) -> Neighbours:
    """Somebody on the oncoming lane, 3.5 m to the left of a path."""
    here, _, yaw = path.pose(np.array(station_m))
    left = np.array([np.sin(float(yaw)), -np.cos(float(yaw))])
    x, y = here + 3.5 * left
    return one(float(x), float(y), float(yaw) + np.pi, speed, standing_s=standing_s)


@given(curvature=st.floats(-0.02, 0.02), away=st.floats(20.0, 110.0), speed=st.floats(1.0, 14.0))
def test_who_comes_round_the_bend_counts_by_the_way_that_is_left(curvature: float, away: float, speed: float) -> None:
    path = ReferencePath(arc_route(200.0, curvature))
    comes = somebody_comes(path, 10.0, 30.0, 5.0, facing(path, 10.0 + away, speed))
    least, most = 30.0 + 5.0 * speed, 30.0 + 6.0 * max(speed, 8.0) + 6.0
    if away < least:
        assert comes
    if away > most + 1.0:
        assert not comes


def test_who_has_just_stopped_on_the_oncoming_lane_may_start_and_who_is_parked_stays() -> None:
    path = ReferencePath(arc_route(200.0))
    assert somebody_comes(path, 10.0, 30.0, 5.0, facing(path, 60.0, 0.0, standing_s=0.5))
    assert not somebody_comes(path, 10.0, 30.0, 5.0, facing(path, 60.0, 0.0, standing_s=60.0))


def test_who_drives_the_same_way_or_on_another_road_does_not_come() -> None:
    path = ReferencePath(arc_route(200.0))
    assert not somebody_comes(path, 10.0, 30.0, 5.0, one(40.0, 0.0, 0.0, 8.0))
    assert not somebody_comes(path, 10.0, 30.0, 5.0, one(40.0, -14.0, np.pi, 8.0))


def test_a_longer_stretch_takes_longer() -> None:
    profile = simulate(0.0, np.full(320, 8.0), [], DriverStyle())
    times = [duration_s(length, profile) for length in (5.0, 20.0, 30.0, 60.0, 90.0)]
    assert times == sorted(times)
    assert times[-1] > 90.0 / 8.0 * 0.9


def passing_on(path: ReferencePath) -> ObstaclePassing:
    """Passing on a map of one lane with an oncoming one beside it."""
    lane = SimpleNamespace(key=(1, 0, -1), index=0, left=-1, right=-1, opposite=1, width_m=np.full(9, 3.5))
    graph = SimpleNamespace(segments=[lane, lane])
    rules = cast("RouteRules", SimpleNamespace(next_light_m=lambda station_m: np.inf))
    path.lane[:] = (1, 0, -1)
    return ObstaclePassing(path, cast("Any", graph), MODEL, rules)


def test_a_way_round_can_be_called_off_only_while_it_has_hardly_begun() -> None:
    path = ReferencePath(arc_route(200.0))
    passing = passing_on(path)
    parked = one(45.0, 0.3, 0.0, 0.0, standing_s=np.inf)
    assert passing.can_still_stay_m(20.0) == 0.0
    assert passing.consider(
        1.0, 20.0, parked, frozenset({0}), (0,), 18.0, 8.0, lambda length_m, oncoming_m: oncoming_m > 0.0
    )
    assert passing.lateral == "pass_left"
    out, _ = path.shifts[-1]
    assert passing.is_on_oncoming_lane(out.end_m)
    assert passing.can_still_stay_m(out.start_m) > 20.0
    assert passing.can_still_stay_m(out.end_m) == 0.0
    assert passing.call_off()
    assert passing.lateral == "" and not path.shifts
    np.testing.assert_allclose(path.xy[:, 1], 0.0, atol=1e-6)


def test_keeps_clear_of_those_who_reach_over_the_middle() -> None:
    path = ReferencePath(arc_route(200.0))
    edge = EdgeKeeping(path, MODEL)
    assert edge.update(20.0, 0.0, one(50.0, -2.2, np.pi, 10.0)), "reaches 0.55 m into the lane"
    right = float(path.offset_right_m(np.array([40.0]))[0])
    assert right - MODEL.half_width_m - (-2.2 + 1.0) > 0.65
    assert right + MODEL.half_width_m < 0.5 * 3.5 + 0.26


@pytest.mark.parametrize("beside", [[], [3.5]])
def test_draws_level_with_a_gap_only_where_there_is_a_lane_to_go_to(beside: list[float]) -> None:
    path = ReferencePath(arc_route(300.0))
    lanes = cast("ObstaclePassing", SimpleNamespace(lateral="", lanes_beside=lambda station_m: beside))
    way = MakingWay(path, lanes)
    siren, other = one(20.0, 0.0, 0.0, 16.0), one(50.0, 3.5, 0.0, 8.0)
    both = Neighbours(
        ids=np.array([7, 8]),
        **{
            name: np.concatenate([getattr(siren, name), getattr(other, name)])
            for name in Neighbours.__dataclass_fields__
            if name != "ids"
        },
    )
    way.update(50.0, 0.0, 8.0, both, frozenset({7}))
    assert (way.draws_level_mps is not None) is bool(beside)
    assert way.lateral == ""


def test_makes_way_for_a_siren_where_the_lane_beside_is_free() -> None:
    path = ReferencePath(arc_route(300.0))
    lanes = cast("ObstaclePassing", SimpleNamespace(lateral="", lanes_beside=lambda station_m: [3.5]))
    way = MakingWay(path, lanes)
    assert way.update(50.0, 0.0, 8.0, one(20.0, 0.0, 0.0, 16.0), frozenset({7}))
    assert way.lateral == "make_way"
    np.testing.assert_allclose(path.xy[(path.station_m > 80.0) & (path.station_m < 180.0), 1], 3.5, atol=0.05)


class Light:
    def __init__(self) -> None:
        self.state = carla.TrafficLightState.Green

    def get_state(self) -> carla.TrafficLightState:
        return self.state


class NoActors(list[Any]):
    def filter(self, pattern: str) -> list[Any]:
        return []


def rules_with_light(station_m: float) -> tuple[RouteRules, Light]:
    path = ReferencePath(arc_route(200.0))
    light = Light()
    world = SimpleNamespace(get_actors=NoActors)
    line: Any = SimpleNamespace(light=light, xy=np.array([station_m, 0.0]), z=0.0, yaw=0.0)
    return RouteRules(cast("carla.World", world), path, [line], MODEL), light


@given(speed=st.floats(3.0, 15.0), room=st.floats(0.5, 40.0))
def test_a_light_that_turns_red_without_yellow_stops_whoever_can_stop(speed: float, room: float) -> None:
    rules, light = rules_with_light(100.0)
    station = 100.0 - MODEL.front_m - room
    assert rules.stop_station(station, speed, 160.0)[1] == ""
    light.state = carla.TrafficLightState.Red
    stops = rules.stop_station(station, speed, 160.0)[1] == "red_light"
    if speed**2 / (2.0 * 7.5) < room + 2.5:
        assert stops
    if speed**2 / (2.0 * 7.5) > room + 2.7:
        assert not stops


def test_who_has_begun_to_stop_at_a_light_goes_on_with_it() -> None:
    rules, light = rules_with_light(100.0)
    light.state = carla.TrafficLightState.Red
    front = 100.0 - MODEL.front_m
    assert rules.stop_station(front - 3.0, 7.9, 160.0)[1] == "red_light"
    assert rules.stop_station(front - 2.2, 7.9, 160.0)[1] == "red_light", "the brakes have not bitten yet"


def test_who_could_not_stop_but_was_held_up_before_the_line_stops_after_all() -> None:
    rules, light = rules_with_light(100.0)
    light.state = carla.TrafficLightState.Yellow
    front = 100.0 - MODEL.front_m
    assert rules.stop_station(front - 8.0, 9.0, 160.0)[1] == ""
    light.state = carla.TrafficLightState.Red
    assert rules.stop_station(front - 4.0, 8.0, 160.0)[1] == ""
    assert rules.stop_station(front - 3.0, 3.0, 160.0)[1] == "red_light"
