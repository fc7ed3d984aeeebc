"""Damaged recordings: whatever a file holds, queries and replays end in an answer or in a clear error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recorded_drive import NAME, record_drive

from alpamayo_sim.server.recorder.replayer import ReplayRequest
from alpamayo_sim.server.registry import CallError
from alpamayo_sim.server.simulation import Simulation

BROKEN = "broken.log"


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """Return a recording with some bytes changed, cut out, doubled, or its end missing."""
    damaged = bytearray(data)
    kind = int(random.integers(5))
    if kind == 0:
        del damaged[int(random.integers(len(damaged))) :]
    elif kind == 1:
        at, size = int(random.integers(len(damaged))), int(random.integers(1, 200))
        del damaged[at : at + size]
    elif kind == 2:
        at, size = int(random.integers(len(damaged))), int(random.integers(1, 200))
        damaged[at:at] = damaged[at : at + size]
    else:
        for at in random.integers(len(damaged) if kind == 3 else 600, size=int(random.integers(1, 12))).tolist():
            damaged[at] = (0, 1, 0x7F, 0x80, 0xFF, int(random.integers(256)))[int(random.integers(6))]
    return bytes(damaged)


def ask_everything(simulation: Simulation, *, ticks: int) -> int:
    """Ask and play `BROKEN`; return how many of the calls were refused."""
    recordings, refused = simulation.recordings, 0
    for ask in (
        lambda: recordings.file_info(BROKEN, show_all=True),
        lambda: recordings.file_info(BROKEN, show_all=False),
        lambda: recordings.collisions(BROKEN, "a", "a"),
        lambda: recordings.actors_blocked(BROKEN, 0.0, 1.0),
        lambda: recordings.replay(BROKEN, ReplayRequest(follow_id=1, replay_sensors=True)),
    ):
        try:
            ask()
        except CallError as error:
            assert "damaged near byte" in str(error) or "is not a CARLA recorder file" in str(error), error
            refused += 1
    for _ in range(ticks):
        simulation.tick()
    recordings.stop_replay(keep_actors=False)
    return refused


def fuzz(simulation: Simulation, folder: Path, rounds: int, seed: int) -> tuple[int, int]:
    """Return how many calls were refused, and how many were not."""
    record_drive(simulation, ticks=12)
    data = (folder / NAME).read_bytes()
    random = np.random.default_rng(seed)
    world, refused = simulation.world, 0
    own = set(world.infos)
    for _ in range(rounds):
        (folder / BROKEN).write_bytes(mutated(data, random))
        refused += ask_everything(simulation, ticks=3)
        for actor_id in set(world.infos) - own:
            simulation.destroy(actor_id)
        assert np.isfinite(world.actors.location).all()
        assert (np.diff(world.actors.ids.astype(np.int64)) > 0).all()
    return refused, 5 * rounds - refused


def test_damaged_files_are_answered(simulation: Simulation, tmp_path: Path) -> None:
    refused, answered = fuzz(simulation, tmp_path, 150, seed=1)
    assert refused > 20 and answered > 100
    assert simulation.recordings.file_info(NAME, show_all=True).endswith("\nFrames: 12\nDuration: 0.55 seconds\n")


@pytest.mark.full
def test_many_damaged_files_are_answered(simulation: Simulation, tmp_path: Path) -> None:
    refused, answered = fuzz(simulation, tmp_path, 2000, seed=2)
    assert refused > 300 and answered > 2000
