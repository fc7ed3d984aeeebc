"""Who goes first: footprints in station and time, and the profile that meets nobody."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_vehicle import ego_model

from alpamayo_agents.conflicts import Occupancy, circle_centers, circle_radius, occupancy
from alpamayo_agents.forecast import TIMES_S, Forecasts
from alpamayo_agents.speed_limits import braking_envelope, curve_speed
from alpamayo_agents.speed_profile import DriverStyle
from alpamayo_agents.surroundings import Neighbours
from alpamayo_agents.yielding import Patience, YieldDecision, decide

MODEL = ego_model()
K = len(TIMES_S)


def box(x: float, y: float, yaw: float, front: float, rear: float, half_width: float) -> shapely.Polygon:
    local = np.array([[front, half_width], [front, -half_width], [-rear, -half_width], [-rear, half_width]])
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    return shapely.Polygon(local @ turn.T + np.array([x, y]))


def neighbours(x: float, y: float, yaw: float, speed: float, *, walker: bool = False) -> Neighbours:
    half = (0.25, 0.25) if walker else (2.3, 1.0)
    return Neighbours(
        ids=np.array([7]),
        is_walker=np.array([walker]),
        center=np.array([[x, y, 0.8]]),
        yaw=np.array([yaw]),
        velocity_mps=speed * np.array([[np.cos(yaw), np.sin(yaw)]]),
        acceleration_mps2=np.zeros(1),
        half_size_m=np.array([half]),
        standing_s=np.zeros(1),
    )


def straight_on(others: Neighbours) -> Forecasts:
    xy = others.center[:, None, :2] + others.velocity_mps[:, None, :] * TIMES_S[None, :, None]
    yaw = np.repeat(others.yaw[:, None], K, axis=1)
    return Forecasts(np.arange(len(others.ids)), xy, yaw, np.zeros(len(others.ids), dtype=bool))


def drive(others: Neighbours, speed: float, limit: float = 10.0, patience: Patience | None = None) -> YieldDecision:
    """Decide on a straight path along x from the origin."""
    stations = np.arange(0.0, 90.0)
    xy = np.stack([stations, np.zeros_like(stations)], axis=1)
    occupied: Occupancy = occupancy(MODEL, xy, np.zeros_like(stations), others, straight_on(others))
    ahead = others.center[:, 0]
    return decide(occupied, ahead, speed, np.full(320, limit), DriverStyle(), patience or Patience())


@given(x=st.floats(-8, 45), y=st.floats(-8, 8), yaw=st.floats(-3.1, 3.1))
@settings(max_examples=200)
def test_whatever_overlaps_the_footprint_is_found(x: float, y: float, yaw: float) -> None:
    stations = np.arange(0.0, 40.0)
    xy = np.stack([stations, np.zeros_like(stations)], axis=1)
    others = neighbours(x, y, yaw, 0.0)
    occupied = occupancy(MODEL, xy, np.zeros_like(stations), others, straight_on(others))
    other = box(x, y, yaw, 2.3, 2.3, 1.0)
    touching = [
        s for s in stations if box(s, 0.0, 0.0, MODEL.front_m, MODEL.rear_m, MODEL.half_width_m).intersects(other)
    ]
    if touching:
        assert occupied.first_m[0, 0] <= touching[0] and occupied.last_m[0, 0] >= touching[-1]
    elif len(occupied.owner):
        around = min(
            other.distance(box(s, 0.0, 0.0, MODEL.front_m, MODEL.rear_m, MODEL.half_width_m)) for s in stations
        )
        assert around < 0.6, "margins stay margins"


@given(x=st.floats(-50, 50), y=st.floats(-50, 50), yaw=st.floats(-3.1, 3.1))
def test_circles_cover_the_ego(x: float, y: float, yaw: float) -> None:
    ego = box(x, y, yaw, MODEL.front_m, MODEL.rear_m, MODEL.half_width_m)
    centers = circle_centers(MODEL, np.array([[x, y]]), np.array([yaw]))[0]
    cover = shapely.union_all([shapely.Point(c).buffer(circle_radius(MODEL) * 1.003, 64) for c in centers])
    assert cover.covers(ego)


@given(speed=st.floats(0.0, 14.0), gap=st.floats(0.0, 30.0))
@settings(max_examples=50)
def test_stops_behind_what_stands_on_the_path(speed: float, gap: float) -> None:
    braking = speed * speed / (2.0 * 6.0) + 0.6 * speed
    contact = 2.5 + braking + gap
    others = neighbours(contact + MODEL.front_m + 2.3, 0.0, 0.0, 0.0)
    decision = drive(others, speed, limit=14.0)
    assert decision.profile.travelled_m.max() < contact
    if contact < 60.0:
        assert decision.leaders == (0,)


def test_follows_a_leader_at_its_speed() -> None:
    decision = drive(neighbours(25.0, 0.0, 0.0, 6.0), 9.0)
    assert decision.leaders == (0,) and not decision.emergency
    assert abs(decision.profile.speed_mps[-1] - 6.0) < 1.0


def test_lets_a_crossing_vehicle_pass_and_then_goes() -> None:
    """It comes from the left and would be met 25 m ahead."""
    decision = drive(neighbours(27.0, -22.0, np.pi / 2, 8.0), 8.0)
    assert decision.yielding_to == (0,)
    at_crossing = np.interp(22.0 / 8.0, np.arange(1, 65) * 0.1, decision.profile.travelled_m)
    assert at_crossing < 27.0 - 1.0 - MODEL.front_m


def test_goes_first_where_there_is_time() -> None:
    decision = drive(neighbours(20.0, -45.0, np.pi / 2, 8.0), 9.0)
    assert decision.yielding_to == () and decision.profile.travelled_m[-1] > 50.0


def test_ignores_whoever_drives_behind() -> None:
    decision = drive(neighbours(-8.0, 0.0, 0.0, 12.0), 8.0)
    assert decision.leaders == () and decision.yielding_to == ()


def test_stops_for_a_walker_who_walks_onto_the_path() -> None:
    decision = drive(neighbours(18.0, 4.0, -np.pi / 2, 1.4, walker=True), 8.0)
    assert decision.yielding_to == (0,)
    crossing = (TIMES_S > 1.5) & (TIMES_S < 3.9)
    where = np.interp(TIMES_S[crossing], np.arange(1, 65) * 0.1, decision.profile.travelled_m)
    assert (where + MODEL.front_m < 18.0).all()


def test_brakes_hard_for_a_walker_who_steps_out() -> None:
    decision = drive(neighbours(12.5, 1.9, -np.pi / 2, 1.5, walker=True), 9.0)
    assert decision.profile.speed_mps[9] < 9.0 - 5.0


def test_patience_ends() -> None:
    creeping = neighbours(12.0, -6.0, np.pi / 2, 0.8)
    assert drive(creeping, 0.0).yielding_to == (0,)
    assert drive(creeping, 0.0, patience=Patience.after(15.0)).yielding_to == ()


@given(st.lists(st.floats(0.0, 30.0), min_size=2, max_size=80), st.floats(1.0, 6.0))
def test_the_envelope_can_be_braked_along(speeds: list[float], deceleration: float) -> None:
    envelope = braking_envelope(np.array(speeds), 0.5, deceleration)
    assert (envelope <= np.array(speeds) + 1e-9).all()
    assert (envelope[:-1] ** 2 - envelope[1:] ** 2 <= 2.0 * deceleration * 0.5 + 1e-6).all()
    assert curve_speed(np.array([0.1]))[0] ** 2 * 0.1 <= 2.5 + 1e-9
