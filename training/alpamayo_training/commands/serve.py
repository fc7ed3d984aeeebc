"""`alpamayo serve`: the model server, which lets our agents drive in the leaderboard's evaluators and Bench2Drive's."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes

from alpamayo_agents.vla.settings import VlaSettings
from alpamayo_sim.errors import InfrastructureError, InputError

DEFAULT_PORT = 8765
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Arguments:
    """Serve an agent on the loopback interface to evaluators that load agents/alpamayo_leaderboard.py; stop it with Ctrl-C."""

    agent: str = "expert"
    """Who drives: expert, route_follower, constant_velocity, vla (a driving model), or module:Class for an Agent or a
    BatchedPolicy of yours."""
    vla: OmitArgPrefixes[VlaSettings] = field(default_factory=VlaSettings)
    port: int = DEFAULT_PORT
    """Port on 127.0.0.1; 0 takes a free one."""
    max_sessions: int = 16
    """Routes driven at the same time; further evaluators are turned away."""
    max_message_mib: int = 128
    """Largest message in MiB; one tick of eight 1600x900 cameras takes 44."""
    cache: Path = Path("runs/.maps")
    """Folder that remembers what was computed from maps."""
    log: Path | None = None
    """Folder for one file a route with every answer and the agent's reasons."""
    verbose: bool = False
    """Log more."""

    def run(self) -> int:
        """Serve until interrupted."""
        from alpamayo_agents.serving.model_server import HOST, PATH, ModelServer
        from alpamayo_agents.serving.offers import seats_for

        if not 0 <= self.port < 65536:
            raise InputError(f"--port is a port, 0 to 65535; found {self.port}")
        if self.max_sessions < 1 or not 1 <= self.max_message_mib <= 1024:
            raise InputError("--max-sessions is 1 or more, --max-message-mib 1 to 1024")
        logging.basicConfig(
            stream=sys.stderr, level=logging.DEBUG if self.verbose else logging.INFO, format="%(levelname)s %(message)s"
        )
        seats = seats_for(self.agent, self.cache, self.vla)
        server = ModelServer(
            seats,
            port=self.port,
            max_sessions=self.max_sessions,
            max_message_bytes=self.max_message_mib * _MIB,
            log_folder=self.log,
        )

        async def serve() -> None:
            try:
                await server.start()
            except OSError as error:
                raise InfrastructureError(
                    f"the model server cannot listen on port {self.port} ({error}). Choose another --port"
                ) from error
            url = f"ws://{HOST}:{server.port}{PATH}"
            ready = {"event": "ready", "url": url, "port": server.port, "agent": seats.offer.agent, "pid": os.getpid()}
            print(json.dumps(ready), flush=True)
            logging.info("%s at %s; Ctrl-C ends it", seats.offer.agent, url)
            try:
                await asyncio.Event().wait()
            finally:
                await server.stop()

        asyncio.run(serve())
        return 0
