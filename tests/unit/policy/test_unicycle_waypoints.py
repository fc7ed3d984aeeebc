"""The unicycle: known motions, and the speed that a history tells."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alpamayo_sim.policy.unicycle import denormalise, drive, speed_now, waypoints

STATISTICS = {"accel_mean": 0.5, "accel_std": 2.0, "curvature_mean": 0.01, "curvature_std": 0.02}


def _history(speed_mps: float, curvature_per_m: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A car on a circle, ending at the origin with heading 0."""
    way = speed_mps * 0.1 * np.arange(-15, 1)
    turn = curvature_per_m or 1e-9
    heading = turn * way
    positions = np.stack([np.sin(heading) / turn, (1.0 - np.cos(heading)) / turn, np.zeros(16)], axis=-1)
    rotations = np.zeros((16, 3, 3))
    rotations[:, 0, 0] = rotations[:, 1, 1] = np.cos(heading)
    rotations[:, 1, 0] = np.sin(heading)
    rotations[:, 0, 1] = -np.sin(heading)
    rotations[:, 2, 2] = 1.0
    return positions, rotations


def test_straight_braking_and_turning() -> None:
    straight = drive(np.full(64, -1.0), np.zeros(64), 10.0)
    time = 0.1 * np.arange(1, 65)
    assert np.allclose(straight[:, 0], 10.0 * time - 0.5 * time**2, atol=1e-9)
    assert np.allclose(straight[:, 1:], 0.0)
    circle = drive(np.zeros(64), np.full(64, 0.05), 10.0)
    assert np.allclose(circle[:, 2], 0.05 * 10.0 * time)
    # The trapezoid rule cuts the arc by (dt w)^2 / 12 of its length.
    assert np.allclose(circle[:, 0], np.sin(0.5 * time) / 0.05, atol=2e-2)
    assert np.allclose(circle[:, 1], (1.0 - np.cos(0.5 * time)) / 0.05, atol=2e-2)
    assert circle[10, 1] > 0.0, "a positive curvature turns left, which is positive y"


def test_normalisation_is_undone() -> None:
    acceleration, curvature = denormalise(np.array([[1.0, -2.0]]), STATISTICS)
    assert acceleration[0] == pytest.approx(2.5)
    assert curvature[0] == pytest.approx(-0.03)


@pytest.mark.parametrize("speed_mps", [0.0, 3.0, 30.0])
@pytest.mark.parametrize("curvature_per_m", [0.0, 0.02, -0.02])
def test_the_speed_of_a_history(speed_mps: float, curvature_per_m: float) -> None:
    assert speed_now(*_history(speed_mps, curvature_per_m)) == pytest.approx(speed_mps, rel=2e-3, abs=1e-9)


def test_the_speed_of_a_car_that_brakes() -> None:
    positions, rotations = _history(0.0)
    time = 0.1 * np.arange(-15, 1)
    positions[:, 0] = 8.0 * time - 1.5 * time**2
    assert speed_now(positions, rotations) == pytest.approx(8.0, abs=0.02)


def test_waypoints_keep_the_height_and_go_on_at_the_historys_speed() -> None:
    history = _history(12.0)
    coasting = np.broadcast_to([-0.25, -0.5], (3, 64, 2))
    found = waypoints(coasting, STATISTICS, *history)
    assert found.shape == (3, 64, 3)
    assert math.isclose(found[2, -1, 0], 12.0 * 6.4, rel_tol=2e-3)
    assert np.allclose(found[..., 1:], 0.0, atol=1e-9)
