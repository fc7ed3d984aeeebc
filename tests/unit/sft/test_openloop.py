"""What open-loop figures are, by hand: conventions of minADE, corners, agreement of words and plans."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.unicycle import drive
from alpamayo_training.openloop.agreement import agrees
from alpamayo_training.openloop.displacement import constant_velocity, corners, displacement, headings


def path(acceleration_mps2: float, curvature_per_m: float, speed_mps: float = 8.0) -> np.ndarray:
    points = drive(np.full(64, acceleration_mps2), np.full(64, curvature_per_m), speed_mps)
    points[:, 2] = 0.0
    return points


def test_the_sample_is_chosen_once_over_the_whole_horizon() -> None:
    truth = constant_velocity(10.0, 64)
    early, late = truth.copy(), truth.copy()
    early[32:, 1] += 3.0
    late[:32, 1] += 2.0
    found = displacement(np.stack([early, late]), np.zeros((2, 64)), truth)
    assert found.nearest == 1
    assert found.min_ade_m[6.4] == pytest.approx(1.0)
    assert found.min_ade_m[3.0] == pytest.approx(2.0)
    assert found.repicked_m[3.0] == pytest.approx(0.0)
    assert found.repicked_m[6.4] == found.min_ade_m[6.4]
    assert found.ade_m == pytest.approx((1.5 + 1.0) / 2.0)
    assert found.final_m == pytest.approx(0.0)


def test_corners_feel_a_turn_that_the_middle_does_not() -> None:
    truth = constant_velocity(5.0, 64)
    turned = displacement(truth[None], np.full((1, 64), np.pi), truth)
    assert turned.min_ade_m[6.4] == 0.0
    assert turned.corner_m == pytest.approx(5.0)
    box = corners(np.zeros((1, 1, 2)), np.zeros((1, 1)))[0, 0]
    assert sorted(map(tuple, box.tolist())) == [(-2.0, -1.5), (-2.0, 1.5), (2.0, -1.5), (2.0, 1.5)]


def test_a_standing_path_keeps_its_heading() -> None:
    line = np.concatenate([np.cumsum(np.tile([0.0, 1.0], (5, 1)), 0), np.tile([0.0, 5.0], (5, 1))])
    assert headings(line) == pytest.approx(np.pi / 2)
    assert (headings(np.zeros((8, 2))) == 0.0).all()


def test_other_shapes_and_numbers_are_refused() -> None:
    truth = constant_velocity(5.0, 64)
    with pytest.raises(InputError):
        displacement(truth, np.zeros(64), truth)
    with pytest.raises(InputError):
        displacement(np.full((1, 64, 2), np.nan), np.zeros((1, 64)), truth)


@pytest.mark.parametrize(
    ("words", "plan", "longitudinal", "lateral"),
    [
        ("Slow down and stop because the traffic light is red.", path(-2.0, 0.0), True, True),
        ("Slow down and stop because the traffic light is red.", path(1.0, 0.0), False, True),
        ("Accelerate and keep the lane since the lane ahead is free.", path(1.5, 0.0), True, True),
        ("Turn left because the route turns left and slow down.", path(-1.0, 0.05), True, True),
        ("Turn left because the route turns left and slow down.", path(-1.0, -0.05), True, False),
        ("Keep a steady speed because the road is clear.", path(0.0, 0.0), True, True),
        ("The weather is nice.", path(0.0, 0.0), False, True),
    ],
)
def test_plans_agree_with_words_or_not(words: str, plan: np.ndarray, longitudinal: bool, lateral: bool) -> None:
    found = agrees(words, plan)
    assert found is not None
    assert (found.longitudinal, found.lateral) == (longitudinal, lateral)


def test_no_words_are_not_judged() -> None:
    assert agrees("  ", path(0.0, 0.0)) is None
