"""Counterfactual verification of labels: whether the decision changes when what it is said to be made for is taken away."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from alpamayo_scenarios.counterfactual.branch import Branch, BranchStore
from alpamayo_scenarios.counterfactual.comparison import Difference, compare
from alpamayo_scenarios.counterfactual.interventions import Intervention, RemoveActors, RenewDriver
from alpamayo_sim.record.scene_state import SceneState
from alpamayo_training.coc.label import FUTURE_FRAMES, CocLabel
from alpamayo_training.coc.verify_causes import CauseTest, control_of, heeded_by_driver, plan_tests
from alpamayo_training.coc.verify_replays import DrivenEpisode, Replays, Told
from alpamayo_training.coc.verify_report import (
    REFUTED,
    UNTESTABLE,
    VERIFIED,
    CauseVerdict,
    LabelVerdict,
    figures,
)

REFUTED_DROP = "refuted"
NOT_REPRODUCED = "the replay is not the recorded drive"
_CONTROL_SEED = 0xC0F


@dataclass(frozen=True)
class Verification:
    """What comes out: the labels with their verdicts, how each came about, and the figures."""

    labels: tuple[CocLabel, ...]
    verdicts: tuple[LabelVerdict, ...]
    figures: dict[str, Any]


@dataclass(frozen=True)
class _Case:
    """A label under test."""

    label: CocLabel
    tests: tuple[CauseTest, ...]
    untestable: tuple[str, ...]
    frame: int
    until: int
    control: RemoveActors | None


class Verifier:
    """Puts labels to the test on embedded servers of its own."""

    def __init__(
        self,
        episodes: Mapping[int, DrivenEpisode],
        store: BranchStore,
        *,
        jobs: int,
        controls: bool = True,
        second_sample: int = 200,
        seed: int = 0,
        told: Told | None = None,
    ) -> None:
        """Prepare; `second_sample` labels that pass are asked again by another kind of intervention."""
        self._episodes = episodes
        self._replays = Replays(store, episodes, jobs=jobs, told=told)
        self._controls = controls
        self._second_sample = second_sample
        self._seed = seed

    def verify(self, labels: Sequence[CocLabel]) -> Verification:
        """Return the labels, in their order, with verdicts; refuted ones have the drop reason "refuted" if they had none.

        Labels that were dropped before, or whose episode is not among the episodes, are handed back as they are.
        """
        cases = [self._case(label) for label in labels if self._is_asked(label)]
        self._replays.drive_factual()
        self._drive_all("causes and controls", cases, self._first_branches)
        self._drive_all("causes together", cases, self._joint_branches)
        verdicts = [self._verdict(case) for case in cases]
        verdicts = self._ask_again(cases, verdicts)
        by_place = {(one.episode_index, one.frame_index): one for one in verdicts}
        cost = {
            "branches_driven": float(self._replays.driven),
            "drives_retried": float(self._replays.retries),
            "drives_given_up": float(len(self._replays.given_up)),
            "cpu_s": self._replays.cpu_s,
            "wall_time_s": self._replays.wall_time_s,
            "keyframes_per_core_minute": 60.0 * len(cases) / self._replays.cpu_s if self._replays.cpu_s else 0.0,
        }
        return Verification(
            tuple(_with_verdict(label, by_place.get((label.episode_index, label.frame_index))) for label in labels),
            tuple(verdicts),
            figures(verdicts, self._replays.reproduction(), cost),
        )

    def _is_asked(self, label: CocLabel) -> bool:
        return not label.drop_reason and label.episode_index in self._episodes

    def _case(self, label: CocLabel) -> _Case:
        scenes = self._episodes[label.episode_index].scenes
        tests = plan_tests(label, scenes)
        random = np.random.default_rng((self._seed, _CONTROL_SEED, label.episode_index, label.frame_index))
        control = control_of(label, scenes, random) if self._controls else None
        return _Case(
            label=label,
            tests=tests.causes,
            untestable=tests.untestable,
            frame=scenes[label.frame_index].world_frame,
            until=_window_end(scenes, label.frame_index),
            control=RemoveActors((control,)) if control is not None else None,
        )

    # What is driven.

    def _branch(self, case: _Case, interventions: Iterable[Intervention]) -> Branch:
        replay = self._episodes[case.label.episode_index].replay
        return Branch(replay, case.frame, tuple(interventions), case.until)

    def _first_branches(self, case: _Case) -> list[Branch]:
        found = [self._branch(case, (test.first,)) for test in case.tests]
        if any(test.renews_driver for test in case.tests):
            found.append(self._branch(case, (RenewDriver(),)))
        if case.control is not None:
            found.append(self._branch(case, (case.control,)))
        return found

    def _joint_branches(self, case: _Case) -> list[Branch]:
        """All causes at once, and all but one, where a cause alone changes nothing: others may have been enough."""
        together = [test for test in case.tests if not test.renews_driver]
        if len(together) < 2 or all(self._changed(case, (test,)) for test in together):
            return []
        found = [self._branch(case, (test.first for test in together))]
        for left_out in together:
            found.append(self._branch(case, (test.first for test in together if test is not left_out)))
        return found

    def _drive_all(self, what: str, cases: Sequence[_Case], branches_of: Any) -> None:
        branches: list[tuple[int, Branch]] = []
        for case in cases:
            if self._replays.factual(case.label.episode_index, case.until) is not None:
                branches += [(case.label.episode_index, branch) for branch in branches_of(case)]
        # Episode after episode, so that a resumed run is soon where it was.
        self._replays.drive(what, sorted(branches, key=lambda one: (one[0], one[1].at_frame)))

    # What comes out.

    def _difference(self, case: _Case, yardstick: Branch | None, branch: Branch) -> Difference | str:
        """Return how a branch differs from another, the factual drive by default; the reason where that cannot be said."""
        index = case.label.episode_index
        base = self._replays.factual(index, case.until)
        if base is None:
            return NOT_REPRODUCED
        if yardstick is not None:
            found = self._replays.result(index, yardstick)
            if found is None:
                return NOT_REPRODUCED
            base = found.tape
        result = self._replays.result(index, branch)
        if result is None:
            return NOT_REPRODUCED
        if result.not_applicable:
            return result.not_applicable
        return compare(base, result.tape, case.frame)

    def _changed(self, case: _Case, tests: Sequence[CauseTest]) -> bool:
        difference = self._difference(case, None, self._branch(case, (test.first for test in tests)))
        return isinstance(difference, Difference) and difference.changed

    def _cause(self, case: _Case, test: CauseTest, intervention: Intervention) -> CauseVerdict:
        branch = self._branch(case, (intervention,))
        yardstick = self._branch(case, (RenewDriver(),)) if test.renews_driver else None
        if yardstick is not None:
            fresh = self._difference(case, None, yardstick)
            if isinstance(fresh, str) or fresh.changed:
                reason = fresh if isinstance(fresh, str) else "a driver set up afresh behaves otherwise here"
                return CauseVerdict(test.name, test.kind, UNTESTABLE, reason, branch=yardstick.key)
        difference = self._difference(case, yardstick, branch)
        if isinstance(difference, str):
            return CauseVerdict(test.name, test.kind, UNTESTABLE, difference, branch=branch.key)
        verdict = VERIFIED if difference.changed else REFUTED
        return CauseVerdict(test.name, test.kind, verdict, "", difference, branch=branch.key)

    def _jointly(self, case: _Case, test: CauseTest) -> CauseVerdict | None:
        """Return the verdict on a cause that alone changes nothing, once the others are gone; None if there are none."""
        together = [one for one in case.tests if not one.renews_driver]
        if test.renews_driver or len(together) < 2:
            return None
        rest = self._branch(case, (one.first for one in together if one is not test))
        everything = self._branch(case, (one.first for one in together))
        difference = self._difference(case, rest, everything)
        if isinstance(difference, str) or not difference.changed:
            return None
        others = " and ".join(one.name for one in together if one is not test)
        return CauseVerdict(
            test.name, test.kind, VERIFIED, f"together with {others}", difference, is_joint=True, branch=everything.key
        )

    def _verdict(self, case: _Case) -> LabelVerdict:
        causes: list[CauseVerdict] = []
        for test in case.tests:
            one = self._cause(case, test, test.first)
            causes.append((self._jointly(case, test) or one) if one.verdict == REFUTED else one)
        for told in case.untestable:
            name, _, reason = told.partition(": ")
            causes.append(CauseVerdict(name, "", UNTESTABLE, reason))
        said = {cause.verdict for cause in causes}
        label = case.label
        verdict = LabelVerdict(
            episode_index=label.episode_index,
            frame_index=label.frame_index,
            decision=label.scenario if label.scenario != "other" else f"{label.longitudinal} / {label.lateral}",
            verdict=REFUTED if REFUTED in said else VERIFIED if VERIFIED in said else UNTESTABLE,
            causes=tuple(causes),
        )
        return self._with_control(case, verdict)

    def _with_control(self, case: _Case, verdict: LabelVerdict) -> LabelVerdict:
        if case.control is None:
            return verdict
        branch = self._branch(case, (case.control,))
        difference = self._difference(case, None, branch)
        if isinstance(difference, str):
            return verdict
        actor = case.control.actors[0]
        return replace(
            verdict,
            control="changed" if difference.changed else "unchanged",
            control_difference=difference,
            control_actor=f"{actor.type_id} ({actor.actor_id})",
            control_branch=branch.key,
            control_was_heeded=actor.actor_id
            in heeded_by_driver(case.label, self._episodes[case.label.episode_index].scenes),
        )

    def _ask_again(self, cases: Sequence[_Case], verdicts: Sequence[LabelVerdict]) -> list[LabelVerdict]:
        """Ask a sample of those that pass by the second kind of intervention."""
        able = [
            number
            for number, (case, verdict) in enumerate(zip(cases, verdicts, strict=True))
            if verdict.verdict == VERIFIED and self._seconds(case, verdict)
        ]
        random = np.random.default_rng((self._seed, _CONTROL_SEED))
        chosen = set(random.permutation(able)[: self._second_sample].tolist()) if able else set[int]()

        def branches_of(case: _Case) -> list[Branch]:
            return [self._branch(case, (second,)) for _, second in self._seconds(case, by_case[id(case)])]

        by_case = {id(case): verdict for case, verdict in zip(cases, verdicts, strict=True)}
        self._drive_all("a second way", [cases[number] for number in sorted(chosen)], branches_of)
        asked: list[LabelVerdict] = []
        for number, (case, verdict) in enumerate(zip(cases, verdicts, strict=True)):
            if number in chosen:
                again = [self._cause(case, test, second) for test, second in self._seconds(case, verdict)]
                said = {one.verdict for one in again}
                second = REFUTED if REFUTED in said else VERIFIED if VERIFIED in said else ""
                odd = next((one.difference for one in again if one.verdict == (second or UNTESTABLE)), None)
                verdict = replace(verdict, second=second, second_difference=odd)
            asked.append(verdict)
        return asked

    @staticmethod
    def _seconds(case: _Case, verdict: LabelVerdict) -> list[tuple[CauseTest, Intervention]]:
        alone = {cause.name for cause in verdict.causes if cause.verdict == VERIFIED and not cause.is_joint}
        return [(test, test.second) for test in case.tests if test.second is not None and test.name in alone]


def write_report(folder: Path, verification: Verification) -> Path:
    """Write figures.json and verdicts.jsonl into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(asdict(one), allow_nan=True) + "\n" for one in verification.verdicts)
    for name, text in (
        ("verdicts.jsonl", lines),
        ("figures.json", json.dumps(verification.figures, indent=2) + "\n"),
    ):
        part = folder / f".{name}.{os.getpid()}.part"
        part.write_text(text, encoding="utf-8")
        part.replace(folder / name)
    return folder


def _window_end(scenes: Sequence[SceneState], frame_index: int) -> int:
    return scenes[min(frame_index + FUTURE_FRAMES, len(scenes) - 1)].world_frame


def _with_verdict(label: CocLabel, verdict: LabelVerdict | None) -> CocLabel:
    if verdict is None:
        return label
    detail = "; ".join(_told(cause) for cause in verdict.causes)
    drop = REFUTED_DROP if verdict.verdict == REFUTED else ""
    return replace(label, verdict=verdict.verdict, verdict_detail=detail, drop_reason=label.drop_reason or drop)


def _told(cause: CauseVerdict) -> str:
    if cause.verdict == UNTESTABLE or cause.difference is None:
        return f"{cause.name}: untestable, {cause.reason}"
    how = f"speed {cause.difference.speed_mps:+.1f} m/s, place {cause.difference.lateral_m:+.1f} m across"
    what = f"{cause.kind}: {how}" + (f", {cause.reason}" if cause.reason else "")
    return f"{cause.name}: {cause.verdict} ({what})"
