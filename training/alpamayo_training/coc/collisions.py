"""Whether the ego runs into somebody: overlap of boxes in recorded scenes."""

from __future__ import annotations

import math

from alpamayo_sim.record.scene_state import SceneActor, SceneState
from alpamayo_training.coc.teaching import Drive
from alpamayo_training.coc.things import is_flat

EGO_HALF_M = (2.3, 0.95)
"""Slightly less than the smallest of the usual ego vehicles; who comes closer than that has been hit."""
WITHIN_FRAMES = 30


def collides_soon(drive: Drive, frame: int) -> str:
    """Return whom the ego overlaps within the next 3 s, "" for nobody."""
    for state in drive.scenes[frame : frame + WITHIN_FRAMES + 1 : 2]:
        for actor in state.actors:
            if not is_flat(actor) and overlaps(state, actor):
                return f"the ego runs into actor {actor.actor_id} ({actor.kind})"
    return ""


def overlaps(state: SceneState, actor: SceneActor) -> bool:
    """Return whether the ego's box and an actor's overlap, seen from above, by the separating axes of both."""
    dx, dy = actor.transform.x - state.ego.x, actor.transform.y - state.ego.y
    if math.hypot(dx, dy) > 12.0 or abs(actor.transform.z - state.ego.z) > 3.0:
        return False
    ego, other = math.radians(state.ego.yaw), math.radians(actor.transform.yaw)
    dx += actor.box_center_m[0] * math.cos(other) - actor.box_center_m[1] * math.sin(other)
    dy += actor.box_center_m[0] * math.sin(other) + actor.box_center_m[1] * math.cos(other)
    for angle in (ego, ego + math.pi / 2.0, other, other + math.pi / 2.0):
        between = abs(dx * math.cos(angle) + dy * math.sin(angle))
        reach = _reach(EGO_HALF_M, ego - angle) + _reach(actor.extent_m[:2], other - angle)
        if between > reach:
            return False
    return True


def _reach(half_m: tuple[float, ...], angle: float) -> float:
    return abs(half_m[0] * math.cos(angle)) + abs(half_m[1] * math.sin(angle))
