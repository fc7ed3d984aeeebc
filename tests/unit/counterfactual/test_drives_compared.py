"""When two drives count as different behaviour."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alpamayo_scenarios.counterfactual.comparison import compare
from alpamayo_scenarios.counterfactual.tape import EgoTape
from alpamayo_sim.errors import InputError

STEP_S = 0.05
KEYFRAME = 60


def tape(speed_mps: np.ndarray, aside_m: np.ndarray | None = None, *, radius_m: float = math.inf) -> EgoTape:
    """A drive at given speeds [N] along the x axis, or along a circle to the left, shifted to the left of it."""
    count = len(speed_mps)
    way = np.concatenate([[0.0], np.cumsum(0.5 * (speed_mps[1:] + speed_mps[:-1]) * STEP_S)])
    left = np.zeros(count) if aside_m is None else aside_m
    turned = way / radius_m
    if math.isfinite(radius_m):
        x, y = (radius_m - left) * np.sin(turned), -radius_m + (radius_m - left) * np.cos(turned)
    else:
        x, y = way, -left
    zero = np.zeros(count)
    pose = np.stack([x, y, zero, zero, -np.degrees(turned), zero], axis=1)
    time_s = np.arange(count, dtype=np.float64) * STEP_S
    return EgoTape(np.arange(count) + 23, time_s, pose, speed_mps, np.zeros(count, np.int64))


def later(value: float, begin_s: float, for_s: float, *, count: int = 260) -> np.ndarray:
    """Zero but for a time after the keyframe."""
    time_s = (np.arange(count) - KEYFRAME) * STEP_S
    return np.where((time_s >= begin_s - 1e-9) & (time_s < begin_s + for_s - 1e-9), value, 0.0)


STEADY = np.full(260, 8.0)
FRAME = KEYFRAME + 23


def test_the_same_drive_is_no_change() -> None:
    difference = compare(tape(STEADY), tape(STEADY), FRAME)
    assert not difference.changed
    assert difference.by == () and difference.speed_mps == 0.0 and difference.lateral_m == 0.0
    assert math.isnan(difference.since_s)
    assert difference.factual_actions == ("maintain_speed", "go_straight")


@pytest.mark.parametrize(("excess", "for_s", "changes"), [(1.1, 0.5, True), (1.1, 0.45, False), (0.9, 3.0, False)])
def test_speed_counts_from_1_mps_for_half_a_second(excess: float, for_s: float, changes: bool) -> None:
    slower = compare(tape(STEADY), tape(STEADY - later(excess, 2.0, for_s)), FRAME)
    faster = compare(tape(STEADY), tape(STEADY + later(excess, 2.0, for_s)), FRAME)
    assert ("speed" in slower.by) is changes and ("speed" in faster.by) is changes
    if changes:
        assert slower.speed_mps == pytest.approx(-excess) and faster.speed_mps == pytest.approx(excess)
        assert slower.since_s == pytest.approx(2.0)


@pytest.mark.parametrize("radius_m", [math.inf, 40.0])
@pytest.mark.parametrize(("excess", "for_s", "changes"), [(0.6, 0.6, True), (0.6, 0.4, False), (0.4, 3.0, False)])
def test_places_count_from_half_a_metre_across_the_way(
    excess: float, for_s: float, changes: bool, radius_m: float
) -> None:
    factual = tape(STEADY, radius_m=radius_m)
    shifted = compare(factual, tape(STEADY, later(excess, 1.0, for_s), radius_m=radius_m), FRAME)
    assert ("lateral" in shifted.by) is changes
    if changes:
        assert shifted.lateral_m == pytest.approx(excess, abs=0.02), "left is positive"


def test_being_late_on_a_bend_is_no_offset() -> None:
    factual = tape(STEADY, radius_m=25.0)
    slowed = tape(STEADY - later(3.0, 0.5, 5.0), radius_m=25.0)
    difference = compare(factual, slowed, FRAME)
    assert "speed" in difference.by and "lateral" not in difference.by
    assert abs(difference.lateral_m) < 0.02


def test_another_meta_action_counts_below_1_mps() -> None:
    time_s = np.maximum(0.0, (np.arange(260) - KEYFRAME) * STEP_S - 1.0)
    gentle = np.maximum(STEADY - 0.3 * time_s, 7.05)
    difference = compare(tape(STEADY), tape(gentle), FRAME)
    assert difference.by == ("meta_longitudinal",)
    assert "gentle_decelerate" in difference.counterfactual_actions[0]


def test_only_the_window_counts() -> None:
    assert not compare(tape(STEADY), tape(STEADY - later(5.0, 6.1, 3.0)), FRAME).changed
    assert compare(tape(STEADY), tape(STEADY - later(5.0, 6.1, 3.0)), FRAME, window_s=8.0).changed


def test_drives_that_differ_before_the_keyframe_are_refused() -> None:
    with pytest.raises(InputError, match="differ before"):
        compare(tape(STEADY), tape(STEADY + later(0.01, -1.0, 0.5)), FRAME)
    with pytest.raises(InputError, match="not in both"):
        compare(tape(STEADY), tape(STEADY), 5000)


def test_a_standing_ego_is_compared_by_speed_alone() -> None:
    standing = np.where(np.arange(260) < 40, 4.0, 0.0)
    moving = standing + later(3.0, 1.0, 5.0)
    difference = compare(tape(standing), tape(moving), FRAME)
    assert "speed" in difference.by and "lateral" not in difference.by
