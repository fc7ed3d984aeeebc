"""What an observation refuses, and says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.observation import Observation

TIMES = np.tile([[6.7, 6.8, 6.9, 7.0]], (2, 1))
RIGHT = Observation(
    camera_names=("left", "front"),
    frames=np.zeros((2, 4, 6, 8, 3), np.uint8),
    frame_times_s=TIMES,
    history_xyz_rig=np.linspace([-15.0, 0.0, 0.0], [0.0, 0.0, 0.0], 16),
    history_rotation_rig=np.tile(np.eye(3), (16, 1, 1)),
    t0_s=7.0,
    rig_pose_t0=Transform(1.0, 2.0, 0.0),
    navigation="Turn right in 30m",
    route_points_rig=np.array([[5.0, 0.0, 0.0], [10.0, -0.5, 0.0]]),
)
WRONG: Mapping[str, tuple[dict[str, Any], str]] = {
    "pictures as shares": ({"frames": RIGHT.frames / 255.0}, r"uint8.*found float64 \[2, 4, 6, 8, 3\]"),
    "channels first": ({"frames": RIGHT.frames.transpose(0, 1, 4, 2, 3)}, r"found uint8 \[2, 4, 3, 6, 8\]"),
    "a camera without a name": ({"camera_names": ("left",)}, "found 1 names"),
    "times of one camera": ({"frame_times_s": TIMES[:1]}, r"times \[1, 4\]"),
    "frames of every tick": ({"frame_times_s": 7.0 - 0.05 * np.tile(np.arange(3, -1, -1), (2, 1))}, r"6\.85, 6\.9, 6\.95"),
    "newest first": ({"frame_times_s": TIMES[:, ::-1]}, r"oldest first.*found \[7\.0, 6\.9"),
    "stale frames": ({"frame_times_s": TIMES - 0.1}, r"the last at t0=7 s; found \[6\.6"),
    "one camera late": ({"frame_times_s": np.stack([TIMES[0], TIMES[0] - 0.05])}, "oldest first"),
    "milliseconds": ({"t0_s": 7000.0}, "t0=7000 s"),
    "a short history": ({"history_xyz_rig": RIGHT.history_xyz_rig[1:]}, r"found \[15, 3\]"),
    "angles for rotations": ({"history_rotation_rig": np.zeros((16, 3))}, r"found \[16, 3\] and \[16, 3\]"),
    "a history in the world": ({"history_xyz_rig": RIGHT.history_xyz_rig + 40.0}, r"found it at \[40\.0, 40\.0, 40\.0\]"),
    "the newest pose first": ({"history_xyz_rig": RIGHT.history_xyz_rig[::-1]}, r"found it at \[-15\.0"),
    "rotations in the world": (
        {"history_rotation_rig": np.tile(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), (16, 1, 1))},
        "turned by nothing",
    ),
    "flat points of the route": ({"route_points_rig": np.zeros((4, 2))}, r"\[N, 3\]; found \[4, 2\]"),
    "no number in the route": ({"route_points_rig": np.full((4, 3), np.nan)}, "finite"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_breaks_the_contract_is_refused(case: str) -> None:
    changes, words = WRONG[case]
    with pytest.raises(InputError, match=words):
        replace(RIGHT, **changes)


def test_a_route_may_be_missing_or_at_its_end() -> None:
    assert replace(RIGHT, navigation=None, route_points_rig=None).route_points_rig is None
    ended = replace(RIGHT, route_points_rig=np.zeros((0, 3))).route_points_rig
    assert ended is not None and ended.shape == (0, 3)
