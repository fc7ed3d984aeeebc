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
    "time_base": "times are those of another clock than the simulation's, so nothing can be laid beside anything",
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
REMEDIES = {
    "camera_missing": "mount the rig's four cameras: policy/camera_rig.py has them, `mount` gives CARLA's transform",
    "camera_fov": "set the blueprint's `fov` to the expected width, and hand the whole picture over: scaled, never cut",
    "camera_pose": "attach the camera at `RigCamera.mount(rear_axle_x_m)`: rear axle, y and yaw to the left turned into CARLA's",
    "camera_order": "stack the cameras in the order of the rig's names",
    "camera_swapped": "look up each picture by its sensor's own name where frames are stacked; check the sign of the mounts' y",
    "frames_shape": "stack pictures as [camera, frame, height, width, colour]",
    "frames_not_uint8": "hand over the pictures as they are, uint8; leave out the division by 255",
    "picture_unknown": "compare a picture of that camera with the rig's mount and lens; leave out cropping and undistortion",
    "frames_altered": "hand pictures over as `raw_data` has them, first row on top, first column on the left",
    "colour_order": "take `raw_data` as [h, w, 4] and channels 2, 1, 0 of it",
    "frames_newest_first": "turn the buffer over: oldest frame first",
    "frames_spacing": "keep a picture every 0.1 s of simulation time (`sensor_tick` 0.1, or every second of 20 Hz)",
    "frames_stale": "wait for the pictures of the tick itself before the model is asked",
    "frame_times": "take each picture's own `timestamp`",
    "time_base": "take `snapshot.timestamp.elapsed_seconds` for t0 and the pictures' `timestamp` for frames",
    "t0_wrong": "t0 is the time of the tick at which the model is asked",
    "history_length": "keep 1.5 s of poses: 16 with the one at t0",
    "history_y_flipped": "change the sign of y once when CARLA's world becomes the rig frame (`frames.world_to_rig`)",
    "history_spacing": "take a pose every 0.1 s of simulation time, not at every tick",
    "history_newest_first": "turn the poses over: oldest first",
    "history_axle": "move poses to the rear axle first (`ego_history.rig_pose`): wheels' positions are in the physics control",
    "history_in_world": "express poses in the rig frame at t0 (`ego_history.poses_in_rig`)",
    "history_not_turned": "turn displacements by the inverse of the rig's rotation at t0",
    "history_stale": "add the pose of the tick itself before the model is asked",
    "history_positions": "compare with `ego_history.ego_history` on the same poses",
    "rotation_yaw_sign": "conjugate rotations with diag(1, -1, 1): CARLA's yaw changes its sign",
    "rotation_degrees": "turn CARLA's degrees into radians before sines and cosines",
    "rotation_in_world": "multiply by the inverse of the rig's rotation at t0",
    "rotation_other": "compare with `ego_history.poses_in_rig` on the same poses",
    "navigation_missing": "hand over `navigation.navigation_ahead` of the route",
    "navigation_wrong": "count the distance from the rear axle along the route to the manoeuvre's first point, to 10 m",
    "prompt_style": "build the prompt by `prompt.chat_prompt` with the release's own style",
    "prompt_without_navigation": "put the words between <|route_start|> and <|route_end|>, behind past motion",
    "prompt_text": "build the prompt by `prompt.chat_prompt`",
    "token_offset": "past motion begins at <i3000>: 3000 plus the bin",
    "token_count": "three tokens for each of 16 poses: x, y, z",
    "token_bins": "make the tokens from the history that is handed over, by `trajectory_tokens.history_bins`",
    "action_statistics": "read the numbers from the checkpoint",
    "plan_reanchored": "keep the rig's pose at t0 with the plan, and lay its points from there",
    "plan_y_flipped": "turn plan points into the world by `frames.rig_to_world`",
    "plan_wrong_time": "enter the plan at now - t0: its first point is due 0.1 s after t0",
    "plan_axle": "lay the plan from the rear axle's pose at t0",
    "plan_target": "compare with `frames.rig_to_world(plan.rig_pose_t0, ...)` at the time since t0",
    "observations_missing": "hand an observation over at the latest 0.2 s after it is asked for, from 2 s after the start on",
}
"""What to do about each."""


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

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.kind]
