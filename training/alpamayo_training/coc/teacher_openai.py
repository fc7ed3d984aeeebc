"""The teacher that is a vision language model behind an OpenAI-compatible endpoint; it needs pictures and no privileged state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpamayo_sim.errors import InputError
from alpamayo_training.coc.drives import segments_around
from alpamayo_training.coc.grounding import grounded
from alpamayo_training.coc.label import NO_DECISION, OTHER_SCENARIO, CocLabel, Component
from alpamayo_training.coc.teacher_prompt import (
    MOST_COMPONENTS,
    PROMPT_VERSION,
    ComponentAnswer,
    TeacherAnswer,
    messages_of,
)
from alpamayo_training.coc.teaching import Case, Drive
from alpamayo_training.endpoint.cache import AnswerCache
from alpamayo_training.endpoint.client import EndpointClient, Question
from alpamayo_training.endpoint.outcome import Failure
from alpamayo_training.endpoint.settings import EndpointSettings
from alpamayo_training.endpoint.usage import Usage

LONGEST_PX = 768


@dataclass(frozen=True)
class EndpointTeacher:
    """Asks a model to explain what was driven."""

    client: EndpointClient
    cameras: tuple[str, ...] = ()
    """Shown; none stands for the drive's front camera."""
    longest_px: int = LONGEST_PX
    """Of a picture's longer side."""
    name: str = "openai"

    @property
    def version(self) -> str:
        """The model, the prompt's version and what is shown."""
        shown = ",".join(self.cameras) or "front"
        return f"{self.client.settings.model} prompt {PROMPT_VERSION} {shown} {self.longest_px} px"

    def teach(self, cases: Iterable[Case]) -> Iterator[CocLabel]:
        """Yield a label per case as answers come; a failure's drop_reason is teacher_ and its kind, such as teacher_timed_out.

        Errors: InputError for a drive without pictures, or where the server takes no such request or key;
        InfrastructureError where the server cannot be reached or is gone.
        """
        for case, outcome in self.client.ask_all((case, self._question(case)) for case in cases):
            if isinstance(outcome, Failure):
                yield self._failed(case, outcome)
            else:
                yield self._label(case, outcome.value)

    def usage(self) -> Usage:
        """Return what it has cost up to now."""
        return self.client.usage()

    def _question(self, case: Case) -> Question[TeacherAnswer]:
        cameras = self._cameras_of(case.drive)
        return Question(messages_of(case, cameras, self.longest_px), TeacherAnswer, f"teacher {PROMPT_VERSION}")

    def _cameras_of(self, drive: Drive) -> tuple[str, ...]:
        cameras = self.cameras or drive.cameras[:1]
        missing = [camera for camera in cameras if camera not in drive.cameras]
        if missing or not cameras:
            raise InputError(
                f"the teacher looks at pictures of {', '.join(cameras) or 'a camera'}; found "
                f"{', '.join(drive.cameras) or 'none'} in episode {drive.episode_index}: name others with --cameras, or collect "
                "the dataset with cameras"
            )
        return cameras

    def _label(self, case: Case, answer: TeacherAnswer) -> CocLabel:
        frame = case.keyframe.frame_index
        components = tuple(
            grounded(_component(one, frame), case.drive, frame) for one in answer.components[:MOST_COMPONENTS]
        )
        return self._blank(
            case,
            longitudinal=answer.longitudinal,
            lateral=answer.lateral,
            scenario=answer.scenario,
            trace=answer.trace,
            components=components,
        )

    def _failed(self, case: Case, failure: Failure) -> CocLabel:
        return self._blank(case, drop_reason=f"teacher_{failure.kind}")

    def _blank(
        self,
        case: Case,
        *,
        longitudinal: str = NO_DECISION,
        lateral: str = NO_DECISION,
        scenario: str = OTHER_SCENARIO,
        trace: str = "",
        components: tuple[Component, ...] = (),
        drop_reason: str = "",
    ) -> CocLabel:
        drive, keyframe = case.drive, case.keyframe
        frame = keyframe.frame_index
        return CocLabel(
            episode_index=drive.episode_index,
            frame_index=frame,
            kind=keyframe.kind,
            scenario=scenario,
            longitudinal=longitudinal,
            lateral=lateral,
            trace=trace,
            components=components,
            meta_longitudinal=segments_around(drive.meta_longitudinal, frame),
            meta_lateral=segments_around(drive.meta_lateral, frame),
            meta_lane=segments_around(drive.meta_lane, frame),
            range_begin_frame=keyframe.begin_frame,
            range_end_frame=keyframe.end_frame,
            teacher=self.name,
            teacher_version=self.version,
            drop_reason=drop_reason,
        )


def _component(answer: ComponentAnswer, frame: int) -> Component:
    return Component(
        kind=answer.kind,
        name=answer.name,
        evidence=answer.evidence,
        frame_index=max(0, frame + round(10.0 * answer.evidence_time_s)),
        is_cause=answer.is_cause,
    )


def make_teacher(
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
    cameras: tuple[str, ...] = (),
    longest_px: int = LONGEST_PX,
    progress: Callable[[Usage], None] | None = None,
) -> EndpointTeacher:
    """Return the teacher of an endpoint; nothing is asked yet.

    Errors: InputError for settings that cannot be; MissingExtraError without the package `openai`.
    """
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
    return EndpointTeacher(client, cameras, longest_px)
