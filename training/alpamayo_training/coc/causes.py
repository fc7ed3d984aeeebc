"""Which of the candidates a decision was made for, and the closed-set decision that goes with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from alpamayo_sim.record.scene_state import ExpertReason
from alpamayo_training.coc.behaviour import Behaviour, acts_after, road_heading
from alpamayo_training.coc.claims import is_clear
from alpamayo_training.coc.demands import Demand, bend_ahead, demands_of, free_acceleration
from alpamayo_training.coc.teaching import Drive
from alpamayo_training.coc.things import Scene, Signal, Thing

HINT_FRAMES = 8
"""So long after the ego begins to act the driver's own reason still is the reason for what was decided."""
HEEDED = 3
"""Of those whom the driver heeds, so many, the binding one first."""
FOLLOW_REACH_S = 3.0
LEAD_KEEPS_MPS2 = -0.1
CLEARED_M = 30.0
CREEPS_MPS = 5.0
PATH_M, LEAVES_S, AWAY_MPS = 2.5, 1.8, 0.4
"""Who is out of the ego's path within this time is as good as gone."""
HEEDED_M = 45.0
PASSES_WITHIN_M = 20.0
LATELY_FRAMES = 8
AT_LINE_M = 4.0
LINE_PASSED_M = -1.0
"""With its front bumper farther beyond a line, the ego does not go by its light any more."""
STOPS_AT_LINE_M = 3.5
STOPS_BEHIND_M = 9.0
SIGNAL_SERVED_M = 12.0
HOLDS_MPS2 = -2.0
"""What wants less than this is heeded by every driver."""
WEAK_MPS2 = 0.8
"""What wants no less than this slows nobody down."""
TIE_MPS2, LEAD_BEFORE_LINE_MPS2 = 2.5, 5.0
"""What the driver names may want so much less than the strongest: a queue before a red light holds back before the light does."""
RULES = {
    "red_light": ("red_light", "yellow_light"),
    "yellow_light": ("yellow_light", "red_light"),
    "stop_sign": ("stop_sign",),
    "blocked_junction": ("red_light", "yellow_light"),
}
HOLDING = ("stop", "slow_down", "stay_stopped")
STARTING = ("start", "speed_up")


@dataclass(frozen=True)
class Cause:
    """Why the ego does what it does along the road, or sideways."""

    name: str
    """As Demand.cause; or green_light, lead_moves, cleared, served_stop, bend_ends, limit_allows, free_road, gap_opens,
    follow on the road;
    route, curve, pass, aside, returned, emergency sideways; merging, blocked; none."""
    thing: Thing | None = None
    signal: Signal | None = None
    demand_mps2: float = 0.0
    side: str = ""
    """left or right, of a bend or a turn."""
    is_clear: bool = True
    """Whether the way ahead is clear besides."""
    by_driver: bool = False
    """Whether the driver's own reason broke a tie."""

    @property
    def is_visible(self) -> bool:
        """Whether a camera shows it; what is no actor counts as seen."""
        return self.thing.is_visible if self.thing else self.signal.is_visible if self.signal else True


def longitudinal_cause(drive: Drive, scene: Scene, behaviour: Behaviour) -> Cause:
    """Return why the ego keeps, loses or gains speed after a scene's frame; Cause("none") where nothing explains it."""
    demands = demands_of(scene, drive)
    if behaviour.lateral.startswith("return_lane"):
        # What stands in the lane that the ego comes back to has been passed by then.
        demands = [one for one in demands if one.thing is None or one.thing.speed_mps > 1.0]
    hints = _hints(drive, scene.now.frame_index)
    if behaviour.longitudinal in HOLDING:
        return _holding(drive, scene, behaviour, demands, hints)
    heeds = any(one.thing is not None and one.cause != "lead" and one.acceleration_mps2 < HOLDS_MPS2 for one in demands)
    clear = is_clear(scene) and not heeds
    if behaviour.longitudinal in STARTING:
        cause = _starting(drive, scene, behaviour, demands)
    else:
        cause = _keeping(scene, demands)
    if cause.name == "free_road" and not clear:
        lead = scene.lead
        behind = lead is not None and not lead.is_obstacle and lead.closing_mps < 2.0
        behind = behind and behaviour.longitudinal != "start"
        cause = (
            Cause("gap_opens" if behaviour.longitudinal in STARTING else "follow", lead) if behind else Cause("none")
        )
    return replace(cause, is_clear=clear)


