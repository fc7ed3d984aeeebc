"""The tracker on vehicles that are not quite what its model says."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_vehicle import SyntheticVehicle, arc_route, ego_model

from alpamayo_agents.longitudinal_model import pedals
from alpamayo_agents.plan_building import build_plan
from alpamayo_agents.reference_path import ReferencePath
from alpamayo_agents.tracking import PlanTracker
from alpamayo_sim.policy.plan import PLAN_POINTS, PLAN_STEP_S, Plan

TIMES_S = np.arange(1, PLAN_POINTS + 1) * PLAN_STEP_S


def drive(
    vehicle: SyntheticVehicle, path: ReferencePath, target_mps: float, seconds: float, replan_ticks: int
) -> float:
    """Track plans towards a target speed; returns the lateral error at the end."""
    tracker = PlanTracker(ego_model())
    station, plan = 0.0, None
    for tick in range(int(seconds / 0.05)):
        state = vehicle.state()
        station = path.project(np.array([vehicle.x, vehicle.y]), station)
        if plan is None or tick % replan_ticks == 0:
            speeds = vehicle.speed + np.clip(target_mps - vehicle.speed, -2.5 * TIMES_S, 2.0 * TIMES_S)
            before = np.concatenate([[vehicle.speed], speeds[:-1]])
            plan = build_plan(path, state, station, np.cumsum(0.5 * (speeds + before)) * PLAN_STEP_S)
        vehicle.step(tracker.step(plan, state))
    here, _, yaw = path.pose(np.array(station))
    off = np.array([vehicle.x, vehicle.y]) - here
    return float(off[1] * np.cos(yaw) - off[0] * np.sin(yaw))


@given(
    lateral=st.floats(-1.5, 1.5),
    heading=st.floats(-0.25, 0.25),
    speed=st.floats(2.0, 20.0),
    curvature=st.floats(-0.02, 0.02),
    steer_gain=st.floats(0.85, 1.2),
    replan_ticks=st.sampled_from([1, 2, 10]),
)
@settings(max_examples=25, deadline=None)
def test_converges_to_the_path(lateral, heading, speed, curvature, steer_gain, replan_ticks) -> None:
    curvature = float(np.clip(curvature, -2.0 / speed**2, 2.0 / speed**2))
    vehicle = SyntheticVehicle(y=lateral, yaw=heading, speed=speed, steer_gain=steer_gain)
    error = drive(vehicle, ReferencePath(arc_route(curvature_per_m=curvature)), speed, 8.0, replan_ticks)
    assert abs(error) < 0.3


@given(
    start=st.floats(0.0, 15.0),
    target=st.floats(3.0, 15.0),
    engine=st.floats(0.7, 1.4),
    drag=st.floats(0.5, 1.5),
    replan_ticks=st.sampled_from([1, 2]),
)
@settings(max_examples=25, deadline=None)
def test_reaches_the_speed_and_keeps_it(start, target, engine, drag, replan_ticks) -> None:
    vehicle = SyntheticVehicle(speed=start, engine_gain=engine, drag=drag)
    drive(vehicle, ReferencePath(arc_route(600.0)), target, 14.0, replan_ticks)
    assert abs(vehicle.speed - target) < 0.8


@given(speed=st.floats(3.0, 15.0), room=st.floats(1.3, 2.0), brake=st.floats(0.7, 1.5), drag=st.floats(0.4, 1.5))
@settings(max_examples=25, deadline=None)
def test_stops_where_the_plan_stops(speed: float, room: float, brake: float, drag: float) -> None:
    vehicle = SyntheticVehicle(speed=speed, brake_gain=brake, drag=drag)
    path = ReferencePath(arc_route(400.0))
    stop = 5.0 + room * speed * speed / (2.0 * 3.0)
    tracker = PlanTracker(ego_model())
    station = 0.0
    for _ in range(int(25.0 / 0.05)):
        state = vehicle.state()
        station = path.project(np.array([vehicle.x, vehicle.y]), station)
        left = max(0.0, stop - station)
        now, travelled, speeds = vehicle.speed, 0.0, []
        for _ in TIMES_S:
            now = max(0.0, min(now + 0.15, np.sqrt(2.0 * 3.0 * max(0.0, left - travelled)), speed))
            travelled += now * PLAN_STEP_S
            speeds.append(travelled)
        vehicle.step(tracker.step(build_plan(path, state, station, np.array(speeds)), state))
    assert vehicle.speed < 0.05
    assert stop - 2.0 < vehicle.x < stop + 1.3


def test_a_late_plan_is_entered_where_it_is_now() -> None:
    """A plan to speed up from t0 + 2 s on is not obeyed before its time, nor after it is over."""
    vehicle = SyntheticVehicle(speed=5.0, time=100.0)
    state = vehicle.state()
    travelled = 5.0 * TIMES_S + np.maximum(0.0, TIMES_S - 2.0) ** 2
    path = ReferencePath(arc_route(400.0))
    plan = build_plan(path, state, 0.0, travelled)
    early = PlanTracker(ego_model()).step(plan, state)
    later_vehicle = SyntheticVehicle(x=15.0, speed=5.0 + 1.0, time=102.8)
    late = PlanTracker(ego_model()).step(plan, later_vehicle.state())
    assert late.throttle > early.throttle + 0.1


def test_standing_plan_holds_the_brake() -> None:
    vehicle = SyntheticVehicle()
    state = vehicle.state()
    control = PlanTracker(ego_model()).step(Plan(np.zeros((PLAN_POINTS, 3)), 0.0, state.rig_pose), state)
    assert control.throttle == 0.0 and control.brake == 1.0


def test_emergency_plan_brakes_fully() -> None:
    vehicle = SyntheticVehicle(speed=12.0)
    state = vehicle.state()
    speeds = np.maximum(0.0, 12.0 - 8.0 * TIMES_S)
    plan = build_plan(ReferencePath(arc_route()), state, 0.0, np.cumsum(speeds) * PLAN_STEP_S)
    control = PlanTracker(ego_model()).step(plan, state)
    assert control.brake > 0.7 and control.throttle == 0.0


@given(speed=st.floats(0.0, 35.0), low=st.floats(-9.0, 5.0), more=st.floats(0.0, 3.0))
def test_pedals_are_monotonic_and_exclusive(speed: float, low: float, more: float) -> None:
    throttle_low, brake_low = pedals(speed, low)
    throttle_high, brake_high = pedals(speed, low + more)
    assert throttle_high >= throttle_low - 1e-9 and brake_high <= brake_low + 1e-9
    assert throttle_low * brake_low == 0.0
    assert 0.0 <= throttle_low <= 1.0 and 0.0 <= brake_low <= 1.0
