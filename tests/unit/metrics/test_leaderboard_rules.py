"""Rules of ScenarioRunner's criteria that only showed when both judged the same episodes, one test each."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from synthetic_drive import ego_tick, pose_on

from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.blocked import Blocked
from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.episode_result import EpisodeIdentity
from alpamayo_sim.metrics.infraction import InfractionKind
from alpamayo_sim.metrics.outside_lanes import is_beyond_lane
from alpamayo_sim.metrics.profile import scoring_profile
from alpamayo_sim.metrics.red_light import RedLight, governed_ends
from alpamayo_sim.metrics.route_completion import RouteCompletion
from alpamayo_sim.metrics.route_timeout import RouteTimeout
from alpamayo_sim.metrics.signal_areas import SignalArea, areas_of_map
from alpamayo_sim.metrics.stop_sign import StopSign
from alpamayo_sim.metrics.tick import CollisionEvent
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

IDENTITY = EpisodeIdentity("e1", "Gridvale", "r1", "expert", 1, "embedded")
RED = 0


def test_completion_is_rounded_to_a_hundredth_of_a_percent(route: Route) -> None:
    criterion = RouteCompletion(route)
    for frame, distance in enumerate(np.arange(0.0, 60.0, 0.5)):
        criterion.update(ego_tick(frame, pose_on(route, float(distance)), 10.0))
        assert criterion.percent == round(criterion.percent, 2)


def test_the_tick_after_completion_is_judged_as_well(road_map: RoadMap, route: Route) -> None:
    metrics = EpisodeMetrics(road_map, route, profile="leaderboard-2.0", criteria=["collision"])
    frame = 0
    while not metrics.completion.completed:
        metrics.update(ego_tick(frame, pose_on(route, 0.5 * frame), 10.0))
        frame += 1
    assert metrics.end_reason is None
    event = CollisionEvent(frame, 0.0, 9, "walker.pedestrian.0001", 50.0)
    metrics.update(ego_tick(frame, pose_on(route, 0.5 * frame), 10.0, collisions=[event]))
    assert metrics.end_reason == "completed"
    assert metrics.result(IDENTITY).driving_score == 50.0


def test_an_episode_stopped_right_after_completion_is_complete(road_map: RoadMap, route: Route) -> None:
    metrics = EpisodeMetrics(road_map, route, criteria=[])
    frame = 0
    while not metrics.completion.completed:
        metrics.update(ego_tick(frame, pose_on(route, 0.5 * frame), 10.0))
        frame += 1
    assert metrics.result(IDENTITY).outcome == "completed"


@pytest.mark.parametrize(("to_the_end", "checks"), [(True, 5), (False, 4)])
def test_the_last_speed_check_counts_twice_when_the_episode_ends_by_itself(
    road_map: RoadMap, route: Route, to_the_end: bool, checks: int
) -> None:
    """The behaviour tree stops its criteria, and the evaluator stops them again; one that is stopped is stopped once."""
    metrics = EpisodeMetrics(road_map, route, profile="leaderboard-2.0", criteria=["min_speed"])
    for frame, distance in enumerate(np.arange(0.0, route.length_m, 0.5)):
        if metrics.end_reason is not None or (metrics.completion.percent > 97.0 and not to_the_end):
            break
        metrics.update(replace(ego_tick(frame, pose_on(route, float(distance)), 4.0), traffic_speed_mps=8.0))
    result = metrics.result(IDENTITY)
    assert result.outcome == ("completed" if to_the_end else "stopped")
    assert [i.percentage for i in result.infractions] == [50.0] * checks


def test_standing_is_standing_in_the_plane(route: Route) -> None:
    criterion = Blocked(after_s=1.0)
    for frame in range(20):
        tick = ego_tick(frame, pose_on(route, 0.0), 0.0)
        bouncing = replace(tick, speed_mps=0.4, ego=replace(tick.ego, velocity_mps=(0.0, 0.0, 0.4)))
        assert criterion.update(bouncing) == []
    (found,) = criterion.update(ego_tick(20, pose_on(route, 0.0), 0.0))
    assert found.kind is InfractionKind.BLOCKED


def test_the_time_allowance_looks_three_points_ahead(route: Route) -> None:
    for jumped_points, passed_points in ((2, 2), (3, 3), (5, 3)):
        criterion = RouteTimeout(route, scoring_profile("leaderboard-2.0"))
        here_m = 0.5 * (route.arc_length_m[jumped_points] + route.arc_length_m[jumped_points + 1])
        criterion.update(ego_tick(0, pose_on(route, float(here_m)), 10.0, speed_limit_mps=10.0))
        assert criterion.allowance_s - 300.0 == pytest.approx(route.arc_length_m[passed_points])


@pytest.mark.parametrize(
    ("driving", "parking", "beyond"),
    [
        (
            (2.5, 4.2),
            (1.6, 2.0),
            True,
        ),  # beyond the narrow parking lane, whose middle is nearer; within the driving lane
        ((1.9, 4.2), (2.2, 2.0), False),  # within the driving lane, whose middle is nearer
        ((2.5, 4.2), (1.4, 2.0), False),  # within the parking lane
        ((2.0, 4.2), (2.0, 2.0), True),  # as near to both: the parking lane decides
        ((2.59, 4.2), None, False),
        ((2.61, 4.2), None, True),
    ],
)
def test_the_lane_whose_middle_is_nearer_decides(
    driving: tuple[float, float], parking: tuple[float, float] | None, beyond: bool
) -> None:
    assert is_beyond_lane([lane for lane in (parking, driving) if lane is not None], 0.5) is beyond


def lights_with_lines(road_map: RoadMap) -> list[SignalArea]:
    return [light for light in areas_of_map(road_map.signals).lights if governed_ends(road_map.carla_map, light)]


def across(road_map: RoadMap, light: SignalArea, beyond_m: float) -> Transform:
    """The pose of an ego whose rear end lies `beyond_m` beyond the stop line of a light's first lane."""
    end = governed_ends(road_map.carla_map, light)[0].transform
    yaw = math.radians(end.rotation.yaw)
    ahead = 2.4462 + beyond_m
    place = end.location
    return Transform(place.x + ahead * math.cos(yaw), place.y + ahead * math.sin(yaw), place.z, yaw=end.rotation.yaw)


