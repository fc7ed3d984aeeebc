"""Rescoring: the published numbers, and what must hold for any record."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from result_records import raw_record, scored_record

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.profile import PROFILES, scoring_profile
from alpamayo_sim.metrics.results import vocabulary as words
from alpamayo_sim.metrics.results.rescore import rescore
from alpamayo_sim.metrics.results.schema import RouteRecord

PLAIN_LISTS = [n for n in words.LISTS_2 if n not in ("outside_route_lanes", "min_speed_infractions")]


def penalty(profile: str, lists: dict[str, list[str]]) -> float:
    return scored_record(profile, lists).scores.score_penalty


def test_four_vehicles_hit_cost_what_the_papers_say() -> None:
    lists = {"collisions_vehicle": ["hit"] * 4}
    assert penalty("leaderboard-2.0", lists) == pytest.approx(0.1296, abs=1e-6)
    assert penalty("leaderboard-2.1", lists) == pytest.approx(0.263158, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "v20", "v21"),
    [
        ("collisions_pedestrian", 0.5, 0.5),
        ("collisions_vehicle", 0.6, 0.588235),
        ("collisions_layout", 0.65, 0.625),
        ("red_light", 0.7, 0.714286),
        ("stop_infraction", 0.8, 0.8),
        ("scenario_timeouts", 0.7, 0.714286),
        ("yield_emergency_vehicle_infractions", 0.7, 0.714286),
        ("route_dev", 1.0, 1.0),
        ("vehicle_blocked", 1.0, 1.0),
        ("route_timeout", 1.0, 1.0),
    ],
)
def test_one_infraction_in_every_version(name: str, v20: float, v21: float) -> None:
    assert penalty("leaderboard-2.0", {name: ["x"]}) == pytest.approx(v20, abs=1e-6)
    assert penalty("bench2drive", {name: ["x"]}) == pytest.approx(v20, abs=1e-6)
    assert penalty("leaderboard-2.1", {name: ["x"]}) == pytest.approx(v21, abs=1e-6)
    known_to_1 = name in words.LISTS_1
    assert penalty("leaderboard-1.0", {name: ["x"]}) == pytest.approx(v20 if known_to_1 else 1.0, abs=1e-6)


def test_figures_are_taken_from_the_messages() -> None:
    slow = {"min_speed_infractions": [words.min_speed_message(50.0)]}
    assert penalty("leaderboard-2.0", slow) == 0.85
    assert penalty("leaderboard-2.1", slow) == pytest.approx(1 / 1.2, abs=1e-6)
    assert penalty("bench2drive", slow) == 1.0
    outside = {"outside_route_lanes": [words.outside_lanes_message(12.3456, 25.0)]}
    for name in PROFILES:
        assert penalty(name, outside) == 0.75
    assert words.outside_lanes_figures(outside["outside_route_lanes"][0]) == (12.346, 25.0)


def test_a_fast_stretch_is_listed_by_bench2drive_only() -> None:
    record = raw_record({"min_speed_infractions": [words.min_speed_message(p) for p in (150.0, 100.0)]})
    assert rescore(record, scoring_profile("bench2drive")).num_infractions == 2
    for name in ("leaderboard-2.0", "leaderboard-2.1"):
        again = rescore(record, scoring_profile(name))
        assert (again.num_infractions, again.status, again.scores.score_composed) == (0, "Perfect", 100.0)


def test_version_1_has_neither_perfect_nor_its_successors_lists() -> None:
    record = scored_record("leaderboard-1.0", {"scenario_timeouts": ["late"]})
    assert record.status == "Completed"
    assert tuple(record.infractions) == tuple(n for n in words.LISTS_2 if n in words.LISTS_1)
    assert "num_infractions" not in record.to_json(is_version_1=True)


def test_an_evaluators_own_digits_stay() -> None:
    """It knew the share outside the lanes exactly; its message has it rounded to 0.01 %."""
    record = raw_record({"outside_route_lanes": [words.outside_lanes_message(10.0, 12.345678)]})
    exact = record.scores.model_copy(update={"score_penalty": 0.876543, "score_composed": 87.654322})
    record = record.model_copy(update={"scores": exact})
    assert rescore(record, scoring_profile("leaderboard-2.1")).scores == exact


def test_a_forged_score_does_not_stay() -> None:
    record = raw_record({"red_light": ["ran it"]})
    assert record.scores.score_composed == 100.0
    assert rescore(record, scoring_profile("leaderboard-2.0")).scores.score_composed == 70.0


@pytest.mark.parametrize("text", ["Average speed is nan% of the", "Average speed is -3% of the", "slow"])
def test_a_message_without_its_figure_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected"):
        scored_record("leaderboard-2.0", {"min_speed_infractions": [text]})


@st.composite
def records(draw: st.DrawFn) -> RouteRecord:
    lists = {name: ["event"] * draw(st.integers(0, 4)) for name in PLAIN_LISTS}
    percent = st.floats(0.0, 250.0).map(lambda p: round(p, 2))
    lists["min_speed_infractions"] = [words.min_speed_message(p) for p in draw(st.lists(percent, max_size=5))]
    if draw(st.booleans()):
        share = draw(st.floats(0.0, 100.0))
        lists["outside_route_lanes"] = [words.outside_lanes_message(share, share)]
    return raw_record(lists, completion=draw(st.sampled_from([0.0, 3.17, 55.5, 99.99, 100.0])))


profiles = st.sampled_from(list(PROFILES.values()))


@given(records(), profiles, profiles)
def test_rescoring_is_idempotent_and_within_bounds(record: RouteRecord, first, second) -> None:
    once = rescore(rescore(record, first), second)
    assert rescore(once, second) == once
    assert 0.0 <= once.scores.score_penalty <= 1.0
    assert once.scores.score_composed <= once.scores.score_route + 1e-6


@given(records(), profiles, st.sampled_from(PLAIN_LISTS))
def test_one_more_infraction_never_raises_a_score(record: RouteRecord, profile, name: str) -> None:
    more = {**record.infractions, name: [*record.infractions[name], "one more"]}
    worse = rescore(record.model_copy(update={"infractions": more}), profile)
    assert worse.scores.score_composed <= rescore(record, profile).scores.score_composed + 1e-9


@given(records(), profiles, st.floats(0.0, 300.0))
def test_one_more_slow_stretch_never_raises_a_score(record: RouteRecord, profile, percent: float) -> None:
    speeds = [*record.infractions["min_speed_infractions"], words.min_speed_message(round(percent, 2))]
    worse = record.model_copy(update={"infractions": {**record.infractions, "min_speed_infractions": speeds}})
    assert rescore(worse, profile).scores.score_composed <= rescore(record, profile).scores.score_composed + 1e-9


@given(records(), profiles, st.randoms(use_true_random=False))
def test_the_order_of_events_is_irrelevant(record: RouteRecord, profile, shuffler: random.Random) -> None:
    names = list(record.infractions)
    shuffler.shuffle(names)
    mixed = {name: shuffler.sample(record.infractions[name], len(record.infractions[name])) for name in names}
    shuffled = rescore(record.model_copy(update={"infractions": mixed}), profile)
    assert shuffled.scores == rescore(record, profile).scores
