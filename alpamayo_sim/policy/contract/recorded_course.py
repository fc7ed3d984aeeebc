"""A drive with its truth as it was recorded: poses, route, and what cameras at the rig's mounts saw. `truth.npz` on disk.

truth.npz, nothing in it pickled: `format` "alpamayo-contract-truth 1"; `rig` (JSON as `rig_formats.plain_rig` gives it);
`start_s`; `rear_axle_x_m`; `vehicle_poses` [T, 6] (x, y, z, pitch, yaw, roll in the CARLA world frame, every 0.05 s from
`start_s`); `along_m` [T] (how far along the route the rear axle was); `route_arc_length_m` [M]; `route_road_option` [M]
(CARLA's numbers); `observed_ticks` [K] (at which observation k was handed over); `asked` (how many were asked for);
`picture_ticks` [P] and `pictures` [P, camera, h, w, 3] uint8 (what the rig's cameras saw then: all ticks of the second before
each observation, in any size).
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_sim.policy.contract.truth import TICK_S, CourseTruth, Shown
from alpamayo_sim.policy.observation import STEP_S
from alpamayo_sim.policy.rig_formats import plain_rig, rig_from_plain

FILE = "truth.npz"
FORMAT = "alpamayo-contract-truth 1"
Picture = NDArray[np.float32]
SHRUNK = (48, 80)
"""Rows and columns to which pictures are brought before they are compared: whatever their own size."""
LOOK_BACK_TICKS = 20
UNKNOWN = 6.0
"""Mean difference of a channel, of 255, above which a picture is none of those compared with; the same scene at the same tick
from the same camera differs by 0, resampled from another size by 1 to 2, a lens of 95 instead of 120 degrees by 15 and more."""
_CLEARLY = 0.5
"""An alteration explains pictures whose difference it brings below this share."""
_AS_GOOD = 0.15
"""A picture of the tick that it should be of is taken for that one if no other tick is nearer by more than this."""
_PLAINLY = 0.6
"""Pictures nearer than this share of UNKNOWN are those of the rig as they are; nothing else is tried."""
_FOV_STEP_DEG = 2.5
_SAME_ASPECT = 0.03
"""Processors bring pictures to multiples of 32 pixels: 1920 x 1080 becomes 576 x 320."""


def shrunk(pictures: NDArray[np.uint8]) -> Picture:
    """Return pictures [..., h, w, 3] as means over SHRUNK cells [..., 48, 80, 3]; pictures smaller than that are spread."""
    return _means(_means(pictures.astype(np.float32), -3, SHRUNK[0]), -2, SHRUNK[1])


def _means(pictures: Picture, axis: int, cells: int, share: float = 1.0) -> Picture:
    """Return means over so many cells of equal size along an axis, of its middle `share`: a pixel that an edge cuts counts on
    both sides.
    """
    size = pictures.shape[axis]
    edges = np.linspace(0.5 * size * (1.0 - share), 0.5 * size * (1.0 + share), cells + 1)
    low = np.minimum(edges.astype(int), size - 1)
    total = np.concatenate([np.zeros_like(pictures.take([0], axis)), pictures.cumsum(axis, dtype=np.float64)], axis)
    part = (edges - low).reshape([-1 if k == pictures.ndim + axis else 1 for k in range(pictures.ndim)])
    at = total.take(low, axis) * (1.0 - part) + total.take(low + 1, axis) * part
    return (np.diff(at, axis=axis) * (cells / (size * share))).astype(np.float32)


def _alike(found: NDArray[np.uint8], known: Picture, aspect: float) -> tuple[Picture, Picture]:
    """Return frames and shrunk pictures of a camera with another aspect in cells [..., rows, 80, 3] of the part that both show.

    A picture of the same width in degrees that is less high shows less above and below.
    """
    own = found.shape[-2] / found.shape[-3]
    if abs(own / aspect - 1.0) < _SAME_ASPECT:
        return shrunk(found), known
    share_found, share_known = min(1.0, own / aspect), min(1.0, aspect / own)
    rows = max(8, round(SHRUNK[0] * min(share_found, share_known)))
    across = _means(_means(found.astype(np.float32), -3, rows, share_found), -2, SHRUNK[1])
    return across, _means(known, -3, rows, share_known)


class RecordedCourse(CourseTruth):
    """What was true of a drive; grows while it is recorded."""

    vehicle_poses: MutableSequence[Transform]
    observed_ticks: MutableSequence[int]

    def __init__(
        self,
        rig: CameraRig,
        rear_axle_x_m: float,
        route_arc_length_m: NDArray[np.float64],
        route_road_option: NDArray[np.int64],
        *,
        asked: int,
    ) -> None:
        """Begin with a drive of no tick."""
        super().__init__(
            rig,
            0.0,
            rear_axle_x_m,
            [],
            np.zeros(0),
            route_arc_length_m,
            route_road_option,
            observed_ticks=[],
            asked=asked,
        )
        self.pictures: MutableMapping[int, Picture] = {}
        """[camera, 48, 80, 3] by tick, in the rig's order."""

    def add(
        self, time_s: float, vehicle_pose: Transform, along_m: float, pictures: Mapping[str, NDArray[np.uint8]]
    ) -> None:
        """Take in one tick; `pictures` [h, w, 3] RGB by the cameras' names."""
        if not self.vehicle_poses:
            self.start_s = time_s
        self.pictures[len(self.vehicle_poses)] = np.stack([shrunk(pictures[name]) for name in self.rig.names])
        self.vehicle_poses.append(vehicle_pose)
        self.along_m = np.append(self.along_m, along_m)

    def identify(self, frames: NDArray[np.uint8], tick: int) -> Shown:
        """Compare every frame with what each camera saw in the last second."""
        ticks = [n for n in range(tick - LOOK_BACK_TICKS, tick + 1) if n in self.pictures]
        if not ticks:
            raise InputError(
                f"the record has no pictures of the second before tick {tick}, when an observation was handed over"
            )
        known = np.stack([self.pictures[n] for n in ticks], axis=1)
        found, known = _alike(frames, known, self.rig.width_px / self.rig.height_px)
        step = round(STEP_S / TICK_S)
        wanted = [tick - step * back for back in range(frames.shape[1] - 1, -1, -1)]
        best, shown = _nearest(found, known, ticks, wanted)
        altered, is_bgr = "", False
        turned: dict[str, Picture] = {}
        if np.median(best) > _PLAINLY * UNKNOWN:
            turned = {"bgr": found[..., ::-1], "mirrored": found[..., ::-1, :], "upside down": found[..., ::-1, :, :]}
        for name, pictures in turned.items():
            otherwise, cameras = _nearest(pictures, known, ticks, wanted)
            if np.median(otherwise) < _CLEARLY * np.median(best) - 0.1:
                best, shown = otherwise, cameras
                is_bgr, altered = name == "bgr", "" if name == "bgr" else name
        shown.cameras[best > UNKNOWN] = -1
        return Shown(shown.cameras, shown.ticks, is_bgr, altered)

    def seen_through(self, frames: NDArray[np.uint8], camera: int, tick: int) -> float | None:
        """Return the lens's width in degrees with which the newest of frames [frame, h, w, 3] looks like a camera's picture at
        `tick`, None if none does.
        """
        own = self.rig.cameras[camera].fov_deg
        if tick not in self.pictures:
            return None
        newest, full = _alike(frames[-1], self.pictures[tick][camera], self.rig.width_px / self.rig.height_px)
        height, width, _ = full.shape
        nearest, found_fov = UNKNOWN, None
        for fov in np.arange(20.0, 160.0, _FOV_STEP_DEG):
            share = math.tan(math.radians(fov) / 2.0) / math.tan(math.radians(own) / 2.0)
            if not 0.15 < share < 6.0 or abs(share - 1.0) < 0.01:
                continue
            # The wider picture is cut to what the narrower shows, and both are brought to the cells that are left.
            wide, narrow = (full, newest) if share < 1.0 else (newest, full)
            cut = min(share, 1.0 / share)
            rows, columns = max(4, round(height * cut)), max(4, round(width * cut))
            middle = _means(_means(wide, -3, rows, cut), -2, columns, cut)
            away = float(np.abs(_means(_means(narrow, -3, rows), -2, columns) - middle).mean())
            if away < nearest:
                nearest, found_fov = away, float(fov)
        return found_fov

    def save(self, folder: Path) -> None:
        """Write `truth.npz` into a folder: all poses, and the pictures that observations are compared with."""
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {n for tick in self.observed_ticks for n in range(tick - LOOK_BACK_TICKS, tick + 1)}
        ticks = sorted(wanted & self.pictures.keys())
        pictures = [np.clip(np.rint(self.pictures[n]), 0, 255).astype(np.uint8) for n in ticks]
        with (folder / FILE).open("wb") as file:
            np.savez_compressed(
                file,
                format=np.array(FORMAT),
                rig=np.array(json.dumps(plain_rig(self.rig))),
                start_s=np.array(self.start_s),
                rear_axle_x_m=np.array(self.rear_axle_x_m),
                vehicle_poses=np.array(self.vehicle_poses),
                along_m=self.along_m,
                route_arc_length_m=self.route_arc_length_m,
                route_road_option=self.route_road_option,
                observed_ticks=np.array(self.observed_ticks, dtype=np.int64),
                asked=np.array(self.asked),
                picture_ticks=np.array(ticks, dtype=np.int64),
                pictures=np.stack(pictures) if pictures else np.zeros((0, len(self.rig.names), *SHRUNK, 3), np.uint8),
            )

    @classmethod
    def load(cls, folder: Path) -> RecordedCourse:
        """Return the truth in a folder's `truth.npz`; InputError if it is none or damaged."""
        path = folder / FILE
        try:
            with np.load(path, allow_pickle=False) as arrays:
                if str(arrays["format"]) != FORMAT:
                    raise InputError(f"{path}: expected {FORMAT}; found {arrays['format']}")
                course = cls(
                    rig_from_plain(json.loads(str(arrays["rig"]))),
                    float(arrays["rear_axle_x_m"]),
                    np.asarray(arrays["route_arc_length_m"], dtype=np.float64),
                    np.asarray(arrays["route_road_option"], dtype=np.int64),
                    asked=int(arrays["asked"]),
                )
                course.start_s = float(arrays["start_s"])
                course.vehicle_poses.extend(Transform(*map(float, pose)) for pose in arrays["vehicle_poses"])
                course.along_m = np.asarray(arrays["along_m"], dtype=np.float64)
                course.observed_ticks.extend(int(tick) for tick in arrays["observed_ticks"])
                course.pictures.update(
                    (int(tick), shrunk(pictures))
                    for tick, pictures in zip(arrays["picture_ticks"], arrays["pictures"], strict=True)
                )
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise InputError(f"{path} is no truth of a contract check: {error!r}") from error
        ticks = len(course.vehicle_poses)
        if len(course.along_m) != ticks or not all(0 <= tick < ticks for tick in course.observed_ticks):
            raise InputError(
                f"{path}: {ticks} poses want as many places along the route, and observations within them; found "
                f"{len(course.along_m)} places and observations at {list(course.observed_ticks)}"
            )
        return course


def _nearest(
    found: Picture, known: Picture, ticks: Sequence[int], wanted: Sequence[int]
) -> tuple[NDArray[np.float64], Shown]:
    """Return how far frames [C, F, ...] are from the nearest of known pictures [cameras, ticks, ...], and which that is.

    Among ticks that are as near as can be told apart, the `wanted` one [F] is taken.
    """
    away = np.empty(found.shape[:2])
    cameras, at = np.zeros(found.shape[:2], np.int64), np.zeros(found.shape[:2], np.int64)
    for place in np.ndindex(*found.shape[:2]):
        differences = np.abs(known - found[place]).mean(axis=(2, 3, 4))
        camera, nearest = divmod(int(differences.argmin()), len(ticks))
        right = wanted[place[1]]
        if right in ticks and differences[camera, ticks.index(right)] <= differences[camera, nearest] + _AS_GOOD:
            nearest = ticks.index(right)
        away[place] = differences[camera, nearest]
        cameras[place], at[place] = camera, ticks[nearest]
    return away, Shown(cameras, at)
