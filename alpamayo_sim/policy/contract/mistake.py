"""A mistake by its name, and what it does to a model."""

from __future__ import annotations

from dataclasses import dataclass

MEANINGS = {
    "camera_missing": "the model is used to seeing this camera",
    "camera_fov": "the lens is of another width than in training: everything looks nearer or further",
    "camera_pose": "the camera is mounted elsewhere; poses count from the rear axle, y to the left",
    "camera_order": "the pictures are not in the model's order of cameras",
    "camera_swapped": "pictures of one camera are given under the name of another",
    "frames_shape": "frames are uint8 [camera, 4, height, width, 3]",
    "frames_not_uint8": "pictures are whole numbers 0 to 255; the model's processor normalises them itself",
    "picture_unknown": "the pictures are not those that the rig's camera takes: another lens, another place, cut or rectified",
    "frames_altered": "the pictures are turned over",
    "colour_order": "red and blue are swapped: CARLA's raw_data is BGRA, the model reads RGB",
    "frames_newest_first": "frames are in reverse; the oldest comes first",
    "frames_spacing": "frames are not 0.1 s apart",
    "frames_stale": "the newest frame was taken before t0",
    "frame_times": "the times that are given are not those of the frames",
    "t0_wrong": "the observation is dated otherwise than it was asked for",
    "history_length": "a history has 16 poses",
    "history_y_flipped": "y of the history grows to the right; in the rig frame it grows to the left",
    "history_spacing": "poses are not 0.1 s apart, so the model reads a wrong speed and scales its trajectory by it",
    "history_newest_first": "the history is in reverse; the oldest pose comes first",
    "history_axle": "the history is that of the vehicle's origin, not of the rear axle",
    "history_in_world": "the history is in the CARLA world frame, not in the rig frame at t0",
    "history_not_turned": "the history counts from the rig's place at t0 but is not turned into its frame",
    "history_stale": "the history ends before t0",
    "history_positions": "positions differ from the truth in no way that has a name here",
    "rotation_yaw_sign": "rotations turn the other way: CARLA's yaw grows to the right, the rig's to the left",
    "rotation_degrees": "degrees were used where radians belong",
    "rotation_in_world": "rotations are relative to the CARLA world, not to the rig at t0",
    "rotation_other": "rotations differ from the truth in no way that has a name here",
    "navigation_missing": "the route asks for a manoeuvre and the model is not told",
    "navigation_wrong": "the model is told something else than the route asks for",
    "prompt_style": "the prompt is that of another release: about a third more error",
    "prompt_without_navigation": "guidance is known but not in the prompt",
    "prompt_text": "the prompt differs from the trained one",
    "token_offset": "tokens of past motion begin elsewhere in the vocabulary",
    "token_count": "past motion has 48 tokens",
    "token_bins": "the tokens of past motion are not those of the history that was handed over",
    "action_statistics": "actions are turned back with other numbers than the checkpoint was trained with",
    "plan_reanchored": "the plan is laid from where the car is now; it holds from where the car was at t0",
    "plan_y_flipped": "y of the plan grows to the left; it was taken to the right",
    "plan_wrong_time": "the plan is not entered at the time since t0",
    "plan_axle": "the plan is laid from the vehicle's origin, not from the rear axle",
    "plan_target": "the plan is tracked to another point",
    "observations_missing": "the course asks for more observations than the log holds",
}
"""What each mistake means."""


@dataclass(frozen=True)
class Mistake:
    """What was expected and what was found."""

    kind: str
    """One of MEANINGS."""
    expected: str
    found: str

    @property
    def meaning(self) -> str:
        """What the mistake is, in words."""
        return MEANINGS[self.kind]
