"""Whole drives cut into meta-actions by the published cuts, and the lane layer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.lane_actions import LaneTrack, crossings, lane_stretches, lateral_way
from alpamayo_sim.policy.meta_action_stretches import (
    BETWEEN_CUTS_TICKS,
    Stretch,
    above,
    centered_mean,
    cuts,
    lateral_stretches,
    longitudinal_stretches,
    settled,
)

WIDTH_M = 3.5


def ramp(*parts: tuple[float, int], start: float = 0.0) -> np.ndarray:
    """Speeds at 10 Hz from pieces of (acceleration, ticks)."""
    speed = [start]
    for acceleration, ticks in parts:
        speed += [speed[-1] + 0.1 * acceleration * (tick + 1) for tick in range(ticks)]
    return np.array(speed)


def names(stretches: tuple[Stretch, ...]) -> list[str]:
    return [stretch.action for stretch in stretches]


def test_a_drive_from_stop_to_stop_has_the_published_names() -> None:
    speed = ramp((0.0, 30), (2.0, 40), (0.0, 40), (-1.0, 30), (0.0, 30), (-2.5, 20), (0.0, 40))
    found = longitudinal_stretches(np.maximum(speed, 0.0))
    assert names(found) == [
        "stop",
        "strong_accelerate",
        "maintain_speed",
        "gentle_decelerate",
        "maintain_speed",
        "strong_decelerate",
        "stop",
    ]
    # Cuts of a centred mean over five ticks lie within half of it of the true changes.
    begins = [stretch.begin for stretch in found]
    assert np.abs(np.array(begins) - [0, 30, 70, 110, 140, 170, 190]).max() <= 3


def test_backwards_is_reverse() -> None:
    speed = np.concatenate([np.zeros(20), np.full(40, -1.5), np.zeros(20)])
    assert names(longitudinal_stretches(speed)) == ["stop", "reverse", "stop"]


def test_a_change_of_speed_below_the_threshold_is_none() -> None:
    speed = ramp((0.0, 30), (0.35, 20), (0.0, 30), start=8.0)
    assert names(longitudinal_stretches(speed)) == ["maintain_speed"]


def test_hysteresis_ignores_what_flickers_around_a_threshold() -> None:
    values = 1.25 + 0.1 * np.sign(np.sin(np.arange(60)))
    assert len(set(above(values, 1.25)[1:])) == 1
    assert len(set(above(values, 1.25, hysteresis=0.0)[1:])) == 2


def test_a_short_stretch_between_two_names_is_halved_and_between_equal_ones_swallowed() -> None:
    found = [Stretch("a", 0, 20), Stretch("b", 20, 24), Stretch("c", 24, 50)]
    assert settled(found, {}, 8) == (Stretch("a", 0, 22), Stretch("c", 22, 50))
    found = [Stretch("a", 0, 20), Stretch("b", 20, 24), Stretch("a", 24, 50)]
    assert settled(found, {}, 8) == (Stretch("a", 0, 50),)
    found = [Stretch("b", 0, 4), Stretch("a", 4, 50)]
    assert settled(found, {}, 8) == (Stretch("a", 0, 50),)


def test_headings_name_the_way_sideways() -> None:
    speed = np.full(200, 5.0)
    rate = np.concatenate([np.zeros(50), np.full(50, 0.3), np.zeros(50), np.full(50, -0.05)])
    heading = np.cumsum(rate * 0.1)
    assert names(lateral_stretches(speed, heading)) == ["go_straight", "sharp_steer_left", "go_straight", "steer_right"]


def test_who_stands_does_not_turn() -> None:
    noise = np.random.default_rng(0).normal(0.0, 1e-3, 100)
    assert names(lateral_stretches(np.zeros(100), noise)) == ["go_straight"]


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(2, 300),
)
def test_stretches_cover_a_drive_without_gaps_and_none_is_too_short(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    speed = np.clip(np.cumsum(random.normal(0.0, 0.15, count)) + 3.0, 0.0, 20.0)
    heading = np.cumsum(random.normal(0.0, 0.02, count))
    for found, shortest in ((longitudinal_stretches(speed), 8), (lateral_stretches(speed, heading), 10)):
        assert [stretch.begin for stretch in found] == [0, *[stretch.end for stretch in found[:-1]]]
        assert found[-1].end == count
        assert all(one.action != other.action for one, other in zip(found, found[1:], strict=False))
        assert len(found) == 1 or all(stretch.end - stretch.begin >= shortest for stretch in found)


def test_cuts_leave_three_ticks_between_them() -> None:
    states = [np.arange(40) % 2 == 0]
    found = cuts(states, 40)
    assert len(found) > 5
    assert all(end - begin >= BETWEEN_CUTS_TICKS for begin, end in found[1:])


def test_the_centred_mean_takes_what_there_is_at_the_ends() -> None:
    assert centered_mean(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), 5).tolist() == [1.0, 1.5, 2.0, 2.5, 3.0]


def change_of_lane(side: float, *, count: int = 120, oncoming: bool = False) -> tuple[np.ndarray, LaneTrack]:
    """A drive at 8 m/s that changes lanes over 3 s in its middle, as offsets from the lane that it is in."""
    ticks = np.arange(count)
    way = side * WIDTH_M * np.clip((ticks - 40) / 30.0, 0.0, 1.0)
    inside = np.abs(way) <= WIDTH_M / 2.0
    offset = np.where(inside, way, way - side * WIDTH_M)
    key = np.where(inside, 3001, 3002)
    return np.full(count, 8.0), LaneTrack(offset, key.astype(np.int64), np.zeros(count, dtype=bool))


@pytest.mark.parametrize(("side", "name"), [(1.0, "change_lane_left"), (-1.0, "change_lane_right")])
def test_a_lane_change_is_found_on_its_side(side: float, name: str) -> None:
    speed, track = change_of_lane(side)
    assert np.flatnonzero(crossings(track)).tolist() == [56]
    assert crossings(track)[56] == side
    assert lateral_way(track)[-1] == pytest.approx(side * WIDTH_M, abs=0.2)
    found = lane_stretches(speed, np.zeros(len(speed)), track)
    assert name in names(found)
    changing = next(stretch for stretch in found if stretch.action == name)
    assert 35 <= changing.begin <= 45
    assert 50 <= changing.end <= 62


def test_a_flicker_between_overlapping_lanes_of_a_junction_is_no_lane_change() -> None:
    speed, track = change_of_lane(1.0)
    inside = LaneTrack(track.offset_m, track.lane_key, np.ones(len(speed), dtype=bool))
    assert not crossings(inside).any()
    assert not any("change" in name for name in names(lane_stretches(speed, np.zeros(len(speed)), inside)))


def test_a_turn_needs_another_lane_and_a_shift_is_within_the_lane() -> None:
    count = 120
    speed = np.full(count, 5.0)
    heading = np.clip((np.arange(count) - 40) * 0.1 * 0.5, 0.0, 1.5)
    key = np.where(np.arange(count) < 42, 1001, np.where(np.arange(count) < 70, 2001, 3001)).astype(np.int64)
    turning = LaneTrack(np.zeros(count), key, key == 2001)
    assert "turn_left" in names(lane_stretches(speed, heading, turning))
    same = LaneTrack(np.zeros(count), np.full(count, 1001), np.zeros(count, dtype=bool))
    assert "turn_left" not in names(lane_stretches(speed, heading, same))
    share = np.clip((np.arange(count) - 40) / 16.0, 0.0, 1.0)
    shifted = -1.2 * share**2 * (3.0 - 2.0 * share)
    heading = np.arctan2(np.gradient(shifted), 0.5)
    within = LaneTrack(shifted, np.full(count, 1001), np.zeros(count, dtype=bool))
    assert names(lane_stretches(speed, heading, within)) == ["keep_lane", "shift_right", "keep_lane"]


def test_drives_without_length_are_refused() -> None:
    with pytest.raises(InputError, match="at least 2"):
        longitudinal_stretches(np.zeros(1))
    with pytest.raises(InputError, match="one heading per speed"):
        lateral_stretches(np.zeros(3), np.zeros(4))
