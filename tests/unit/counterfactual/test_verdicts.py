"""From drives to verdicts: the drives are there already, as after a killed run, so that no server is started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from told_scenes import FIRST_WORLD_FRAME, KEYFRAME, actor, label, scenes, vehicle

from alpamayo_scenarios.counterfactual.branch import Branch, BranchResult, BranchStore, ReplaySpec
from alpamayo_scenarios.counterfactual.interventions import (
    ActorRef,
    ChangeRoute,
    Intervention,
    RemoveActors,
    RenewDriver,
)
from alpamayo_scenarios.counterfactual.tape import EgoTape
from alpamayo_training.coc.label import CocLabel, Component
from alpamayo_training.coc.verify import Verification, Verifier
from alpamayo_training.coc.verify_causes import plan_tests
from alpamayo_training.coc.verify_replays import DrivenEpisode, reproduction

REPLAY = ReplaySpec("Gridvale", "/nowhere/routes.xml", "1", 0)
SPEED = np.concatenate([np.full(61, 8.0), np.maximum(0.0, 8.0 - 0.1 * np.arange(139))])
FASTER = np.where(np.arange(200) < 61, SPEED, 8.0)
AT = FIRST_WORLD_FRAME + 2 * KEYFRAME
UNTIL = AT + 120


def tape(speed_mps: np.ndarray, *, until: int = 10_000, others: int = 5) -> EgoTape:
    """A drive along the x axis at given speeds, one per tick."""
    way = np.concatenate([[0.0], np.cumsum(speed_mps[:-1] * 0.05)])
    pose = np.zeros((len(way), 6))
    pose[:, 0] = way
    frame = np.arange(len(way)) + FIRST_WORLD_FRAME
    time_s = np.arange(len(way), dtype=np.float64) * 0.05
    whole = EgoTape(frame, time_s, pose, speed_mps, np.full(len(way), others))
    return whole.cut(0, until)


def around(frame: int, ego_x: float):
    """A lead (1), somebody beside (2) and one more ahead (3)."""
    return (
        actor(1, 20.0, ego_x=ego_x),
        actor(2, 25.0, left_m=4.0, ego_x=ego_x),
        actor(3, 35.0, ego_x=ego_x),
    )


class Driven:
    """A folder of drives and the verification of a label by them."""

    def __init__(self, folder: Path) -> None:
        self.store = BranchStore(folder)
        speeds = SPEED[::2].tolist()
        told = scenes(speeds, around)
        places = tape(SPEED).pose[::2, 0]
        self.scenes = tuple(
            replace(scene, ego=scene.ego._replace(x=float(np.float32(x))))
            for scene, x in zip(told, places, strict=True)
        )
        self.write((), SPEED, until=-1)

    def write(self, interventions: tuple[Intervention, ...], speed_mps: np.ndarray, *, until: int = UNTIL) -> None:
        """Say how the ego drove under interventions at the keyframe."""
        branch = Branch(REPLAY, AT, interventions, UNTIL) if until > 0 else Branch(REPLAY)
        self.store.write(branch, BranchResult(tape(speed_mps, until=until if until > 0 else 10_000)))

    def refuse(self, interventions: tuple[Intervention, ...], why: str) -> None:
        """Say that interventions could not be made."""
        self.store.write(
            Branch(REPLAY, AT, interventions, UNTIL), BranchResult(tape(SPEED, until=AT), not_applicable=why)
        )

    def verify(self, *labels: CocLabel, controls: bool = False, second_sample: int = 0) -> Verification:
        """Verify; a drive that is not there would need a server, and fails for want of its route file."""
        episodes = {0: DrivenEpisode(REPLAY, lambda: self.scenes)}
        return Verifier(episodes, self.store, jobs=1, controls=controls, second_sample=second_sample).verify(labels)

    def first(self, told: CocLabel, *names: int) -> tuple[Intervention, ...]:
        """The first interventions on some of a label's causes."""
        causes = plan_tests(told, self.scenes).causes
        return tuple(one.first for one in causes if any(one.name == f"vehicle {name}" for name in names))


@pytest.fixture
def driven(tmp_path: Path) -> Driven:
    """Drives of one episode; the factual one slows down after the keyframe."""
    return Driven(tmp_path)


