"""A simulation without clients."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from alpamayo_sim.server.config import ServerConfig
from alpamayo_sim.server.simulation import Simulation
from alpamayo_sim.server.streams import StreamHub


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    """A world whose recordings lie in `tmp_path`."""
    simulation = Simulation(ServerConfig("Gridvale", port=0, recordings=tmp_path), StreamHub(0))
    yield simulation
    simulation.recordings.episode_ends()
    simulation.sensors.close()
