"""Starting a server from the command line or from another program."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.sensors import precompile, precompile_cameras
from alpamayo_sim.server.config import ServerConfig, check_config
from alpamayo_sim.server.lock_step import DEFAULT_PATIENCE_S
from alpamayo_sim.server.server import Server
from alpamayo_sim.world.precompile import ensure_compiled, is_compiled


def run(config: ServerConfig, when_ready: Callable[[int], None] | None = None) -> int:
    """Serve until SIGTERM or SIGINT and return the exit code: 0, 2 for bad input, 3 for infrastructure trouble.

    Prints one JSON line on stdout once clients can connect, and calls `when_ready` with the RPC port; everything else goes to
    stderr.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.DEBUG if config.verbose else logging.INFO, format="%(levelname)s %(message)s"
    )
    try:
        check_config(config)
        if not is_compiled():
            logging.info("compiling the simulator, once after an installation; this takes about half a minute")
            ensure_compiled()
        precompile.ensure_compiled()
        precompile_cameras.ensure_compiled()
        server = Server(config)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except InfrastructureError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    ready = {
        "event": "ready",
        "port": server.port,
        "stream_port": server.stream_port,
        "town": server.simulation.road_map.name,
        "pid": os.getpid(),
    }
    logging.info(
        "%s at %s:%d, streams at %d; Ctrl-C ends it", ready["town"], config.host, server.port, server.stream_port
    )
    server.loop.call_at(0.0, lambda: print(json.dumps(ready), flush=True))
    if when_ready is not None:
        server.loop.call_at(0.0, lambda: when_ready(server.port))
    server.serve()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m alpamayo_sim.server", description="A headless server that speaks CARLA 0.9.16's protocol."
    )
    parser.add_argument("--town", required=True, help="name of a town, or an OpenDRIVE file")
    parser.add_argument(
        "--port", type=int, default=2000, help="RPC port, streams use the next one; 0 takes a free pair"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (there is no authentication)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the world")
    parser.add_argument(
        "--synchronous", action="store_true", help="begin in synchronous mode: stand still until ticked"
    )
    parser.add_argument("--max-rate", type=float, help="cap in ticks per second")
    parser.add_argument(
        "--lock-step", type=float, nargs="?", const=DEFAULT_PATIENCE_S, metavar="SECONDS",
        help=f"let each tick wait, {DEFAULT_PATIENCE_S:g} s at most, for clients that follow without ticking",
    )  # fmt: skip
    parser.add_argument("--maps", type=Path, action="append", default=[], help="folder with further OpenDRIVE files")
    parser.add_argument("--cache", type=Path, help="folder for what maps keep between runs")
    parser.add_argument("--recordings", type=Path, help="folder of recordings; without it a temporary one")
    parser.add_argument(
        "--render-service", metavar="ADDRESS", help="Unix socket of the render service that draws the cameras"
    )
    parser.add_argument("--verbose", action="store_true", help="log every call")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Parse `argv` and serve; returns the exit code."""
    options = _parser().parse_args(argv)
    return run(
        ServerConfig(
            town=options.town,
            port=options.port,
            host=options.host,
            max_rate=options.max_rate,
            lock_step_s=options.lock_step,
            synchronous=options.synchronous,
            seed=options.seed,
            maps=tuple(options.maps),
            cache_dir=options.cache,
            recordings=options.recordings,
            render_service=options.render_service,
            verbose=options.verbose,
        )
    )