def test_a_light_that_was_run_is_exempt_until_another_one_is_run(road_map: RoadMap) -> None:
    first, second, *_ = lights_with_lines(road_map)
    criterion = RedLight(road_map.carla_map, areas_of_map(road_map.signals).lights)
    red = {first.signal_id: RED, second.signal_id: RED}
    run = [
        len(criterion.update(ego_tick(frame, across(road_map, light, 0.3), 5.0, lights=red)))
        for frame, light in enumerate((first, first, second, second, first))
    ]
    assert run == [1, 0, 1, 0, 1]


def test_a_red_light_is_run_while_the_tail_s_far_end_is_in_the_lane_before_it(road_map: RoadMap) -> None:
    light = lights_with_lines(road_map)[0]
    for beyond_m, runs in ((0.3, 1), (0.9, 1), (1.6, 0)):
        criterion = RedLight(road_map.carla_map, (light,))
        tick = ego_tick(0, across(road_map, light, beyond_m), 5.0, lights={light.signal_id: RED})
        assert len(criterion.update(tick)) == runs, beyond_m


def test_messages_name_the_actor_and_where_it_stands(road_map: RoadMap) -> None:
    light = replace(lights_with_lines(road_map)[0], name="77", place=(1.0, 2.0, 3.0))
    criterion = RedLight(road_map.carla_map, (light,))
    (found,) = criterion.update(ego_tick(0, across(road_map, light, 0.3), 5.0, lights={light.signal_id: RED}))
    assert found.message == "Agent ran a red light 77 at (x=1.0, y=2.0, z=3.0)"


@pytest.mark.parametrize(("extent", "runs"), [((0.3, 4.0, 1.0), True), ((4.0, 0.3, 1.0), False)])
def test_a_stop_sign_s_box_lies_along_the_world_s_axes_whichever_way_it_stands(
    road_map: RoadMap, extent: tuple[float, float, float], runs: bool
) -> None:
    """The rule takes the half sizes of a turned sign as they are. The lane runs along y, 2 m beside the box's centre."""
    lane = next(
        waypoint
        for waypoint in road_map.carla_map.generate_waypoints(3.0)
        if not waypoint.is_junction
        and abs(abs(waypoint.transform.rotation.yaw) - 90.0) < 0.1
        and len(waypoint.next(20.0)) == 1
        and not waypoint.next(20.0)[0].is_junction
    )
    start, end = lane.transform.location, lane.next(20.0)[0].transform.location
    center = (0.5 * (start.x + end.x) + 2.0, 0.5 * (start.y + end.y), start.z)
    stop = SignalArea("9", "9", center, center, (extent[1], extent[0], extent[2]), 90.0)
    criterion = StopSign(road_map.carla_map, (stop,))
    found = []
    for frame, ahead_m in enumerate(np.arange(0.1, 19.9, 0.3)):
        pose = lane.next(float(ahead_m))[0].transform
        place = Transform(pose.location.x, pose.location.y, pose.location.z, yaw=pose.rotation.yaw)
        found += criterion.update(ego_tick(frame, place, 5.0))
    assert bool(found) is runs
