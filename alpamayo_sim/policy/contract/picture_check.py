"""Whether the right pictures reached the model: those of its cameras, in their order, 0.1 s apart, as they were taken."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from alpamayo_sim.policy.contract.drive_course import FRAMES
from alpamayo_sim.policy.contract.log import SeenObservation
from alpamayo_sim.policy.contract.mistake import Mistake
from alpamayo_sim.policy.contract.truth import TICK_S, CourseTruth
from alpamayo_sim.policy.observation import STEP_S


def check_frames(seen: SeenObservation, course: CourseTruth, tick: int) -> Iterator[Mistake]:
    """Yield what is wrong with frames, their order, times and colours at a tick of the course."""
    frames, names = seen.frames, seen.camera_names
    if frames.dtype != np.uint8:
        yield Mistake("frames_not_uint8", "uint8", str(frames.dtype))
        return
    if frames.ndim != 5 or frames.shape[:2] != (len(names), FRAMES) or frames.shape[-1] != 3 or 0 in frames.shape:
        yield Mistake("frames_shape", f"[{len(course.rig.names)}, {FRAMES}, height, width, 3]", str(list(frames.shape)))
        return
    shown = course.identify(frames, tick)
    if shown.is_bgr:
        yield Mistake("colour_order", "RGB", "BGR")
    if shown.altered:
        yield Mistake("frames_altered", "pictures as the camera takes them", shown.altered)
    yield from _cameras(seen, course, shown.cameras, tick)
    if (shown.cameras >= 0).all():
        yield from _ticks(seen, course, shown.ticks, tick)


def _cameras(
    seen: SeenObservation, course: CourseTruth, shown: np.ndarray[tuple[int, ...], np.dtype[np.int64]], tick: int
) -> Iterator[Mistake]:
    wanted = course.rig.names
    if seen.camera_names != wanted:
        yield Mistake("camera_order", ", ".join(wanted), ", ".join(seen.camera_names))
    for name, row, frames in zip(seen.camera_names, shown, seen.frames, strict=True):
        known = wanted.index(name) if name in wanted else None
        if (row < 0).any():
            fov_deg = None if known is None else course.seen_through(frames, known, tick)
            if fov_deg is not None:
                own = course.rig.camera(name).fov_deg
                yield Mistake("camera_fov", f"{name}: {own:g} degrees wide", f"pictures of about {fov_deg:g} degrees")
                return
            yield Mistake(
                "picture_unknown",
                f"{name} as it is mounted, with its lens, uncut",
                "what no camera of the rig saw in the last second",
            )
            return
        if (row != known).any():
            other = int(row[0])
            found = wanted[other] if 0 <= other < len(wanted) else "none of the course's"
            yield Mistake("camera_swapped", f"pictures of {name} under its name", f"those of {found}")
            return


def _ticks(
    seen: SeenObservation, course: CourseTruth, shown: np.ndarray[tuple[int, ...], np.dtype[np.int64]], tick: int
) -> Iterator[Mistake]:
    step = round(STEP_S / TICK_S)
    wanted = tick - step * np.arange(FRAMES - 1, -1, -1)
    row = next((row for row in shown if (row != wanted).any()), wanted)
    seconds = [round(float(course.time_s(int(n))), 3) for n in row]
    if (row != wanted).any():
        expected = str([round(course.time_s(int(n)), 3) for n in wanted])
        if (np.diff(row) < 0).all():
            yield Mistake("frames_newest_first", expected, str(seconds))
            row = row[::-1]
        if (np.diff(row) != step).any():
            yield Mistake("frames_spacing", f"{STEP_S} s apart: {expected}", str(seconds))
        if row[-1] != tick:
            yield Mistake(
                "frames_stale",
                f"the newest of t0 = {course.time_s(tick):.3f} s",
                f"{course.time_s(int(row[-1])):.3f} s",
            )
    truth = course.time_s(0) + TICK_S * shown
    if seen.frame_times_s.shape != shown.shape or np.abs(seen.frame_times_s - truth).max() > 1e-2:
        yield Mistake(
            "frame_times", str(np.round(truth[0], 3).tolist()), str(np.round(seen.frame_times_s, 3).tolist()[:1])
        )
