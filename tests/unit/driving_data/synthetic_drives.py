"""Drives without a simulator: scenes, poses and videos whose every frame says its own number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.collecting.camera_video import CameraVideo
from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig
from alpamayo_sim.record.scene_state import (
    NOWHERE_M,
    ExpertReason,
    SceneActor,
    SceneLane,
    SceneSignal,
    SceneState,
)

RIG = CameraRig("two", ALPAMAYO_RIG.cameras[:2], 64, 48)
SHADES = 16
"""Pictures are of so many shades of grey, that no coding confounds."""


def shade(frame: int, camera: int) -> int:
    return 8 + 15 * ((frame * 7 + 3 * camera) % SHADES)


def write_video(path: Path, frames: int, camera: int = 0, first: int = 0) -> Path:
    video = CameraVideo(path, width=RIG.width_px, height=RIG.height_px, crf=20, chroma="yuv420p")
    for frame in range(first, first + frames):
        video.write(np.full((RIG.height_px, RIG.width_px, 3), shade(frame, camera), np.uint8))
    video.close()
    return path


def shown(pictures: NDArray[np.uint8]) -> list[int]:
    """The shades of pictures, to the nearest of those there are."""
    return [8 + 15 * round((float(picture.mean()) - 8) / 15) for picture in pictures]


def scene(frame: int, *, is_perturbed: bool = False) -> SceneState:
    pose = Transform(0.1 * frame, -2.0, 0.03, 0.5, 10.0 + frame, -0.25)
    actor = SceneActor(
        actor_id=90 + frame,
        type_id="vehicle.audi.tt",
        kind="vehicle",
        role="scenario",
        transform=Transform(1 / 3, 2.0, 3.0, 4.0, 5.0, 6.0),
        velocity_mps=(0.1, 0.2, 0.3),
        extent_m=(2.1, 0.9, 0.7),
        box_center_m=(0.0, 0.0, 0.7),
        light_state=19,
        gap_m=12.5,
        lateral_m=NOWHERE_M,
        in_ego_lane=True,
        visible_px={RIG.names[0]: 12, RIG.names[1]: 0} if frame % 2 else {},
    )
    signal = SceneSignal("traffic_light", 20, "red", 7.5, {RIG.names[0]: 3, RIG.names[1]: 5})
    return SceneState(
        frame_index=frame,
        time_s=0.1 * frame,
        world_frame=23 + 2 * frame,
        ego=pose,
        rig_pose=pose,
        speed_mps=1.0 / 3.0,
        acceleration_mps2=-0.1,
        yaw_rate_rps=0.01,
        throttle=0.3,
        brake=0.0,
        steer=-0.2,
        speed_limit_mps=8.33,
        lane=SceneLane(15, -1, 3.5, 0.1, 0.02, False, NOWHERE_M, True, False),
        route_option="right",
        route_option_m=14.2,
        actors=(actor,) if frame % 3 else (),
        signals=(signal,),
        expert=ExpertReason("follow", "keep_lane", "red_light", (90, 91), "Following a vehicle.") if frame else None,
        is_perturbed=is_perturbed,
    )
