"""The `alpamayo` program: parses, hands over to a subcommand, and turns errors into exit codes.

Exit codes: 0 done, 1 the work failed, 2 bad arguments or input, 3 infrastructure, 130 interrupted.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Protocol, cast

import tyro

from alpamayo_sim.errors import InfrastructureError, InputError

COMMANDS = {
    "doctor": "what works on this machine, and what to install for the rest",
    "sim": "start the embedded CARLA server, or check how any CARLA server behaves",
    "render": "draw the cameras of several servers in one process",
    "drive": "drive one route with an agent in traffic, with video and report",
    "bench": "drive a suite of routes with an agent and score it",
    "latency": "drive a suite with a model under several latencies and draw the score against them",
    "serve": "let an agent of ours drive in the leaderboard's evaluators and Bench2Drive's",
    "view": "show the world of a running CARLA server in a browser",
    "score": "score result files of the leaderboard, Bench2Drive or ours under any profile",
    "report": "write the HTML report of a run folder again",
    "contract": "find mistakes in what an integration hands to a driving model",
    "collect": "drive a suite and record what was seen, known and meant, as a dataset to learn from",
    "dataset": "look at a dataset of driving, check it, or make one of drives that others have recorded",
    "evaluate": "compare a model with recorded drives in open loop, with and without pictures and reasoning",
    "sft": "train a model to reason and to plan as recorded drivers did",
    "pretrain": "let a model without pretrained weights learn to see, from what the simulator knows of every patch",
    "label": "label a dataset with decisions, causes and reasoning, and verify them",
    "export": "write a model as graphs for a runtime without torch, and check that they answer as it does",
}


class _Command(Protocol):
    def run(self) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit code; the entry point of the `alpamayo` script."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(f"alpamayo-sim {version('alpamayo-sim')}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        print(f"error: unknown command {name!r}; expected one of {', '.join(COMMANDS)}\n\n{_usage()}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    module = importlib.import_module(f"alpamayo_training.commands.{name}")
    try:
        command = cast(
            _Command, tyro.cli(module.Arguments, prog=f"alpamayo {name}", args=rest, description=COMMANDS[name])
        )
        return command.run()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except InfrastructureError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Treat SIGTERM as Ctrl-C, so that a world is left as it was found."""
    raise KeyboardInterrupt


def _usage() -> str:
    lines = ["usage: alpamayo COMMAND [options]", ""]
    lines += [f"  {name:<8} {text}" for name, text in COMMANDS.items()]
    return "\n".join([*lines, "", "`alpamayo COMMAND --help` lists the options of a command."])


if __name__ == "__main__":
    sys.exit(main())
