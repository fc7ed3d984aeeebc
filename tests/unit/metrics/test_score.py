"""Scores against the published penalty tables of the leaderboard and Bench2Drive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.infraction import Infraction, InfractionKind
from alpamayo_sim.metrics.profile import PROFILES, scoring_profile
from alpamayo_sim.metrics.score import driving_score, is_success, penalty_factor

Kind = InfractionKind


def infraction(kind: InfractionKind, percentage: float = 0.0) -> Infraction:
    return Infraction(kind, 0, 0.0, (0.0, 0.0, 0.0), "", percentage=percentage)


@pytest.mark.parametrize(
    ("kind", "factor", "additive"),
    [
        (Kind.COLLISION_PEDESTRIAN, 0.50, 0.5),
        (Kind.COLLISION_VEHICLE, 0.60, 1 / 1.7),
        (Kind.COLLISION_STATIC, 0.65, 1 / 1.6),
        (Kind.RED_LIGHT, 0.70, 1 / 1.4),
        (Kind.STOP_SIGN, 0.80, 1 / 1.25),
    ],
)
def test_one_infraction_costs_what_the_tables_say(kind: InfractionKind, factor: float, additive: float) -> None:
    for name in ("leaderboard-1.0", "leaderboard-2.0", "bench2drive"):
        assert penalty_factor([infraction(kind)], 0.0, scoring_profile(name)) == pytest.approx(factor)
    assert penalty_factor([infraction(kind)], 0.0, scoring_profile("leaderboard-2.1")) == pytest.approx(additive)


def test_four_vehicle_collisions_are_gentler_in_2_1() -> None:
    hits = [infraction(Kind.COLLISION_VEHICLE)] * 4
    assert penalty_factor(hits, 0.0, scoring_profile("leaderboard-2.0")) == pytest.approx(0.1296)
    assert penalty_factor(hits, 0.0, scoring_profile("leaderboard-2.1")) == pytest.approx(1 / 3.8)


def test_min_speed_costs_in_proportion_and_nothing_in_bench2drive() -> None:
    slow = [infraction(Kind.MIN_SPEED, percentage=50.0)]
    assert penalty_factor(slow, 0.0, scoring_profile("leaderboard-2.0")) == pytest.approx(0.85)
    assert penalty_factor(slow, 0.0, scoring_profile("leaderboard-2.1")) == pytest.approx(1 / 1.2)
    assert penalty_factor(slow, 0.0, scoring_profile("bench2drive")) == 1.0


def test_route_ends_cost_no_factor_of_their_own() -> None:
    for kind in (Kind.BLOCKED, Kind.ROUTE_DEVIATION, Kind.ROUTE_TIMEOUT):
        for profile in PROFILES.values():
            assert penalty_factor([infraction(kind)], 0.0, profile) == 1.0


def test_success_forgives_slowness_only() -> None:
    assert is_success(True, [infraction(Kind.MIN_SPEED)])
    assert not is_success(True, [infraction(Kind.STOP_SIGN)])
    assert not is_success(False, [])


def test_unknown_profile_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"leaderboard-2\.1"):
        scoring_profile("leaderboard-9")


kinds = st.lists(st.sampled_from(list(Kind)), max_size=12)


@given(kinds, st.sampled_from(list(Kind)), st.floats(0.0, 1.0), st.sampled_from(list(PROFILES)))
def test_penalty_is_a_fraction_and_never_rises_with_another_infraction(
    before: list[InfractionKind], added: InfractionKind, outside: float, name: str
) -> None:
    profile = scoring_profile(name)
    infractions = [infraction(kind) for kind in before]
    penalty = penalty_factor(infractions, outside, profile)
    worse = penalty_factor([*infractions, infraction(added)], outside, profile)
    assert 0.0 <= worse <= penalty <= 1.0
    assert driving_score(100.0, penalty) <= 100.0
