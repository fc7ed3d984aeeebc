"""Bench2Drive's abilities, success and efficiency, and our episodes in the leaderboard's words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from result_records import raw_record, scored_record

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.episode_result import EpisodeIdentity, EpisodeResult
from alpamayo_sim.metrics.infraction import Infraction, InfractionKind
from alpamayo_sim.metrics.results import bench2drive
from alpamayo_sim.metrics.results import vocabulary as words
from alpamayo_sim.metrics.results.from_episode import leaderboard_file, record_ids

Kind = InfractionKind
EPISODE = EpisodeResult(
    identity=EpisodeIdentity("e", "Gridvale", "random-3", "expert", 0, "embedded"),
    status="ok",
    outcome="completed",
    profile="leaderboard-2.1",
    route_completion_percent=100.0,
    penalty=1.0,
    driving_score=100.0,
    success=True,
    duration_s=50.0,
    distance_m=400.0,
    values={"route_length_m": 400.0},
)


def test_the_44_types_fall_into_the_published_abilities() -> None:
    sizes = {ability: len(types) for ability, types in bench2drive.ABILITIES.items()}
    assert sizes == {"Overtaking": 9, "Merging": 16, "Emergency_Brake": 12, "Give_Way": 2, "Traffic_Signs": 19}
    every = frozenset().union(*bench2drive.ABILITIES.values())
    assert len(every) == 44
    routes_220 = {ability: 5 * size for ability, size in sizes.items()}
    assert routes_220 == {
        "Overtaking": 45, "Merging": 80, "Emergency_Brake": 60, "Give_Way": 10, "Traffic_Signs": 95,
    }  # fmt: skip


def test_abilities_by_name_or_by_route_file() -> None:
    records = [
        scored_record("bench2drive", number=0, scenario="Accident_1"),
        scored_record("bench2drive", {"red_light": ["ran"]}, number=1, scenario="EnterActorFlow_2"),
        scored_record("bench2drive", number=2, scenario="HolidayParade_1"),
    ]
    found = bench2drive.abilities(records)
    assert found.shares["Overtaking"] == 1.0
    assert found.shares["Merging"] == found.shares["Traffic_Signs"] == 0.0
    assert found.shares["Give_Way"] is None and found.mean is None
    assert found.unknown == ("RouteScenario_2_rep0",)
    by_file = bench2drive.abilities(records, {"0": "InvadingTurn", "1": "ControlLoss", "2": "T_Junction"})
    assert by_file.shares["Give_Way"] == by_file.shares["Traffic_Signs"] == 1.0


def test_a_failed_route_passes_the_signs_that_it_obeyed() -> None:
    failed = [
        scored_record("bench2drive", number=0, completion=60.0),
        scored_record("bench2drive", {"stop_infraction": ["ran"]}, number=1, completion=60.0),
        scored_record("bench2drive", number=2, completion=40.0),
    ]
    types = dict.fromkeys("012", "BlockedIntersection")
    passed = bench2drive.abilities(failed, types, dict.fromkeys("012", 50.0))
    assert passed.shares["Traffic_Signs"] == pytest.approx(1 / 3)
    assert passed.shares["Emergency_Brake"] == 0.0
    assert bench2drive.abilities(failed, types).shares["Traffic_Signs"] == 0.0


def test_a_junction_is_passed_eight_points_after_its_first() -> None:
    assert bench2drive.junction_passed_percent([False] * 30 + [True] * 20 + [False] * 50) == pytest.approx(39.0)
    assert bench2drive.junction_passed_percent([False] * 9) is None


def test_success_and_efficiency() -> None:
    speeds = {"min_speed_infractions": [words.min_speed_message(p) for p in (50.0, 250.0, 4000.0)]}
    slow = scored_record("bench2drive", speeds)
    assert bench2drive.is_success(slow)
    assert bench2drive.efficiency([slow, raw_record(number=1)]) == pytest.approx(150.0)
    assert bench2drive.efficiency([raw_record()]) is None
    failed = scored_record("bench2drive", number=1, completion=99.0)
    hit = scored_record("bench2drive", {"collisions_layout": ["hit"]}, number=2)
    assert bench2drive.success_rate([slow, failed, hit], 220) == pytest.approx(1 / 220)


def test_routes_get_numbers_and_repetitions() -> None:
    names = ["random-3", "0", "7", "random-3", "other"]
    results = [replace(EPISODE, identity=replace(EPISODE.identity, route_id=name)) for name in names]
    assert record_ids(results) == [
        "RouteScenario_1_rep0", "RouteScenario_0_rep0", "RouteScenario_7_rep0", "RouteScenario_1_rep1",
        "RouteScenario_2_rep0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "Perfect"),
        ({"outcome": "blocked"}, "Failed - Agent got blocked"),
        ({"outcome": "route_deviation"}, "Failed - Agent deviated from the route"),
        ({"outcome": "route_timeout"}, "Failed - Agent timed out"),
        ({"outcome": "stopped"}, "Failed"),
        ({"outcome": "stopped", "status": "policy_failure(exception)"}, "Failed - Agent crashed"),
        ({"outcome": "route_timeout", "profile": "bench2drive", "duration_s": 200.05}, "Failed - TickRuntime"),
        ({"profile": "leaderboard-1.0"}, "Completed"),
    ],
)
def test_the_end_of_an_episode_in_the_leaderboards_words(change: dict, status: str) -> None:
    (record,) = leaderboard_file([replace(EPISODE, **change)]).records
    assert record.status == status


def test_infrastructure_failures_are_missing_and_not_scored() -> None:
    lost = replace(EPISODE, status="infra_failure(server_lost)", outcome="stopped")
    file = leaderboard_file([EPISODE, lost], total_routes=2)
    assert (len(file.records), file.entry_status) == (1, "Invalid")
    with pytest.raises(InputError, match="finished episodes"):
        leaderboard_file([lost])


def test_stretches_outside_the_lanes_are_one_message_with_the_totals() -> None:
    stretches = tuple(Infraction(Kind.OUTSIDE_ROUTE_LANES, f, 0.0, (0.0, 0.0, 0.0), "out") for f in range(3))
    values = {**EPISODE.values, "outside_route_lanes_percent": 2.5, "outside_route_lanes_m": 10.0}
    (record,) = leaderboard_file([replace(EPISODE, infractions=stretches, values=values)]).records
    assert record.infractions["outside_route_lanes"] == [
        "Agent went outside its route lanes for about 10.0 meters (2.5% of the completed route)"
    ]
    assert (record.num_infractions, record.status) == (1, "Completed")