def lateral_cause(drive: Drive, scene: Scene, behaviour: Behaviour) -> Cause:
    """Return why the ego goes sideways after a scene's frame; Cause("none") where it does not, or nothing explains it."""
    name = behaviour.lateral
    if name.startswith("turn"):
        wanted = scene.now.route_option == behaviour.side or scene.now.lane.is_junction
        return Cause("route") if wanted else Cause("curve")
    if name.startswith("curve"):
        return Cause("curve")
    if name.startswith("return_lane"):
        passed = [thing for thing in scene.things if thing.relation in ("behind", "beside", "roadside", "lead")]
        near = [thing for thing in passed if thing.distance_m < CLEARED_M and thing.speed_mps < 3.0]
        nearest = min(near, key=lambda thing: thing.distance_m, default=None)
        return Cause("returned", nearest) if nearest is not None or is_clear(scene) else Cause("none")
    if name.startswith("change_lane"):
        emergency = _emergency_behind(scene)
        if emergency is not None and _expert_lateral(drive, scene) == "make_way":
            return Cause("emergency", emergency)
        if scene.now.route_option == f"change_lane_{behaviour.side}" or _expert_lateral(drive, scene).startswith(
            "change"
        ):
            return Cause("route")
        lead = scene.lead
        if lead is not None and lead.along_mps < scene.now.speed_limit_mps - 2.0 and lead.gap_m < 50.0:
            return Cause("pass", lead)
        return Cause("route")
    if name.startswith("leave_lane"):
        ahead = _obstacle_ahead(scene)
        emergency = _emergency_behind(scene)
        if ahead is None and emergency is not None:
            return Cause("emergency", emergency)
        return Cause("pass", ahead) if ahead is not None else Cause("none")
    if name.startswith("shift"):
        aside = _aside(scene, behaviour.side)
        return Cause("aside", aside) if aside is not None else Cause("none")
    return Cause("none")


def _hints(drive: Drive, frame: int) -> tuple[ExpertReason, ...]:
    acts_at = acts_after(drive, frame)
    first = max(frame, acts_at - 2)
    states = drive.scenes[first : first + HINT_FRAMES + 1]
    return tuple(state.expert for state in states if state.expert is not None)


def _expert_lateral(drive: Drive, scene: Scene) -> str:
    hints = _hints(drive, scene.now.frame_index)
    return next((hint.lateral for hint in hints if hint.lateral not in ("", "keep_lane")), "")


def _where_it_stops(drive: Drive, scene: Scene, behaviour: Behaviour, able: list[Demand]) -> list[Demand]:
    """Return the candidates that agree with the place where the ego comes to a stand; all of them where none does."""
    frame = scene.now.frame_index
    stop = min(frame + round(10.0 * behaviour.stops_in_s), drive.frames - 1)
    steps = np.linalg.norm(np.diff(drive.position_m[frame : stop + 1, :2], axis=0), axis=1)
    way = float(steps.sum())
    gaps = {actor.actor_id: actor.gap_m for actor in drive.scenes[stop].actors}
    fitting = [
        one
        for one in able
        if (one.signal is not None and abs(one.signal.distance_m - way) < STOPS_AT_LINE_M)
        or (one.thing is not None and (one.cause != "lead" or -1.0 < gaps.get(one.actor_id, -9.0) < STOPS_BEHIND_M))
    ]
    return fitting or able


