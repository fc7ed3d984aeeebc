"""Histories of vehicles whose way is known, and what a buffer of samples gives and refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.ego_history import ego_history, poses_in_rig, rig_pose
from alpamayo_sim.policy.sample_buffer import SampleBuffer
from alpamayo_sim.policy.unicycle import speed_now

AXLE_X_M = -1.4


def test_a_car_that_turns_right_comes_from_the_right_behind() -> None:
    """In CARLA's world a right turn is a growing yaw; the rear axle runs on a circle of 20 m around (0, 20)."""
    turn_deg = np.degrees(0.5 / 20.0 * np.arange(16))
    poses = []
    for angle in turn_deg:
        wave = math.radians(angle)
        axle = np.array([20.0 * math.sin(wave), 20.0 - 20.0 * math.cos(wave)])
        centre = axle - AXLE_X_M * np.array([math.cos(wave), math.sin(wave)])
        poses.append(Transform(float(centre[0]), float(centre[1]), 0.0, yaw=float(angle)))
    positions, rotations = ego_history(poses, AXLE_X_M)
    back = np.radians(turn_deg[-1] - turn_deg)
    assert np.allclose(positions[:, 0], -20.0 * np.sin(back))
    assert np.allclose(positions[:, 1], -20.0 * (1.0 - np.cos(back)))
    assert np.allclose(np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0]), back), "earlier it pointed further left"
    assert np.allclose(positions[-1], 0.0) and np.allclose(rotations[-1], np.eye(3))
    assert speed_now(positions, rotations) == pytest.approx(5.0, rel=1e-3)


angles = st.floats(-179.0, 179.0)
places = st.floats(-500.0, 500.0)


@given(places, places, angles, st.floats(-20.0, 20.0), st.floats(-20.0, 20.0))
def test_rotations_stay_right_handed_and_agree_with_points(
    x: float, y: float, yaw: float, pitch: float, roll: float
) -> None:
    first, second = Transform(x, y, 1.0, 3.0, yaw, -2.0), Transform(y, x, 2.0, pitch, -yaw, roll)
    positions, rotations = poses_in_rig(first, [second])
    assert np.linalg.det(rotations[0]) == pytest.approx(1.0)
    ahead, _ = poses_in_rig(first, [rig_pose(second, 2.5)])
    assert np.allclose(ahead[0], positions[0] + rotations[0] @ np.array([2.5, 0.0, 0.0]), atol=1e-6)


def test_another_number_of_poses_is_refused() -> None:
    with pytest.raises(InputError, match="found 15"):
        ego_history([Transform(0, 0, 0)] * 15, AXLE_X_M)


@pytest.mark.parametrize("step_s", [0.1, 0.05, 0.025])
def test_a_buffer_gives_every_tenth_of_a_second_oldest_first(step_s: float) -> None:
    buffer = SampleBuffer[int]("camera", 2.0)
    for tick in range(int(3.0 / step_s) + 1):
        buffer.add(float(np.float32(tick * step_s)), tick)
    times, ticks = buffer.latest(4, 3.0)
    assert np.allclose(times, [2.7, 2.8, 2.9, 3.0], atol=1e-5)
    assert ticks == [round(time / step_s) for time in (2.7, 2.8, 2.9, 3.0)]


def test_a_buffer_picks_from_irregular_samples_only_what_fits() -> None:
    buffer = SampleBuffer[str]("camera", 2.0)
    for time_s, name in ((0.0, "a"), (0.07, "-"), (0.1, "b"), (0.2, "c"), (0.26, "-"), (0.3, "d")):
        buffer.add(time_s, name)
    assert buffer.latest(4, 0.3)[1] == ["a", "b", "c", "d"]
    with pytest.raises(InputError, match=r"one at 0.160 s; found 0.200 s as the nearest"):
        buffer.latest(2, 0.26)
    with pytest.raises(InputError, match="in the order of their times"):
        buffer.add(0.3, "again")
    buffer.clear()
    with pytest.raises(InputError, match="found nothing"):
        buffer.latest(1, 0.3)


def test_a_simulation_whose_steps_do_not_fit_is_refused() -> None:
    buffer = SampleBuffer[int]("camera", 2.0)
    for tick in range(20):
        buffer.add(0.03 * tick, tick)
    with pytest.raises(InputError, match=r"every 0\.1 s"):
        buffer.latest(4, 0.57)
