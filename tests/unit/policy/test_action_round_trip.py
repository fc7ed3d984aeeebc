"""Waypoints to actions and back, statistics of actions, on motions whose actions are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.action_encoder import encode, encode_published
from alpamayo_sim.policy.action_statistics import PUBLISHED_STATISTICS, ActionStatistics
from alpamayo_sim.policy.unicycle import drive

TIME_S = 0.1 * np.arange(64)


def _at_end(encoder, acceleration: np.ndarray, curvature: np.ndarray, speed_mps: float) -> float:
    points = drive(acceleration, curvature, speed_mps)
    again = drive(*encoder(points, points[:, 2], speed_mps), speed_mps)
    return float(np.hypot(*(again - points)[-1, :2]))


def test_a_steady_motion_has_its_actions() -> None:
    points = drive(np.full(64, 0.5), np.full(64, 0.02), 8.0)
    for encoder in (encode_published, encode):
        acceleration, curvature = encoder(points, points[:, 2], 8.0)
        assert np.allclose(acceleration, 0.5, atol=5e-3)
        assert np.allclose(curvature, 0.02, atol=5e-4)


@given(st.floats(4.0, 25.0), st.floats(-0.5, 3.0), st.floats(0.0, 2.0), st.floats(-0.05, 0.05), st.floats(0.1, 1.0))
def test_waypoints_come_back(speed: float, mean: float, swing: float, curvature: float, rate: float) -> None:
    acceleration = mean + swing * np.sin(rate * TIME_S)
    assert _at_end(encode, acceleration, curvature * np.cos(rate * TIME_S), speed) < 0.03


def test_a_hard_stop_comes_back_closer_than_by_the_published_encoder() -> None:
    acceleration = np.where(TIME_S < 2.0, -5.0, 0.0)
    curvature = np.zeros(64)
    assert _at_end(encode, acceleration, curvature, 10.0) < 0.03
    assert _at_end(encode, acceleration, curvature, 10.0) <= _at_end(encode_published, acceleration, curvature, 10.0)


def test_a_standing_car_stands() -> None:
    acceleration, curvature = encode(np.zeros((64, 3)), np.zeros(64), 0.0)
    assert np.allclose(acceleration, 0.0, atol=1e-9) and np.allclose(curvature, 0.0, atol=1e-9)


@pytest.mark.parametrize("points", [np.zeros((64, 4)), np.full((64, 3), np.nan), np.zeros((3, 3))])
def test_other_shapes_and_numbers_are_refused(points: np.ndarray) -> None:
    with pytest.raises(InputError):
        encode(points, np.zeros(len(points)), 0.0)


def test_statistics_are_fitted_kept_and_undone(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    acceleration, curvature = rng.normal(0.5, 2.0, (50, 64)), rng.normal(0.0, 0.02, (50, 64))
    fitted = ActionStatistics.fit(acceleration, curvature)
    normal = fitted.normalise(acceleration, curvature)
    assert np.allclose(normal.mean((0, 1)), 0.0, atol=1e-9) and np.allclose(normal.std((0, 1)), 1.0)
    assert np.allclose(fitted.denormalise(normal), (acceleration, curvature))
    fitted.save(tmp_path / "actions.json")
    assert ActionStatistics.load(tmp_path / "actions.json") == fitted
    (tmp_path / "actions.json").write_text('{"accel_mean": 0}', encoding="utf-8")
    with pytest.raises(InputError, match="curvature_std"):
        ActionStatistics.load(tmp_path / "actions.json")
    with pytest.raises(InputError, match="positive"):
        ActionStatistics.fit(np.zeros(4), np.zeros(4))


def test_the_published_numbers() -> None:
    acceleration, curvature = PUBLISHED_STATISTICS.denormalise(np.array([1.0, -1.0]))
    assert acceleration == pytest.approx(0.02902694707164455 + 0.6810426736454882)
    assert curvature == pytest.approx(0.0002692167976330542 - 0.026148280660833106)
