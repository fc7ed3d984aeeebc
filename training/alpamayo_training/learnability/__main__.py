"""`python -m alpamayo_training.learnability COMMAND`: take samples, train the probe, test it, or all in a row."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_training.learnability import dataset
from alpamayo_training.learnability.data import SetSpec, take, take_all

TRAIN_TOWNS = ("Gridvale", "Oldwick")
TEST_TOWNS = ("Rampfield", "Town10HD", "Town02")
"""None of them is ever trained on."""
WEIGHTS, RESULTS = "probe.safetensors", "results.json"
STORED_WEIGHTS = Path(__file__).parent / "data" / WEIGHTS
"""What docs/learnability.md reports of."""


@dataclass(frozen=True)
class Take:
    """Take one set of samples from an embedded server."""

    folder: Path
    split: str
    town: str
    samples: int
    seed: int
    maps: tuple[Path, ...] = ()
    deadline_s: float | None = None
    """Seconds after which the set ends with what it has."""

    def run(self) -> int:
        """Take it and return the exit code."""
        take(SetSpec(self.folder, self.split, self.town, self.samples, self.seed, self.maps, self.deadline_s))
        return 0


@dataclass(frozen=True)
class Towns:
    """Write practice towns, for `data --practice-maps` on a machine without the generator's library (the extra `towns`)."""

    folder: Path
    count: int = 12
    seed: int = 0

    def run(self) -> int:
        """Write them and return the exit code."""
        from alpamayo_training.learnability.practice_towns import write_towns

        write_towns(self.folder, self.count, self.seed)
        return 0


@dataclass(frozen=True)
class Data:
    """Take the training and the test sets, several servers side by side."""

    folder: Path = Path("runs/learnability")
    train_samples: int = 63000
    test_samples: int = 9000
    practice_towns: int = 12
    """Random towns to train on besides Gridvale and Oldwick."""
    practice_maps: Path | None = None
    """Folder of practice towns that `towns` wrote before, to be taken instead of writing new ones."""
    jobs: int = 2
    """Servers at a time."""
    maps: tuple[Path, ...] = ()
    """Folders with the OpenDRIVE files of Town10HD and Town02."""
    deadline_s: float | None = None
    """Seconds after which a set ends with what it has."""
    seed: int = 0

    def run(self) -> int:
        """Take them and return the exit code."""
        folder = self.practice_maps or self.folder / "towns"
        if self.practice_maps is None:
            Towns(folder, self.practice_towns, self.seed).run()
        practice = sorted(folder.glob("*.xodr"))[: self.practice_towns]
        towns = [*TRAIN_TOWNS, *(str(path) for path in practice)]
        specs = self._specs("train", towns, self.train_samples, 100) + self._specs(
            "test", [town for town in TEST_TOWNS for _ in range(2)], self.test_samples, 500
        )
        seconds = take_all(specs, self.jobs)
        total = sum(spec.samples for spec in specs)
        print(f"{len(specs)} sets of {total} samples at most in {seconds:.0f} s")
        return 0

    def _specs(self, split: str, towns: list[str], samples: int, first_seed: int) -> list[SetSpec]:
        shares = np.diff(np.linspace(0, samples, len(towns) + 1).astype(int))
        return [
            SetSpec(
                self.folder / "sets" / f"{split}{k:02d}-{Path(town).stem}", split, town, int(shares[k]),
                self.seed + first_seed + k, self.maps, self.deadline_s,
            )
            for k, town in enumerate(towns)
        ]  # fmt: skip


@dataclass(frozen=True)
class Train:
    """Train the probe on the training sets of a folder."""

    folder: Path = Path("runs/learnability")
    passes: int = 12
    deadline_s: float | None = None
    """Ends the training after so many seconds, with its learning rate brought down in time."""
    seed: int = 0

    def run(self) -> int:
        """Train, write the weights and return the exit code."""
        _check_torch()
        from alpamayo_training.learnability.training import TrainingPlan, load, train
        from alpamayo_training.learnability.weights import best_device, save

        device = best_device()
        data = load(dataset.read_split(self.folder / "sets", "train"), device)
        plan = TrainingPlan(passes=self.passes, deadline_s=self.deadline_s, seed=self.seed)
        print(f"{len(data.pictures)} samples on {device}", flush=True)
        save(train(data, plan), self.folder / WEIGHTS)
        return 0


@dataclass(frozen=True)
class Test:
    """Test trained weights on the test sets of a folder; exit code 1 if something does not reach its bound.

    The weights that the package brings are in `STORED_WEIGHTS`.
    """

    folder: Path = Path("runs/learnability")
    weights: Path | None = None
    """Without it the weights that `train` wrote to the folder, or the stored ones if it wrote none."""
    pictures: int = 6
    """Samples a town to draw with the probe's answers beside the truth."""

    def run(self) -> int:
        """Test, write results and pictures, and return the exit code."""
        _check_torch()
        from alpamayo_training.learnability.testing import test

        own = self.folder / WEIGHTS
        rows, missed = test(
            dataset.read_split(self.folder / "sets", "test"), self.weights or (own if own.exists() else STORED_WEIGHTS),
            self.folder / "images", self.pictures,
        )  # fmt: skip
        (self.folder / RESULTS).write_text(json.dumps({"figures": rows, "missed": missed}, indent=1))
        from alpamayo_training.learnability.evaluation import table

        print(table(rows))
        print("\n".join(f"missed: {text}" for text in missed) or "no figure of enough samples misses its bound")
        return 1 if missed else 0


@dataclass(frozen=True)
class All:
    """Take the data, train and test."""

    data: Data
    passes: int = 12
    train_s: float | None = None
    """At most so many seconds of training."""

    def run(self) -> int:
        """Do it all and return the exit code of the test."""
        self.data.run()
        Train(self.data.folder, self.passes, self.train_s, self.data.seed).run()
        print(json.dumps({"settings": {**asdict(self.data), "passes": self.passes}}, default=str))
        return Test(self.data.folder).run()


def _check_torch() -> None:
    """Raise InputError where PyTorch is not installed."""
    for module in ("torch", "safetensors"):
        if importlib.util.find_spec(module) is None:
            raise InputError(f"the probe needs {module}; install it with `pip install 'alpamayo-sim[train]'`")


Command = (
    Annotated[Take, tyro.conf.subcommand("take")]
    | Annotated[Towns, tyro.conf.subcommand("towns")]
    | Annotated[Data, tyro.conf.subcommand("data")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Test, tyro.conf.subcommand("test")]
    | Annotated[All, tyro.conf.subcommand("all")]
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code: 0 done, 1 a bound is missed, 2 bad input, 3 infrastructure."""
    try:
        return tyro.cli(Command, args=arguments, prog="python -m alpamayo_training.learnability").run()  # pyright: ignore
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except InfrastructureError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
