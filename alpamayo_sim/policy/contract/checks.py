"""What is wrong with what reached a model: compared with the truth of the course, and named by the mistake that explains it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import rig_to_world
from alpamayo_sim.policy.action_statistics import PUBLISHED_STATISTICS
from alpamayo_sim.policy.camera_rig import CameraRig, RigCamera
from alpamayo_sim.policy.contract.drive_course import FRAMES, TARGET_AFTER_S, probe_plan
from alpamayo_sim.policy.contract.history_check import check_history
from alpamayo_sim.policy.contract.log import ContractLog, SeenObservation
from alpamayo_sim.policy.contract.mistake import Mistake
from alpamayo_sim.policy.contract.picture_check import check_frames
from alpamayo_sim.policy.contract.truth import TICK_S, CourseTruth
from alpamayo_sim.policy.ego_history import rig_pose
from alpamayo_sim.policy.plan import PLAN_STEP_S
from alpamayo_sim.policy.prompt import FORMATS, chat_prompt
from alpamayo_sim.policy.trajectory_tokens import FUTURE_BINS, history_bins

_POSITION_TOLERANCE_M = 0.3
_YAW_TOLERANCE_RAD = math.radians(6.0)
_FOV_TOLERANCE_DEG = 1.0
_TARGET_TOLERANCE_M = 0.05
_OTHER_CLOCK_S = 2.0
"""A time so far from the simulation's is no old sample but that of another clock."""
_CLOCKS = {
    "seconds from another start, such as the episode's": 1.0,
    "milliseconds": 1e3,
    "microseconds": 1e6,
    "nanoseconds": 1e9,
    "frame numbers": 1.0 / TICK_S,
}
_ALONG_M = 1.0
"""Where exactly along the route the vehicle is may be measured in more than one way."""


@dataclass(frozen=True)
class Finding:
    """A mistake and at which observations of the course it shows (none: in the set-up)."""

    mistake: Mistake
    observations: tuple[int, ...]


def check_log(
    log: ContractLog, course: CourseTruth, statistics: Mapping[str, float] | None = None
) -> tuple[Finding, ...]:
    """Return what is wrong with a log of a course, one finding per kind of mistake; nothing for a correct integration.

    `statistics` are the checkpoint's, by default the published ones.
    """
    found: dict[str, tuple[Mistake, list[int]]] = {}
    for mistake in (
        *check_cameras(log.cameras, course.rig),
        *_check_statistics(log, statistics or asdict(PUBLISHED_STATISTICS)),
    ):
        found.setdefault(mistake.kind, (mistake, []))
    if len(log.observations) != course.asked:
        wrong = Mistake("observations_missing", f"{course.asked} observations", str(len(log.observations)))
        found.setdefault(wrong.kind, (wrong, []))
    times_are_wrong = _check_time_base(log, course)
    if times_are_wrong is not None:
        found.setdefault(times_are_wrong.kind, (times_are_wrong, []))
    for number, (seen, tick) in enumerate(zip(log.observations, course.observed_ticks, strict=False)):
        if times_are_wrong is not None:
            # Said once: what is left to check are intervals.
            late = course.time_s(tick)
            seen = replace(seen, t0_s=late, frame_times_s=_ages(seen, log, course) + late)
        for mistake in _check_observation(log, seen, course, tick):
            found.setdefault(mistake.kind, (mistake, []))[1].append(number)
    return tuple(Finding(mistake, tuple(dict.fromkeys(where))) for mistake, where in found.values())


