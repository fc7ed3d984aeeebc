"""Rules that a label's trace has to pass: against the true drive, the scene, the cameras and its own evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from alpamayo_training.coc.behaviour import ROUTE_FRAMES, Behaviour, behaviour_at, road_bend
from alpamayo_training.coc.claims import lateral_fits, longitudinal_fits, state_fits, thing_fits
from alpamayo_training.coc.collisions import collides_soon
from alpamayo_training.coc.label import HISTORY_FRAMES, CocLabel, FilterResult
from alpamayo_training.coc.parse import ParsedTrace, parse_trace
from alpamayo_training.coc.teaching import Drive
from alpamayo_training.coc.things import SEEN_PX, Scene, scene_at

MOST_WORDS, MOST_SENTENCES = 45, 2
HOLDS, FREES = frozenset({"stop", "slow_down", "yield", "stay_stopped"}), frozenset({"start", "speed_up"})
HOLDING_THINGS = frozenset(
    {"braking", "stopped", "crossing", "cutting_in", "slow", "approaching", "blocking", "near", "moving", ""}
)
SIDEWAYS = ("turn", "change_lane", "leave_lane", "return_lane")
SOON_FRAMES = 10
PAST_STEPS = (5, 10, 15)


@dataclass(frozen=True)
class Examined:
    """A label with all that rules look at."""

    drive: Drive
    label: CocLabel
    parsed: ParsedTrace
    behaviour: Behaviour
    scene: Scene | None
    """None for drives without privileged state."""


Rule = Callable[[Examined], str]


def examine(drive: Drive, label: CocLabel) -> CocLabel:
    """Return the label with the result of every rule; its drop_reason is "filter_" and the first that failed, if it had none."""
    results = filter_results(drive, label)
    failed = next((result.name for result in results if not result.passed), "")
    reason = label.drop_reason or (f"filter_{failed}" if failed else "")
    return replace(label, filters=results, drop_reason=reason)


def filter_results(drive: Drive, label: CocLabel) -> tuple[FilterResult, ...]:
    """Return what every rule says of a label's trace; rules of the scene are left out where there is no privileged state."""
    examined = Examined(
        drive=drive,
        label=label,
        parsed=parse_trace(label.trace),
        behaviour=behaviour_at(drive, label.frame_index),
        scene=scene_at(drive.scenes, label.frame_index) if drive.scenes else None,
    )
    rules = {**RULES, **(SCENE_RULES if drive.scenes else {})}
    return tuple(_result(name, rule(examined)) for name, rule in rules.items())


def _result(name: str, wrong: str) -> FilterResult:
    return FilterResult(name, not wrong, wrong)


def _form(examined: Examined) -> str:
    parsed = examined.parsed
    if not parsed.actions:
        return "no action understood"
    if parsed.sentences > MOST_SENTENCES or parsed.words > MOST_WORDS:
        return f"{parsed.sentences} sentences, {parsed.words} words"
    return ""


def _hedging(examined: Examined) -> str:
    if examined.parsed.hedged:
        return "undecided wording"
    for axis in ("longitudinal", "lateral"):
        said = {claim.action for claim in examined.parsed.said(axis) if not claim.negated}
        if (said & HOLDS) and (said & FREES):
            return f"both {' and '.join(sorted(said))}"
    return ""


def _tense(examined: Examined) -> str:
    past = [claim.action for claim in examined.parsed.actions if claim.tense == "past"]
    if past:
        return f"{past[0]} as something done"
    return "a cause that is still to come" if examined.parsed.foretells else ""


def _longitudinal(examined: Examined) -> str:
    for claim in examined.parsed.said("longitudinal"):
        if not longitudinal_fits(claim, examined.behaviour):
            return f"says {'not ' if claim.negated else ''}{claim.action}, does {examined.behaviour.longitudinal}"
    return ""


def _lateral(examined: Examined) -> str:
    for claim in examined.parsed.said("lateral"):
        if not lateral_fits(claim, examined.behaviour):
            side = f" {claim.side}" if claim.side else ""
            return f"says {'not ' if claim.negated else ''}{claim.action}{side}, does {examined.behaviour.lateral}"
    return ""


def _decision(examined: Examined) -> str:
    """Return what is wrong where the closed-set decision and the words are of different kinds."""
    label, parsed = examined.label, examined.parsed
    said = {claim.action for claim in parsed.said("longitudinal") if not claim.negated}
    wanted = {
        "yield": HOLDS | FREES,
        "stop_for_static_constraint": HOLDS,
        "speed_adaptation": HOLDS,
        "acceleration_for_passing": FREES | {"keep_speed"},
    }.get(label.longitudinal)
    if said and wanted is not None and not said & wanted:
        return f"{label.longitudinal} with {', '.join(sorted(said))}"
    sideways = {claim.action for claim in parsed.said("lateral") if not claim.negated}
    wanted = {
        "lane_change": {"change_lane"},
        "turn": {"turn"},
        "out_of_lane_nudge": {"leave_lane", "return_lane", "shift"},
        "in_lane_nudge": {"shift"},
        "lane_keeping": {"keep_lane", "curve"},
    }.get(label.lateral)
    if sideways and wanted is not None and not sideways & wanted:
        return f"{label.lateral} with {', '.join(sorted(sideways))}"
    return ""


