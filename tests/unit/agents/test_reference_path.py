"""The path: on the route, smooth over lane changes, found again by projection."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_vehicle import SyntheticVehicle, arc_route

from alpamayo_agents.lane_changes import LaneChangeTiming
from alpamayo_agents.plan_building import build_plan, converge
from alpamayo_agents.reference_path import LaneShift, ReferencePath
from alpamayo_sim.policy.plan import PLAN_POINTS
from alpamayo_sim.roads.road_options import RoadOption
from alpamayo_sim.roads.route_planner import Route


def route_with_change(width_m: float = 3.5, at_m: int = 100) -> Route:
    """A straight route that changes to the lane on the right as CARLA's planner has it: with a jump 5 m ahead."""
    straight = arc_route(400.0)
    points = straight.points.copy()
    points[at_m:, 1] += width_m
    points[at_m:, 0] += 4.0
    options = straight.road_option.copy()
    options[at_m - 1 : at_m + 1] = RoadOption.CHANGELANERIGHT
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    arc = np.concatenate([[0.0], np.cumsum(steps)])
    lane = straight.lane.copy()
    lane[at_m:, 2] = -2
    return dataclasses.replace(straight, points=points, road_option=options, arc_length_m=arc, lane=lane)


def test_a_lane_change_is_smooth_and_ends_in_the_new_lane() -> None:
    path = ReferencePath(route_with_change())
    assert len(path.lane_changes) == 1
    assert path.lane_changes[0].side_m < 0.0, "the old lane lies on the left of the new one"
    assert np.abs(path.curvature_per_m).max() < 0.05
    np.testing.assert_allclose(path.xy[path.station_m < 95.0, 1], 0.0, atol=0.02)
    np.testing.assert_allclose(path.xy[path.station_m > 135.0, 1], 3.5, atol=0.02)


@given(speed=st.floats(0.0, 30.0))
def test_changes_are_longer_at_speed_and_can_be_put_off(speed: float) -> None:
    path = ReferencePath(route_with_change())
    timing = LaneChangeTiming(path)
    timing.fit(60.0, speed)
    (change,) = path.lane_changes
    assert 14.0 <= change.length_m <= 75.0
    assert (3.5 * 5.8 / change.length_m**2) * speed**2 < 3.0 or change.length_m >= 70.0
    assert timing.put_off(92.0, 3.8, speed)
    assert change.start_m + change.delay_m > 92.0 + 3.8
    begins = change.start_m + change.delay_m
    np.testing.assert_allclose(path.xy[(path.station_m > 60.0) & (path.station_m < begins - 3.0), 1], 0.0, atol=0.05)


def test_a_shift_goes_out_and_comes_back() -> None:
    path = ReferencePath(arc_route(300.0))
    path.shifts.append((LaneShift(50.0, 65.0, 0.0, -3.5), LaneShift(90.0, 105.0, -3.5, 0.0)))
    path.rebuild()
    at = np.interp([40.0, 78.0, 120.0], path.station_m, path.xy[:, 1])
    np.testing.assert_allclose(at, [0.0, -3.5, 0.0], atol=0.02)


@given(curvature=st.floats(-0.1, 0.1), station=st.floats(2.0, 150.0), lateral=st.floats(-2.0, 2.0))
def test_projection_inverts_the_pose(curvature: float, station: float, lateral: float) -> None:
    path = ReferencePath(arc_route(200.0, curvature_per_m=curvature))
    xy, _, yaw = path.pose(np.array(station))
    beside = xy + lateral * np.array([-np.sin(yaw), np.cos(yaw)])
    assert abs(path.project(beside, station + 3.0) - station) < 0.3


@given(
    lateral=st.floats(-2.0, 2.0),
    heading=st.floats(-0.5, 0.5),
    speed=st.floats(0.0, 20.0),
    curvature=st.floats(-0.1, 0.1),
)
@settings(max_examples=50)
def test_plans_start_at_the_ego_and_end_on_the_path(lateral, heading, speed, curvature) -> None:
    path = ReferencePath(arc_route(300.0, curvature_per_m=curvature))
    state = SyntheticVehicle(x=0.0, y=lateral, yaw=heading, speed=speed).state()
    travelled = np.arange(1, PLAN_POINTS + 1) * 0.1 * max(speed, 8.0)
    plan = build_plan(path, state, 0.0, travelled)
    assert plan.waypoints_rig.shape == (PLAN_POINTS, 3)
    steps = np.linalg.norm(np.diff(np.concatenate([np.zeros((1, 3)), plan.waypoints_rig]), axis=0), axis=1)
    assert steps.max() < 0.1 * max(speed, 8.0) * 1.8 + 0.3, "no jump, not even at the start"
    settled_m = np.array([6.5 * max(2.5, 0.6 * speed)])
    xy, _, _ = converge(path, state, 0.0, settled_m)
    on_path, _, _ = path.pose(settled_m)
    assert np.linalg.norm(xy - on_path) < 0.2, "six and a half length constants close in on the path"


def test_a_standing_plan_stays() -> None:
    path = ReferencePath(arc_route(300.0))
    state = SyntheticVehicle(y=0.7, yaw=0.1).state()
    plan = build_plan(path, state, 0.0, np.zeros(PLAN_POINTS))
    np.testing.assert_allclose(plan.waypoints_rig, 0.0, atol=1e-9)