def _check_time_base(log: ContractLog, course: CourseTruth) -> Mistake | None:
    """What is wrong with all times together: another clock, another origin, another unit."""
    given = np.array([seen.t0_s for seen in log.observations], dtype=np.float64)
    truth = np.array([course.time_s(tick) for tick in course.observed_ticks], dtype=np.float64)[: len(given)]
    off = given - truth
    if len(given) < 2 or len(given) != len(truth) or np.abs(off).min() < _OTHER_CLOCK_S:
        return None
    expected = (
        f"t0 = {', '.join(f'{time:.3f}' for time in truth)} s of the simulation (snapshot.timestamp.elapsed_seconds)"
    )
    found = ", ".join(f"{time:.3f}" for time in given)
    paces = np.diff(given) / np.diff(truth)
    for unit, pace in _CLOCKS.items():
        if np.allclose(paces, pace, rtol=1e-3):
            return Mistake("time_base", expected, f"{found}: {unit}")
    return Mistake("time_base", expected, f"{found}: no steady clock of the simulation, such as the wall clock")


def _ages(seen: SeenObservation, log: ContractLog, course: CourseTruth) -> NDArray[np.float64]:
    """Times of frames after t0, in seconds, of an observation with a clock of its own."""
    given = np.array([one.t0_s for one in log.observations], dtype=np.float64)
    truth = np.array([course.time_s(tick) for tick in course.observed_ticks], dtype=np.float64)
    pace = (given[-1] - given[0]) / (truth[len(given) - 1] - truth[0])
    return (np.asarray(seen.frame_times_s, dtype=np.float64) - seen.t0_s) / (pace or 1.0)


def check_cameras(found: Sequence[RigCamera], rig: CameraRig) -> Iterator[Mistake]:
    """Yield what is wrong with the cameras that an integration mounts, by their names."""
    own = {camera.name: camera for camera in found}
    for wanted in rig.cameras:
        camera = own.get(wanted.name)
        if camera is None:
            yield Mistake("camera_missing", f"a camera {wanted.name}", ", ".join(own) or "none")
            continue
        if abs(camera.fov_deg - wanted.fov_deg) > _FOV_TOLERANCE_DEG:
            yield Mistake(
                "camera_fov", f"{wanted.name}: {wanted.fov_deg:g} degrees wide", f"{camera.fov_deg:g} degrees"
            )
        apart = math.dist(camera.position_rig_m, wanted.position_rig_m)
        turned = abs(math.remainder(camera.yaw_rad - wanted.yaw_rad, 2.0 * math.pi))
        if apart > _POSITION_TOLERANCE_M or turned > _YAW_TOLERANCE_RAD:
            yield Mistake(
                "camera_pose",
                f"{wanted.name} at {list(wanted.position_rig_m)} m of the rig frame (rear axle, y left), "
                f"yaw {math.degrees(wanted.yaw_rad):g} degrees (left positive)",
                f"{list(camera.position_rig_m)} m, yaw {math.degrees(camera.yaw_rad):g} degrees",
            )


def _check_statistics(log: ContractLog, wanted: Mapping[str, float]) -> Iterator[Mistake]:
    for name, value in wanted.items():
        found = log.statistics.get(name)
        if found is None or not math.isclose(found, value, rel_tol=1e-6):
            yield Mistake("action_statistics", f"{name} {value!r}, as the checkpoint has it", repr(found))
            return


def _check_observation(log: ContractLog, seen: SeenObservation, course: CourseTruth, tick: int) -> Iterator[Mistake]:
    wanted_t0 = course.time_s(tick)
    if abs(seen.t0_s - wanted_t0) > 1e-3:
        yield Mistake("t0_wrong", f"t0 = {wanted_t0:.3f} s, when the observation was asked for", f"{seen.t0_s:.3f} s")
    yield from check_frames(seen, course, tick)
    history_mistakes = list(check_history(seen.history_xyz_rig, seen.history_rotation_rig, course, tick))
    yield from history_mistakes
    yield from _check_navigation(seen, [course.navigation(tick, off_m) for off_m in (0.0, -_ALONG_M, _ALONG_M)])
    yield from _check_prompt(log.style, seen, course)
    if seen.history_xyz_rig.shape == (16, 3):
        yield from _check_tokens(seen.history_tokens, FUTURE_BINS + history_bins(seen.history_xyz_rig))
    yield from _check_target(seen.plan_target_world, course, tick)


