"""minADE and comfort of plans, AlpaSim's score, NAVSIM's formulas, bootstrap intervals: against answers known by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, rig_to_world
from alpamayo_sim.metrics.alpasim import SceneOutcome, distance_between_incidents_km, scene_score
from alpamayo_sim.metrics.bootstrap import bootstrap_mean
from alpamayo_sim.metrics.navsim import (
    ExtendedTerms,
    PdmTerms,
    driving_direction,
    ego_progress,
    extended_comfort,
    extended_pdm_score,
    lane_keeping,
    pdm_score,
)
from alpamayo_sim.metrics.plan_error import DrivenPath, mean_min_ade, min_ade, plan_comfort, plan_min_ade, plan_motion
from alpamayo_sim.policy.plan import Plan

TIMES_S = 0.1 * np.arange(1, 65)
share = st.floats(0.0, 1.0)


def straight(speed_mps: float, lateral_m: float = 0.0, t0_s: float = 0.0, pose: Transform | None = None) -> Plan:
    points = np.stack([speed_mps * TIMES_S, np.full(64, lateral_m), np.zeros(64)], axis=-1)
    return Plan(points, t0_s, pose or Transform(10.0, -5.0, 0.0, yaw=30.0))


def driven(plan: Plan, until_s: float = 10.0) -> DrivenPath:
    speed = plan.waypoints_rig[0, 0] / 0.1
    times = np.linspace(0.0, until_s, 201)
    along = np.stack([speed * times, np.zeros(201), np.zeros(201)], axis=-1)
    return DrivenPath(times, rig_to_world(plan.rig_pose_t0, along)[:, :2])


def test_min_ade_is_that_of_the_best_sample() -> None:
    truth = driven(straight(5.0))
    errors = plan_min_ade([straight(5.0, 2.0), straight(5.0, -1.0)], truth)
    assert errors == pytest.approx({0.5: 1.0, 1.0: 1.0, 2.5: 1.0, 5.0: 1.0}, abs=1e-9)
    faster = plan_min_ade([straight(6.0)], truth)
    assert faster[1.0] == pytest.approx(np.mean(TIMES_S[:10]))


def test_a_horizon_beyond_the_drive_is_left_out() -> None:
    assert set(plan_min_ade([straight(5.0)], driven(straight(5.0), until_s=2.0))) == {0.5, 1.0}
    later = [straight(5.0), replace(straight(5.0), t0_s=9.2)]
    assert mean_min_ade(later, driven(straight(5.0)), (0.5, 1.0))[1.0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("shapes", [((3, 64, 2), (63, 2)), ((0, 64, 2), (64, 2)), ((64, 2), (64, 2))])
def test_min_ade_refuses_what_does_not_fit(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(InputError, match="minADE"):
        min_ade(np.zeros(shapes[0]), np.zeros(shapes[1]))


def test_comfort_of_plans() -> None:
    assert all(plan_comfort(straight(10.0)).values())
    assert all(plan_comfort(straight(0.0)).values())
    braking = straight(10.0)
    points = np.stack([np.maximum(10.0 * TIMES_S - 3.0 * TIMES_S**2, 0), np.zeros(64), np.zeros(64)], axis=-1)
    hard = plan_comfort(replace(braking, waypoints_rig=np.maximum.accumulate(points)))
    assert not hard["longitudinal_acceleration_mps2"]
    assert hard["lateral_acceleration_mps2"]
    assert hard["yaw_rate_radps"]


def test_a_left_turn_is_a_negative_yaw_rate_and_lateral_acceleration() -> None:
    rate, speed = 0.3, 8.0
    points = np.stack([np.sin(rate * TIMES_S), 1 - np.cos(rate * TIMES_S), 0 * TIMES_S], axis=-1) * speed / rate
    motion = plan_motion(Plan(points, 0.0, Transform(0.0, 0.0, 0.0)))
    assert np.radians(motion.yaw_rate_dps[5:-5]) == pytest.approx(np.full(54, -rate), rel=1e-3)
    lateral = np.einsum("ij,ij->i", motion.acceleration_mps2, motion.right)
    assert lateral[5:-5] == pytest.approx(np.full(54, -rate * speed), rel=1e-2)


def test_alpasims_scene_score() -> None:
    clean = SceneOutcome(False, False, progress_m=40.0, reference_m=100.0, driven_km=0.04)
    assert scene_score(clean) == pytest.approx(0.5)
    assert scene_score(replace(clean, progress_m=80.0)) == 1.0
    assert scene_score(replace(clean, progress_m=-3.0)) == 0.0
    assert scene_score(replace(clean, reference_m=4.0, progress_m=0.0)) == 1.0
    assert scene_score(replace(clean, offroad=True)) == scene_score(replace(clean, collision_at_fault=True)) == 0.0


def test_distance_between_incidents() -> None:
    clean = SceneOutcome(False, False, 40.0, 100.0, driven_km=2.0)
    struck = replace(clean, collision_any=True)
    guilty = replace(clean, collision_any=True, collision_at_fault=True)
    assert distance_between_incidents_km([clean, struck, guilty]) == 3.0
    assert distance_between_incidents_km([clean, struck, guilty], at_fault_only=True) == 6.0
    assert distance_between_incidents_km([clean]) == math.inf


def test_navsims_formulas() -> None:
    assert pdm_score(PdmTerms(1, 1, 1, 1, 1)) == 1.0
    assert pdm_score(PdmTerms(1, 1, 0, 1, 1)) == pytest.approx(7 / 12)
    assert pdm_score(PdmTerms(0.5, 1, 1, 0.5, 0)) == pytest.approx(0.5 * 7.5 / 12)
    assert pdm_score(PdmTerms(1, 0, 1, 1, 1)) == 0.0
    perfect = ExtendedTerms(*[1.0] * 9)
    assert extended_pdm_score(perfect) == 1.0
    assert extended_pdm_score(replace(perfect, lane_keeping=0.0)) == pytest.approx(14 / 16)
    drifting = replace(perfect, lane_keeping=0.0, driving_direction=0.0)
    assert extended_pdm_score(drifting, human=drifting) == 1.0
    with pytest.raises(InputError, match="comfort"):
        PdmTerms(1, 1, 1, 1, 1.5)


@given(share, share, share, share, share, st.sampled_from(list(PdmTerms.__dataclass_fields__)), share)
def test_a_worse_term_never_raises_pdms(a, b, c, d, e, name: str, factor: float) -> None:
    terms = PdmTerms(a, b, c, d, e)
    worse = replace(terms, **{name: getattr(terms, name) * factor})
    assert pdm_score(worse) <= pdm_score(terms) + 1e-12 <= 1.0 + 1e-9


def test_navsims_thresholds() -> None:
    assert ego_progress(1.0, 4.9) == 1.0
    assert ego_progress(10.0, 40.0) == 0.25
    step = 0.1
    assert [driving_direction(np.full(30, metres / 10.0), step) for metres in (1.9, 3.0, 7.0)] == [1.0, 0.5, 0.0]
    off, inside = np.full(21, 0.6), np.zeros(21, dtype=bool)
    assert lane_keeping(off, inside, step) == 0.0
    assert lane_keeping(off[:20], inside[:20], step) == 1.0
    assert lane_keeping(off, ~inside, step) == 1.0
    signals = {n: np.zeros(5) for n in ("acceleration_mps2", "jerk_mps3", "yaw_rate_radps", "yaw_acceleration_radps2")}
    assert extended_comfort(signals, signals) == 1.0
    assert extended_comfort({**signals, "yaw_rate_radps": np.full(5, 0.11)}, signals) == 0.0


def test_the_bootstrap_covers_the_mean_as_often_as_it_says() -> None:
    """200 runs of 30 routes whose true mean is 70; 95 % intervals hold it in 186 to 198 of them (3 sigma, less a few
    percent by which percentile intervals of 30 values are too short)."""
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        routes = [[float(rng.normal(route, 2.0)) for _ in range(3)] for route in rng.normal(70.0, 10.0, 30)]
        interval = bootstrap_mean(routes, rng=rng, resamples=500)
        held += interval.low <= 70.0 <= interval.high
    assert 178 <= held <= 199


def test_the_bootstrap_is_seeded_exact_and_refuses_nonsense() -> None:
    routes = [[50.0, 70.0], [100.0], [0.0, 30.0, 60.0]]
    first, second = (bootstrap_mean(routes, rng=np.random.default_rng(4)) for _ in range(2))
    assert first == second
    assert first.mean == pytest.approx((60.0 + 100.0 + 30.0) / 3)
    assert 0.0 <= first.low <= first.mean <= first.high <= 100.0
    constant = bootstrap_mean([[7.0]] * 5, rng=np.random.default_rng(0))
    assert (constant.low, constant.high) == (7.0, 7.0)
    for wrong in ([], [[]], [[math.nan]]):
        with pytest.raises(InputError):
            bootstrap_mean(wrong, rng=np.random.default_rng(0))
