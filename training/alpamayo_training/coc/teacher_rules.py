"""The teacher that goes by rules: decision, causes with evidence and a trace, from the privileged state of the scene."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from alpamayo_sim.errors import InputError
from alpamayo_training.coc.behaviour import Behaviour, behaviour_at, road_bend
from alpamayo_training.coc.causes import Cause, lateral_cause, longitudinal_cause
from alpamayo_training.coc.demands import demands_of
from alpamayo_training.coc.drives import segments_around
from alpamayo_training.coc.label import (
    NO_DECISION,
    OTHER_SCENARIO,
    PROACTIVE_SCENARIOS,
    CocLabel,
    Component,
)
from alpamayo_training.coc.teaching import Case, Drive, Keyframe
from alpamayo_training.coc.things import Scene, Signal, Thing, scene_at
from alpamayo_training.coc.wording import noun_of, trace_of

LONGITUDINAL = {
    "lead": "lead_obstacle_following",
    "follow": "lead_obstacle_following",
    "lead_moves": "lead_obstacle_following",
    "gap_opens": "lead_obstacle_following",
    "obstacle": "stop_for_static_constraint",
    "red_light": "stop_for_static_constraint",
    "yellow_light": "stop_for_static_constraint",
    "stop_sign": "stop_for_static_constraint",
    "yield_sign": "yield",
    "vulnerable": "yield",
    "crossing": "yield",
    "oncoming": "yield",
    "merging": "yield",
    "blocked": "lead_obstacle_following",
    "bend": "speed_adaptation",
    "turn": "speed_adaptation",
    "limit": "speed_adaptation",
    "green_light": "set_speed_tracking",
    "cleared": "set_speed_tracking",
    "served_stop": "set_speed_tracking",
    "bend_ends": "set_speed_tracking",
    "turn_ends": "set_speed_tracking",
    "limit_allows": "set_speed_tracking",
    "free_road": "set_speed_tracking",
    "pass": "acceleration_for_passing",
}
LATERAL = {
    "turn": "turn",
    "change_lane": "lane_change",
    "leave_lane": "out_of_lane_nudge",
    "return_lane": "out_of_lane_nudge",
    "shift": "in_lane_nudge",
}
SCENARIOS = {
    "red_light": "stop_for_control",
    "yellow_light": "stop_for_control",
    "stop_sign": "stop_for_control",
    "yield_sign": "stop_for_control",
    "green_light": "resume_at_control",
    "served_stop": "resume_at_control",
    "vulnerable": "yield_to_vulnerable",
    "merging": "cut_in",
}
CONTROL_KINDS = {
    "traffic_light": "traffic_light",
    "stop_sign": "yield_stop_control",
    "yield_sign": "yield_stop_control",
}
PLACES = {
    "bend": ("lane", "{side} curve"),
    "turn": ("routing_intent", "route turns {side}"),
    "curve": ("lane", "{side} curve"),
    "limit": ("road_event", "speed limit"),
    "limit_allows": ("road_event", "speed limit"),
    "bend_ends": ("lane", "end of the curve"),
    "turn_ends": ("lane", "end of the turn"),
    "free_road": ("lane", "free lane ahead"),
    "returned": ("lane", "free lane ahead"),
    "route": ("routing_intent", "route"),
}
SEEDS = 0xC0C
LATER_FRAMES = (2, 3, 4)
"""A reactive label may lie so much later than its keyframe, still before the ego acts."""
SOON_S = 3.0
MOST_BYSTANDERS = 8


@dataclass(frozen=True)
class RulesTeacher:
    """Names causes by the scene alone; a driver's own reason only breaks ties that the scene leaves open."""

    seed: int = 0
    requires_masks: bool = True
    """Whether a cause has to be seen by a camera; off for drives that no masks were taken of."""
    name: str = "rules"
    version: str = "1"

    def teach(self, cases: Iterable[Case]) -> Iterator[CocLabel]:
        """Yield the label of each case, in order.

        Errors: InputError for a drive without privileged state.
        """
        for case in cases:
            yield self.label(case.drive, case.keyframe)

    def label(self, drive: Drive, keyframe: Keyframe) -> CocLabel:
        """Return the label of a keyframe; drop_reason says what is wrong with it, if anything."""
        label = self._composed(drive, keyframe, keyframe.frame_index)
        if keyframe.kind == "reactive" and label.drop_reason:
            # The ego may act sooner after its cause than a person: then the cause is there only shortly before.
            for later in LATER_FRAMES:
                other = self._composed(drive, keyframe, keyframe.frame_index + later)
                if not other.drop_reason:
                    label = other
                    break
        scenario = keyframe.reason if keyframe.reason in PROACTIVE_SCENARIOS else label.scenario
        return replace(
            label,
            scenario=scenario,
            range_begin_frame=keyframe.begin_frame if keyframe.kind == "proactive" else label.frame_index,
            range_end_frame=keyframe.end_frame if keyframe.kind == "proactive" else label.frame_index + 1,
            teacher=self.name,
            teacher_version=self.version,
        )

    def _composed(self, drive: Drive, keyframe: Keyframe, frame: int) -> CocLabel:
        random = np.random.default_rng([SEEDS, self.seed, drive.episode_index, frame])
        return compose(drive, frame, random, requires_masks=self.requires_masks, kind=keyframe.kind)


