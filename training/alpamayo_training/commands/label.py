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
from alpamayo_training.coc.critic_endpoint import EndpointCritic
from alpamayo_training.coc.critic_rules import RulesCritic
from alpamayo_training.coc.label import CocLabel
from alpamayo_training.coc.labelling import LabellingPlan, label_dataset, save
from alpamayo_training.coc.teacher_openai import EndpointTeacher
from alpamayo_training.coc.teacher_rules import RulesTeacher
from alpamayo_training.coc.teaching import Critic, Teacher
from alpamayo_training.coc.yield_report import as_text, write_yield
from alpamayo_training.data.driving_dataset import DrivingDataset
from alpamayo_training.endpoint.usage import Price, Usage

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
    requests_per_minute: float = 0.0
    """Requests that may begin in a minute; 0 for as many as go."""
    request_timeout_s: float = 300.0
    """Of a request to the endpoint."""
    max_tokens: int = 4096
    """Of an answer, with what the model thinks before it."""
    request_fields: str = "{}"
    """JSON object put into every request; null takes a field away: '{"response_format": null}' for servers without schemas."""
    cameras: tuple[str, ...] = ()
    """Cameras that the models see; the front camera by default. The first is shown over the whole time."""
    picture_px: int = 768
    """Longer side of the pictures that the models see."""
    critic_sees: str = "pictures"
    """What --critic openai goes by: pictures; state, the simulator's in words, for models without eyes; or both."""
    accept_unanswered: bool = False
    """Drop keyframes that a server gave no answer for (time-outs, rate limits) instead of leaving them for the next run."""
    input_price: float = 0.0
    """Of a million tokens in, for the cost report."""
    output_price: float = 0.0
    """Of a million tokens out."""
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
            accepts_unanswered=self.accept_unanswered,
        )
        began = time.monotonic()
        progress = _Progress(quiet=self.json)
        try:
            labels = label_dataset(plan, progress.told)
        finally:
            costs = self._costs(plan)
        taught_s = time.monotonic() - began
        if self.verify:
            labels = self._verified(plan, labels)
        figures = write_yield(plan.path.parent, self.version, labels)
        if self.json:
            print(json.dumps({**figures, **costs, "wall_time_s": round(taught_s, 1), "labels_file": str(plan.path)}))
        else:
            print(as_text(figures))
            for who, cost in costs.items():
                print(
                    f"{who}: {cost['requests']} requests, {cost['cache_hits']} answers from the cache, {cost['cost']:.4f} spent"
                )
            print(f"labels: {plan.path}")
        return 0 if figures["kept"] else 1

    def _teacher(self) -> Teacher:
        if self.teacher == "rules":
            return RulesTeacher(seed=self.seed)
        if self.teacher != "openai":
            raise InputError(f"--teacher is one of {', '.join(TEACHERS)}; found {self.teacher}")
        return _made(
            "teacher_openai", "make_teacher", self._endpoint("--teacher", self.base_url, self.model, "teacher")
        )

    def _critic(self) -> Critic | None:
        if self.critic == "none":
            return None
        if self.critic == "rules":
            return RulesCritic()
        if self.critic != "openai":
            raise InputError(f"--critic is one of {', '.join(CRITICS)}; found {self.critic}")
        base_url, model = self.critic_base_url or self.base_url, self.critic_model or self.model
        if self.teacher == "openai" and model == self.model and not self.json:
            print("the critic is the teacher's model: another one judges more freely (--critic-model)", file=sys.stderr)
        settings = self._endpoint("--critic", base_url, model, "critic")
        return _made("critic_endpoint", "make_critic", {**settings, "sees": self.critic_sees})

    def _endpoint(self, option: str, base_url: str | None, model: str | None, who: str) -> dict[str, Any]:
        if not base_url or not model:
            raise InputError(f"{option} openai needs --base-url and --model of the endpoint")
        return {
            "base_url": base_url,
            "model": model,
            "api_key_variable": self.api_key_variable,
            "concurrency": self.concurrency,
            "requests_per_minute": self.requests_per_minute,
            "timeout_s": self.request_timeout_s,
            "max_tokens": self.max_tokens,
            "request_fields": self._request_fields(),
            "cameras": self.cameras,
            "longest_px": self.picture_px,
            "progress": None if self.json else _RequestProgress(who).told,
            "cache": self.cache or self.dataset / "labels" / "coc" / "answers",
        }

    def _request_fields(self) -> dict[str, Any]:
        try:
            fields = json.loads(self.request_fields)
        except ValueError as error:
            raise InputError(f"--request-fields is a JSON object; found {self.request_fields!r}: {error}") from error
        if not isinstance(fields, dict):
            raise InputError(f"--request-fields is a JSON object; found {self.request_fields!r}")
        return fields

    def _costs(self, plan: LabellingPlan) -> dict[str, Any]:
        """Return what models behind endpoints have cost, and add it to the runs before, beside the labels."""
        price = Price(self.input_price, self.output_price)
        asked = {"teacher": plan.teacher, "critic": plan.critic}
        found = {
            who: {
                "model": one.client.settings.model,
                "base_url": one.client.settings.base_url,
                **one.usage().report(price),
            }
            for who, one in asked.items()
            if isinstance(one, (EndpointTeacher, EndpointCritic))
        }
        if found:
            path = plan.path.with_name(f"{plan.version}.costs.json")
            path.parent.mkdir(parents=True, exist_ok=True)
            runs = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
            path.write_text(json.dumps([*runs, found], indent=1) + "\n", encoding="utf-8")
        return found

    def _verified(self, plan: LabellingPlan, labels: tuple[CocLabel, ...]) -> tuple[CocLabel, ...]:
        settings = {"dataset_folder": self.dataset, "labels": labels, "jobs": self.jobs}
        verified: tuple[CocLabel, ...] = _made("verify_dataset", "verify_labels", settings)
        save(plan, verified, len(DrivingDataset.open(self.dataset).episodes))
        return verified


def _made(module: str, maker: str, settings: dict[str, Any]) -> Any:
    return getattr(importlib.import_module(f"alpamayo_training.coc.{module}"), maker)(**settings)


class _RequestProgress:
    """Tells on standard error how the requests to an endpoint go."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._told = time.monotonic()

    def told(self, usage: Usage) -> None:
        """Take in the counts after a question."""
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY_S:
            self._told = now
            print(f"{self._who}: {usage.line()}", file=sys.stderr)


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
