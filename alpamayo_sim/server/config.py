"""What a server is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Settings of one server process."""

    town: str
    """Name of a town, or path of an OpenDRIVE file (`FILE.xodr`)."""
    port: int = 2000
    """RPC port; streams use the next one. 0 takes any free pair."""
    host: str = "127.0.0.1"
    """Address to listen on. There is no authentication: leave the loopback interface only on a trusted network."""
    max_rate: float | None = None
    """Cap in ticks per second. None: synchronous mode is as fast as the client, asynchronous mode runs in real time."""
    seed: int = 0
    """Seed of the world: the same seed and commands give bit-identical states."""
    maps: tuple[Path, ...] = ()
    """Folders with further OpenDRIVE files."""
    cache_dir: Path | None = None
    """Where maps keep what they computed; None for no cache."""
    verbose: bool = False
    """Log every call."""
