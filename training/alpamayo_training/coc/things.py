"""What is around the ego in the last 2 s and how it matters: the facts that causes, traces and filters go by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpamayo_sim.record.scene_state import NOWHERE_M, SceneActor, SceneSignal, SceneState
from alpamayo_training.coc.label import HISTORY_FRAMES

SEEN_PX = 20
"""Pixels of a thing in a camera from which on it counts as visible."""
RATE_FRAMES = 5
STANDING_MPS = 0.5
BRAKING_MPS2 = -1.0
LEAD_REACH_M = 60.0
CUT_IN_M = 1.5
HALF_EGO_M = 1.0
ON_PATH_M = 2.2
LONG_M = 10.0
NEAR_PATH_M = 6.0
TOWARDS_MPS = 0.4
CROSSING_SIN = 0.5
TRUCKS = ("european_hgv", "carlacola", "cybertruck")
VANS = ("sprinter", "volkswagen.t2")
BUSES = ("fusorosa",)
EMERGENCY = {"ambulance": "ambulance", "firetruck": "fire truck", "police": "police car"}
MOTORCYCLES = ("harley", "ninja", "yamaha", "vespa")
CONES = ("cone",)
BARRIERS = ("barrier", "trafficwarning", "warningconstruction", "warningaccident")
DEBRIS = ("debris", "garbage", "trash", "ironplank", "brokentile", "creasedbox")
FLAT_M = 0.12
VULNERABLE = ("pedestrian", "cyclist")


@dataclass(frozen=True)
class Thing:
    """A vehicle, a person or an object around the ego, as seen over the last 2 s."""

    actor_id: int
    category: str
    """vehicle, truck, van, bus, motorcycle, emergency vehicle, cyclist, pedestrian, traffic cone, barrier, debris, obstacle."""
    relation: str
    """lead, crossing, oncoming, beside, behind, roadside, or away."""
    doing: str
    """braking, stopped, moving, accelerating, cutting_in, crossing, approaching, waiting."""
    side: str
    """left or right of the ego's path, "" on it."""
    comes_from: str
    """left or right, of what moves across; else ""."""
    gap_m: float
    """From the front bumper along the route; NOWHERE_M off the route."""
    lateral_m: float
    left_m: float
    """As lateral_m; of what is off the route, in the ego's own frame."""
    along_mps: float
    """Its speed along the route."""
    across_mps: float
    """Towards the left."""
    closing_mps: float
    """The ego's speed less its speed along the route."""
    speed_mps: float
    acceleration_mps2: float
    stood: bool
    """Whether it stood at some time of the last 2 s."""
    distance_m: float
    """Straight, from middle to middle."""
    in_ego_lane: bool
    seen_frame: int
    """The frame of the last 2 s at which most of it was seen."""
    visible_px: int

    @property
    def is_visible(self) -> bool:
        """Whether a camera saw it in the last 2 s."""
        return self.visible_px >= SEEN_PX

    @property
    def is_vulnerable(self) -> bool:
        """Whether it is a person on foot or on a bicycle."""
        return self.category in VULNERABLE

    @property
    def is_obstacle(self) -> bool:
        """Whether it is an object and no road user."""
        return self.category in ("traffic cone", "barrier", "debris", "obstacle")


@dataclass(frozen=True)
class Signal:
    """A light or sign of the ego's lane, with what it was over the last 2 s."""

    actor_id: int
    kind: str
    state: str
    was: tuple[str, ...]
    """The other states of the last 2 s, oldest first."""
    distance_m: float
    seen_frame: int
    visible_px: int

    @property
    def is_visible(self) -> bool:
        """Whether a camera saw it in the last 2 s."""
        return self.visible_px >= SEEN_PX // 4


@dataclass(frozen=True)
class Scene:
    """The last 2 s up to a frame."""

    states: tuple[SceneState, ...]
    things: tuple[Thing, ...]
    signals: tuple[Signal, ...]

    @property
    def now(self) -> SceneState:
        """The state at the frame."""
        return self.states[-1]

    def thing(self, actor_id: int) -> Thing | None:
        """Return the thing of an actor, None if it is not there now."""
        return next((thing for thing in self.things if thing.actor_id == actor_id), None)

    @property
    def lead(self) -> Thing | None:
        """The nearest road user ahead in the ego's lane that does not come towards the ego."""
        leads = [thing for thing in self.things if thing.relation == "lead"]
        return min(leads, key=lambda thing: thing.gap_m, default=None)

    @property
    def has_masks(self) -> bool:
        """Whether anybody looked at what the cameras see."""
        return any(thing.visible_px for thing in self.things) or any(signal.visible_px for signal in self.signals)


