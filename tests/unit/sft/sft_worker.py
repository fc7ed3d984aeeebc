"""One process of a training of the miniature, for tests that start several or kill one: `sft_worker.py RUN OPTIONS-AS-JSON`."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from sft_miniature import small_model, small_table

from alpamayo_sim.record.run_folder import RunFolder
from alpamayo_training.openloop.evaluation import EvaluationPlan
from alpamayo_training.sft import session
from alpamayo_training.sft.distribution import joined
from alpamayo_training.sft.models import Beginning
from alpamayo_training.sft.preparation import DataChoice
from alpamayo_training.sft.settings import LoraSettings, Settings
from alpamayo_training.sft.trainer import Intervals


def settings_of(options: dict[str, Any]) -> Settings:
    own = dict(options.get("settings", {}))
    lora = LoraSettings(**own.pop("lora", {}))
    return replace(Settings(steps=4, batch=2, precision="fp32", warm_up=1, flow_draws=2), lora=lora, **own)


def main(run: Path, options: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    session.begin = lambda *_: Beginning(*small_model(), "random weights")  # type: ignore[assignment]
    session.prepared_table = lambda *_: small_table(72)  # type: ignore[assignment]
    intervals = Intervals(log=1, save=options.get("save", 0), keep=0)
    task = session.Task(
        "tiny", "random", DataChoice("synthetic:24"), settings_of(options), intervals,
        EvaluationPlan(samples=options.get("eval_samples", 0), draws=2, max_words=6, tokens=False),
    )  # fmt: skip
    with joined(options.get("parallel", "auto"), "cpu") as processes:
        own = session.Session(task, RunFolder(run), processes, session.Machine(options.get("workers", 0)))
        if (last := options.get("kill_after")) is not None:
            kill_after(own, last)
        own.go()


def kill_after(own: session.Session, last: int) -> None:
    """End this process as a power cut would, once an update is written down."""
    tell = own.train

    def train(figures: dict[str, float]) -> None:
        tell(figures)
        if figures["step"] >= last:
            os.kill(os.getpid(), signal.SIGKILL)

    own.train = train  # type: ignore[method-assign]


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
