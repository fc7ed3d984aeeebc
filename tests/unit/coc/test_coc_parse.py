"""Words to decisions and facts, with negation and tense."""

from __future__ import annotations

import pytest

from alpamayo_training.coc.parse import ActionClaim, parse_trace, stated_actions

TRACES = [
    ("Stop at the stop line because the traffic light ahead is red.", {"stop"}, set()),
    ("The ego vehicle decelerates due to a cyclist crossing from the left.", {"slow_down"}, set()),
    ("The light has turned green, so start moving and turn left at the junction.", {"start"}, {"turn_left"}),
    ("Keep the lane and keep a steady speed since the road ahead is clear.", {"keep_speed"}, {"keep_lane"}),
    ("Remain stopped as the vehicle 12 m ahead is waiting.", {"stay_stopped"}, set()),
    ("Yield to the pedestrian who is crossing from the right.", {"yield"}, set()),
    ("Change to the left lane because the route continues in the left lane.", set(), {"change_lane_left"}),
    ("Nudge to the right within the lane as the parked car on the left needs room.", set(), {"shift_right"}),
    ("Pass on the left since the construction barrier is blocking the lane.", set(), {"leave_lane_left"}),
    ("We accelerate because the lead truck is moving faster.", {"speed_up"}, set()),
    ("Come to a complete stop since there is a stop sign ahead.", {"stop"}, set()),
    ("Follow the lead vehicle at a steady speed.", {"follow"}, set()),
    ("Return to the lane because the cyclist has been passed.", set(), {"return_lane"}),
]


@pytest.mark.parametrize(("text", "longitudinal", "lateral"), TRACES)
def test_decisions_are_read_from_words(text: str, longitudinal: set[str], lateral: set[str]) -> None:
    assert stated_actions(text) == (longitudinal, lateral)


def test_what_others_do_is_no_decision_of_the_ego() -> None:
    for text in (
        "The lead vehicle is braking hard.",
        "A pedestrian stops at the curb.",
        "The truck ahead is turning left.",
        "The vehicle on the left is changing lanes.",
    ):
        assert stated_actions(text) == (frozenset(), frozenset()), text


def test_negation_belongs_to_its_clause() -> None:
    parsed = parse_trace("Do not slow down because the pedestrian is not crossing and the light is green.")
    assert parsed.actions == (ActionClaim("longitudinal", "slow_down", "", negated=True, tense="present"),)
    assert parsed.things[0].negated
    assert parsed.things[0].doing == "crossing"
    assert [(claim.value, claim.negated) for claim in parsed.states] == [("green", False)]
    assert parse_trace("Stop as the light is not green.").states[0].negated
    assert not parse_trace("Speed up since nothing is in the way.").states[0].negated


def test_tense_is_understood() -> None:
    past = parse_trace("Slowed down because the lead vehicle braked.")
    assert past.actions[0].tense == "past"
    assert past.things[0].tense == "past"
    future = parse_trace("Slow down because the lead vehicle will brake.")
    assert future.actions[0].tense == "present"
    assert future.things[0].tense == "future"
    turned = parse_trace("Start moving as the traffic light has turned green.").states[0]
    assert turned.turned
    assert turned.tense == "present"
    assert stated_actions("The ego vehicle stopped at the line.") == (frozenset(), frozenset())


def test_places_sides_and_distances_are_read() -> None:
    parsed = parse_trace("Slow down because a pedestrian 12.5 m ahead on the right is crossing from the right.")
    thing = parsed.things[0]
    assert (thing.category, thing.doing, thing.on_side, thing.from_side) == ("pedestrian", "crossing", "right", "right")
    assert thing.distance_m == 12.5
    assert parse_trace("Stop since the light 30 m ahead is red.").states[0].distance_m == 30.0
    assert parse_trace("Turn left because the route turns left.").states[0].value == "left"
    assert parse_trace("Slow down since the road ahead curves to the right.").states[0].value == "right"


def test_hedging_is_noticed() -> None:
    assert parse_trace("Maybe stop because the light might be red.").hedged
    assert parse_trace("Slow down or keep the speed.").hedged
    assert not parse_trace("Slow down to keep a safe distance since the lead vehicle is braking.").hedged


def test_words_without_meaning_give_nothing() -> None:
    parsed = parse_trace("Lorem ipsum dolor sit amet.")
    assert (parsed.actions, parsed.things, parsed.states) == ((), (), ())
    assert parse_trace("").sentences == 0