def scene_at(scenes: Sequence[SceneState], frame: int) -> Scene:
    """Return what the 2 s up to a frame hold."""
    states = tuple(scenes[max(0, frame - HISTORY_FRAMES) : frame + 1])
    now = states[-1]
    paths: dict[int, list[tuple[int, SceneActor]]] = {}
    for state in states:
        for actor in state.actors:
            paths.setdefault(actor.actor_id, []).append((state.frame_index, actor))
    things = tuple(_thing(states, paths[actor.actor_id]) for actor in now.actors if not is_flat(actor))
    signals = tuple(_signal(states, signal) for signal in now.signals)
    return Scene(states, things, signals)


def is_flat(actor: SceneActor) -> bool:
    """Whether a thing lies so flat on the road that it is driven over."""
    return actor.kind == "prop" and (actor.extent_m[2] < FLAT_M or "dirtdebris" in actor.type_id)


def category_of(actor: SceneActor) -> str:
    """Return what a driver would call an actor."""
    name = actor.type_id.lower()
    if actor.kind == "pedestrian":
        return "pedestrian"
    if actor.kind == "cyclist":
        return "cyclist"
    if actor.kind == "vehicle":
        groups = (("truck", TRUCKS), ("van", VANS), ("bus", BUSES), ("motorcycle", MOTORCYCLES))
        if any(key in name for key in EMERGENCY):
            return "emergency vehicle"
        return next((group for group, keys in groups if any(key in name for key in keys)), "vehicle")
    groups = (("traffic cone", CONES), ("barrier", BARRIERS), ("debris", DEBRIS))
    return next((group for group, keys in groups if any(key in name for key in keys)), "obstacle")


def _thing(states: tuple[SceneState, ...], path: list[tuple[int, SceneActor]]) -> Thing:
    now = states[-1]
    actor = path[-1][1]
    category = category_of(actor)
    speed = math.hypot(*actor.velocity_mps[:2])
    past = path[max(0, len(path) - 1 - RATE_FRAMES)]
    lapse_s = 0.1 * (path[-1][0] - past[0])
    acceleration = (speed - math.hypot(*past[1].velocity_mps[:2])) / lapse_s if lapse_s > 0.0 else 0.0
    turned = math.radians(now.ego.yaw - actor.transform.yaw)
    along, across = _rates(now, actor, past[1], lapse_s)
    frame, pixels = max(
        ((frame, max(seen.visible_px.values(), default=0)) for frame, seen in path), key=lambda found: found[1]
    )
    dx, dy = actor.transform.x - now.ego.x, actor.transform.y - now.ego.y
    relation = _relation(actor, category, turned, speed, along, across, dx, dy, now)
    side = "" if abs(actor.lateral_m) < HALF_EGO_M else "left" if _left_m(actor, dx, dy, now) > 0.0 else "right"
    cut_in = (
        relation == "lead"
        and actor.kind != "prop"
        and any(CUT_IN_M < abs(seen.lateral_m) < 8.0 and not seen.in_ego_lane and seen.gap_m > 0.0 for _, seen in path)
        and speed > 1.0
    )
    crosses = relation == "crossing"
    return Thing(
        actor_id=actor.actor_id,
        category=category,
        relation=relation,
        doing=_doing(relation, speed, acceleration, cut_in=cut_in),
        side=side,
        comes_from=("right" if across > 0.0 else "left") if crosses and abs(across) > 0.2 else "",
        gap_m=actor.gap_m,
        lateral_m=actor.lateral_m,
        left_m=_left_m(actor, dx, dy, now),
        along_mps=along,
        across_mps=across,
        closing_mps=now.speed_mps - along,
        speed_mps=speed,
        acceleration_mps2=acceleration,
        stood=any(math.hypot(*seen.velocity_mps[:2]) <= STANDING_MPS for _, seen in path),
        distance_m=math.hypot(dx, dy),
        in_ego_lane=actor.in_ego_lane,
        seen_frame=frame,
        visible_px=pixels,
    )


def _left_m(actor: SceneActor, dx: float, dy: float, now: SceneState) -> float:
    if math.isfinite(actor.lateral_m):
        return actor.lateral_m
    yaw = math.radians(now.ego.yaw)
    return dx * math.sin(yaw) - dy * math.cos(yaw)


