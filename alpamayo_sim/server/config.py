"""What a server is started with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from alpamayo_sim.errors import InputError

MAX_LOCK_STEP_S = 60.0


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
    lock_step_s: float | None = None
    """In synchronous mode, how long each tick waits at most for clients that follow the world without ticking it."""
    synchronous: bool = False
    """Begin in synchronous mode: the world stands still until a client ticks it, so that no frame depends on when one came."""
    seed: int = 0
    """Seed of the world: the same seed and commands give bit-identical states."""
    maps: tuple[Path, ...] = ()
    """Folders with further OpenDRIVE files."""
    cache_dir: Path | None = None
    """Where maps keep what they computed; None for no cache."""
    recordings: Path | None = None
    """Folder that recordings are written to and read from, and no other; None for a temporary one."""
    render_service: str | None = None
    """Unix socket of the render service that is to draw the cameras; None lets this process draw."""
    verbose: bool = False
    """Log every call."""


def check_config(config: ServerConfig) -> None:
    """Raise InputError for a value that no server can work with; the message names the option."""
    if not 0 <= config.port < 65535:
        raise InputError(f"--port must lie in [0, 65534], since streams use the next one; found {config.port}")
    if config.max_rate is not None and not (math.isfinite(config.max_rate) and config.max_rate > 0.0):
        raise InputError(f"--max-rate must be a positive number of ticks per second; found {config.max_rate}")
    if config.lock_step_s is not None and not 0.0 < config.lock_step_s <= MAX_LOCK_STEP_S:
        raise InputError(f"--lock-step must lie in (0, {MAX_LOCK_STEP_S:g}] seconds; found {config.lock_step_s}")
    if config.seed < 0:
        raise InputError(f"--seed must not be negative; found {config.seed}")
    if config.recordings is not None and config.recordings.exists() and not config.recordings.is_dir():
        raise InputError(f"--recordings takes a folder; {config.recordings} is something else")
    for folder in config.maps:
        if not folder.is_dir():
            raise InputError(f"--maps takes folders with OpenDRIVE files; there is no folder {folder}")
