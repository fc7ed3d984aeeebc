"""`alpamayo render`: one process that draws the cameras of several embedded servers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Arguments:
    """Draw for servers started with `alpamayo sim --render-service ADDRESS` on this machine; stop it with Ctrl-C.

    `alpamayo sim --worlds N` starts such a process by itself.
    """

    listen: Path
    """ADDRESS: path of the Unix socket to listen on; only this user can connect."""
    samples: int = 0
    """Multisampling: 4 softens edges; 0 for none."""

    def run(self) -> int:
        """Draw until interrupted; return the exit code."""
        from alpamayo_sim.render.service.main import run

        return run(self.listen, samples=self.samples)