def compose(
    drive: Drive, frame: int, random: np.random.Generator, *, requires_masks: bool = True, kind: str = "reactive"
) -> CocLabel:
    """Return the label of any frame of a drive that has privileged state.

    The trace is always there: where no cause was found, or none that a camera saw, it says the decision alone, and drop_reason
    is "teacher_no_cause" or "teacher_invisible_cause". Errors: InputError without privileged state.
    """
    if not drive.scenes:
        raise InputError(
            f"episode {drive.episode_index} has no privileged state, which the rules go by; use another teacher"
        )
    scene = scene_at(drive.scenes, frame)
    behaviour = behaviour_at(drive, frame)
    cause = _with_side(drive, frame, longitudinal_cause(drive, scene, behaviour), behaviour)
    sideways = _with_side(drive, frame, lateral_cause(drive, scene, behaviour), behaviour)
    drop_reason = ""
    if cause.name == "none":
        drop_reason = "teacher_no_cause"
    if requires_masks and not cause.is_visible:
        cause, drop_reason = Cause("none"), "teacher_invisible_cause"
    if requires_masks and not sideways.is_visible:
        sideways, drop_reason = Cause("none"), "teacher_invisible_cause"
    lateral = LATERAL.get(behaviour.lateral.rpartition("_")[0], "lane_keeping")
    if sideways.name == "none" and lateral == "in_lane_nudge":
        lateral = "lane_keeping"
    elif sideways.name == "none" and lateral != "lane_keeping":
        drop_reason = drop_reason or "teacher_no_cause"
    return CocLabel(
        episode_index=drive.episode_index,
        frame_index=frame,
        kind=kind,
        scenario=_scenario(_told(behaviour, cause), cause, sideways, lateral),
        longitudinal=LONGITUDINAL.get(cause.name, NO_DECISION),
        lateral=lateral,
        trace=trace_of(_told(behaviour, cause), cause, sideways, lateral, random),
        components=_components(drive, scene, behaviour, cause, sideways),
        meta_longitudinal=segments_around(drive.meta_longitudinal, frame),
        meta_lateral=segments_around(drive.meta_lateral, frame),
        meta_lane=segments_around(drive.meta_lane, frame),
        range_begin_frame=frame,
        range_end_frame=frame + 1,
        teacher="rules",
        teacher_version="1",
        drop_reason=drop_reason,
    )


def _with_side(drive: Drive, frame: int, cause: Cause, behaviour: Behaviour) -> Cause:
    if cause.name not in ("bend", "turn", "curve"):
        return cause
    turned = road_bend(drive, frame)
    side = "left" if turned > 0.0 else "right"
    if cause.name == "curve":
        side = behaviour.side or side
    if cause.name == "turn" and drive.scenes[frame].route_option in ("left", "right"):
        side = drive.scenes[frame].route_option
    return replace(cause, side=side)


def _told(behaviour: Behaviour, cause: Cause) -> Behaviour:
    """Return the behaviour as far as the cause explains it: bends slow down, as does who drives ahead; neither stops."""
    moves = cause.name == "lead" and cause.thing is not None and cause.thing.along_mps > 1.0
    only_slows = cause.name in ("bend", "turn", "limit") or (moves and behaviour.stops_in_s > SOON_S)
    if behaviour.longitudinal == "stop" and only_slows:
        return replace(behaviour, longitudinal="slow_down")
    return behaviour