def _check_navigation(seen: SeenObservation, right: Sequence[str | None]) -> Iterator[Mistake]:
    if seen.navigation in right:
        return
    kind = "navigation_missing" if seen.navigation is None else "navigation_wrong"
    yield Mistake(kind, repr(right[0]), repr(seen.navigation))


def _check_prompt(style: str, seen: SeenObservation, course: CourseTruth) -> Iterator[Mistake]:
    if style not in FORMATS:
        yield Mistake("prompt_style", f"one of {', '.join(FORMATS)}", style)
        return
    wanted = chat_prompt(course.rig.names, FRAMES, navigation=seen.navigation, style=style)
    if seen.prompt == wanted:
        return
    for other in FORMATS:
        if seen.prompt == chat_prompt(course.rig.names, FRAMES, navigation=seen.navigation, style=other):
            yield Mistake("prompt_style", f"the prompt of {style}", f"the prompt of {other}")
            return
    if seen.navigation is not None and seen.prompt == chat_prompt(course.rig.names, FRAMES, style=style):
        yield Mistake(
            "prompt_without_navigation", f"<|route_start|>{seen.navigation}<|route_end|>", "no route in the prompt"
        )
        return
    pairs = zip(wanted, seen.prompt, strict=False)
    at = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(seen.prompt)))
    start = max(at - 20, 0)
    yield Mistake("prompt_text", repr(wanted[start : at + 30]), repr(seen.prompt[start : at + 30]))


def _check_tokens(found: NDArray[np.integer], wanted: NDArray[np.int64]) -> Iterator[Mistake]:
    if found.shape != wanted.shape:
        yield Mistake("token_count", f"{len(wanted)} tokens of past motion", str(list(found.shape)))
        return
    shift = found.astype(np.int64) - wanted
    if (shift == shift[0]).all() and shift[0]:
        first, other = f"<i{wanted[0]}>", f"<i{found[0]}>"
        yield Mistake(
            "token_offset", f"past motion from <i{FUTURE_BINS}> on, {first} first", f"{other}: all off by {shift[0]}"
        )
    elif shift.any():
        yield Mistake("token_bins", f"{wanted[:6].tolist()}, ...", f"{found[:6].tolist()}, ...")


def _check_target(found: NDArray[np.floating], course: CourseTruth, tick: int) -> Iterator[Mistake]:
    plan = probe_plan(course, tick)
    index = round(TARGET_AFTER_S / PLAN_STEP_S) - 1
    wanted = rig_to_world(plan.rig_pose_t0, plan.waypoints_rig[index])

    def near(points: NDArray[np.float64]) -> bool:
        return bool((np.linalg.norm(points - found, axis=-1) < _TARGET_TOLERANCE_M).any())

    if found.shape == (3,) and near(wanted):
        return
    later = course.vehicle_poses[tick + round(TARGET_AFTER_S / (PLAN_STEP_S / 2.0))]
    now = rig_pose(later, course.rear_axle_x_m)
    explanations = {
        "plan_reanchored": rig_to_world(now, plan.waypoints_rig),
        "plan_y_flipped": rig_to_world(plan.rig_pose_t0, plan.waypoints_rig[index] * np.array([1.0, -1.0, 1.0])),
        "plan_wrong_time": rig_to_world(plan.rig_pose_t0, plan.waypoints_rig),
        "plan_axle": rig_to_world(course.vehicle_poses[tick], plan.waypoints_rig[index]),
    }
    kind = next((name for name, points in explanations.items() if near(points)), "plan_target")
    yield Mistake(
        kind,
        f"{np.round(wanted, 2).tolist()}, {TARGET_AFTER_S} s into the plan, from the rig at t0",
        str(np.round(found, 2).tolist()),
    )
