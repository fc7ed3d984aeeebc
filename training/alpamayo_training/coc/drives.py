"""Episodes as labelling sees them: motion, meta-actions of the whole drive, lanes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.lane_actions import LaneTrack, lane_stretches
from alpamayo_sim.policy.meta_action_stretches import Stretch, lateral_stretches, longitudinal_stretches
from alpamayo_sim.record.scene_state import SceneState
from alpamayo_training.coc.label import FUTURE_FRAMES, HISTORY_FRAMES, Segment
from alpamayo_training.coc.teaching import Drive, Pictures
from alpamayo_training.data.driving_dataset import DrivingDataset

Array = NDArray[np.float64]
LANES_A_ROAD = 1000


def no_pictures(camera: str, frame_indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Raise InputError: for drives that are looked at by their state alone."""
    raise InputError(f"this drive has no pictures; {camera} was asked for")


def drive_of(
    position_m: Array,
    heading_rad: Array,
    speed_mps: Array,
    scenes: Sequence[SceneState] = (),
    *,
    episode_index: int = 0,
    town: str = "",
    route_id: str = "",
    split: str = "train",
    cameras: tuple[str, ...] = (),
    pictures: Pictures = no_pictures,
) -> Drive:
    """Return the drive of positions [N, 3] and headings [N] in the right-handed world frame and signed speeds [N], at 10 Hz.

    Errors: InputError if lengths differ or the drive is shorter than two frames.
    """
    count = len(speed_mps)
    if count < 2 or len(position_m) != count or len(heading_rad) != count or len(scenes) not in (0, count):
        raise InputError(
            f"a drive has one position, heading and speed per frame, at least 2, and a scene each or none; found "
            f"{len(position_m)}, {len(heading_rad)}, {count} and {len(scenes)}"
        )
    heading = np.unwrap(np.asarray(heading_rad, dtype=np.float64))
    speed = np.asarray(speed_mps, dtype=np.float64)
    lanes = lane_track(scenes) if scenes else None
    return Drive(
        episode_index=episode_index,
        town=town,
        route_id=route_id,
        split=split,
        scenes=tuple(scenes),
        position_m=np.asarray(position_m, dtype=np.float64),
        heading_rad=heading,
        speed_mps=speed,
        meta_longitudinal=_segments(longitudinal_stretches(speed)),
        meta_lateral=_segments(lateral_stretches(speed, heading)),
        meta_lane=_segments(lane_stretches(speed, heading, lanes)) if lanes is not None else (),
        lanes=lanes,
        cameras=cameras,
        pictures=pictures,
        is_clean=np.array([not scene.is_perturbed for scene in scenes] or [True] * count),
    )


def drive_from_scenes(scenes: Sequence[SceneState], **about: int | str) -> Drive:
    """Return the drive of a sequence of scenes alone, without pictures."""
    position = np.array([[scene.rig_pose.x, -scene.rig_pose.y, scene.rig_pose.z] for scene in scenes])
    heading = np.array([-math.radians(scene.rig_pose.yaw) for scene in scenes])
    speed = np.array([scene.speed_mps for scene in scenes])
    return drive_of(position, heading, speed, scenes, **about)  # pyright: ignore[reportArgumentType]


def drive_of_dataset(dataset: DrivingDataset, episode_index: int) -> Drive:
    """Return the drive of a dataset's episode; pictures are read when they are asked for."""
    info, motion = dataset.episode(episode_index), dataset.motion(episode_index)
    drive = drive_of(
        motion.xyz,
        np.arctan2(motion.rotation[:, 1, 0], motion.rotation[:, 0, 0]),
        motion.speed_mps,
        dataset.scene(episode_index),
        episode_index=episode_index,
        town=info.town,
        route_id=info.route_id,
        split=info.split,
        cameras=_front_first(dataset.cameras),
        pictures=lambda camera, frames: dataset.pictures(episode_index, camera, frames),
    )
    return replace(drive, is_clean=~dataset.is_perturbed(episode_index))


def _front_first(cameras: tuple[str, ...]) -> tuple[str, ...]:
    front = next((name for name in cameras if "front" in name and "wide" in name), None)
    front = front or next(
        (name for name in cameras if "front" in name and "left" not in name and "right" not in name), None
    )
    return cameras if front is None else (front, *(name for name in cameras if name != front))


def lane_track(scenes: Sequence[SceneState]) -> LaneTrack:
    """Return the lane track of scenes; on a lane against the traffic, left is still the ego's left."""
    with_lane = np.array([math.cos(scene.lane.heading_error_rad) >= 0.0 for scene in scenes])
    offset = np.array([scene.lane.offset_m for scene in scenes])
    return LaneTrack(
        offset_m=np.where(with_lane, offset, -offset),
        lane_key=np.array([scene.lane.road_id * LANES_A_ROAD + scene.lane.lane_id for scene in scenes], dtype=np.int64),
        is_junction=np.array([scene.lane.is_junction for scene in scenes]),
    )


def segments_around(segments: Sequence[Segment], frame: int) -> tuple[Segment, ...]:
    """Return the segments of the 2 s before and the 6 s after a frame, cut to them."""
    first, last = frame - HISTORY_FRAMES, frame + FUTURE_FRAMES
    return tuple(
        Segment(segment.action, max(first, segment.begin_frame), min(last, segment.end_frame))
        for segment in segments
        if segment.begin_frame < last and segment.end_frame > first
    )


def action_at(segments: Sequence[Segment], frame: int) -> str:
    """Return the meta-action of a frame, "" outside of all segments."""
    for segment in segments:
        if segment.begin_frame <= frame < segment.end_frame:
            return segment.action
    return ""


def _segments(stretches: Sequence[Stretch]) -> tuple[Segment, ...]:
    return tuple(Segment(stretch.action, stretch.begin, stretch.end) for stretch in stretches)