def _scenario(behaviour: Behaviour, cause: Cause, sideways: Cause, lateral: str) -> str:
    if lateral == "lane_change":
        return "lane_change"
    if lateral in ("out_of_lane_nudge", "in_lane_nudge"):
        thing = sideways.thing
        works = thing is not None and thing.category in ("barrier", "traffic cone")
        return "bypass_construction" if works else "nudge"
    if cause.thing is not None and cause.thing.doing == "cutting_in":
        return "cut_in"
    if cause.name == "lead" and behaviour.longitudinal != "keep_speed":
        return "stop_for_lead" if behaviour.longitudinal in ("stop", "stay_stopped") else "slow_for_lead"
    return SCENARIOS.get(cause.name, OTHER_SCENARIO)


def _components(
    drive: Drive, scene: Scene, behaviour: Behaviour, cause: Cause, sideways: Cause
) -> tuple[Component, ...]:
    same = cause.thing is not None and sideways.thing is not None and cause.thing.actor_id == sideways.thing.actor_id
    causes = (cause,) if same else (cause, sideways)
    found = [_component(scene, one, behaviour) for one in causes if one.name != "none"]
    taken = {component.actor_id for component in found}
    signals = [signal for signal in scene.signals if signal.is_visible and 0.0 < signal.distance_m < 50.0]
    for thing in _mattering(drive, scene):
        if thing.actor_id not in taken and thing.is_visible:
            taken.add(thing.actor_id)
            found.append(replace(_of_thing(thing), is_cause=False))
    found += [replace(_of_signal(signal), is_cause=False) for signal in signals if signal.actor_id not in taken]
    return tuple(found)


def _mattering(drive: Drive, scene: Scene) -> list[Thing]:
    """Return who matters for what the ego does, cause or not: who holds it back, whom the driver heeds, the lead."""
    things = [demand.thing for demand in demands_of(scene, drive) if demand.thing is not None]
    heeded = scene.now.expert.actor_ids if scene.now.expert is not None else ()
    things += [thing for actor_id in heeded if (thing := scene.thing(actor_id)) is not None]
    things += [scene.lead] if scene.lead is not None and scene.lead.gap_m < 40.0 else []
    return list({thing.actor_id: thing for thing in things}.values())[:MOST_BYSTANDERS]


def _component(scene: Scene, cause: Cause, behaviour: Behaviour) -> Component:
    if cause.thing is not None:
        return _of_thing(cause.thing)
    if cause.signal is not None:
        return _of_signal(cause.signal)
    kind, name = PLACES[cause.name]
    now = scene.now
    figures = {
        "speed_mps": round(now.speed_mps, 2),
        "speed_limit_mps": round(now.speed_limit_mps, 2),
        "route_option_m": round(now.route_option_m, 1) if math.isfinite(now.route_option_m) else -1.0,
    }
    name = name.format(side=cause.side or behaviour.side)
    if cause.name == "route":
        name = f"route: {behaviour.lateral.replace('_', ' ')}"
    return Component(kind=kind, name=name, evidence=f"{name}.", figures=figures, frame_index=now.frame_index)


def _of_thing(thing: Thing) -> Component:
    figures = {
        "distance_m": thing.distance_m,
        "gap_m": thing.gap_m,
        "lateral_m": thing.lateral_m,
        "speed_mps": thing.speed_mps,
        "acceleration_mps2": thing.acceleration_mps2,
    }
    name = f"lead {noun_of(thing)}" if thing.relation == "lead" and not thing.is_obstacle else noun_of(thing)
    away = thing.gap_m if math.isfinite(thing.gap_m) else thing.distance_m
    return Component(
        kind="critical_object",
        name=name,
        actor_id=thing.actor_id,
        evidence=f"{name} {thing.doing.replace('_', ' ')} at {away:.0f} m, {thing.speed_mps:.1f} m/s, {thing.relation}.",
        figures={key: round(value, 2) for key, value in figures.items() if math.isfinite(value)},
        frame_index=thing.seen_frame,
        visible_px=thing.visible_px,
    )


def _of_signal(signal: Signal) -> Component:
    name = f"{signal.state} traffic light" if signal.kind == "traffic_light" else signal.kind.replace("_", " ")
    before = f", {' and '.join(signal.was)} before" if signal.was else ""
    return Component(
        kind=CONTROL_KINDS[signal.kind],
        name=name,
        actor_id=signal.actor_id,
        evidence=f"{name} at {signal.distance_m:.0f} m{before}.",
        figures={"distance_m": round(signal.distance_m, 2)},
        frame_index=signal.seen_frame,
        visible_px=signal.visible_px,
    )