def _holding(
    drive: Drive, scene: Scene, behaviour: Behaviour, demands: list[Demand], hints: tuple[ExpertReason, ...]
) -> Cause:
    standing = behaviour.longitudinal == "stay_stopped"
    blocked = sum(hint.rule == "blocked_junction" for hint in hints)
    if 2 * blocked > len(hints) and not any(
        one.kind == "traffic_light" and one.state == "red" for one in scene.signals
    ):
        return Cause("blocked", scene.lead) if scene.lead is not None else Cause("none")
    least = 0.5 if standing else -0.15
    able = [one for one in demands if one.acceleration_mps2 <= least]
    if not able:
        heeded = _named_in_scene(scene, hints)
        if heeded.name != "none" and _named_by(scene, hints, demands) is None:
            return heeded
        able = [one for one in demands[:1] if one.acceleration_mps2 <= WEAK_MPS2]
    if behaviour.longitudinal != "slow_down":
        # Bends and limits slow down; they do not stop.
        able = [one for one in able if one.cause not in ("bend", "turn", "limit")] or able
    fits = able
    if behaviour.longitudinal == "stop":
        ruled = [one for one in able if any(one.cause in RULES.get(hint.rule, ()) for hint in hints)]
        fits = able = list({id(one): one for one in [*_where_it_stops(drive, scene, behaviour, able), *ruled]}.values())
    named = _named_by(scene, hints, able)
    if named is not None and fits and behaviour.longitudinal == "stop":
        return Cause(named.cause, named.thing, named.signal, named.acceleration_mps2, by_driver=named is not able[0])
    behind = named is not None and able[0].signal is not None and named.cause == "lead"
    margin = LEAD_BEFORE_LINE_MPS2 if behind else TIE_MPS2
    if named is not None and named.acceleration_mps2 <= able[0].acceleration_mps2 + margin:
        return Cause(named.cause, named.thing, named.signal, named.acceleration_mps2, by_driver=named is not able[0])
    if named is None and 2 * sum(bool(hint.rule or hint.actor_ids) for hint in hints) > len(hints):
        # The driver goes by something else than what the scene seems to ask for.
        return _named_in_scene(scene, hints)
    if not able:
        return _named_in_scene(scene, hints)
    best = able[0]
    return Cause(best.cause, best.thing, best.signal, best.acceleration_mps2)


def _named_by(scene: Scene, hints: tuple[ExpertReason, ...], able: list[Demand]) -> Demand | None:
    """Return the candidate that the driver's reasons of the next moments name most often."""
    counts: dict[int, int] = {}
    others = 0
    for hint in hints:
        place = _place_of(scene, hint, able)
        if place is not None:
            counts[place] = counts.get(place, 0) + 1
        elif hint.rule or hint.actor_ids:
            others += 1
    if others > max(counts.values(), default=0):
        return None
    return able[max(counts, key=lambda place: (counts[place], -place))] if counts else None


def _place_of(scene: Scene, hint: ExpertReason, able: list[Demand]) -> int | None:
    if hint.rule:
        return next((place for place, one in enumerate(able) if one.cause in RULES.get(hint.rule, ())), None)
    binding = next((actor_id for actor_id in hint.actor_ids[:HEEDED] if scene.thing(actor_id) is not None), 0)
    if binding:
        return next(
            (place for place, one in enumerate(able) if one.thing is not None and one.actor_id == binding), None
        )
    if hint.longitudinal == "slow_down" and not hint.actor_ids:
        return next((place for place, one in enumerate(able) if one.cause in ("bend", "turn", "limit")), None)
    return None


