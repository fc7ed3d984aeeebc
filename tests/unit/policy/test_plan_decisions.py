"""The names of what a plan of waypoints does."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.policy.plan_decisions import plan_decisions, speeds_and_headings

TIMES = np.arange(1, 65) * 0.1


def along(distance_m: np.ndarray, radius_m: float = 0.0) -> np.ndarray:
    """Waypoints after so many metres on a circle to the left (negative radius: right), straight for 0."""
    if radius_m == 0.0:
        return np.stack([distance_m, np.zeros(64), np.zeros(64)], axis=1)
    angle = distance_m / radius_m
    return np.stack([radius_m * np.sin(angle), radius_m * (1.0 - np.cos(angle)), np.zeros(64)], axis=1)


CASES = {
    "steady": (along(8.0 * TIMES), "maintain_speed", "go_straight"),
    "stands": (along(np.zeros(64)), "stop", "go_straight"),
    "gentle": (along(5.0 * TIMES + 0.5 * TIMES**2), "gentle_accelerate", "go_straight"),
    "hard": (along(5.0 * TIMES + 1.25 * TIMES**2), "strong_accelerate", "go_straight"),
    "brakes": (along(10.0 * TIMES - 1.0 * TIMES**2), "strong_decelerate", "go_straight"),
    "left": (along(5.0 * TIMES, 60.0), "maintain_speed", "steer_left"),
    "sharp right": (along(4.0 * TIMES, -8.0), "maintain_speed", "sharp_steer_right"),
    "backwards": (along(-1.0 * TIMES), "reverse", "go_straight"),
}


@pytest.mark.parametrize("case", CASES)
def test_plans_are_called_what_they_are(case: str) -> None:
    waypoints, longitudinal, lateral = CASES[case]
    assert plan_decisions(waypoints) == {"longitudinal": longitudinal, "lateral": lateral}


def test_what_happens_after_three_seconds_is_left_out() -> None:
    distance = np.where(TIMES <= 3.05, 8.0 * TIMES, 8.0 * 3.05)
    assert plan_decisions(along(distance))["longitudinal"] == "maintain_speed"


def test_a_step_too_short_for_a_heading_keeps_the_one_before() -> None:
    points = np.zeros((64, 3))
    points[:, 0] = 0.5 * np.minimum(np.arange(1, 65), 10)
    points[10:, 1] = 1e-3 * np.arange(54)
    _, headings = speeds_and_headings(points)
    assert np.abs(headings).max() == 0.0
