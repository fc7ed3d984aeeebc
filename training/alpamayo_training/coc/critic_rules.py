"""The critic that goes by rules: how well a trace fits what the ego does, and whether its causes are the ones that count.

Both are graded 0 (wrong) to 5 (right) on the simulator's state, the same for the same label and drive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from alpamayo_training.coc.behaviour import Behaviour, behaviour_at
from alpamayo_training.coc.claims import lateral_fits, longitudinal_fits, thing_fits
from alpamayo_training.coc.demands import Demand, demands_of
from alpamayo_training.coc.filters import FREES, HOLDS, filter_results
from alpamayo_training.coc.label import CocLabel, CriticGrades
from alpamayo_training.coc.parse import ParsedTrace, parse_trace
from alpamayo_training.coc.teaching import Case, Drive
from alpamayo_training.coc.things import Scene, scene_at

PASSES = 3.0
"""A label with a lower grade is dropped."""
BINDING_MPS2 = 1.2
"""A cause that wants nearly as much as the strongest one counts as the cause."""
RANK = {"reverse": -1, "stay_stopped": 0, "stop": 0, "slow_down": 1, "keep_speed": 2, "speed_up": 3, "start": 3}
SAID_RANK = {
    "stay_stopped": 0,
    "stop": 0,
    "yield": 1,
    "slow_down": 1,
    "keep_speed": 2,
    "follow": 2,
    "speed_up": 3,
    "start": 3,
}
SIDEWAYS = ("turn", "change_lane", "leave_lane")


@dataclass(frozen=True)
class RulesCritic:
    """Grades by the simulator's state."""

    name: str = "rules"
    version: str = "1"

    def grade(self, labels: Iterable[tuple[Case, CocLabel]]) -> Iterator[CocLabel]:
        """Yield each label with grades; one below 3 gets the drop_reason critic_behaviour or critic_causal."""
        for case, label in labels:
            yield label if label.drop_reason else graded(label, grades_of(case.drive, label))


def graded(label: CocLabel, grades: CriticGrades) -> CocLabel:
    """Return a label with grades, and with a drop_reason if one of them does not pass."""
    reason = label.drop_reason
    if not reason and grades.behaviour_consistency < PASSES:
        reason = "critic_behaviour"
    if not reason and grades.causal_quality < PASSES:
        reason = "critic_causal"
    return replace(label, critic=grades, drop_reason=reason)


def grades_of(drive: Drive, label: CocLabel) -> CriticGrades:
    """Return the grades of a label; causal quality is 2.5 where there is no privileged state to judge it by."""
    parsed = parse_trace(label.trace)
    behaviour = behaviour_at(drive, label.frame_index)
    consistency, first = _consistency(parsed, behaviour)
    if drive.scenes:
        causal, second = _causal(drive, label, parsed, behaviour)
    else:
        causal, second = 2.5, "no privileged state"
    remarks = "; ".join(remark for remark in (first, second) if remark)
    return CriticGrades(consistency, causal, "rules 1", remarks)


def _consistency(parsed: ParsedTrace, behaviour: Behaviour) -> tuple[float, str]:
    along, across = parsed.said("longitudinal"), parsed.said("lateral")
    if not along and not across:
        return 0.0, "says nothing that the ego does"
    grade, remarks = 5.0, []
    if not along:
        grade -= 1.0
        remarks.append("says nothing of the speed")
    for claim in along:
        if longitudinal_fits(claim, behaviour):
            continue
        off = abs(SAID_RANK.get(claim.action, 2) - RANK[behaviour.longitudinal])
        grade -= 5.0 if claim.negated else 2.5 if off <= 1 else 5.0
        remarks.append(f"says {claim.action}, does {behaviour.longitudinal}")
    for claim in across:
        if not lateral_fits(claim, behaviour):
            grade -= 3.0
            remarks.append(f"says {claim.action} {claim.side}, does {behaviour.lateral}")
    if not across and behaviour.lateral.startswith(SIDEWAYS) and behaviour.begins_in < 15:
        grade -= 1.0
        remarks.append(f"says nothing of {behaviour.lateral}")
    return max(0.0, grade), ", ".join(remarks)


def _causal(drive: Drive, label: CocLabel, parsed: ParsedTrace, behaviour: Behaviour) -> tuple[float, str]:
    scene = scene_at(drive.scenes, label.frame_index)
    wrong = [
        result.detail
        for result in filter_results(drive, label)
        if result.name in ("states", "things", "cause", "evidence", "tense", "hedging") and not result.passed
    ]
    if wrong:
        return max(0.0, 2.0 - len(wrong)), ", ".join(wrong)
    said = {claim.action for claim in parsed.said("longitudinal") if not claim.negated}
    facts = len(parsed.things) + len(parsed.states)
    if not facts:
        return 2.0, "names no cause"
    grade = 5.0
    if facts > 3:
        grade -= 1.0
    if said & HOLDS and behaviour.longitudinal in ("stop", "slow_down", "stay_stopped"):
        demands = demands_of(scene, drive)
        if not demands:
            return grade - 1.5, "nothing in the scene holds the ego back"
        strongest = demands[0].acceleration_mps2
        named = [one for one in demands if _is_named(one, parsed, scene)]
        if not named:
            return min(grade, 2.0), f"does not name what holds back most: {demands[0].cause}"
        if named[0].acceleration_mps2 > strongest + BINDING_MPS2:
            weaker = named[0].acceleration_mps2 - strongest
            return max(
                2.0 if weaker > 4.0 else 3.0, grade - 1.5
            ), f"{demands[0].cause} holds back more than {named[0].cause}"
    if said & FREES:
        blocking = [one for one in demands_of(scene, drive) if one.acceleration_mps2 < -2.0 and one.cause != "lead"]
        if blocking and behaviour.longitudinal not in FREES:
            return 2.0, f"{blocking[0].cause} holds back"
    return grade, ""


def _is_named(demand: Demand, parsed: ParsedTrace, scene: Scene) -> bool:
    if demand.signal is not None:
        subject = "light" if demand.signal.kind == "traffic_light" else "sign"
        return any(claim.subject == subject and not claim.negated for claim in parsed.states)
    if demand.cause in ("bend", "turn"):
        return any(claim.subject in ("curve", "route") for claim in parsed.states) or any(
            claim.action in ("turn", "curve") for claim in parsed.said("lateral")
        )
    if demand.cause == "limit":
        return any(claim.subject == "limit" for claim in parsed.states)
    thing = demand.thing
    if thing is None:
        return False
    alone = replace(scene, things=(thing,))
    return any(not claim.negated and not thing_fits(claim, alone) for claim in parsed.things)
