"""The contract check: every mistake that is put into the correct integration is found by its name, alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import rig_to_world
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, RigCamera
from alpamayo_sim.policy.contract.checks import check_log
from alpamayo_sim.policy.contract.course import Course, CourseTick
from alpamayo_sim.policy.contract.drive_course import CorrectIntegration, drive_course
from alpamayo_sim.policy.contract.log import ContractLog, SeenObservation
from alpamayo_sim.policy.contract.mistake import MEANINGS, REMEDIES
from alpamayo_sim.policy.ego_history import ego_history, rig_pose
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.policy.prompt import chat_prompt
from alpamayo_sim.policy.trajectory_tokens import history_bins
from alpamayo_training.cli import main

FLIP = np.diag([1.0, -1.0, 1.0])


class Altered(CorrectIntegration):
    """An integration that spoils its observation."""

    def observe(self) -> SeenObservation:
        seen = self.spoil(super().observe())
        if seen.history_xyz_rig.shape == (16, 3) and not isinstance(self, KeepsTokens):
            seen = replace(seen, history_tokens=3000 + history_bins(seen.history_xyz_rig))
        return seen

    def spoil(self, seen: SeenObservation) -> SeenObservation:
        raise NotImplementedError

    def past(self, step: int, axle_x_m: float | None = None, late: int = 0) -> tuple[np.ndarray, np.ndarray]:
        last = self._last
        assert last is not None
        poses = [pose for _, pose in self._poses._samples][::-step][:16][::-1] if not late else None
        if poses is None:
            poses = [pose for _, pose in self._poses._samples][:-late][::-step][:16][::-1]
        return ego_history(poses, last.rear_axle_x_m if axle_x_m is None else axle_x_m)


class KeepsTokens:
    """Marks mistakes in the tokens themselves."""


def altered(**changes: Any) -> type[Altered]:
    """An integration with fields of its observations made by functions of (integration, observation)."""

    def spoil(self: Altered, seen: SeenObservation) -> SeenObservation:
        return replace(seen, **{name: make(self, seen) for name, make in changes.items()})

    return type("Spoilt", (Altered,), {"spoil": spoil})


def altered_tokens(make: Any) -> type[Altered]:
    def spoil(self: Altered, seen: SeenObservation) -> SeenObservation:
        return replace(seen, history_tokens=make(seen))

    return type("SpoiltTokens", (KeepsTokens, Altered), {"spoil": spoil})


def dated(clock: Any) -> type[Altered]:
    """An integration whose times are those of another clock."""
    return altered(t0_s=lambda self, seen: clock(seen.t0_s), frame_times_s=lambda self, seen: clock(seen.frame_times_s))


def frames_apart(ticks: int, late: int = 0) -> type[Altered]:
    def frames(self: Altered, seen: SeenObservation) -> np.ndarray:
        kept = [[image for _, image in buffer._samples] for buffer in self._frames.values()]
        return np.array([images[len(images) - 1 - late :: -ticks][:4][::-1] for images in kept])

    def times(self: Altered, seen: SeenObservation) -> np.ndarray:
        return np.tile(seen.t0_s - 0.05 * (late + ticks * np.arange(3, -1, -1)), (4, 1))

    return altered(frames=frames, frame_times_s=times)


def cameras(change: Any) -> type[CorrectIntegration]:
    class Mounted(CorrectIntegration):
        def cameras(self) -> Sequence[RigCamera]:
            return [change(camera) for camera in ALPAMAYO_RIG.cameras]

    return Mounted


class OtherStatistics(CorrectIntegration):
    @property
    def statistics(self) -> Mapping[str, float]:
        return {"accel_mean": 0.0, "accel_std": 1.0, "curvature_mean": 0.0, "curvature_std": 1.0}


class Reanchored(CorrectIntegration):
    def target(self, plan: Plan, tick: CourseTick) -> np.ndarray:
        return rig_to_world(rig_pose(tick.vehicle_pose, tick.rear_axle_x_m), plan.waypoints_rig[4])


class TurnsPlansOver(CorrectIntegration):
    def target(self, plan: Plan, tick: CourseTick) -> np.ndarray:
        return rig_to_world(plan.rig_pose_t0, plan.waypoints_rig[4] @ FLIP)


class StartsPlansLate(CorrectIntegration):
    def target(self, plan: Plan, tick: CourseTick) -> np.ndarray:
        return rig_to_world(plan.rig_pose_t0, plan.waypoints_rig[0])


def _swapped(self: Altered, seen: SeenObservation) -> np.ndarray:
    return seen.frames[[2, 1, 0, 3]]


def _world(self: Altered, seen: SeenObservation) -> np.ndarray:
    poses = [pose for _, pose in self._poses._samples][::-2][:16][::-1]
    return np.array([rig_pose(pose, -1.42)[:3] for pose in poses])


def _in_degrees(self: Altered, seen: SeenObservation) -> np.ndarray:
    yaw = np.degrees(np.arctan2(seen.history_rotation_rig[:, 1, 0], seen.history_rotation_rig[:, 0, 0]))
    matrices = np.tile(np.eye(3), (16, 1, 1))
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(yaw)
    matrices[:, 1, 0], matrices[:, 0, 1] = np.sin(yaw), -np.sin(yaw)
    return matrices


def _old_prompt(self: Altered, seen: SeenObservation) -> str:
    return chat_prompt(seen.camera_names, 4, navigation=seen.navigation, style="alpamayo-1")


MISTAKES: list[tuple[type[CorrectIntegration], set[str]]] = [
    (cameras(lambda c: replace(c, fov_deg=95.0) if c.fov_deg == 120.0 else c), {"camera_fov"}),
    (cameras(lambda c: replace(c, yaw_rad=1.5 * c.yaw_rad)), {"camera_pose"}),
    (cameras(lambda c: replace(c, position_rig_m=tuple(FLIP @ c.position_rig_m))), {"camera_pose"}),
    (cameras(lambda c: replace(c, position_rig_m=tuple(np.array(c.position_rig_m) - [1.42, 0, 0]))), {"camera_pose"}),
    (cameras(lambda c: replace(c, name=c.name.removeprefix("camera_"))), {"camera_missing"}),
    (altered(frames=_swapped), {"camera_swapped"}),
    (altered(frames=lambda self, seen: seen.frames[:, ::-1]), {"frames_newest_first", "frame_times"}),
    (frames_apart(1), {"frames_spacing"}),
    (frames_apart(4), {"frames_spacing"}),
    (frames_apart(2, late=4), {"frames_stale"}),
    (altered(frames=lambda self, seen: seen.frames[..., ::-1]), {"colour_order"}),
    (altered(frames=lambda self, seen: seen.frames / 255.0), {"frames_not_uint8"}),
    (altered(frames=lambda self, seen: seen.frames.transpose(0, 1, 4, 2, 3)), {"frames_shape"}),
    (altered(history_xyz_rig=lambda self, seen: seen.history_xyz_rig @ FLIP), {"history_y_flipped"}),
    (
        altered(
            history_xyz_rig=lambda self, seen: self.past(1)[0], history_rotation_rig=lambda self, seen: self.past(1)[1]
        ),
        {"history_spacing"},
    ),
    (altered(history_xyz_rig=lambda self, seen: self.past(2, axle_x_m=0.0)[0]), {"history_axle"}),
    (altered(history_xyz_rig=_world), {"history_in_world"}),
    (altered(history_xyz_rig=lambda self, seen: seen.history_xyz_rig[::-1]), {"history_newest_first"}),
    (altered(history_xyz_rig=lambda self, seen: seen.history_xyz_rig[1:]), {"history_length"}),
    (
        altered(history_rotation_rig=lambda self, seen: seen.history_rotation_rig.transpose(0, 2, 1)),
        {"rotation_yaw_sign"},
    ),
    (altered(history_rotation_rig=_in_degrees), {"rotation_degrees"}),
    (altered(t0_s=lambda self, seen: seen.t0_s - 0.3), {"t0_wrong"}),
    (dated(lambda time_s: time_s - 20.0), {"time_base"}),
    (dated(lambda time_s: 1e3 * time_s), {"time_base"}),
    (dated(lambda time_s: 20.0 * time_s), {"time_base"}),
    (dated(lambda time_s: 1.7e9 + 3.1 * time_s), {"time_base"}),
    (altered(prompt=_old_prompt), {"prompt_style"}),
    (altered(prompt=lambda self, seen: seen.prompt.replace("output the", "Output the")), {"prompt_text"}),
    (altered(prompt=lambda self, seen: chat_prompt(seen.camera_names, 4)), {"prompt_without_navigation"}),
    (
        altered(navigation=lambda self, seen: None, prompt=lambda self, seen: chat_prompt(seen.camera_names, 4)),
        {"navigation_missing"},
    ),
    (altered_tokens(lambda seen: seen.history_tokens - 3000), {"token_offset"}),
    (altered_tokens(lambda seen: seen.history_tokens + 1), {"token_offset"}),
    (altered_tokens(lambda seen: seen.history_tokens[3:]), {"token_count"}),
    (OtherStatistics, {"action_statistics"}),
    (Reanchored, {"plan_reanchored"}),
    (TurnsPlansOver, {"plan_y_flipped"}),
    (StartsPlansLate, {"plan_wrong_time"}),
]


@pytest.mark.parametrize(
    ("kind", "named"), MISTAKES, ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else ""
)
def test_a_mistake_is_found_and_named(kind: type[CorrectIntegration], named: set[str]) -> None:
    course = Course(ALPAMAYO_RIG)
    findings = check_log(drive_course(kind(), course), course)
    assert {finding.mistake.kind for finding in findings} == named
    assert all(
        finding.mistake.meaning and finding.mistake.remedy and finding.mistake.expected != finding.mistake.found
        for finding in findings
    )


def test_the_correct_integration_passes_and_so_does_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = "alpamayo_sim.policy.contract.drive_course:CorrectIntegration"
    assert main(["contract", "check", target, "--out", str(tmp_path)]) == 0
    assert main(["contract", "check", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"ok": True, "mistakes": []}


def test_every_mistake_has_a_meaning_and_a_remedy() -> None:
    assert MEANINGS.keys() == REMEDIES.keys()


def test_the_command_names_mistakes_and_exits_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course = Course(ALPAMAYO_RIG)
    drive_course(Reanchored(), course).save(tmp_path)
    assert main(["contract", "check", str(tmp_path)]) == 1
    assert "plan_reanchored: the plan is laid from where the car is now" in capsys.readouterr().out


def test_a_course_asks_for_both_turns() -> None:
    log = drive_course(CorrectIntegration(), Course(ALPAMAYO_RIG))
    words = {(seen.navigation or "").rsplit(" in ", 1)[0] for seen in log.observations}
    assert {"Turn left", "Turn right"} <= words


@pytest.mark.parametrize("damage", ["{}", "not json"])
def test_a_damaged_log_is_refused(tmp_path: Path, damage: str) -> None:
    drive_course(CorrectIntegration(), Course(ALPAMAYO_RIG)).save(tmp_path)
    (tmp_path / "contract.json").write_text(damage, encoding="utf-8")
    with pytest.raises(InputError, match="is no log of a contract check"):
        ContractLog.load(tmp_path)


def test_what_is_no_integration_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "check", "alpamayo_sim.frames:Transform"]) == 2
    assert "lacks cameras" in capsys.readouterr().err
    assert main(["contract", "check", "nowhere"]) == 2
