"""What teachers and critics of reasoning are given, and what they hand back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.policy.lane_actions import LaneTrack
from alpamayo_sim.record.scene_state import SceneState
from alpamayo_training.coc.label import CocLabel, Segment

Array = NDArray[np.float64]
Pictures = Callable[[str, "NDArray[np.int64]"], "NDArray[np.uint8]"]


@dataclass(frozen=True)
class Drive:
    """One driven episode as far as labelling looks at it, at 10 Hz."""

    episode_index: int
    town: str
    route_id: str
    split: str
    scenes: tuple[SceneState, ...]
    """The privileged state of every frame; empty for drives that have none."""
    position_m: Array
    """The rig's [N, 3], right-handed world frame (x as CARLA's, y its negative)."""
    heading_rad: Array
    """Of the rig [N], counter-clockwise positive, not wrapped."""
    speed_mps: Array
    """Signed [N]."""
    meta_longitudinal: tuple[Segment, ...]
    """Of the whole drive, without gaps."""
    meta_lateral: tuple[Segment, ...]
    meta_lane: tuple[Segment, ...]
    """Of the lane layer; empty where the lanes are not known."""
    lanes: LaneTrack | None
    """Where the ego was relative to its lanes; None where that is not known."""
    cameras: tuple[str, ...]
    """The first one is the front camera."""
    pictures: Pictures
    """(camera, frame indices [n]) -> uint8 [n, h, w, 3]."""
    is_clean: NDArray[np.bool_]
    """Frames [N] that the driver drove itself; false while noise was on the control."""

    @property
    def frames(self) -> int:
        """How many frames the drive has."""
        return len(self.speed_mps)


@dataclass(frozen=True)
class Keyframe:
    """A frame that is worth a label."""

    frame_index: int
    kind: str
    """reactive or proactive."""
    begin_frame: int
    end_frame: int
    """The frames [begin, end) that the label holds for; for reactive ones the keyframe alone."""
    reason: str
    """Why it was chosen: "gentle_accelerate>strong_decelerate", "curvy_road" and the like."""


@dataclass(frozen=True)
class Case:
    """What a teacher is asked about: a frame of a drive."""

    drive: Drive
    keyframe: Keyframe


class Teacher(Protocol):
    """Explains driving."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def version(self) -> str:
        """Another version gives other results."""
        ...

    def teach(self, cases: Iterable[Case]) -> Iterator[CocLabel]:
        """Yield one label per case, in any order; several cases may be under way at once.

        Where the teacher has nothing to say, or fails in a way that belongs to the case, the label has an empty trace and a
        drop_reason that begins with "teacher_". What concerns all cases raises InputError or InfrastructureError.
        """
        ...


class Critic(Protocol):
    """Grades explanations."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def version(self) -> str:
        """Another version gives other results."""
        ...

    def grade(self, labels: Iterable[tuple[Case, CocLabel]]) -> Iterator[CocLabel]:
        """Yield each label with `critic` set, in any order; where it fails, unset and a drop_reason "critic_...".

        Labels that have a drop_reason already are handed back as they are.
        """
        ...
