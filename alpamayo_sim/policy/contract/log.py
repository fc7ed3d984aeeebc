"""What reached a driving model while an integration drove the course: `contract.json` and `observations.npz` in one folder.

contract.json: {"format": "alpamayo-contract-log", "version": 1, "style": "alpamayo-1.5", "cameras": [{"name",
"position_rig_m": [x, y, z], "yaw_rad", "fov_deg"}], "statistics": {"accel_mean", ...}, "observations": [{"t0_s",
"camera_names", "navigation", "prompt"}]}. observations.npz: `frames_N`, `frame_times_s_N`, `history_xyz_rig_N`,
`history_rotation_rig_N`, `history_tokens_N`, `plan_target_world_N`, for N = 0, 1, ... as in `SeenObservation`; none is pickled.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import RigCamera

FORMAT, VERSION = "alpamayo-contract-log", 1
_ARRAYS = ("frames", "frame_times_s", "history_xyz_rig", "history_rotation_rig", "history_tokens", "plan_target_world")


@dataclass(frozen=True)
class SeenObservation:
    """What reached the model, right or wrong: nothing of it is checked here."""

    t0_s: float
    camera_names: tuple[str, ...]
    navigation: str | None
    prompt: str
    frames: NDArray[Any]
    """[camera, frame, height, width, 3]."""
    frame_times_s: NDArray[Any]
    """[camera, frame]."""
    history_xyz_rig: NDArray[Any]
    """[16, 3]."""
    history_rotation_rig: NDArray[Any]
    """[16, 3, 3]."""
    history_tokens: NDArray[Any]
    """[48] ids of past motion less the id of `<i0>`."""
    plan_target_world: NDArray[Any]
    """[3] CARLA world point that a plan made at t0 has for TARGET_AFTER_S later, as the tracker sees it at that time. The plan is
    PROBE_PLAN of `checks`."""


@dataclass(frozen=True)
class ContractLog:
    """An integration's cameras, its numbers, and what it handed to the model."""

    style: str
    """Of the prompt: alpamayo-1 or alpamayo-1.5."""
    cameras: tuple[RigCamera, ...]
    statistics: dict[str, float]
    """What it turns normalised actions into m/s^2 and 1/m with."""
    observations: tuple[SeenObservation, ...]

    def save(self, folder: Path) -> None:
        """Write the log into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {f"{name}_{n}": getattr(seen, name) for n, seen in enumerate(self.observations) for name in _ARRAYS}
        with (folder / "observations.npz").open("wb") as file:
            np.savez_compressed(file, **arrays)
        plain = {
            "format": FORMAT,
            "version": VERSION,
            "style": self.style,
            "cameras": [asdict(camera) for camera in self.cameras],
            "statistics": self.statistics,
            "observations": [
                {name: getattr(seen, name) for name in ("t0_s", "camera_names", "navigation", "prompt")}
                for seen in self.observations
            ],
        }
        (folder / "contract.json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> ContractLog:
        """Return the log in a folder; InputError if it is none or damaged."""
        try:
            plain = json.loads((folder / "contract.json").read_text(encoding="utf-8"))
            if (plain["format"], plain["version"]) != (FORMAT, VERSION):
                raise InputError(
                    f"{folder}: expected {FORMAT} version {VERSION}; found {plain['format']} {plain['version']}"
                )
            with np.load(folder / "observations.npz", allow_pickle=False) as arrays:
                seen = tuple(
                    SeenObservation(
                        t0_s=float(entry["t0_s"]),
                        camera_names=tuple(entry["camera_names"]),
                        navigation=entry["navigation"],
                        prompt=str(entry["prompt"]),
                        **{name: arrays[f"{name}_{n}"] for name in _ARRAYS},
                    )
                    for n, entry in enumerate(plain["observations"])
                )
            cameras = tuple(
                RigCamera(str(c["name"]), tuple(c["position_rig_m"]), float(c["yaw_rad"]), float(c["fov_deg"]))
                for c in plain["cameras"]
            )
            return cls(str(plain["style"]), cameras, dict(plain["statistics"]), seen)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{folder} is no log of a contract check, a folder with contract.json and observations.npz: {error!r}"
            ) from error
