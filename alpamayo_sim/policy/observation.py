"""What a driving model sees at one moment, checked once at the boundary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform

HISTORY_POINTS = 16
STEP_S = 0.1
_TIME_TOLERANCE_S = 0.02
_ORIGIN_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Observation:
    """Pictures, past motion and guidance at t0; InputError says what was expected where something else came."""

    camera_names: tuple[str, ...]
    frames: NDArray[np.uint8]
    """[camera, frame, height, width, 3] RGB, oldest frame first."""
    frame_times_s: NDArray[np.float64]
    """[camera, frame] simulation times: 0.1 s apart, the last at t0."""
    history_xyz_rig: NDArray[np.float64]
    """[16, 3] positions of the rig at t0 - 1.5 s, ..., t0 in the rig frame at t0, metres; the last is the origin."""
    history_rotation_rig: NDArray[np.float64]
    """[16, 3, 3] its rotations then; the last is the identity."""
    t0_s: float
    rig_pose_t0: Transform
    """Pose of the rig in the CARLA world frame at t0."""
    navigation: str | None = None
    """Guidance in words, such as "Turn right in 30m"; None without a route."""
    route_points_rig: NDArray[np.float64] | None = None
    """[N, 3] the route ahead in the rig frame at t0, metres, as `navigation.route_ahead` gives it: every 5 m up to 100 m, fewer
    before the route's end; None without a route. Never an input of a model with a published format, which reads `navigation`."""
    speed_mps: float = 0.0
    """For control and logs: never a model's input."""

    def __post_init__(self) -> None:
        points = self.route_points_rig
        if points is not None and (points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all()):
            raise InputError(f"points of the route ahead are finite, an array [N, 3]; found {list(points.shape)}")
        cameras = len(self.camera_names)
        if self.frames.ndim != 5 or self.frames.dtype != np.uint8 or self.frames.shape[-1] != 3:
            raise InputError(
                "frames are uint8 [camera, frame, height, width, 3]; found "
                f"{self.frames.dtype} {list(self.frames.shape)}"
            )
        if self.frames.shape[0] != cameras or self.frame_times_s.shape != self.frames.shape[:2]:
            raise InputError(
                f"one row of frames and of times per camera; found {cameras} names, frames {list(self.frames.shape)}, times "
                f"{list(self.frame_times_s.shape)}"
            )
        ages = self.t0_s - STEP_S * np.arange(self.frames.shape[1] - 1, -1, -1)
        if not np.allclose(self.frame_times_s, ages, rtol=0.0, atol=_TIME_TOLERANCE_S):
            raise InputError(
                f"frames are {STEP_S} s apart, oldest first, the last at t0={self.t0_s:g} s; found "
                f"{np.round(self.frame_times_s[0], 3).tolist()}"
            )
        if self.history_xyz_rig.shape != (HISTORY_POINTS, 3) or self.history_rotation_rig.shape != (
            HISTORY_POINTS,
            3,
            3,
        ):
            raise InputError(
                f"a history has {HISTORY_POINTS} positions [16, 3] and rotations [16, 3, 3]; found "
                f"{list(self.history_xyz_rig.shape)} and {list(self.history_rotation_rig.shape)}"
            )
        at_origin = np.abs(self.history_xyz_rig[-1]).max() < _ORIGIN_TOLERANCE
        if not at_origin or np.abs(self.history_rotation_rig[-1] - np.eye(3)).max() > _ORIGIN_TOLERANCE:
            raise InputError(
                "a history ends at t0, where the rig is at the origin and turned by nothing; found it at "
                f"{np.round(self.history_xyz_rig[-1], 3).tolist()}"
            )
