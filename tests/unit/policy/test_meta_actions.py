"""Names of stretches of driving on both sides of each published threshold."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.meta_actions import lateral_action, longitudinal_action


def _ramp(start: float, acceleration: float, points: int = 31) -> np.ndarray:
    return start + acceleration * 0.1 * np.arange(points)


@pytest.mark.parametrize(
    ("speed", "name"),
    [
        (_ramp(-0.2, 0.0), "reverse"),
        (_ramp(-0.1, 0.0), "stop"),
        (_ramp(0.1, 0.0), "stop"),
        (_ramp(0.2, 0.0), "maintain_speed"),
        (_ramp(5.0, 1.5), "strong_accelerate"),
        (_ramp(5.0, 1.3), "gentle_accelerate"),
        (_ramp(5.0, 0.2), "maintain_speed"),
        (_ramp(5.0, 1.5, 5), "maintain_speed"),
        (_ramp(9.0, -1.5), "strong_decelerate"),
        (_ramp(9.0, -1.3), "gentle_decelerate"),
        (_ramp(30.0, -0.1, 101), "maintain_speed"),
    ],
)
def test_along(speed: np.ndarray, name: str) -> None:
    assert longitudinal_action(speed) == name


@pytest.mark.parametrize(
    ("speed", "rate", "name"),
    [
        (10.0, 0.0, "go_straight"),
        (10.0, 0.001, "go_straight"),
        (10.0, 0.002, "steer_left"),
        (10.0, -0.002, "steer_right"),
        (5.0, 0.06, "sharp_steer_left"),
        (5.0, -0.06, "sharp_steer_right"),
        (-1.0, 0.1, "reverse_left"),
        (-1.0, -0.1, "reverse_right"),
        (-1.0, 0.0, "go_straight"),
        (0.0, 0.0, "go_straight"),
    ],
)
def test_across(speed: float, rate: float, name: str) -> None:
    heading = 3.1 + rate * abs(speed) * 0.1 * np.arange(31)
    wrapped = np.arctan2(np.sin(heading), np.cos(heading))
    assert lateral_action(np.full(31, speed), wrapped) == name


def test_a_single_point_is_no_stretch() -> None:
    with pytest.raises(InputError, match="at least 2"):
        longitudinal_action(np.zeros(1))
