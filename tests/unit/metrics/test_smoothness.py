"""Bench2Drive's smoothness against motions whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_drive import ego_tick

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.smoothness import (
    Motion,
    comfort_signals,
    motion_of_metric_info,
    motion_of_ticks,
    smoothness,
)


def motion(longitudinal: np.ndarray, *, rate_dps: np.ndarray | float = 0.0, step_s: float = 0.05) -> Motion:
    count = len(longitudinal)
    forward, right = np.tile([1.0, 0.0], (count, 1)), np.tile([0.0, 1.0], (count, 1))
    return Motion(longitudinal[:, None] * forward, np.broadcast_to(rate_dps, count) + 0.0, forward, right, step_s)


def test_standing_still_is_smooth() -> None:
    for as_tool in (True, False):
        assert smoothness(motion(np.zeros(95)), as_tool=as_tool) == 1.0


def test_the_share_of_good_chunks_without_the_last_partial_one() -> None:
    acceleration = np.zeros(70)
    acceleration[20:40] = -4.5
    acceleration[60:] = -4.5
    for as_tool in (True, False):
        assert smoothness(motion(acceleration), as_tool=as_tool) == pytest.approx(2 / 3)


def test_jerk_is_halved_by_the_tools_step() -> None:
    """5 m/s3 on 0.05 s data: too much in truth, 2.5 to the tool."""
    ramp = motion(5.0 * 0.05 * (np.arange(20) - 16.0) * 0.5 + 0.0)
    steep = motion(np.clip(5.0 * 0.05 * (np.arange(20) - 13.0), -4.0, 2.3))
    assert np.abs(comfort_signals(steep)["longitudinal_jerk_mps3"]).max() == pytest.approx(5.0)
    assert np.abs(comfort_signals(steep, as_tool=True)["longitudinal_jerk_mps3"]).max() == pytest.approx(2.5)
    assert (smoothness(steep, as_tool=True), smoothness(steep, as_tool=False)) == (1.0, 0.0)
    assert smoothness(ramp, as_tool=False) == 1.0


def test_degrees_are_held_against_radians_by_the_tool() -> None:
    turning = motion(np.zeros(20), rate_dps=10.0)
    assert (smoothness(turning, as_tool=True), smoothness(turning, as_tool=False)) == (0.0, 1.0)
    spinning = motion(np.zeros(20), rate_dps=60.0)
    assert smoothness(spinning, as_tool=False) == 0.0


def test_chunks_last_a_second_at_any_step() -> None:
    acceleration = np.zeros(40)
    acceleration[:10] = -4.5
    assert smoothness(motion(acceleration, step_s=0.1), as_tool=False) == pytest.approx(3 / 4)


def test_ticks_and_bench2drives_file_give_the_same_motion() -> None:
    rng = np.random.default_rng(3)
    ticks, info = [], {}
    for frame in range(30):
        pose = Transform(0.0, 0.0, 0.0, pitch=3.0, yaw=float(10 * frame), roll=-2.0)
        acceleration = tuple(rng.normal(size=3).tolist())
        ticks.append(ego_tick(frame, pose, 5.0, acceleration_mps2=acceleration))
        carla_pose = _carla_pose(pose)
        info[str(frame)] = {
            "acceleration": acceleration,
            "angular_velocity": [0.0, 0.0, 0.0],
            "forward_vector": carla_pose[0],
            "right_vector": carla_pose[1],
        }
    ours, theirs = motion_of_ticks(ticks), motion_of_metric_info(info)
    np.testing.assert_allclose(ours.forward, theirs.forward, atol=1e-6)
    np.testing.assert_allclose(ours.right, theirs.right, atol=1e-6)
    assert ours.step_s == pytest.approx(0.05)


def _carla_pose(pose: Transform) -> tuple[list[float], list[float]]:
    import carla

    rotation = carla.Rotation(pose.pitch, pose.yaw, pose.roll)
    forward, right = rotation.get_forward_vector(), rotation.get_right_vector()
    return [forward.x, forward.y, forward.z], [right.x, right.y, right.z]


@pytest.mark.parametrize("info", [{}, {"0": {"acceleration": [1, 2, 3]}}, {"0": 3}, {"0": {"acceleration": "abc"}}])
def test_a_file_that_is_none_is_refused(info: dict) -> None:
    with pytest.raises(InputError, match="expected"):
        motion_of_metric_info(info)