def _rates(now: SceneState, actor: SceneActor, past: SceneActor, lapse_s: float) -> tuple[float, float]:
    """Return an actor's speeds along and across the route, by its place on it, or by the ego's heading where it is off it."""
    yaw = math.radians(now.ego.yaw)
    along = actor.velocity_mps[0] * math.cos(yaw) + actor.velocity_mps[1] * math.sin(yaw)
    places = (actor.gap_m, past.gap_m, actor.lateral_m, past.lateral_m)
    if lapse_s <= 0.0 or not all(math.isfinite(place) for place in places):
        return along, _across(now, actor)
    speed = math.hypot(*actor.velocity_mps[:2])
    across = (actor.lateral_m - past.lateral_m) / lapse_s
    if abs(actor.lateral_m) < NEAR_PATH_M:
        # Round a bend, what drives along the route does so whatever the ego's heading.
        along = now.speed_mps + (actor.gap_m - past.gap_m) / lapse_s
    return float(np.clip(along, -speed, speed)), float(np.clip(across, -speed - 0.5, speed + 0.5))


def _across(now: SceneState, actor: SceneActor) -> float:
    yaw = math.radians(now.ego.yaw)
    return actor.velocity_mps[0] * math.sin(yaw) - actor.velocity_mps[1] * math.cos(yaw)


def _relation(
    actor: SceneActor,
    category: str,
    turned: float,
    speed: float,
    along: float,
    across: float,
    dx: float,
    dy: float,
    now: SceneState,
) -> str:
    yaw = math.radians(now.ego.yaw)
    forward = dx * math.cos(yaw) + dy * math.sin(yaw)
    on_route = math.isfinite(actor.gap_m)
    ahead = actor.gap_m > -1.0 if on_route else forward > 2.0
    towards = across * actor.lateral_m < 0.0 if on_route else False
    if actor.kind == "pedestrian":
        near = on_route and abs(actor.lateral_m) < NEAR_PATH_M
        moving = abs(across) > TOWARDS_MPS
        if ahead and near and (abs(actor.lateral_m) < ON_PATH_M or (towards and moving)):
            return "crossing"
        return "roadside" if ahead else "behind"
    if not ahead:
        comes = on_route and towards and abs(across) > max(1.0, CROSSING_SIN * speed) and actor.gap_m > -LONG_M
        if comes:
            return "crossing"
        aside = abs(_left_m(actor, dx, dy, now))
        return "behind" if forward < -2.0 and aside < 3.0 else "beside" if abs(forward) < 8.0 else "away"
    if on_route and abs(actor.lateral_m) < 2.0 * NEAR_PATH_M:
        sine, cosine = abs(across) / max(speed, 0.1), along / max(speed, 0.1)
    else:
        sine, cosine = abs(math.sin(turned)), math.cos(turned)
    if speed > STANDING_MPS and sine > CROSSING_SIN:
        return "crossing"
    if actor.in_ego_lane and actor.gap_m < LEAD_REACH_M and (cosine > 0.0 or speed <= STANDING_MPS):
        return "lead"
    if cosine < -0.3 and speed > STANDING_MPS:
        return "oncoming"
    if on_route and abs(actor.lateral_m) < 2.0 * NEAR_PATH_M:
        return "beside" if category not in ("pedestrian",) and speed > STANDING_MPS else "roadside"
    return "away"


def _doing(relation: str, speed: float, acceleration: float, *, cut_in: bool) -> str:
    if cut_in:
        return "cutting_in"
    if relation == "crossing":
        return "crossing" if speed > 0.2 else "waiting"
    if speed <= STANDING_MPS:
        return "stopped"
    if relation == "oncoming":
        return "approaching"
    if acceleration < BRAKING_MPS2:
        return "braking"
    return "accelerating" if acceleration > -BRAKING_MPS2 else "moving"


def _signal(states: tuple[SceneState, ...], signal: SceneSignal) -> Signal:
    path = [(state.frame_index, seen) for state in states for seen in state.signals if seen.actor_id == signal.actor_id]
    was: list[str] = []
    for _, seen in path:
        if seen.state and seen.state != signal.state and (not was or was[-1] != seen.state):
            was.append(seen.state)
    frame, pixels = max(
        ((frame, max(seen.visible_px.values(), default=0)) for frame, seen in path), key=lambda found: found[1]
    )
    return Signal(
        actor_id=signal.actor_id,
        kind=signal.kind,
        state=signal.state,
        was=tuple(was),
        distance_m=signal.distance_m,
        seen_frame=frame,
        visible_px=pixels,
    )


def is_nowhere(metres: float) -> bool:
    """Whether a distance means off the route."""
    return metres == NOWHERE_M
