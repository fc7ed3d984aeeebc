"""History and action bins: published values, inverses, limits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alpamayo_sim.policy.trajectory_tokens import action_bins, actions_of_bins, history_bins, history_positions

finite = st.floats(-9.99, 9.99, width=64)


def test_known_bins() -> None:
    actions = np.array([[0.0, 0.0], [-10.0, 10.0], [-25.0, 99.0], [1.0, -1.0]])
    assert action_bins(actions).tolist() == [1500, 1500, 0, 2999, 0, 2999, 1649, 1350]
    history = np.zeros((16, 3))
    history[:, 0] = np.linspace(-15.0, 0.0, 16)
    bins = history_bins(history)
    assert bins.shape == (48,)
    # The first displacement, from the origin, is out of range; a metre a step is bin 624, no height bin 500.
    assert bins[:6].tolist() == [0, 500, 500, 624, 500, 500]


@given(arrays(np.float64, (64, 2), elements=finite))
def test_actions_come_back_within_half_a_bin(actions: np.ndarray) -> None:
    back = actions_of_bins(action_bins(actions))
    assert np.abs(back - actions).max() <= 10.0 / 2999 + 1e-12


@given(arrays(np.int64, (2, 128), elements=st.integers(0, 2999)))
def test_action_bins_come_back(bins: np.ndarray) -> None:
    assert np.array_equal(action_bins(actions_of_bins(bins)), bins)


@given(arrays(np.int64, (48,), elements=st.integers(0, 999)))
def test_history_bins_come_back(bins: np.ndarray) -> None:
    assert np.array_equal(history_bins(history_positions(bins)), bins)