def _named_in_scene(scene: Scene, hints: tuple[ExpertReason, ...]) -> Cause:
    """Return who the driver says it gives way to, if that one is near and moves; Cause("none") else."""
    counts: dict[int, int] = {}
    for hint in hints:
        there = (actor_id for actor_id in hint.actor_ids[:HEEDED] if scene.thing(actor_id) is not None)
        binding = next(there, 0)
        if binding:
            counts[binding] = counts.get(binding, 0) + 1
    for actor_id in sorted(counts, key=lambda one: -counts[one]):
        thing = scene.thing(actor_id)
        if thing is None or thing.distance_m > HEEDED_M or thing.relation == "behind":
            continue
        moving = thing.relation if thing.relation in ("crossing", "oncoming") else "merging"
        name = "vulnerable" if thing.is_vulnerable else moving if thing.speed_mps > 0.5 else "obstacle"
        if thing.relation == "lead" and not thing.is_obstacle:
            name = "lead"
        return Cause(name, thing, None, 0.0, by_driver=True)
    return Cause("none")


def _starting(drive: Drive, scene: Scene, behaviour: Behaviour, demands: list[Demand]) -> Cause:
    now, before = scene.now, scene.states[0]
    standing = now.speed_mps < 1.0
    lights = [one for one in scene.signals if one.kind == "traffic_light" and LINE_PASSED_M < one.distance_m < 40.0]
    for light in lights:
        if light.state == "green" and (light.was or (standing and light.distance_m < SIGNAL_SERVED_M)):
            return Cause("green_light", None, light)
    lead = scene.lead
    at_line = [one for one in scene.signals if one.kind == "stop_sign" and one.distance_m < AT_LINE_M]
    if at_line and standing and (lead is None or lead.gap_m > at_line[0].distance_m + AT_LINE_M) and _stood(scene):
        return Cause("served_stop", None, at_line[0])
    heeded = any(lead is not None and hint.actor_ids[:1] == (lead.actor_id,) for hint in _hints(drive, now.frame_index))
    reach = 40.0 if heeded else 12.0 + 2.0 * now.speed_mps
    goes = lead is not None and lead.along_mps > max(0.5, now.speed_mps - 1.0)
    if lead is not None and goes and lead.gap_m < reach and not lead.is_obstacle:
        earlier = _earlier_speed(scene, lead.actor_id)
        if lead.along_mps > now.speed_mps + 0.3 or lead.along_mps > earlier + 0.5:
            return Cause("lead_moves", lead)
    cleared = _cleared(drive, scene)
    if cleared is not None:
        return cleared
    if lead is not None and not lead.is_obstacle and lead.gap_m < 10.0 + 1.5 * now.speed_mps and standing:
        return Cause("gap_opens", lead)
    for sign in scene.signals:
        if sign.kind == "stop_sign" and sign.distance_m < SIGNAL_SERVED_M and now.speed_mps < 2.0:
            return Cause("served_stop", None, sign)
    passes = _expert_lateral(drive, scene).startswith("pass") and not behaviour.lateral.startswith("return_lane")
    if behaviour.lateral.startswith("leave_lane") or passes:
        ahead = _obstacle_ahead(scene)
        stands = ahead is not None and ahead.speed_mps < 0.5 and ahead.gap_m < PASSES_WITHIN_M
        if ahead is not None and (stands or behaviour.lateral.startswith("leave_lane")):
            return Cause("pass", ahead)
    if now.speed_limit_mps > before.speed_limit_mps + 1.0:
        return Cause("limit_allows")
    bend, begins_m = bend_ahead(drive, now.frame_index, 25)
    if abs(bend) < 0.1 and _turned(drive, now.frame_index) > 0.25:
        turned = any(
            state.lane.is_junction for state in drive.scenes[max(0, now.frame_index - 30) : now.frame_index + 1]
        )
        return Cause("turn_ends" if turned else "bend_ends")
    del begins_m
    if free_acceleration(max(0.0, now.speed_mps), now.speed_limit_mps) > 0.2:
        return (
            Cause("gap_opens", lead)
            if lead is not None and lead.gap_m < 6.0 + 2.5 * now.speed_mps
            else Cause("free_road")
        )
    return Cause("free_road") if not demands else Cause("none")


