"""A drive along a road of the server's town with its truth: poses from the snapshots, pictures from cameras of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_sim.policy.contract.truth import CourseTruth, Shown
from alpamayo_sim.roads.route_planner import Route

Picture = NDArray[np.float32]
SHRUNK = (48, 80)
"""Rows and columns to which pictures are brought before they are compared: whatever their own size."""
LOOK_BACK_TICKS = 20
UNKNOWN = 6.0
"""Mean difference of a channel, of 255, above which a picture is none of those compared with; the same scene at the same tick
from the same camera differs by 0, resampled from another size by 1 to 2, a lens of 95 instead of 120 degrees by 15 and more."""
_CLEARLY = 0.5
"""An alteration explains pictures whose difference it brings below this share."""


def shrunk(pictures: NDArray[np.uint8]) -> Picture:
    """Return pictures [..., h, w, 3] as means over SHRUNK cells [..., 48, 80, 3]; pictures smaller than that are spread."""
    mean = pictures.astype(np.float32)
    for axis, cells in ((-3, SHRUNK[0]), (-2, SHRUNK[1])):
        size = mean.shape[axis]
        edges = np.linspace(0, size, cells + 1)
        # Running sums at fractional edges: a cell's mean weighs the pixels that it cuts.
        total = np.concatenate([np.zeros_like(mean.take([0], axis)), mean.cumsum(axis, dtype=np.float64)], axis)
        low = np.minimum(edges.astype(int), size - 1)
        part = (edges - low).reshape([-1 if k == mean.ndim + axis else 1 for k in range(mean.ndim)])
        at = total.take(low, axis) * (1.0 - part) + total.take(low + 1, axis) * part
        mean = (np.diff(at, axis=axis) * (cells / size)).astype(np.float32)
    return mean


class LiveCourse(CourseTruth):
    """What was true of a drive that has ended."""

    def __init__(
        self,
        rig: CameraRig,
        start_s: float,
        rear_axle_x_m: float,
        vehicle_poses: Sequence[Transform],
        along_m: NDArray[np.float64],
        route: Route,
        pictures: Mapping[int, Sequence[Picture]],
    ) -> None:
        """`pictures` are those of the rig's cameras, shrunk, in the rig's order, by tick."""
        super().__init__(rig, start_s, rear_axle_x_m, vehicle_poses, along_m, route.arc_length_m, route.road_option)
        self._pictures = pictures

    def identify(self, frames: NDArray[np.uint8], tick: int) -> Shown:
        """Compare every frame with what each camera saw in the last second."""
        ticks = [n for n in range(tick - LOOK_BACK_TICKS, tick + 1) if n in self._pictures]
        known = np.stack([np.stack(self._pictures[n]) for n in ticks], axis=1)
        found = shrunk(frames)
        away, shown = _nearest(found, known, ticks)
        best, altered, is_bgr = away, "", False
        for name, turned in (
            ("bgr", found[..., ::-1]),
            ("mirrored", found[..., ::-1, :]),
            ("upside down", found[..., ::-1, :, :]),
        ):
            otherwise, cameras = _nearest(turned, known, ticks)
            if np.median(otherwise) < _CLEARLY * np.median(best) - 0.1:
                best, shown = otherwise, cameras
                is_bgr, altered = name == "bgr", "" if name == "bgr" else name
        shown.cameras[best > UNKNOWN] = -1
        return Shown(shown.cameras, shown.ticks, is_bgr, altered)


def _nearest(found: Picture, known: Picture, ticks: Sequence[int]) -> tuple[NDArray[np.float64], Shown]:
    """Return how far frames [C, F, ...] are from the nearest of known pictures [cameras, ticks, ...], and which that is."""
    away = np.empty(found.shape[:2])
    cameras, at = np.zeros(found.shape[:2], np.int64), np.zeros(found.shape[:2], np.int64)
    flat = known.reshape(-1, *known.shape[2:])
    for place in np.ndindex(*found.shape[:2]):
        differences = np.abs(flat - found[place]).mean(axis=(1, 2, 3))
        nearest = int(differences.argmin())
        away[place] = differences[nearest]
        cameras[place], at[place] = nearest // len(ticks), ticks[nearest % len(ticks)]
    return away, Shown(cameras, at)
