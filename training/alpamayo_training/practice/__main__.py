"""`python -m alpamayo_training.practice FOLDER`: write practice towns and a suite of scenarios in them and in our towns.

`alpamayo collect FOLDER/practice.yaml --maps FOLDER` then drives it. The towns need `alpamayo-sim[towns]`.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from alpamayo_scenarios.placement.search import Placement
from alpamayo_sim.errors import InputError
from alpamayo_training.learnability.practice_towns import write_towns
from alpamayo_training.practice.suite import TRAINING_TOWNS, TownTask, search, write_suite


@dataclass(frozen=True)
class Arguments:
    """What to write."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Where towns, routes and suite go."""
    grids: int = 8
    """Practice towns of short blocks."""
    avenues: int = 8
    """Practice towns of long blocks."""
    our_towns: tuple[str, ...] = TRAINING_TOWNS
    """Of the package's towns, which take part."""
    per_type: int = 4
    """Places of each scenario type and town, as far as there are so many."""
    seed: int = 7
    name: str = "practice"
    jobs: int = max(1, (os.cpu_count() or 1))
    """Towns searched at a time."""

    def run(self) -> int:
        """Write everything; InputError for settings without a town."""
        files = write_towns(self.folder, self.grids, self.seed)
        files += write_towns(self.folder, self.avenues, self.seed, long_streets=True)
        towns = [*self.our_towns, *(str(path) for path in files)]
        if not towns:
            raise InputError("there is no town to search: give --grids, --avenues or --our-towns")
        tasks = [TownTask(town, self.seed, self.per_type) for town in towns]
        placements: list[Placement] = []
        for town, found in zip(towns, search(tasks, self.jobs), strict=True):
            placements += found
            print(f"{Path(town).stem}: {len(found)} places of {len({p.type for p in found})} types", file=sys.stderr)
        path = write_suite(self.folder, self.name, placements, self.seed)
        print(f"{path}: {len(placements)} routes of {len({p.type for p in placements})} scenario types")
        return 0


if __name__ == "__main__":
    try:
        sys.exit(tyro.cli(Arguments).run())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
