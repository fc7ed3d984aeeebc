"""Taking samples: one server and one client a set, many sets side by side."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpamayo_scenarios.weather import preset
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig
from alpamayo_training.learnability import dataset
from alpamayo_training.learnability.stage import Stage
from alpamayo_training.learnability.weathers import DRAWN, TEST_PRESETS, draw_weather

SAMPLES_A_WEATHER = 16
WEATHERS_A_CAST = 4
"""Other vehicles and walkers come after so many weathers."""
_POLL_S = 0.2


@dataclass(frozen=True)
class SetSpec:
    """One set to take: `split` "train" draws its weathers, "test" goes through CARLA's presets."""

    folder: Path
    split: str
    town: str
    samples: int
    seed: int
    maps: tuple[Path, ...] = ()
    deadline_s: float | None = None
    """Seconds after which the set ends with what it has."""


def take(spec: SetSpec, rig: CameraRig = ALPAMAYO_RIG) -> None:
    """Take one set of samples from a server of its own. InfrastructureError when the server fails."""
    rng = np.random.default_rng(spec.seed)
    testing = spec.split == "test"
    about = dataset.About(
        split=spec.split, samples=spec.samples, rig=rig.name, cameras=rig.names, width_px=rig.width_px,
        height_px=rig.height_px, towns=(Path(spec.town).stem,), weathers=TEST_PRESETS if testing else (DRAWN,),
        seed=spec.seed,
    )  # fmt: skip
    pictures, labels = dataset.create(spec.folder, about)
    ends = None if spec.deadline_s is None else time.monotonic() + spec.deadline_s
    taken = 0
    # Clouds and rain move with the world's time, which does not begin before the client does.
    standing = ("--synchronous",)
    with EmbeddedServer(spec.town, seed=spec.seed, maps_dirs=spec.maps, extra_args=standing) as server:
        client = connect(server.address, timeout_s=120.0)
        with SynchronousWorld(client, timeout_s=120.0) as stepping:
            stage = Stage(stepping, rig, spec.seed)
            try:
                weather = 0
                for number in range(spec.samples):
                    if ends is not None and time.monotonic() > ends:
                        break
                    if number % SAMPLES_A_WEATHER == 0:
                        block = number // SAMPLES_A_WEATHER
                        if block % WEATHERS_A_CAST == 0:
                            stage.recast()
                        weather = block % len(TEST_PRESETS) if testing else 0
                        stage.set_weather(preset(TEST_PRESETS[weather]) if testing else draw_weather(rng))
                    sample = stage.shoot()
                    pictures[number] = sample.pictures
                    labels[number] = sample.labels.row(0, weather, stage.condition)
                    taken = number + 1
            finally:
                stage.close()
    del pictures
    dataset.finish(spec.folder, about, labels[:taken])


def take_all(specs: Sequence[SetSpec], jobs: int) -> float:
    """Take sets in `jobs` processes at a time and return the seconds it took; InfrastructureError names the one that failed."""
    began = time.monotonic()
    waiting, running = list(specs), dict[str, subprocess.Popen[bytes]]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                spec = waiting.pop(0)
                running[spec.folder.name] = subprocess.Popen(_command(spec))
            for name, process in list(running.items()):
                if process.poll() is None:
                    continue
                del running[name]
                if process.returncode:
                    raise InfrastructureError(f"taking the samples {name} failed with code {process.returncode}")
                print(
                    f"{name} taken after {time.monotonic() - began:.0f} s, {len(running) + len(waiting)} to go",
                    flush=True,
                )
            time.sleep(_POLL_S)
    finally:
        for process in running.values():
            process.terminate()
    return time.monotonic() - began


def _command(spec: SetSpec) -> list[str]:
    command = [sys.executable, "-m", "alpamayo_training.learnability", "take", "--folder", str(spec.folder)]
    command += ["--split", spec.split, "--town", spec.town, "--samples", str(spec.samples), "--seed", str(spec.seed)]
    command += ["--deadline-s", str(spec.deadline_s)] if spec.deadline_s is not None else []
    return command + (["--maps", *(str(path) for path in spec.maps)] if spec.maps else [])
