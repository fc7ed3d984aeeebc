"""What is done to the world to test a named cause, and who serves as a control."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from told_scenes import KEYFRAME, actor, label, scenes, vehicle

from alpamayo_scenarios.counterfactual.interventions import (
    ChangeRoute,
    HoldActors,
    HoldLight,
    MoveActors,
    MoveSign,
    PutObstacle,
    RemoveActors,
    RemoveSign,
)
from alpamayo_sim.record.scene_state import SceneSignal
from alpamayo_training.coc.label import Component
from alpamayo_training.coc.verify_causes import control_of, plan_tests, speeds_up

Shown = Literal["red", "yellow", "green", "off"]
STEADY = [8.0] * 100
SLOWING = [8.0] * 30 + [8.0 - 0.1 * k for k in range(70)]
STARTING = [0.0] * 32 + [0.1 * k for k in range(68)]
LIGHT = Component("traffic_light", "traffic light", 4)


def test_a_lead_is_taken_away_and_the_second_way_moves_it() -> None:
    found = plan_tests(label(vehicle(7)), scenes(SLOWING, lambda frame, x: (actor(7, 20.0, ego_x=x),)))
    (cause,) = found.causes
    assert isinstance(cause.first, RemoveActors) and isinstance(cause.second, MoveActors)
    assert cause.first.actors == cause.second.actors
    assert cause.first.actors[0].actor_id == 7 and cause.first.actors[0].x_m == pytest.approx(0.8 * KEYFRAME + 20.0)
    assert cause.kind == "remove vehicle" and not cause.renews_driver and found.untestable == ()


def test_who_lets_the_ego_go_is_held_where_it_was_in_the_way() -> None:
    def crosses(frame: int, x: float):  # the pedestrian leaves the lane at 2 m/s and is off it before the keyframe
        return (actor(9, 12.0, left_m=-6.0 + 0.3 * frame, kind="pedestrian", ego_x=x),)

    found = plan_tests(label(vehicle(9)), scenes(STARTING, crosses))
    (cause,) = found.causes
    assert isinstance(cause.first, HoldActors) and isinstance(cause.second, PutObstacle)
    assert cause.first.places[0] == cause.second.place
    assert abs(cause.first.places[0].y_m) < 0.2, "on the ego's path"
    assert cause.first.actors[0].y_m == pytest.approx(-3.0), "it is found where it is at the keyframe"


def test_the_first_change_of_speed_decides() -> None:
    first_up = [5.0] * 30 + [5.0 + 0.1 * k for k in range(12)] + [max(0.0, 6.2 - 0.4 * k) for k in range(58)]
    first_down = [5.0] * 30 + [5.0 - 0.1 * k for k in range(12)] + [3.8 + 0.2 * k for k in range(58)]
    assert [speeds_up(label(vehicle(7)), scenes(way)) for way in (first_up, first_down, STEADY)] == [True, False, False]
    stops = replace(label(vehicle(7)), scenario="stop_for_lead")
    assert not speeds_up(stops, scenes(first_up)), "a label that holds back is taken at its word"


def test_a_passed_obstacle_is_put_ahead_again() -> None:
    told = label(vehicle(7), lateral="out_of_lane_nudge")
    passed = scenes(STEADY, lambda frame, x: (actor(7, -6.0, left_m=-2.5, ego_x=x),))
    (cause,) = plan_tests(told, passed).causes
    assert isinstance(cause.first, HoldActors)
    assert cause.first.places[0].x_m > passed[KEYFRAME].ego.x + 8.0
    (ahead,) = plan_tests(told, scenes(STEADY, lambda frame, x: (actor(7, 20.0, ego_x=x),))).causes
    assert isinstance(ahead.first, RemoveActors)


@pytest.mark.parametrize(
    ("state", "speeds", "first", "second"),
    [
        ("red", SLOWING, "green", "off"),
        ("yellow", SLOWING, "green", "off"),
        ("green", STEADY, "red", None),
        ("green", STARTING, "red", "yellow"),
        ("red", STARTING, "red", "yellow"),
    ],
)
def test_lights_are_held_against_the_decision(
    state: str, speeds: list[float], first: Shown, second: Shown | None
) -> None:
    seen = scenes(speeds, signals=(SceneSignal("traffic_light", 4, state, 20.0),))
    (cause,) = plan_tests(label(LIGHT), seen).causes
    assert cause.first == HoldLight(4, first)
    assert cause.second == (None if second is None else HoldLight(4, second))


def test_signs_and_routes_need_a_driver_set_up_afresh() -> None:
    sign = Component("yield_stop_control", "stop sign", 5)
    route = Component("routing_intent", "route turns left")
    found = plan_tests(label(sign, route), scenes(SLOWING))
    assert [(one.first, one.second) for one in found.causes] == [(RemoveSign(5), MoveSign(5)), (ChangeRoute(), None)]
    assert all(one.renews_driver for one in found.causes)


def test_what_no_client_can_change_is_untestable_and_says_why() -> None:
    bend = Component("lane", "left curve")
    gone = vehicle(99)
    mention = vehicle(7, is_cause=False)
    served = Component("yield_stop_control", "stop sign", 5)
    dark = replace(LIGHT, actor_id=6)
    found = plan_tests(
        label(bend, gone, mention, served, dark), scenes(STARTING, lambda f, x: (actor(7, 20.0, ego_x=x),))
    )
    assert found.causes == ()
    assert [told.partition(":")[0] for told in found.untestable] == [
        "left curve", "vehicle 99", "stop sign", "traffic light",
    ]  # fmt: skip


def test_controls_are_unnamed_in_sight_and_alike() -> None:
    def around(frame: int, x: float):
        return (
            actor(1, 20.0, ego_x=x),
            actor(2, 30.0, left_m=4.0, ego_x=x),
            actor(3, 25.0, left_m=-8.0, kind="pedestrian", ego_x=x),
            actor(4, 15.0, left_m=3.5, pixels=5, ego_x=x),
            actor(5, 40.0, left_m=-4.0, ego_x=x),
            actor(6, 10.0, left_m=6.0, ego_x=x),
        )

    told = label(vehicle(1), vehicle(6, is_cause=False))
    seen = scenes(STEADY, around)
    drawn = [control_of(told, seen, np.random.default_rng(seed)) for seed in range(40)]
    assert {one.actor_id for one in drawn if one is not None} == {2, 5}, "not the named, the hidden, or another kind"
    assert control_of(told, seen, np.random.default_rng(7)) == drawn[7], "the same for the same seed"
    heeded = scenes(STEADY, around, heeded=(2,))
    later = [control_of(told, heeded, np.random.default_rng(seed)) for seed in range(20)]
    assert {one.actor_id for one in later if one is not None} == {5}, "not whom the driver goes by"
    ahead = scenes(STEADY, lambda f, x: (actor(2, 9.0, ego_x=x), actor(8, 30.0, ego_x=x)), heeded=(2,))
    assert control_of(told, ahead, np.random.default_rng(0)) is None, "nor who drives before the one ahead"
    assert (
        control_of(label(vehicle(1)), scenes(STEADY, lambda f, x: (actor(1, 20.0, ego_x=x),)), np.random.default_rng(0))
        is None
    )
