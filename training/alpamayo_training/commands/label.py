"""`alpamayo label`: chains of causation for the keyframes of a dataset, by a teacher, filtered, graded and verified."""

from __future__ import annotations

import importlib
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional

from alpamayo_sim.errors import InputError
from alpamayo_training.coc.critic_rules import RulesCritic
from alpamayo_training.coc.label import CocLabel
from alpamayo_training.coc.labelling import LabellingPlan, label_dataset, save
from alpamayo_training.coc.teacher_rules import RulesTeacher
from alpamayo_training.coc.teaching import Critic, Teacher
from alpamayo_training.coc.yield_report import as_text, write_yield
from alpamayo_training.data.driving_dataset import DrivingDataset

TEACHERS, CRITICS = ("rules", "openai"), ("rules", "openai", "none")
_TELL_EVERY_S = 5.0


@dataclass(frozen=True)
class Arguments:
    """Label the keyframes of a dataset with decisions, causes and reasoning; filter, grade and, if asked, verify them.

    The labels go to labels/coc/VERSION.parquet in the dataset, with a report of the yield beside it. A killed run is taken up
    again by the same command.
    """

    dataset: Annotated[Path, Positional]
    """Folder of the dataset."""
    version: str = "rules"
    """Name of this version of the labels."""
    teacher: str = "rules"
    """rules, from the privileged state; or openai: a model behind an OpenAI-compatible endpoint."""
    critic: str = "rules"
    """rules, on the simulator's state; openai: a reasoning model behind an endpoint; or none."""
    verify: bool = False
    """Drive each labelled keyframe again without what the label names, and drop labels that make no difference."""
    jobs: int = 2
    """Drives at a time under --verify."""
    per_episode: int = 0
    """Label at most so many keyframes of an episode, evenly spread; 0 for all."""
    seed: int = 0
    """Seed of the wording."""
    base_url: str | None = None
    """Of the endpoint for --teacher openai, such as http://localhost:8000/v1."""
    model: str | None = None
    """The model's name there."""
    critic_base_url: str | None = None
    """Of the endpoint for --critic openai; by default --base-url."""
    critic_model: str | None = None
    """The model's name there; by default --model."""
    api_key_variable: str = "OPENAI_API_KEY"
    """Environment variable that holds the endpoint's key; not needed by servers without one."""
    concurrency: int = 8
    """Requests under way at a time."""
    cache: Path | None = None
    """Folder of the endpoint's answers, which are never asked for twice; by default beside the labels."""
    json: bool = False
    """Print one JSON line and nothing else."""

    def run(self) -> int:
        """Label the dataset; return 0, or 1 if no label is left."""
        plan = LabellingPlan(
            dataset=self.dataset,
            version=self.version,
            teacher=self._teacher(),
            critic=self._critic(),
            episodes_at_once=1 if self.teacher == "rules" and self.critic != "openai" else 8,
            most_per_episode=self.per_episode,
        )
        began = time.monotonic()
        progress = _Progress(quiet=self.json)
        labels = label_dataset(plan, progress.told)
        taught_s = time.monotonic() - began
        if self.verify:
            labels = self._verified(plan, labels)
        figures = write_yield(plan.path.parent, self.version, labels)
        if self.json:
            print(json.dumps({**figures, "wall_time_s": round(taught_s, 1), "labels_file": str(plan.path)}))
        else:
            print(as_text(figures))
            print(f"labels: {plan.path}")
        return 0 if figures["kept"] else 1

    def _teacher(self) -> Teacher:
        if self.teacher == "rules":
            return RulesTeacher(seed=self.seed)
        if self.teacher != "openai":
            raise InputError(f"--teacher is one of {', '.join(TEACHERS)}; found {self.teacher}")
        return _made("teacher_openai", "make_teacher", self._endpoint("--teacher", self.base_url, self.model))

    def _critic(self) -> Critic | None:
        if self.critic == "none":
            return None
        if self.critic == "rules":
            return RulesCritic()
        if self.critic != "openai":
            raise InputError(f"--critic is one of {', '.join(CRITICS)}; found {self.critic}")
        base_url, model = self.critic_base_url or self.base_url, self.critic_model or self.model
        return _made("critic_endpoint", "make_critic", self._endpoint("--critic", base_url, model))

    def _endpoint(self, option: str, base_url: str | None, model: str | None) -> dict[str, Any]:
        if not base_url or not model:
            raise InputError(f"{option} openai needs --base-url and --model of the endpoint")
        return {
            "base_url": base_url,
            "model": model,
            "api_key_variable": self.api_key_variable,
            "concurrency": self.concurrency,
            "cache": self.cache or self.dataset / "labels" / "coc" / "answers",
        }

    def _verified(self, plan: LabellingPlan, labels: tuple[CocLabel, ...]) -> tuple[CocLabel, ...]:
        settings = {"dataset_folder": self.dataset, "labels": labels, "jobs": self.jobs}
        verified: tuple[CocLabel, ...] = _made("verify_dataset", "verify_labels", settings)
        save(plan, verified, len(DrivingDataset.open(self.dataset).episodes))
        return verified


def _made(module: str, maker: str, settings: dict[str, Any]) -> Any:
    return getattr(importlib.import_module(f"alpamayo_training.coc.{module}"), maker)(**settings)


class _Progress:
    """Tells on standard error how far the labelling is."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._began = self._told = time.monotonic()
        self._begun_with = -1

    def told(self, done: int, episodes: int, labels: int) -> None:
        """Take in what has been done."""
        now = time.monotonic()
        if self._begun_with < 0:
            self._begun_with = done - 1
        if self._quiet or (now - self._told < _TELL_EVERY_S and done < episodes):
            return
        self._told = now
        lapse_s = max(now - self._began, 1e-3)
        left_s = lapse_s / max(1, done - self._begun_with) * (episodes - done)
        print(
            f"{done} of {episodes} episodes  {labels} labels  {labels / lapse_s:.1f} labels/s  about {left_s:.0f} s left",
            file=sys.stderr,
        )
