"""Route completion, deviation, lanes, patience and time on drives along a route of our own town."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_drive import ego_tick, pose_on

from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.blocked import Blocked
from alpamayo_sim.metrics.infraction import Infraction, InfractionKind
from alpamayo_sim.metrics.outside_lanes import OutsideRouteLanes
from alpamayo_sim.metrics.profile import scoring_profile
from alpamayo_sim.metrics.route_completion import RouteCompletion
from alpamayo_sim.metrics.route_deviation import RouteDeviation
from alpamayo_sim.metrics.route_timeout import RouteTimeout
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route


def test_completion_grows_with_the_distance_and_ends_at_100(route: Route) -> None:
    criterion = RouteCompletion(route)
    percents: list[float] = []
    for frame, distance in enumerate(np.arange(0.0, route.length_m, 0.5)):
        criterion.update(ego_tick(frame, pose_on(route, float(distance)), 10.0))
        if not criterion.completed:
            assert criterion.percent == pytest.approx(100.0 * distance / route.length_m, abs=2.5)
        percents.append(criterion.percent)
    assert percents == sorted(percents)
    assert criterion.completed
    assert criterion.percent == 100.0


def test_completion_never_falls_when_the_ego_goes_back(route: Route) -> None:
    criterion = RouteCompletion(route)
    for frame, distance in enumerate([*np.arange(0.0, 60.0, 0.5), *np.arange(60.0, 0.0, -0.5)]):
        criterion.update(ego_tick(frame, pose_on(route, float(distance)), 10.0))
    assert criterion.values()["route_completed_m"] == pytest.approx(60.0, abs=2.0)


def test_a_shortcut_to_the_end_completes_nothing(route: Route) -> None:
    criterion = RouteCompletion(route)
    criterion.update(ego_tick(0, pose_on(route, 0.0), 10.0))
    for frame in range(1, 20):
        criterion.update(ego_tick(frame, pose_on(route, route.length_m), 0.0))
    assert not criterion.completed


def test_deviation_beyond_thirty_metres(route: Route) -> None:
    for lateral_m, expected in ((12.0, 0), (31.0, 1)):
        criterion = RouteDeviation(route)
        found: list[Infraction] = []
        for frame in range(20):
            found += criterion.update(ego_tick(frame, pose_on(route, 5.0, lateral_m), 1.0))
        assert len(found) == expected
        assert all(i.kind is InfractionKind.ROUTE_DEVIATION for i in found)


def test_deviation_by_distance_driven_far_beside_the_route(route: Route) -> None:
    """20 m beside the route is allowed, for less than 30 % of it. Here the route is a straight line of points."""
    straight = Route(
        points=np.stack([np.arange(200.0), np.zeros(200), np.zeros(200)], axis=1),
        yaw_deg=np.zeros(200),
        road_option=np.full(200, 4),
        arc_length_m=np.arange(200.0),
        lane_width_m=np.full(200, 3.5),
        lane=np.zeros((200, 3), dtype=np.int64),
        in_junction=np.zeros(200, dtype=bool),
    )
    criterion = RouteDeviation(straight)
    at = [x for x in range(199) if criterion.update(ego_tick(x, Transform(float(x), 20.0, 0.0), 1.0))]
    assert at == [60]


def test_blocked_counts_unbroken_rest_only(route: Route) -> None:
    pose = pose_on(route, 0.0)
    criterion = Blocked(after_s=60.0)
    found = [i for frame in range(1100) for i in criterion.update(ego_tick(frame, pose, 0.0))]
    assert found == []
    criterion.update(ego_tick(1100, pose, 0.2))
    found = [i for frame in range(1101, 2400) for i in criterion.update(ego_tick(frame, pose, 0.0))]
    assert [i.frame for i in found] == [2300]
    assert found[0].kind is InfractionKind.BLOCKED


def test_timeout_of_2_x_grows_with_passed_route(route: Route) -> None:
    criterion = RouteTimeout(route, scoring_profile("leaderboard-2.0"))
    for frame, distance in enumerate(np.arange(0.0, 100.0, 0.5)):
        criterion.update(ego_tick(frame, pose_on(route, float(distance)), 10.0, speed_limit_mps=10.0))
    assert criterion.allowance_s == pytest.approx(300.0 + 100.0, abs=3.0)


def test_timeouts_of_1_0_and_bench2drive(route: Route) -> None:
    old = RouteTimeout(route, scoring_profile("leaderboard-1.0"))
    assert old.allowance_s == pytest.approx(5.0 + 0.8 * route.length_m)
    capped = RouteTimeout(route, scoring_profile("bench2drive"))
    found = [i for frame in range(4003) for i in capped.update(ego_tick(frame, pose_on(route, 1.0), 1.0))]
    assert [i.frame for i in found] == [4001]


def drive_lanes(
    road_map: RoadMap, route: Route, lateral: dict[tuple[float, float], float]
) -> tuple[OutsideRouteLanes, list[Infraction]]:
    criterion = OutsideRouteLanes(road_map, route, 0.5)
    found: list[Infraction] = []
    for frame, distance in enumerate(np.arange(0.0, route.length_m, 0.5)):
        shift = next((v for (low, high), v in lateral.items() if low <= distance < high), 0.0)
        found += criterion.update(ego_tick(frame, pose_on(route, float(distance), shift), 10.0))
    return criterion, found


def test_a_drive_in_its_lane_is_inside(road_map: RoadMap, route: Route) -> None:
    criterion, found = drive_lanes(road_map, route, {})
    assert found == []
    assert criterion.fraction == 0.0


def test_a_stretch_beside_the_road_is_measured(road_map: RoadMap, route: Route) -> None:
    clear = straight_stretch(route, 40.0)
    criterion, found = drive_lanes(road_map, route, {(clear, clear + 30.0): 25.0})
    assert [i.kind for i in found] == [InfractionKind.OUTSIDE_ROUTE_LANES]
    assert criterion.values()["outside_route_lanes_m"] == pytest.approx(30.0, abs=3.0)
    assert criterion.fraction == pytest.approx(30.0 / route.length_m, rel=0.12)


def test_the_oncoming_lane_counts_until_the_ego_is_back(road_map: RoadMap, route: Route) -> None:
    clear = straight_stretch(route, 40.0)
    middle = int(np.searchsorted(route.arc_length_m, clear))
    waypoint = road_map.carla_map.get_waypoint_xodr(*route_lane(road_map, route, middle))
    left = waypoint.get_left_lane()
    while left.lane_id * waypoint.lane_id > 0:
        left = left.get_left_lane()
    shift = -waypoint.transform.location.distance(left.transform.location)
    criterion, found = drive_lanes(road_map, route, {(clear, clear + 30.0): shift})
    assert [i.kind for i in found] == [InfractionKind.OUTSIDE_ROUTE_LANES]
    assert "other direction" in found[0].message
    assert criterion.values()["outside_route_lanes_m"] == pytest.approx(30.0, abs=3.0)


def straight_stretch(route: Route, length_m: float) -> float:
    """Where a straight stretch outside junctions begins, metres along the route."""
    for start in np.arange(0.0, route.length_m - length_m, 1.0):
        part = (route.arc_length_m >= start) & (route.arc_length_m <= start + length_m)
        if np.ptp(route.yaw_deg[part]) < 3.0 and not route.in_junction[part].any():
            return float(start) + 4.0
    raise AssertionError("the route has no straight stretch")


def route_lane(road_map: RoadMap, route: Route, index: int) -> tuple[int, int, float]:
    import carla

    x, y, z = (float(v) for v in route.points[index])
    waypoint = road_map.carla_map.get_waypoint(carla.Location(x, y, z))
    return waypoint.road_id, waypoint.lane_id, waypoint.s
