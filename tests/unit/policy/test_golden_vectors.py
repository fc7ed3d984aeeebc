"""The kit against numbers that were computed apart from it: `golden_vectors.json`, which other implementations can use, too."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpamayo_sim.frames import Transform, rig_to_world
from alpamayo_sim.policy.action_encoder import encode
from alpamayo_sim.policy.action_statistics import PUBLISHED_STATISTICS
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG
from alpamayo_sim.policy.ego_history import ego_history, rig_pose
from alpamayo_sim.policy.prompt import chat_prompt
from alpamayo_sim.policy.rig_formats import leaderboard_sensors
from alpamayo_sim.policy.trajectory_tokens import FUTURE_BINS, action_bins, actions_of_bins, history_bins
from alpamayo_sim.policy.unicycle import denormalise, drive, speed_now

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "golden_vectors.json").read_text(encoding="utf-8"))
HISTORY, ACTIONS = VECTORS["history"], VECTORS["actions"]


def _history() -> tuple[np.ndarray, np.ndarray]:
    poses = [Transform(*pose) for pose in HISTORY["vehicle_poses_world"]]
    return ego_history(poses, HISTORY["rear_axle_x_m"])


def test_past_motion_of_a_car_that_climbs_through_a_bend() -> None:
    positions, rotations = _history()
    assert np.allclose(positions, HISTORY["history_xyz_rig"], atol=1e-7)
    assert np.allclose(rotations, HISTORY["history_rotation_rig"], atol=1e-8)
    # It sped up by 0.8 m/s^2 from 7 m/s for 1.5 s.
    assert speed_now(positions, rotations) == pytest.approx(8.2, abs=0.05)


def test_past_motion_leads_back_to_the_world() -> None:
    poses = [Transform(*pose) for pose in HISTORY["vehicle_poses_world"]]
    axle = HISTORY["rear_axle_x_m"]
    here = rig_pose(poses[-1], axle)
    world = np.array([rig_pose(pose, axle)[:3] for pose in poses])
    assert np.allclose(rig_to_world(here, np.array(HISTORY["history_xyz_rig"])), world, atol=1e-6)


def test_tokens_of_past_motion() -> None:
    assert (FUTURE_BINS + history_bins(_history()[0])).tolist() == HISTORY["history_tokens"]


def test_actions_as_waypoints() -> None:
    accelerations, curvatures = denormalise(np.array(ACTIONS["normalised"]), asdict(PUBLISHED_STATISTICS))
    found = drive(accelerations, curvatures, ACTIONS["speed_mps"])
    assert np.allclose(found, ACTIONS["waypoints_x_y_heading_rad"], atol=1e-7)


def test_waypoints_as_actions() -> None:
    points = np.array(ACTIONS["waypoints_x_y_heading_rad"])
    found = PUBLISHED_STATISTICS.normalise(*encode(points, points[:, 2], ACTIONS["speed_mps"]))
    assert np.allclose(found, ACTIONS["normalised"], atol=0.06)
    again = drive(*PUBLISHED_STATISTICS.denormalise(found), ACTIONS["speed_mps"])
    assert np.abs(again - points)[:, :2].max() < 1e-3


def test_tokens_of_actions() -> None:
    assert action_bins(np.array(ACTIONS["normalised"])).tolist() == ACTIONS["future_tokens"]
    assert np.allclose(actions_of_bins(np.array(ACTIONS["future_tokens"])), ACTIONS["normalised"], atol=10.0 / 2999)


def test_cameras_as_carla_mounts_them() -> None:
    wanted = VECTORS["cameras"]["mounts"]
    found = leaderboard_sensors(ALPAMAYO_RIG, VECTORS["cameras"]["rear_axle_x_m"])
    assert [sensor["id"] for sensor in found] == list(wanted), "in the model's order"
    for sensor in found:
        assert {name: sensor[name] for name in ("x", "y", "z", "yaw", "fov")} == pytest.approx(wanted[sensor["id"]])
        assert (sensor["pitch"], sensor["roll"]) == (0.0, 0.0)


@pytest.mark.parametrize("style", ["alpamayo-1", "alpamayo-1.5"])
def test_prompts_letter_by_letter(style: str) -> None:
    wanted = VECTORS["prompts"][style]
    assert chat_prompt(ALPAMAYO_RIG.names, 4, navigation=wanted["navigation"], style=style) == wanted["text"]
