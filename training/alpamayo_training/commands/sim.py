"""`alpamayo sim`: the embedded server in the foreground."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import UseAppendAction


@dataclass(frozen=True)
class Arguments:
    """Start the embedded server, which speaks CARLA 0.9.16's wire protocol; stop it with Ctrl-C."""

    town: str = "Gridvale"
    """Name of a town, or a path to an OpenDRIVE file (.xodr)."""
    port: int = 2000
    """RPC port; the streaming port is the next one. 0 takes any free pair."""
    host: str = "127.0.0.1"
    """Address to bind to; anything but the loopback opens the simulator to the network."""
    max_rate: float | None = None
    """Upper limit of ticks per second of wall-clock time; without it synchronous clients go as fast as they can."""
    seed: int = 0
    """Seed of everything random in the world."""
    maps: UseAppendAction[tuple[Path, ...]] = ()
    """Folder with more OpenDRIVE files, one town each; may be given several times."""
    cache: Path = Path("runs/.maps")
    """Folder that remembers what was computed from maps."""
    verbose: bool = False
    """Log every RPC."""

    def run(self) -> int:
        """Serve until interrupted; return the exit code."""
        from alpamayo_sim.server.config import ServerConfig
        from alpamayo_sim.server.main import run

        return run(
            ServerConfig(
                town=self.town,
                port=self.port,
                host=self.host,
                max_rate=self.max_rate,
                seed=self.seed,
                maps=self.maps,
                cache_dir=self.cache,
                verbose=self.verbose,
            )
        )