def _omission(examined: Examined) -> str:
    """Return what is wrong where the ego is about to leave its lane or to turn and the trace says nothing of it."""
    lateral = examined.behaviour.lateral
    about_to = lateral.startswith(SIDEWAYS) and examined.behaviour.begins_in < SOON_FRAMES
    said = [claim for claim in examined.parsed.said("lateral") if claim.action not in ("keep_lane", "curve")]
    return f"says nothing of {lateral}" if about_to and not said else ""


def _collision(examined: Examined) -> str:
    return collides_soon(examined.drive, examined.label.frame_index)


def _red_light(examined: Examined) -> str:
    """Return what is wrong where the ego drives over the line of a red light in the next 3 s."""
    frame = examined.label.frame_index
    states = examined.drive.scenes[frame : frame + 31]
    for before, after in zip(states, states[1:], strict=False):
        past = {signal.actor_id: signal for signal in before.signals}
        for signal in after.signals:
            was = past.get(signal.actor_id)
            crossed = was is not None and was.distance_m > 0.0 >= signal.distance_m
            if crossed and signal.kind == "traffic_light" and signal.state == "red" and after.speed_mps > 1.0:
                return "the ego runs a red light"
    return ""


def _states(examined: Examined) -> str:
    assert examined.scene is not None
    frame = examined.label.frame_index
    ahead = road_bend(examined.drive, frame)
    lately = {state.route_option for state in examined.drive.scenes[max(0, frame - ROUTE_FRAMES) : frame]}
    for claim in examined.parsed.states:
        wrong = state_fits(claim, examined.scene, ahead, lately)
        if wrong:
            return wrong
    return ""


def _things(examined: Examined) -> str:
    assert examined.scene is not None
    frame = examined.label.frame_index
    past = [scene_at(examined.drive.scenes, frame - step) for step in PAST_STEPS if frame >= step]
    for claim in examined.parsed.things:
        wrong = thing_fits(claim, examined.scene, past if claim.tense == "past" else ())
        if wrong:
            return wrong
    return ""


def _cause_fits(examined: Examined) -> str:
    """Return what is wrong where the stated facts speak against the action, or none of them speaks for it."""
    parsed = examined.parsed
    said = {claim.action for claim in parsed.said("longitudinal") if not claim.negated}
    clear = any(claim.subject == "clear" and not claim.negated for claim in parsed.states)
    red = any(claim.subject == "light" and claim.value != "green" and not claim.negated for claim in parsed.states)
    green = any(claim.subject == "light" and claim.value == "green" and not claim.negated for claim in parsed.states)
    holding = [
        claim for claim in parsed.things if not claim.negated and claim.doing in ("braking", "crossing", "stopped")
    ]
    if said & HOLDS:
        if parsed.things and not red and all(claim.doing == "accelerating" for claim in parsed.things):
            return "holds back for somebody who speeds up"
        facts = [claim for claim in parsed.states if not claim.negated]
        if (clear or green) and not red and not holding and all(f.subject in ("clear", "light") for f in facts):
            return "holds back for a free way"
    elif said & FREES:
        sideways = {claim.action for claim in parsed.said("lateral")}
        lead_only = [claim for claim in holding if claim.role == "lead" or claim.doing == "crossing"]
        if red or (lead_only and not clear and "leave_lane" not in sideways):
            return "goes against what holds back"
    return ""


def _evidence(examined: Examined) -> str:
    """Return what is wrong where evidence is not of the last 2 s, or what it names was not there or not seen then."""
    assert examined.scene is not None
    frame = examined.label.frame_index
    for component in examined.label.components:
        if not frame - HISTORY_FRAMES <= component.frame_index <= frame:
            return f"{component.name} at frame {component.frame_index}"
        if component.actor_id == 0 or not component.is_cause:
            continue
        state = examined.drive.scenes[component.frame_index]
        seen = next((one for one in (*state.actors, *state.signals) if one.actor_id == component.actor_id), None)
        if seen is None:
            return f"{component.name} was not there"
        least = SEEN_PX if component.kind == "critical_object" else SEEN_PX // 4
        if examined.scene.has_masks and max(seen.visible_px.values(), default=0) < least:
            return f"{component.name} was not visible"
    return ""


RULES: dict[str, Rule] = {
    "form": _form,
    "hedging": _hedging,
    "tense": _tense,
    "longitudinal": _longitudinal,
    "lateral": _lateral,
    "decision": _decision,
    "cause": _cause_fits,
    "omission": _omission,
}
SCENE_RULES: dict[str, Rule] = {
    "collision": _collision,
    "red_light": _red_light,
    "states": _states,
    "things": _things,
    "evidence": _evidence,
}
