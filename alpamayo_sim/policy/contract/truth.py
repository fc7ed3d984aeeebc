"""What is true of a drive that an integration is put on: poses, route, and which pictures were taken of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_sim.policy.navigation import navigation_ahead

TICK_S = 0.05


@dataclass(frozen=True)
class Shown:
    """What the frames that an integration hands over show."""

    cameras: NDArray[np.int64]
    """[camera, frame] number of the rig's camera that took each; -1 for none."""
    ticks: NDArray[np.int64]
    """[camera, frame] tick at which it was taken; meaningless where no camera took it."""
    is_bgr: bool = False
    """Whether red and blue are swapped."""
    altered: str = ""
    """What was done to pictures that show the right thing otherwise: "mirrored", "upside down", or "" for nothing."""


class CourseTruth(ABC):
    """A drive at 20 Hz whose every pose is known, and whose pictures can be told from one another."""

    def __init__(
        self,
        rig: CameraRig,
        start_s: float,
        rear_axle_x_m: float,
        vehicle_poses: Sequence[Transform],
        along_m: NDArray[np.float64],
        route_arc_length_m: NDArray[np.float64],
        route_road_option: NDArray[np.int64],
        *,
        observed_ticks: Sequence[int],
        asked: int,
    ) -> None:
        """Take poses in the CARLA world frame by tick, and how far along the route [N] the rear axle was then.

        `observed_ticks` are those at which observations were handed over, of which so many were `asked` for.
        """
        self.rig = rig
        self.start_s = start_s
        self.rear_axle_x_m = rear_axle_x_m
        self.vehicle_poses = vehicle_poses
        self.along_m = along_m
        self.route_arc_length_m = route_arc_length_m
        self.route_road_option = route_road_option
        self.observed_ticks = observed_ticks
        self.asked = asked

    @abstractmethod
    def identify(self, frames: NDArray[np.uint8], tick: int) -> Shown:
        """Return which camera took each of frames [camera, frame, height, width, 3], handed over at `tick`, and when."""

    def seen_through(self, frames: NDArray[np.uint8], camera: int, tick: int) -> float | None:
        """Return the width in degrees of the lens through which a camera's frames [frame, h, w, 3] up to `tick` seem to be taken,
        where no camera of the rig took them; None where that cannot be said.
        """
        del frames, camera, tick
        return None

    def time_s(self, tick: int) -> float:
        """Return the simulation time of a tick."""
        return self.start_s + TICK_S * tick

    def tick_at(self, time_s: float) -> int:
        """Return the tick nearest to a time; it may lie outside the course."""
        return round((time_s - self.start_s) / TICK_S)

    def navigation(self, tick: int, more_m: float = 0.0) -> str | None:
        """Return what the route asks for at a tick, or so much farther along."""
        return navigation_ahead(self.route_arc_length_m, self.route_road_option, float(self.along_m[tick]) + more_m)
