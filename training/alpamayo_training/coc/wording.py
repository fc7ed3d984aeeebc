"""The words of a trace: decisions and causes, composed in many ways from a seeded choice.

Every phrase is made of words that the tiny model's vocabulary was learnt from.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from alpamayo_training.coc.behaviour import Behaviour
from alpamayo_training.coc.causes import Cause
from alpamayo_training.coc.things import Thing

Random = np.random.Generator
WORDS_LEAST, WORDS_MOST = 8, 30
JOINTS = ("because", "since", "as")
PATH_M = 2.0
SLOW_MPS = 5.0
NEAR_M, NEAR_S = 6.0, 1.5
FAR_M = 4.0
"""Nearer than this, no distance is said."""

HEADS: dict[str, tuple[str, ...]] = {
    "stop": ("stop", "come to a stop", "slow down and stop", "brake to a stop"),
    "slow_down": ("slow down", "slow down gently", "brake gently", "reduce the speed"),
    "brake_hard": ("brake hard", "brake firmly", "slow down immediately"),
    "stay_stopped": ("stay stopped", "wait", "keep waiting", "remain stopped"),
    "start": ("start moving", "start moving again", "proceed", "accelerate gently from the stop"),
    "speed_up": ("speed up", "accelerate", "accelerate gently", "resume speed"),
    "keep_speed": ("keep a steady speed", "keep the speed", "maintain speed"),
    "follow": ("keep distance", "follow at a steady speed", "keep a steady speed"),
    "reverse": ("reverse",),
}
PURPOSES: dict[str, tuple[str, ...]] = {
    "lead": ("to keep a safe distance", "to keep distance from the lead {noun}", "to avoid a collision"),
    "cut_in": ("to keep a safe distance", "to give it room"),
    "obstacle": ("to avoid a collision", "before the obstacle"),
    "red_light": ("at the stop line", "before the stop line", "for the red light"),
    "yellow_light": ("at the stop line", "before the stop line", "for the yellow light"),
    "stop_sign": ("at the stop line", "for the stop sign"),
    "yield_sign": ("to give way", "at the junction"),
    "vulnerable": ("to let {them} cross", "to give way", "to avoid a collision"),
    "crossing": ("to give way", "to let it pass"),
    "oncoming": ("to give way", "to let it pass"),
    "bend": ("for the curve", "to stay in the lane"),
    "turn": ("to make the turn", "for the turn"),
    "limit": ("to obey the speed limit",),
}
OF_CAUSE: dict[str, tuple[str, ...]] = {
    "red_light": (
        "the traffic light ahead is red",
        "the light{away} is red",
        "there is a red traffic light{away}",
        "the red traffic light{away} applies to this lane",
    ),
    "yellow_light": ("the traffic light ahead is yellow", "the light{away} is yellow"),
    "stop_sign": ("there is a stop sign{away}", "the stop sign{away} applies to this lane"),
    "yield_sign": ("there is a yield sign{away}", "the yield sign{away} applies to this lane"),
    "bend": ("the road ahead curves to the {side}", "there is a curve to the {side} ahead"),
    "turn": ("the route turns {side} ahead", "the route turns {side} at the junction"),
    "limit": ("the speed limit is lower here", "the speed is above the speed limit"),
    "green_light": ("the traffic light is green", "the traffic light ahead is green"),
    "turned_green": ("the light has turned green", "the traffic light ahead has turned green"),
    "served_stop": (
        "the stop at the stop sign is done",
        "the stop at the stop sign is done and the way is clear",
        "the junction is clear after the stop at the stop sign",
    ),
    "turn_ends": (
        "the turn is done",
        "the lane ahead is free after the turn",
        "the turn is done and the lane ahead is free",
    ),
    "bend_ends": ("the road is straight after the curve", "the curve ends and the lane ahead is free"),
    "limit_allows": ("the speed limit is higher here", "the speed limit allows it and the lane ahead is free"),
    "free_road": ("the road ahead is clear", "the lane ahead is free", "nothing is in the way"),
    "route_turn": ("the route turns {side}", "the route turns {side} at the junction"),
    "route_change": ("the route continues in the {side} lane", "the route requires the {side} lane"),
    "curve": ("the road curves to the {side}",),
    "returned": ("the lane ahead is free", "the lane is free again"),
    "emergency": ("an emergency vehicle is approaching from behind", "the emergency vehicle behind needs room"),
}
SIDEWAYS: dict[str, tuple[str, ...]] = {
    "turn": ("turn {side}", "turn {side} at the junction", "make the {side} turn"),
    "curve": ("follow the curve to the {side}", "keep the lane in the {side} curve"),
    "change_lane": ("change to the {side} lane", "change lanes to the {side}"),
    "leave_lane": ("pass on the {side}", "leave the lane to the {side} to pass", "nudge to the {side} out of the lane"),
    "return_lane": ("return to the lane", "return to the lane on the {side}"),
    "shift": (
        "nudge to the {side} within the lane",
        "nudge slightly to the {side}",
        "keep to the {side} within the lane",
    ),
    "keep_lane": ("keep the lane", "stay in the lane", "keep to the lane center"),
}


def noun_of(thing: Thing) -> str:
    """Return what a thing is called."""
    return {"barrier": "construction barrier", "emergency vehicle": "emergency vehicle"}.get(
        thing.category, thing.category
    )


def trace_of(behaviour: Behaviour, cause: Cause, sideways: Cause, lateral: str, random: Random) -> str:
    """Return one or two sentences for a behaviour and its causes; `lateral` is the lateral decision of the closed set.

    Causes named "none" are left out.
    """
    head = _head(behaviour, cause, random)
    side = _sideways(behaviour, sideways, lateral, random)
    same = cause.thing is not None and sideways.thing is not None and cause.thing.actor_id == sideways.thing.actor_id
    clause = _clause(sideways if same else cause, behaviour, random)
    other = "" if same or sideways.name == "curve" else _clause(sideways, behaviour, random)
    holds = behaviour.longitudinal in ("stop", "slow_down")
    purpose = _purpose(cause, random) if holds else ""
    joint = _one(JOINTS, random)
    if not clause and not other:
        return _sentence(f"{head} and {side or 'keep the lane'}")
    if not clause:
        return _sentence(f"{head} and {side} {joint} {other}")
    if not other or not side:
        if random.random() < 0.35 and len(clause.split()) > 3:
            tail = f" and {side}" if side else ""
            return _sentence(f"{clause}, so {head}{purpose if random.random() < 0.3 else ''}{tail}")
        keeps = lateral in ("lane_keeping", "none")
        tail = f" and {side}" if side and (not keeps or random.random() < 0.8) else ""
        return _sentence(f"{head}{purpose if not tail else ''}{tail} {joint} {clause}")
    shape = int(random.integers(3))
    if shape == 0:
        return f"{_sentence(f'{head} {joint} {clause}')} {_sentence(f'{side} {_one(JOINTS, random)} {other}')}"
    if shape == 1:
        return _sentence(f"{side} {joint} {other} and {head} {_one(JOINTS, random)} {clause}")
    return f"{_sentence(f'{side} {joint} {other}')} {_sentence(f'{head}{purpose} {_one(JOINTS, random)} {clause}')}"


def _head(behaviour: Behaviour, cause: Cause, random: Random) -> str:
    name = behaviour.longitudinal
    if name == "slow_down" and behaviour.brakes_hard and cause.name not in ("bend", "turn", "limit"):
        name = "brake_hard"
    if name == "keep_speed" and cause.name == "follow":
        name = "follow"
    if name == "slow_down" and cause.name in ("vulnerable", "crossing", "oncoming") and random.random() < 0.4:
        return _one(("yield", "slow down and give way"), random)
    return _one(HEADS[name], random)


def _sideways(behaviour: Behaviour, sideways: Cause, lateral: str, random: Random) -> str:
    if lateral in ("lane_keeping", "none") and not behaviour.lateral.startswith("curve"):
        return _one(SIDEWAYS["keep_lane"], random) if random.random() < 0.5 else ""
    if sideways.name == "none":
        return ""
    name = behaviour.lateral.rpartition("_")[0] or "keep_lane"
    return _one(SIDEWAYS[name], random).format(side=behaviour.side)


def _purpose(cause: Cause, random: Random) -> str:
    name = "cut_in" if cause.thing is not None and cause.thing.doing == "cutting_in" else cause.name
    options = PURPOSES.get(name)
    if options is None or random.random() < 0.5:
        return ""
    noun = noun_of(cause.thing) if cause.thing is not None else ""
    return " " + _one(options, random).format(noun=noun, them="them")


def _clause(cause: Cause, behaviour: Behaviour, random: Random) -> str:
    if cause.name == "none":
        return ""
    if cause.thing is not None and cause.name != "emergency":
        return _of_thing(cause, cause.thing, random, leaves=behaviour.lateral.startswith(("leave", "change", "return")))
    name = cause.name
    if name == "green_light" and cause.signal is not None and cause.signal.was:
        name = "turned_green"
    if name == "route":
        name = "route_turn" if behaviour.lateral.startswith("turn") else "route_change"
    side = cause.side or behaviour.side
    if name in ("bend", "turn", "curve") and not side:
        return "the road ahead curves"
    away = _away(cause.signal.distance_m, random) if cause.signal is not None else ""
    return _one(_true_options(OF_CAUSE[name], cause), random).format(side=side, away=away)


def _true_options(options: Sequence[str], cause: Cause) -> Sequence[str]:
    """Return the phrases that do not say that the way is clear, where it is not."""
    if cause.is_clear:
        return options
    return [option for option in options if not re.search(r"\b(?:clear|free|nothing)\b", option)] or options


def _of_thing(cause: Cause, thing: Thing, random: Random, *, leaves: bool) -> str:
    noun = noun_of(thing)
    away = _away(thing.gap_m if math.isfinite(thing.gap_m) else thing.distance_m, random)
    where = f" on the {thing.side}" if thing.side else ""
    article = "an" if noun[0] in "aeiou" else "a"
    if cause.name == "lead_moves":
        faster = (
            "has started moving" if thing.stood else "is moving faster" if thing.closing_mps < -0.3 else "is moving"
        )
        return _one((f"the lead {noun} is moving", f"the {noun} ahead {faster}"), random)
    if cause.name == "gap_opens":
        return _one((f"the gap to the lead {noun} is large enough", f"there is room behind the {noun} ahead"), random)
    if cause.name == "cleared":
        gone = thing.gap_m < -2.0 or thing.lateral_m * thing.across_mps > 0.0
        if not gone or thing.in_ego_lane or abs(thing.lateral_m) < PATH_M:
            return _one(
                (f"the {noun} is moving out of the lane", f"the {noun}{where} is moving out of the way"), random
            )
        passed = (f"the {noun}{where} has passed", f"the {noun}{where} has passed and the way is clear")
        return _one(_true_options(passed, cause), random)
    if cause.name == "returned":
        return _one((f"the {noun} has been passed", f"the {noun} is passed"), random)
    if cause.name == "pass":
        if not leaves:
            what = "stopped" if thing.speed_mps < 0.5 else "slow"
            return f"there is room to pass the {'' if thing.is_obstacle else what} {noun}"
        what = "is stopped" if thing.speed_mps < 0.5 else "is moving slowly"
        if thing.is_obstacle:
            return _one(
                (f"the {noun}{away} is blocking the lane", f"{article} {noun} is in the ego lane{away}"), random
            )
        return _one((f"the {noun}{away} is blocking the lane", f"the {noun} in the ego lane {what}"), random)
    if cause.name == "aside":
        doing = {"stopped": "is stopped", "approaching": "is approaching"}.get(thing.doing, "is")
        if doing == "is":
            return _one((f"{article} {noun} is close{where}", f"the {noun}{where} is near the lane"), random)
        return _one((f"the {noun}{where} {doing} near the lane", f"the {noun}{where} needs room"), random)
    if cause.name == "vulnerable":
        return _vulnerable(thing, noun, away, random)
    if cause.name == "merging":
        return _one(
            (f"the {noun}{where} is merging", f"{article} {noun} is merging{where and ' from the ' + thing.side}"),
            random,
        )
    if cause.name in ("crossing", "oncoming"):
        return _across(cause, thing, noun, article, random)
    if cause.name == "blocked":
        return f"the {noun} ahead is blocking the way behind the junction"
    if cause.name == "obstacle":
        return _one((f"{article} {noun} is in the ego lane{away}", f"the {noun}{away} is blocking the lane"), random)
    return _of_lead(thing, noun, away, random, follows=cause.name == "follow")


def _of_lead(thing: Thing, noun: str, away: str, random: Random, *, follows: bool) -> str:
    if thing.doing == "cutting_in":
        return _one((f"the {noun} is cutting in", f"the cut-in {noun} is changing lanes ahead"), random)
    doing = {"stopped": ("is stopped", "is waiting"), "braking": ("is braking", "is slowing down")}.get(thing.doing, ())
    if not doing and follows:
        doing = ("is keeping a steady speed", "is ahead in the lane") if thing.doing == "moving" else ("is close",)
    elif not doing:
        near = thing.gap_m < NEAR_M + NEAR_S * max(0.0, thing.along_mps + thing.closing_mps)
        doing = ("is moving slowly",) if thing.along_mps < SLOW_MPS else ()
        doing = (*doing, "is close") if near or not doing else doing
    name = _one((f"the lead {noun}", f"the {noun} ahead"), random)
    if away and random.random() < 0.5:
        name = f"the {noun}{away}"
    return f"{name} {_one(doing, random)}"


def _vulnerable(thing: Thing, noun: str, away: str, random: Random) -> str:
    start = f" from the {thing.comes_from}" if thing.comes_from else ""
    if thing.relation == "roadside":
        return f"the {noun}{f' on the {thing.side}' if thing.side else ''} is about to cross"
    if thing.doing == "waiting" or not thing.comes_from:
        return _one((f"the {noun}{away} is in the way", f"a {noun} is in the ego lane{away}"), random)
    return _one(
        (
            f"the {noun}{away} is crossing{start}",
            f"a {noun} is crossing{start}",
            f"a {noun}{start} is crossing{away}",
        ),
        random,
    )


def _across(cause: Cause, thing: Thing, noun: str, article: str, random: Random) -> str:
    if cause.name == "oncoming":
        name = f"oncoming {noun}"
        return _one((f"the {name} is approaching", f"an {name} has the right of way"), random)
    start = f" from the {thing.comes_from}" if thing.comes_from else ""
    return _one(
        (
            f"the {noun}{start} is crossing",
            f"{article} {noun} is crossing{start}",
            f"the crossing {noun} has the right of way",
        ),
        random,
    )


def _away(distance_m: float, random: Random) -> str:
    if not math.isfinite(distance_m) or distance_m < FAR_M:
        return " ahead"
    return f" {round(distance_m)} m ahead" if random.random() < 0.5 else " ahead"


def _one(choices: Sequence[str], random: Random) -> str:
    return choices[int(random.integers(len(choices)))]


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return f"{text[0].upper()}{text[1:]}."
