"""Taking pairs: one embedded server and one client a set, many sets side by side."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpamayo_scenarios.weather import preset
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig
from alpamayo_training.learnability.weathers import DRAWN, TEST_PRESETS, draw_weather
from alpamayo_training.pretraining.pair_stage import FRAME_STEP_S, PairStage
from alpamayo_training.pretraining.shards import COMPLETE, About, ShardWriter

PAIRS_A_WEATHER, WEATHERS_A_CAST = 16, 4
PAIRS_A_SHARD = 64
TRAIN_TOWNS = ("Gridvale", "Oldwick")
TEST_TOWNS = ("Rampfield", "Town10HD", "Town02")
"""None of them is ever trained on."""


@dataclass(frozen=True)
class SetSpec:
    """One set to take: `split` "train" draws its weathers, "test" goes through CARLA's presets."""

    folder: Path
    split: str
    town: str
    pairs: int
    seed: int
    maps: tuple[Path, ...] = ()
    until: float | None = None
    """`time.time()` at which the set ends with what it has."""
    render_service: str = ""
    """Address of a process that draws for several servers; the server draws itself without one."""
    pairs_a_shard: int = PAIRS_A_SHARD


def take(spec: SetSpec, rig: CameraRig = ALPAMAYO_RIG) -> int:
    """Take one set from a server of its own and return how many pairs it has. InfrastructureError when the server fails."""
    rng = np.random.default_rng(spec.seed)
    testing = spec.split == "test"
    town = Path(spec.town).stem
    about = About(spec.split, town, TEST_PRESETS if testing else (DRAWN,), spec.seed, rig.name)
    # Clouds and rain move with the world's time, which does not begin before the client does.
    arguments = ["--synchronous"]
    arguments += ["--render-service", spec.render_service] if spec.render_service else []
    taken = 0
    with (
        EmbeddedServer(spec.town, seed=spec.seed, maps_dirs=spec.maps, extra_args=arguments) as server,
        SynchronousWorld(
            connect(server.address, timeout_s=120.0, worker_threads=1), step_s=FRAME_STEP_S / 2.0, timeout_s=120.0
        ) as stepping,
        ShardWriter(spec.folder, about, rig, min(spec.pairs, spec.pairs_a_shard)) as writer,
    ):
        stage = PairStage(stepping, rig, spec.seed)
        try:
            weather = 0
            while taken < spec.pairs and not (spec.until is not None and time.time() > spec.until):
                if taken % PAIRS_A_WEATHER == 0:
                    block = taken // PAIRS_A_WEATHER
                    if block % WEATHERS_A_CAST == 0:
                        stage.recast()
                    weather = block % len(TEST_PRESETS) if testing else 0
                    stage.set_weather(preset(TEST_PRESETS[weather]) if testing else draw_weather(rng))
                writer.add(stage.shoot_pair(), weather, stage.condition)
                taken += 1
        finally:
            stage.close()
    return taken


class Taking:
    """Sets being taken in `jobs` processes at a time; a context manager that ends them all."""

    def __init__(self, specs: Sequence[SetSpec], jobs: int) -> None:
        self._waiting, self._jobs = list(specs), jobs
        self._running: list[tuple[SetSpec, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Taking:
        self.poll()
        return self

    def poll(self) -> bool:
        """Start what can be started and return whether anything is still to come; InfrastructureError names a set that failed."""
        for entry in list(self._running):
            taken, process = entry
            if process.poll() is None:
                continue
            self._running.remove(entry)
            if process.returncode:
                raise InfrastructureError(f"taking the set {taken.folder.name} failed with code {process.returncode}")
        while self._waiting and len(self._running) < self._jobs:
            following = self._waiting.pop(0)
            if following.until is not None and time.time() > following.until:
                continue
            self._running.append((following, subprocess.Popen(_command(following), env=_one_thread())))
        return bool(self._running)

    def wait(self, tell: Callable[[], None], *, split: str | None = None, every_s: float = 1.0) -> None:
        """Wait until all sets are taken, or all of a split, and call `tell` now and then."""
        while self.poll() and (split is None or self._has(split)):
            tell()
            time.sleep(every_s)

    def _has(self, split: str) -> bool:
        return any(spec.split == split for spec in (*self._waiting, *(spec for spec, _ in self._running)))

    def __exit__(self, *error: object) -> None:
        for _, process in self._running:
            process.terminate()
        for _, process in self._running:
            process.wait()


def _one_thread() -> dict[str, str]:
    """Return this process's environment with one thread for each of numpy's libraries: there is a process a core."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def _command(spec: SetSpec) -> list[str]:
    command = [sys.executable, "-m", "alpamayo_training.pretraining", "--folder", str(spec.folder)]
    command += ["--split", spec.split, "--town", spec.town, "--pairs", str(spec.pairs), "--seed", str(spec.seed)]
    command += ["--until", repr(spec.until)] if spec.until is not None else []
    command += ["--render-service", spec.render_service] if spec.render_service else []
    command += ["--pairs-a-shard", str(spec.pairs_a_shard)]
    return command + (["--maps", *(str(path) for path in spec.maps)] if spec.maps else [])


def plan_sets(
    folder: Path, *, train_pairs: int, test_pairs: int, practice_maps: Sequence[Path], maps: tuple[Path, ...], seed: int,
    until: float | None, sets_a_town: int = 1, services: Sequence[str] = (), pairs_a_shard: int = PAIRS_A_SHARD,
) -> list[SetSpec]:  # fmt: skip
    """Return the sets to take, test sets first: towns in turn, each set with a seed of its own; without those taken already."""
    train = [*TRAIN_TOWNS, *(str(path) for path in practice_maps)] * sets_a_town
    specs: list[SetSpec] = []
    for split, towns, pairs, first_seed, ends in (
        ("test", list(TEST_TOWNS), test_pairs, 5_000, None), ("train", train, train_pairs, 10_000 + 1_000 * seed, until),
    ):  # fmt: skip
        shares = np.diff(np.linspace(0, pairs, len(towns) + 1).astype(int))
        for k, town in enumerate(towns):
            own_seed = first_seed + k
            place = folder / split / f"{k:03d}-{Path(town).stem}-{own_seed}"
            service = services[len(specs) % len(services)] if services else ""
            if shares[k]:
                specs.append(
                    SetSpec(place, split, town, int(shares[k]), own_seed, maps, ends, service, pairs_a_shard)
                )  # fmt: skip
    return [spec for spec in specs if not (spec.folder / COMPLETE).exists()]
