"""Starting a render service from the command line or from another program."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.render.service.service import Service


def run(listen: Path, *, samples: int = 0) -> int:
    """Draw for worlds until SIGTERM or SIGINT; return the exit code: 0, 3 for infrastructure trouble.

    Prints one JSON line on stdout once worlds can connect; everything else goes to stderr.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        service = Service(listen, samples=samples)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except InfrastructureError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    logging.info("rendering on %s for worlds at %s; Ctrl-C ends it", service.device, listen)
    ready = {"event": "ready", "address": str(listen), "device": service.device, "pid": os.getpid()}
    print(json.dumps(ready), flush=True)
    try:
        service.serve()
    finally:
        service.close()
    logging.info("%d batches drawn", service.batches_drawn)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Parse `argv` and serve; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m alpamayo_sim.render.service",
        description="One OpenGL context for the cameras of several worlds.",
    )
    parser.add_argument("--listen", type=Path, required=True, help="path of the Unix socket that worlds connect to")
    parser.add_argument("--samples", type=int, default=0, help="multisampling; 0 for none")
    options = parser.parse_args(argv)
    return run(options.listen, samples=options.samples)
