"""The critic that is a reasoning model behind an OpenAI-compatible endpoint, for labelling and for reinforcement learning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from alpamayo_sim.errors import InputError
from alpamayo_training.coc.critic_prompt import PROMPT_VERSION, SEES, Evidence, GradesAnswer, evidence_of, messages_of
from alpamayo_training.coc.critic_rules import graded
from alpamayo_training.coc.label import CocLabel, CriticGrades
from alpamayo_training.coc.teaching import Case, Drive
from alpamayo_training.endpoint.cache import AnswerCache
from alpamayo_training.endpoint.client import EndpointClient, Question
from alpamayo_training.endpoint.outcome import Failure
from alpamayo_training.endpoint.settings import EndpointSettings
from alpamayo_training.endpoint.usage import Usage

NameT = TypeVar("NameT")
LONGEST_PX = 768
RUBRIC_VERSION = "1"


@dataclass(frozen=True)
class EndpointCritic:
    """Asks a model for grades by the rubric."""

    client: EndpointClient
    sees: str = "pictures"
    """One of SEES."""
    cameras: tuple[str, ...] = ()
    """Shown; none stands for the drive's front camera."""
    longest_px: int = LONGEST_PX
    name: str = "openai"

    @property
    def version(self) -> str:
        """The model, the versions of rubric and prompt, and what is shown."""
        shown = (
            self.sees
            if self.sees == "state"
            else f"{self.sees} {','.join(self.cameras) or 'front'} {self.longest_px} px"
        )
        return f"{self.client.settings.model} rubric {RUBRIC_VERSION} prompt {PROMPT_VERSION} {shown}"

    def grade(self, labels: Iterable[tuple[Case, CocLabel]]) -> Iterator[CocLabel]:
        """Yield each label as its grades come; one below 3 gets the drop_reason critic_behaviour or critic_causal.

        Where the critic did not grade, `critic` stays None and the drop_reason is critic_ and the failure's kind: one that is not
        heard never gives a zero. Errors: as EndpointClient.ask; InputError for a drive without what the critic is to see.
        """
        passed_on: list[CocLabel] = []

        def asked() -> Iterator[tuple[CocLabel, Evidence]]:
            for case, label in labels:
                if label.drop_reason:
                    passed_on.append(label)
                else:
                    yield label, evidence_of(case, label, self._sees_of(case.drive), self._cameras_of(case.drive))

        for label, outcome in self.grades(asked()):
            yield from _taken(passed_on)
            if isinstance(outcome, Failure):
                yield replace(label, drop_reason=f"critic_{outcome.kind}")
            else:
                yield graded(label, outcome)
        yield from _taken(passed_on)

    def grades(self, evidence: Iterable[tuple[NameT, Evidence]]) -> Iterator[tuple[NameT, CriticGrades | Failure]]:
        """Yield the grades of named explanations as they come, or why there are none.

        A Failure with `is_infrastructure` says nothing of the explanation: a reward is then missing, and not zero.
        """
        questions = ((name, self._question(one)) for name, one in evidence)
        for name, outcome in self.client.ask_all(questions):
            yield name, outcome if isinstance(outcome, Failure) else self._grades(outcome.value)

    def usage(self) -> Usage:
        """Return what it has cost up to now."""
        return self.client.usage()

    def _question(self, evidence: Evidence) -> Question[GradesAnswer]:
        version = f"critic rubric {RUBRIC_VERSION} prompt {PROMPT_VERSION}"
        return Question(messages_of(evidence, self.longest_px), GradesAnswer, version)

    def _grades(self, answer: GradesAnswer) -> CriticGrades:
        return CriticGrades(
            behaviour_consistency=float(answer.behaviour_consistency),
            causal_quality=float(answer.causal_quality),
            critic=f"{self.name} {self.version}",
            remarks=answer.remarks,
        )

    def _sees_of(self, drive: Drive) -> str:
        if self.sees == "state" and not drive.scenes:
            raise InputError(
                f"the critic is to see the simulator's state, and episode {drive.episode_index} has none: let it see pictures "
                "(--critic-sees pictures)"
            )
        return self.sees

    def _cameras_of(self, drive: Drive) -> tuple[str, ...]:
        if self.sees == "state":
            return ()
        cameras = self.cameras or drive.cameras[:1]
        if not cameras or any(camera not in drive.cameras for camera in cameras):
            raise InputError(
                f"the critic is to see pictures of {', '.join(cameras) or 'a camera'}; found "
                f"{', '.join(drive.cameras) or 'none'} in episode {drive.episode_index}: name others with --cameras, or let it "
                "see the state (--critic-sees state)"
            )
        return cameras


def _taken(labels: list[CocLabel]) -> Iterator[CocLabel]:
    while labels:
        yield labels.pop(0)


def make_critic(
    *,
    base_url: str,
    model: str,
    api_key_variable: str = "OPENAI_API_KEY",
    concurrency: int = 8,
    cache: Path | None = None,
    requests_per_minute: float = 0.0,
    timeout_s: float = 300.0,
    max_tokens: int = 4096,
    request_fields: Mapping[str, Any] | None = None,
    sees: str = "pictures",
    cameras: tuple[str, ...] = (),
    longest_px: int = LONGEST_PX,
    progress: Callable[[Usage], None] | None = None,
) -> EndpointCritic:
    """Return the critic of an endpoint; nothing is asked yet.

    Errors: InputError for settings that cannot be; MissingExtraError without the package `openai`.
    """
    if sees not in SEES:
        raise InputError(f"a critic sees one of {', '.join(SEES)}; found {sees}")
    settings = EndpointSettings(
        base_url,
        model,
        api_key_variable=api_key_variable,
        concurrency=concurrency,
        requests_per_minute=requests_per_minute,
        timeout_s=timeout_s,
        max_tokens=max_tokens,
        request_fields=request_fields or {},
    )
    client = EndpointClient(settings, AnswerCache(cache) if cache is not None else None, progress)
    return EndpointCritic(client, sees, cameras, longest_px)
