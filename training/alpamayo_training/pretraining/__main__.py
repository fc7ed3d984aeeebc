"""`python -m alpamayo_training.pretraining`: one set of pairs, in a process of its own; `alpamayo pretrain` starts many."""

from __future__ import annotations

import os
import sys

import tyro

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_training.pretraining.generation import SetSpec, take

BESIDE_TRAINING = 5
"""Servers and clients give way to the process that trains meanwhile."""


def main(arguments: list[str] | None = None) -> int:
    """Take a set; return 0, 2 for bad input or 3 when a server fails."""
    os.nice(BESIDE_TRAINING)
    try:
        take(tyro.cli(SetSpec, args=arguments, prog="python -m alpamayo_training.pretraining"))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except InfrastructureError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