def _keeping(scene: Scene, demands: list[Demand]) -> Cause:
    now = scene.now
    lead = scene.lead
    near = [one for one in demands if one.cause == "lead" and one.acceleration_mps2 < 0.7]
    if lead is not None and near and lead.gap_m < 8.0 + FOLLOW_REACH_S * now.speed_mps:
        return Cause("follow", lead)
    return Cause("free_road")


def _cleared(drive: Drive, scene: Scene) -> Cause | None:
    """Return who was given way to within the last 2 s and is out of the way now."""
    now = scene.now
    if now.speed_mps > CREEPS_MPS:
        return None
    heeded = {
        actor_id
        for state in scene.states[-LATELY_FRAMES:-1]
        if state.expert is not None
        for actor_id in state.expert.actor_ids[:1]
    }
    found: list[tuple[bool, float, Thing]] = []
    for thing in scene.things:
        if thing.relation == "lead" or thing.distance_m > CLEARED_M or thing.speed_mps < 0.3:
            continue
        past = [actor for state in scene.states[:-5] for actor in state.actors if actor.actor_id == thing.actor_id]
        was_on_path = any(abs(actor.lateral_m) < 2.0 and -1.0 < actor.gap_m < 25.0 for actor in past)
        away_mps = thing.across_mps if thing.lateral_m > 0.0 else -thing.across_mps
        moves_away = math.isfinite(thing.lateral_m) and away_mps > AWAY_MPS
        passed = moves_away or thing.gap_m < -2.0 or not math.isfinite(thing.gap_m)
        crossed = was_on_path and moves_away and abs(thing.lateral_m) > 2.0 and not thing.in_ego_lane
        across = thing.is_vulnerable or thing.relation in ("crossing", "beside", "oncoming", "away", "behind")
        leaves_s = (PATH_M + abs(thing.lateral_m)) / max(0.1, abs(thing.across_mps))
        given_way = thing.actor_id in heeded and (passed or leaves_s < LEAVES_S)
        if across and (crossed or given_way):
            found.append((thing.actor_id not in heeded, thing.distance_m, thing))
    if not found:
        return None
    nearest = min(found, key=lambda one: one[:2])
    return Cause("cleared", nearest[2], by_driver=not nearest[0])


def _stood(scene: Scene) -> bool:
    return any(state.speed_mps < 0.3 for state in scene.states)


def _earlier_speed(scene: Scene, actor_id: int) -> float:
    for state in scene.states:
        for actor in state.actors:
            if actor.actor_id == actor_id:
                return math.hypot(*actor.velocity_mps[:2])
    return 0.0


def _turned(drive: Drive, frame: int) -> float:
    heading = road_heading(drive, max(0, frame - 30), frame)
    return abs(float(heading[-1] - heading[0]))


def _emergency_behind(scene: Scene) -> Thing | None:
    near = [
        thing
        for thing in scene.things
        if thing.category == "emergency vehicle" and thing.relation in ("behind", "beside") and thing.distance_m < 60.0
    ]
    return min(near, key=lambda thing: thing.distance_m, default=None)


def _obstacle_ahead(scene: Scene) -> Thing | None:
    """Return what stands or creeps in the ego's lane, or close beside it, within 60 m."""
    found = [
        thing
        for thing in scene.things
        if thing.gap_m < 60.0 and thing.gap_m > -8.0 and thing.speed_mps < 4.0 and abs(thing.lateral_m) < 3.2
    ]
    lane = [thing for thing in found if thing.in_ego_lane]
    return min(lane or found, key=lambda thing: thing.gap_m, default=None)


def _aside(scene: Scene, side: str) -> Thing | None:
    """Return what is close to the ego's path on the side that it moves away from."""
    away = -1.0 if side == "left" else 1.0
    found = [
        thing
        for thing in scene.things
        if -6.0 < thing.gap_m < 45.0 and 0.5 < away * thing.lateral_m < 4.5 and thing.category != ""
    ]
    return min(found, key=lambda thing: thing.gap_m, default=None)
