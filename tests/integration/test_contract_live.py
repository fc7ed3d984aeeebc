"""The contract check on a server's own cameras: the VLA agent passes, each mistake that is put in is found by its name.

One drive serves all mistakes: an integration mounts the right cameras and some wrong ones, and at every moment puts together what
each mistaken integration would have handed over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import carla
import numpy as np
import pytest
from numpy.typing import NDArray

from alpamayo_agents.base import EpisodeContext
from alpamayo_agents.contract_drive.drive import ASKED_AT, drive_live
from alpamayo_agents.contract_drive.integration import VlaIntegration
from alpamayo_agents.ego import EgoModel, transform_of
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.sensor_rig import SensorRig, SensorSpec
from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, SENSOR_BLUEPRINT, RigCamera
from alpamayo_sim.policy.contract.checks import check_log
from alpamayo_sim.policy.contract.log import ContractLog, SeenObservation
from alpamayo_sim.policy.contract.recorded_course import SHRUNK, RecordedCourse, shrunk
from alpamayo_sim.policy.ego_history import ego_history, rig_pose
from alpamayo_sim.policy.prompt import chat_prompt
from alpamayo_sim.policy.trajectory_tokens import FUTURE_BINS, history_bins
from alpamayo_sim.roads.road_map import load_road_map

TOWN = "Oldwick"
STEP_S = 0.05
FRONT = 1
"""Place of the front wide camera in the rig."""
RIG = replace(ALPAMAYO_RIG, width_px=160, height_px=96)
WIDE = RIG.cameras[FRONT]
WRONG_MOUNTS: Mapping[str, RigCamera] = {
    "lens of 95 degrees": replace(WIDE, fov_deg=95.0),
    "from the vehicle's origin": replace(WIDE, position_rig_m=(WIDE.position_rig_m[0] + 1.389, -0.01, 1.436)),
    "cross camera at 90 degrees": replace(RIG.cameras[0], yaw_rad=math.radians(90.0)),
}


@dataclass
class Past:
    """What a mistaken integration could have kept: every tick's pictures and poses."""

    axle_x_m: float
    poses: list[Transform] = field(default_factory=list)
    pictures: dict[str, list[NDArray[np.uint8]]] = field(default_factory=dict)

    def frames(self, step: int, late: int = 0, replaced: Mapping[int, str] | None = None) -> NDArray[np.uint8]:
        """The rig's last four frames, so many ticks apart, the newest so many ticks old."""
        names = [(replaced or {}).get(k, name) for k, name in enumerate(RIG.names)]
        return np.stack([np.stack(self.pictures[name][-1 - late :: -step][:4][::-1]) for name in names])

    def history(self, step: int, axle_x_m: float | None = None, late: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Positions and rotations of 16 poses so many ticks apart, the newest so many ticks old."""
        return ego_history(self.poses[::-1][late::step][:16][::-1], self.axle_x_m if axle_x_m is None else axle_x_m)

    def rear_axle_in_world(self) -> np.ndarray:
        """Positions of 16 poses in the CARLA world frame."""
        return np.array([rig_pose(pose, self.axle_x_m)[:3] for pose in self.poses[::-1][::2][:16][::-1]])


Spoil = Callable[[SeenObservation, Past], SeenObservation]
FLIP = np.diag([1.0, -1.0, 1.0])


def _with_history(seen: SeenObservation, positions: np.ndarray, rotations: np.ndarray | None = None) -> SeenObservation:
    tokens = FUTURE_BINS + history_bins(positions)
    kept = seen.history_rotation_rig if rotations is None else rotations
    return replace(seen, history_xyz_rig=positions, history_rotation_rig=kept, history_tokens=tokens)


def _times(seen: SeenObservation, step: int, late: int = 0) -> NDArray[np.float64]:
    return np.tile(seen.t0_s - STEP_S * (late + step * np.arange(3, -1, -1)), (4, 1))


def _told(seen: SeenObservation, words: str) -> SeenObservation:
    return replace(seen, navigation=words, prompt=chat_prompt(seen.camera_names, 4, navigation=words))


def _prompt(seen: SeenObservation, style: str) -> str:
    return chat_prompt(seen.camera_names, 4, navigation=seen.navigation, style=style)


MISTAKES: dict[str, Spoil] = {
    "camera_swapped": lambda seen, _: replace(seen, frames=seen.frames[[2, 1, 0, 3]]),
    "camera_order": lambda seen, _: replace(
        seen, frames=seen.frames[[1, 0, 2, 3]], camera_names=tuple(RIG.names[k] for k in (1, 0, 2, 3))
    ),
    "frames_newest_first": lambda seen, _: replace(
        seen, frames=seen.frames[:, ::-1], frame_times_s=seen.frame_times_s[:, ::-1]
    ),
    "frames_spacing": lambda seen, past: replace(seen, frames=past.frames(1), frame_times_s=_times(seen, 1)),
    "frames_stale": lambda seen, past: replace(seen, frames=past.frames(2, late=2), frame_times_s=_times(seen, 2, 2)),
    "colour_order": lambda seen, _: replace(seen, frames=seen.frames[..., ::-1]),
    "frames_altered": lambda seen, _: replace(seen, frames=seen.frames[:, :, :, ::-1]),
    "camera_fov": lambda seen, past: replace(seen, frames=past.frames(2, replaced={FRONT: "lens of 95 degrees"})),
    "picture_unknown": lambda seen, past: replace(
        seen, frames=past.frames(2, replaced={0: "cross camera at 90 degrees"})
    ),
    "frames_shape": lambda seen, _: replace(seen, frames=seen.frames[:, -1]),
    "frames_not_uint8": lambda seen, _: replace(seen, frames=(seen.frames / 255.0).astype(np.float32)),
    "frame_times": lambda seen, _: replace(seen, frame_times_s=seen.frame_times_s - 0.05),
    "time_base": lambda seen, past: replace(seen, t0_s=seen.t0_s - 400.0, frame_times_s=seen.frame_times_s - 400.0),
    "history_stale": lambda seen, past: _with_history(seen, *past.history(2, late=2)),
    "history_newest_first": lambda seen, _: _with_history(
        seen, np.ascontiguousarray(seen.history_xyz_rig[::-1]), np.ascontiguousarray(seen.history_rotation_rig[::-1])
    ),
    "history_in_world": lambda seen, past: _with_history(seen, past.rear_axle_in_world()),
    "navigation_wrong": lambda seen, _: _told(seen, "Turn around in 20m"),
    "history_y_flipped": lambda seen, _: _with_history(seen, seen.history_xyz_rig @ FLIP),
    "rotation_yaw_sign": lambda seen, _: replace(
        seen, history_rotation_rig=np.ascontiguousarray(seen.history_rotation_rig.transpose(0, 2, 1))
    ),
    "history_spacing": lambda seen, past: _with_history(seen, *past.history(1)),
    "history_axle": lambda seen, past: _with_history(seen, *past.history(2, axle_x_m=0.0)),
    "prompt_style": lambda seen, _: replace(seen, prompt=_prompt(seen, "alpamayo-1")),
    "navigation_missing": lambda seen, _: replace(
        seen, navigation=None, prompt=chat_prompt(seen.camera_names, 4, style="alpamayo-1.5")
    ),
    "t0_wrong": lambda seen, _: replace(seen, t0_s=seen.t0_s + 0.3),
    "token_offset": lambda seen, _: replace(seen, history_tokens=seen.history_tokens - FUTURE_BINS),
    "plan_target": lambda seen, _: seen,
}
"""By the name that the check has for it. The last one is spoilt where the target is known."""


class Everything(VlaIntegration):
    """The VLA agent, and beside it every mistaken integration."""

    def setup(self, context: EpisodeContext) -> None:
        super().setup(context)
        axle = EgoModel.read(context.ego).rear_axle_x_m
        self._ego_id = context.ego.id
        self.past = Past(axle)
        cameras = {camera.name: camera for camera in RIG.cameras} | dict(WRONG_MOUNTS)
        specs = [
            SensorSpec(name, SENSOR_BLUEPRINT, camera.mount(axle), RIG.sensor_attributes(camera))
            for name, camera in cameras.items()
        ]
        self._wrong = SensorRig(context.world, context.ego, specs, step_s=STEP_S)
        self.spoilt: dict[str, list[SeenObservation]] = {name: [] for name in MISTAKES}

    def see(self, snapshot: carla.WorldSnapshot) -> None:
        super().see(snapshot)
        ego = snapshot.find(self._ego_id)
        assert ego is not None
        self.past.poses.append(transform_of(ego.get_transform()))
        for name, image in self._wrong.collect(snapshot).items():
            bgra = np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)
            self.past.pictures.setdefault(name, []).append(bgra[:, :, 2::-1].copy())

    def observe(self) -> SeenObservation | None:
        seen = super().observe()
        if seen is not None:
            for name, spoil in MISTAKES.items():
                self.spoilt[name].append(spoil(seen, self.past))
        return seen

    def destroy(self) -> None:
        super().destroy()
        self._wrong.destroy()


@dataclass(frozen=True)
class Drive:
    """One drive, its truth, and all that was handed over."""

    log: ContractLog
    truth: RecordedCourse
    integration: Everything

    def mistakes(self, log: ContractLog) -> set[str]:
        """Names of what the check finds in a log of this drive."""
        return {found.mistake.kind for found in check_log(log, self.truth)}


@pytest.fixture(scope="module")
def drive() -> Drive:
    integration = Everything()
    with EmbeddedServer(TOWN, seed=3, extra_args=("--synchronous",)) as server:
        client = connect(server.address, timeout_s=120.0)
        log, truth = drive_live(client, load_road_map(TOWN), integration, RIG, seed=2)
    return Drive(log, truth, integration)


def test_the_vla_agent_hands_over_what_the_model_was_trained_on(drive: Drive) -> None:
    # Its pictures are 320 wide and those of the check 160: the same scene, resampled.
    assert drive.log.observations[0].frames.shape == (4, 4, 192, 320, 3)
    assert drive.mistakes(drive.log) == set()
    assert len(drive.log.observations) == len(ASKED_AT)
    words = {seen.navigation for seen in drive.log.observations}
    assert any(word is not None and word.startswith("Turn") for word in words)


@pytest.mark.parametrize("kind", sorted(MISTAKES))
def test_each_mistake_is_found_by_its_name(drive: Drive, kind: str) -> None:
    observations = [
        replace(spoilt, plan_target_world=seen.plan_target_world + (3.0 if kind == "plan_target" else 0.0))
        for spoilt, seen in zip(drive.integration.spoilt[kind], drive.log.observations, strict=True)
    ]
    assert drive.mistakes(replace(drive.log, observations=tuple(observations))) == {kind}


@pytest.mark.parametrize(
    ("mount", "kind"),
    [
        ("lens of 95 degrees", "camera_fov"),
        ("from the vehicle's origin", "camera_pose"),
        ("cross camera at 90 degrees", "camera_pose"),
    ],
)
def test_a_camera_mounted_otherwise_is_found_by_its_pose(drive: Drive, mount: str, kind: str) -> None:
    wrong = WRONG_MOUNTS[mount]
    cameras = tuple(wrong if camera.name == wrong.name else camera for camera in drive.log.cameras)
    assert drive.mistakes(replace(drive.log, cameras=cameras)) == {kind}


def test_cameras_are_read_off_the_world_as_they_are_mounted(drive: Drive) -> None:
    for found, wanted in zip(drive.log.cameras, RIG.cameras, strict=True):
        assert found.name == wanted.name and found.fov_deg == wanted.fov_deg
        assert np.allclose(found.position_rig_m, wanted.position_rig_m, atol=1e-3)
        assert math.isclose(found.yaw_rad, wanted.yaw_rad, abs_tol=1e-4)


def test_a_kept_log_is_checked_without_a_server(
    drive: Drive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from alpamayo_training.cli import main

    drive.truth.save(tmp_path)
    drive.log.save(tmp_path)
    assert main(["contract", "check", str(tmp_path)]) == 0
    assert f"no mistakes in {len(ASKED_AT)} observations" in capsys.readouterr().out
    spoilt = replace(drive.log, observations=tuple(drive.integration.spoilt["history_axle"]))
    spoilt.save(tmp_path)
    assert main(["contract", "check", str(tmp_path), "--json"]) == 1
    mistakes = json.loads(capsys.readouterr().out.splitlines()[-1])["mistakes"]
    # The integration's answer to a plan came after what is kept of the spoilt ones.
    assert {one["kind"] for one in mistakes} == {"history_axle", "plan_target"}
    assert "rig_pose" in mistakes[0]["remedy"]


@pytest.mark.full
@pytest.mark.parametrize(
    ("town", "weather", "seed"),
    [("Gridvale", "HardRainSunset", 1), ("Longmoor", "ClearNight", 2), ("Rampfield", "SoftRainNoon", 3)],
)
def test_no_false_alarm_in_other_towns_and_weathers(town: str, weather: str, seed: int, tmp_path: Path) -> None:
    from alpamayo_training.cli import main

    arguments = ["--town", town, "--weather", weather, "--seed", str(seed), "--out", str(tmp_path)]
    assert main(["contract", "check", "vla", *arguments]) == 0
    assert main(["contract", "check", str(tmp_path)]) == 0


def test_pictures_are_brought_to_one_size() -> None:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (2, *SHRUNK, 3), dtype=np.uint8)
    assert np.allclose(shrunk(coarse), coarse, atol=1e-3)
    fine = coarse.repeat(3, axis=1).repeat(2, axis=2)
    assert np.allclose(shrunk(fine), coarse, atol=1e-3)
    assert shrunk(random.integers(0, 256, (30, 41, 3), dtype=np.uint8)).shape == (*SHRUNK, 3)
    assert np.isclose(shrunk(fine).mean(), fine.mean(), atol=1e-2)


def test_a_class_without_the_parts_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    from alpamayo_training.cli import main

    assert main(["contract", "check", "alpamayo_agents.vla.agent:VlaAgent"]) == 2
    assert "lacks see, observe, target" in capsys.readouterr().err