def test_a_cause_that_changes_the_drive_is_verified(driven: Driven) -> None:
    told = label(vehicle(1))
    driven.write(driven.first(told, 1), FASTER)
    found = driven.verify(told)
    assert found.labels[0].verdict == "verified" and found.labels[0].drop_reason == ""
    assert "vehicle 1: verified (remove vehicle: speed +" in found.labels[0].verdict_detail
    assert found.figures["verified_share_of_testable"] == 1.0
    assert found.figures["episodes_bit_equal"] == 1 and found.figures["branches_driven"] == 0


def test_one_that_does_not_is_refuted_and_the_label_dropped(driven: Driven) -> None:
    told = label(vehicle(1))
    driven.write(driven.first(told, 1), SPEED)
    found = driven.verify(told)
    assert (found.labels[0].verdict, found.labels[0].drop_reason) == ("refuted", "refuted")
    assert found.figures["verified_share_of_testable"] == 0.0 and found.figures["refuted"] == 1


def test_causes_that_are_enough_each_are_causes_together(driven: Driven) -> None:
    told = label(vehicle(1), vehicle(3))
    for names in ((1,), (3,)):
        driven.write(driven.first(told, *names), SPEED)
    driven.write(driven.first(told, 1, 3), FASTER)
    found = driven.verify(told)
    assert found.labels[0].verdict == "verified"
    assert "together with vehicle 3" in found.labels[0].verdict_detail
    assert found.figures["joint_causes"] == 2


def test_a_bystander_beside_a_cause_is_refuted(driven: Driven) -> None:
    told = label(vehicle(1), vehicle(3))
    driven.write(driven.first(told, 1), FASTER)
    driven.write(driven.first(told, 3), SPEED)
    driven.write(driven.first(told, 1, 3), FASTER)
    found = driven.verify(told)
    assert found.labels[0].verdict == "refuted"
    assert [cause.verdict for cause in found.verdicts[0].causes] == ["verified", "refuted"]


def test_what_cannot_be_done_is_untestable(driven: Driven) -> None:
    told = label(vehicle(1))
    driven.refuse(driven.first(told, 1), "it is not there")
    found = driven.verify(told, label(Component("lane", "left curve")))
    assert [one.verdict for one in found.labels] == ["untestable", "untestable"]
    assert [one.drop_reason for one in found.labels] == ["", ""]
    assert found.figures["untestable_share"] == 1.0 and found.figures["verified_share_of_testable"] is None


@pytest.mark.parametrize(("afresh", "verdict"), [(SPEED, "verified"), (FASTER, "untestable")])
def test_a_fresh_driver_is_the_yardstick_of_another_route(driven: Driven, afresh: np.ndarray, verdict: str) -> None:
    driven.write((ChangeRoute(),), FASTER)
    driven.write((RenewDriver(),), afresh)
    assert driven.verify(label(Component("routing_intent", "route turns left"))).labels[0].verdict == verdict


def test_controls_and_the_second_way(driven: Driven) -> None:
    told = label(vehicle(1), vehicle(3, is_cause=False))
    (cause,) = plan_tests(told, driven.scenes).causes
    driven.write((cause.first,), FASTER)
    assert cause.second is not None
    driven.write((cause.second,), FASTER)
    unnamed = driven.scenes[KEYFRAME].actors[1]
    control = RemoveActors((ActorRef(2, unnamed.type_id, unnamed.transform.x, unnamed.transform.y),))
    driven.write((control,), SPEED)
    found = driven.verify(told, controls=True, second_sample=5)
    assert (found.verdicts[0].control, found.verdicts[0].second) == ("unchanged", "verified")
    assert found.figures["controls_unchanged_share"] == found.figures["reverified_share"] == 1.0


def test_labels_that_were_dropped_are_left_alone(driven: Driven) -> None:
    dropped = replace(label(vehicle(1)), drop_reason="filter_red_light")
    elsewhere = label(vehicle(1), episode_index=4)
    assert driven.verify(dropped, elsewhere).labels == (dropped, elsewhere)


def test_a_replay_is_compared_with_its_record(driven: Driven) -> None:
    until, largest_m, is_equal = reproduction(tape(SPEED), driven.scenes)
    assert (until, is_equal) == (driven.scenes[-1].world_frame, True) and largest_m < 1e-5
    other = tape(SPEED)
    other.pose[100:, 1] = 0.5
    until, largest_m, is_equal = reproduction(other, driven.scenes)
    assert until == FIRST_WORLD_FRAME + 98 and largest_m == pytest.approx(0.5) and not is_equal
