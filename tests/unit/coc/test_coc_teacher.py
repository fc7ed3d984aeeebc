"""The rules teacher on drives of the expert: decisions, causes with evidence, words."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from recorded_drives import NAMES, drive_of_label, recorded, recorded_labels

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer
from alpamayo_sim.record.scene_state import SceneState
from alpamayo_training.coc.behaviour import behaviour_at
from alpamayo_training.coc.critic_rules import RulesCritic, grades_of
from alpamayo_training.coc.demands import following_acceleration
from alpamayo_training.coc.drives import drive_from_scenes, drive_of
from alpamayo_training.coc.filters import examine, filter_results
from alpamayo_training.coc.keyframes import BEFORE_FRAMES, keyframes_of
from alpamayo_training.coc.label import (
    HISTORY_FRAMES,
    LATERAL_DECISIONS,
    LONGITUDINAL_DECISIONS,
    NO_DECISION,
    OTHER_SCENARIO,
    PROACTIVE_SCENARIOS,
    REACTIVE_SCENARIOS,
    CocLabel,
)
from alpamayo_training.coc.seeded_errors import ERRORS, measure
from alpamayo_training.coc.teacher_rules import RulesTeacher, compose
from alpamayo_training.coc.teaching import Case, Keyframe
from alpamayo_training.coc.things import scene_at

LONGEST_TOKENS = 50


def true_labels() -> list[CocLabel]:
    return [label for label in recorded_labels() if not label.drop_reason]


def test_the_drives_give_many_labels_of_many_kinds() -> None:
    labels = recorded_labels()
    assert len(labels) >= 15
    assert len(true_labels()) >= 0.9 * len(labels)
    assert len({label.scenario for label in labels}) >= 5
    assert len({label.trace for label in labels}) >= 0.9 * len(labels)


def test_labels_are_of_the_closed_sets_with_evidence_of_the_last_two_seconds_that_a_camera_saw() -> None:
    for label in true_labels():
        assert label.longitudinal in (*LONGITUDINAL_DECISIONS, NO_DECISION)
        assert label.lateral in LATERAL_DECISIONS
        assert label.scenario in (*REACTIVE_SCENARIOS, *PROACTIVE_SCENARIOS, OTHER_SCENARIO)
        assert label.causes, label.trace
        for component in label.causes:
            assert label.frame_index - HISTORY_FRAMES <= component.frame_index <= label.frame_index
            if component.actor_id:
                state = drive_of_label(label).scenes[component.frame_index]
                found = next(one for one in (*state.actors, *state.signals) if one.actor_id == component.actor_id)
                assert max(found.visible_px.values()) == component.visible_px > 0
        covered = sum(segment.end_frame - segment.begin_frame for segment in label.meta_longitudinal)
        assert covered == 80


def test_reactive_keyframes_lie_half_a_second_before_a_meta_action_begins() -> None:
    for name in NAMES:
        drive = recorded(name)
        begins = {segment.begin_frame for segment in drive.meta_longitudinal}
        exact = [
            one for one in keyframes_of(drive) if one.kind == "reactive" and one.frame_index + BEFORE_FRAMES in begins
        ]
        assert exact, name


def test_the_same_seed_gives_the_same_words_and_another_one_others() -> None:
    drive = recorded(NAMES[0])
    cases = [Case(drive, keyframe) for keyframe in keyframes_of(drive)]
    first = [label.trace for label in RulesTeacher().teach(cases)]
    assert first == [label.trace for label in RulesTeacher().teach(cases)]
    assert first != [label.trace for label in RulesTeacher(seed=1).teach(cases)]


def test_words_are_the_tiny_models() -> None:
    tokenizer = tiny_tokenizer()
    lengths = []
    for label in true_labels():
        tokens = tokenizer.encode(label.trace)
        assert tokenizer.decode(tokens) == label.trace
        lengths.append(len(tokens))
    assert 12 <= np.mean(lengths) <= 25
    assert max(lengths) <= LONGEST_TOKENS


def test_any_frame_can_be_composed() -> None:
    drive = recorded(NAMES[-1])
    for frame in range(HISTORY_FRAMES, drive.frames - 64, 7):
        label = compose(drive, frame, np.random.default_rng(frame))
        assert label.trace.endswith(".")
        if not label.drop_reason:
            assert label.causes


def test_a_cause_that_no_camera_sees_is_not_named() -> None:
    label = next(label for label in true_labels() if any(one.kind == "critical_object" for one in label.causes))
    drive = drive_of_label(label)
    hidden = {one.actor_id for one in label.causes if one.actor_id}

    def without(scene: SceneState) -> SceneState:
        actors = tuple(replace(actor, visible_px={}) if actor.actor_id in hidden else actor for actor in scene.actors)
        return replace(scene, actors=actors)

    blind = drive_from_scenes([without(scene) for scene in drive.scenes], episode_index=drive.episode_index)
    keyframe = Keyframe(label.frame_index, "reactive", label.frame_index, label.frame_index + 1, "test")
    again = RulesTeacher().label(blind, keyframe)
    assert not hidden & {component.actor_id for component in again.components}
    assert RulesTeacher(requires_masks=False).label(blind, keyframe).drop_reason == ""
    told = filter_results(blind, label)
    assert [result.name for result in told if not result.passed] in (["things", "evidence"], ["evidence"])


def test_true_labels_pass_and_ten_kinds_of_errors_do_not() -> None:
    labels = true_labels()
    drives = {label.episode_index: drive_of_label(label) for label in labels}
    figures = measure(drives, labels)
    assert figures["false_drops"] <= 0.02, figures["dropped"]
    assert set(figures["made"]) == set(ERRORS)
    assert sum(figures["made"].values()) >= 100
    assert figures["recall"]["all"] >= 0.95, figures["missed"]


def test_the_critic_tells_true_from_false() -> None:
    cases = [
        (Case(drive_of_label(label), Keyframe(label.frame_index, label.kind, 0, 1, "")), label)
        for label in true_labels()
    ]
    graded = list(RulesCritic().grade(cases))
    assert np.mean([label.critic.causal_quality for label in graded if label.critic]) >= 4.0
    assert np.mean([label.critic.behaviour_consistency for label in graded if label.critic]) >= 4.5
    again = [grades_of(case.drive, label) for case, label in cases]
    assert again == [grades_of(case.drive, label) for case, label in cases]
    for case, label in cases[:8]:
        done = behaviour_at(case.drive, label.frame_index).longitudinal
        opposite = "Speed up" if done in ("stop", "slow_down", "stay_stopped") else "Stop"
        wrong = replace(label, trace=f"{opposite} because the road ahead is clear.")
        grades = grades_of(case.drive, wrong)
        assert min(grades.behaviour_consistency, grades.causal_quality) < 3.0


def test_a_label_that_was_dropped_keeps_its_reason() -> None:
    label = replace(true_labels()[0], drop_reason="refuted")
    drive = drive_of_label(label)
    assert examine(drive, label).drop_reason == "refuted"
    assert next(RulesCritic().grade([(Case(drive, Keyframe(0, "reactive", 0, 1, "")), label)])) == label


def test_drives_without_privileged_state_have_behaviour_and_no_rules_teacher() -> None:
    scened = recorded(NAMES[0])
    plain = drive_of(scened.position_m, scened.heading_rad, scened.speed_mps)
    assert keyframes_of(plain)
    with pytest.raises(InputError, match="another teacher"):
        compose(plain, 30, np.random.default_rng(0))
    label = replace(true_labels()[0], trace="Stop because the light is red.")
    assert {result.name for result in filter_results(plain, label)} == {
        "form", "hedging", "tense", "longitudinal", "lateral", "decision", "cause", "omission",
    }  # fmt: skip


def test_the_demand_of_a_gap_is_that_of_the_intelligent_driver_model() -> None:
    speed, gap = 10.0, 30.0
    wanted = 3.0 + 10.0 * 1.3
    expected = 2.0 * (1.0 - (10.0 / 15.0) ** 4 - (wanted / gap) ** 2)
    assert following_acceleration(speed, 10.0, gap, 15.0) == pytest.approx(expected)
    assert following_acceleration(speed, 0.0, 8.0, 15.0) < -6.0


def test_what_moves_towards_the_path_comes_from_its_side() -> None:
    for label in true_labels():
        scene = scene_at(drive_of_label(label).scenes, label.frame_index)
        for thing in scene.things:
            if thing.comes_from and math.isfinite(thing.lateral_m) and abs(thing.across_mps) > 1.0:
                assert thing.comes_from == ("right" if thing.across_mps > 0.0 else "left")
