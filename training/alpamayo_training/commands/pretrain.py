"""`alpamayo pretrain`: the vision tower of a model without pretrained weights learns to see from what the simulator knows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction

from alpamayo_sim.errors import InputError, MissingExtraError
from alpamayo_sim.record.run_folder import RunFolder

RUN_NAME = "pretrain"


@dataclass(frozen=True)
class Arguments:
    """Take views of many towns, weathers and times of day with a label for every image patch, train the vision tower on them, and
    report what it sees in towns it has never been to. Heads are thrown away: the weights stay plain Qwen3-VL.
    """

    preset: Annotated[str | None, Positional] = None
    """Model preset (tiny)."""
    views: int = 300_000
    """Pictures to train on; a moment has eight: four cameras, two frames."""
    test_views: int = 24_000
    """Pictures of the towns that are never trained on."""
    jobs: int | None = None
    """Servers at a time; by default one a core."""
    render_services: int = 0
    """Processes that draw for all servers, worth it with a GPU; 0: every server draws for itself."""
    maps: UseAppendAction[tuple[Path, ...]] = ()
    """Folder with Town10HD.xodr and Town02.xodr, the towns of the test besides Rampfield."""
    practice_maps: UseAppendAction[tuple[Path, ...]] = ()
    """Folder of practice towns (.xodr) to train on besides Gridvale and Oldwick; without it twelve are drawn."""
    practice_towns: int = 12
    """Practice towns to draw."""
    take_s: float | None = None
    """Seconds after which no more training views are taken."""
    stream: bool = False
    """Train while views are still being taken, and drop them once they are loaded. What is drawn then depends on the machine's
    speed; without it a run follows from its seed."""
    first_views: int = 16_000
    """With --stream: views to wait for before training begins."""
    resident_views: int = 300_000
    """With --stream: views kept in memory to draw from; new ones replace the oldest."""
    data: Path | None = None
    """Folder of views: taken by an earlier run, or, where there are none yet, to be taken into. By default the run's own."""
    steps: int = 6000
    """Training steps of the whole run."""
    batch: int = 96
    """Moments a step."""
    rate: float = 1.5e-3
    """Highest learning rate."""
    deadline_s: float | None = None
    """Seconds of training by which the learning rate has come down and the run ends, whatever the steps."""
    stop_s: float | None = None
    """Seconds of training after which this call ends at its next checkpoint; go on with --resume."""
    compile: bool = False
    """Compile the network with torch.compile."""
    save_every: int = 500
    """Steps between checkpoints."""
    log_every: int = 50
    """Steps between lines of progress."""
    shard_pairs: int = 64
    """Moments a file of views."""
    resume: tuple[str, ...] | None = None
    """Go on with a run: its folder, or the latest one when no folder is named. Preset, seed and plan are the run's."""
    evaluate: Path | None = None
    """Only report on this run's checkpoint, on the test views of --data or of the run."""
    seed: int = 0
    """Of the weights, the views and the order."""
    out: Path = Path("runs")
    """Folder in which the run folder is made."""
    json: bool = False
    """Print the summary as the last line, one JSON object."""

    def run(self) -> int:
        """Pretrain; return 0, also where the run is to go on in another call or an aim is missed."""
        self._check()
        try:
            from alpamayo_training.pretraining import checkpoints, session
        except ImportError as error:
            raise MissingExtraError("train", str(error.name)) from error
        run = self._run_folder()
        config = run.config
        plan = session.Plan(**config["plan"])
        plan = plan if self.deadline_s is None else replace(plan, deadline_s=self.deadline_s)
        data = session.DataPlan(
            folder=self.data or run.path / "data", is_own=self.data is None, views=self.views, test_views=self.test_views,
            jobs=self.jobs or session.cores(), services=self.render_services, maps=self.maps,
            take_s=self.take_s, stream=self.stream, first_pairs=self.first_views // session.VIEWS_A_PAIR,
            capacity=max(1, self.resident_views // session.VIEWS_A_PAIR), pairs_a_shard=self.shard_pairs,
        )  # fmt: skip
        pace = session.Pace(self.log_every, self.save_every, self.stop_s, self.compile)
        work = session.Session(run, config["preset"], plan, data, pace, config["seed"])
        if self.evaluate is not None:
            checkpoints.read_place(run.path / session.CHECKPOINT)
            found = work.evaluate()
        else:
            found = work.go([] if data.is_given else self._practice(run))
        if found is None:
            print(
                f"stopped at step {work.trainer.course.step} of {plan.steps}; go on: alpamayo pretrain --resume {run.path}"
            )
        else:
            print(f"model: {run.path / session.MODEL}    report: {run.path / session.EVALUATION}")
        if self.json:
            print(json.dumps(run.summary))
        return 0

    def _check(self) -> None:
        named = sum((self.preset is not None, self.resume is not None, self.evaluate is not None))
        if named != 1:
            raise InputError("name a preset to pretrain (tiny), or a run with --resume or --evaluate: one of the three")
        if self.resume is not None and len(self.resume) > 1:
            raise InputError(f"--resume takes one run folder at most; found {len(self.resume)}")
        for name in ("views", "batch", "steps", "log_every", "save_every", "shard_pairs"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name.replace('_', '-')} is at least 1; found {getattr(self, name)}")

    def _run_folder(self) -> RunFolder:
        if self.evaluate is not None:
            return _opened(self.evaluate)
        if self.resume is not None:
            return _opened(Path(self.resume[0])) if self.resume else RunFolder.latest(self.out, RUN_NAME)
        from alpamayo_training.pretraining.session import PRESETS
        from alpamayo_training.pretraining.training import Plan

        if self.preset not in PRESETS:
            raise InputError(f"{self.preset!r} begins from pretrained weights; pretraining is for {', '.join(PRESETS)}")
        plan = Plan(steps=self.steps, batch=self.batch, rate=self.rate, seed=self.seed, deadline_s=self.deadline_s)
        config = {"command": "pretrain", "preset": self.preset, "seed": self.seed, "plan": asdict(plan)}
        asked = {key: value for key, value in asdict(self).items() if key not in config and value is not None}
        return RunFolder.create(self.out, RUN_NAME, {**config, "asked": asked})

    def _practice(self, run: RunFolder) -> list[Path]:
        """Return the practice towns: those given, else drawn ones, written into the run."""
        if self.practice_maps:
            found = sorted(path for folder in self.practice_maps for path in folder.glob("*.xodr"))
            if not found:
                raise InputError(f"--practice-maps: no .xodr file in {', '.join(map(str, self.practice_maps))}")
            return found
        if not self.practice_towns:
            return []
        from alpamayo_training.learnability.practice_towns import write_towns

        return write_towns(run.path / "towns", self.practice_towns, self.seed)


def _opened(path: Path) -> RunFolder:
    run = RunFolder.open(path)
    if run.config.get("command") != "pretrain":
        raise InputError(f"{path} is a run of another command; expected one of `alpamayo pretrain`")
    return run
