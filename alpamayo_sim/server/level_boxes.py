"""The boxes of everything with a semantic label that stands, moves or hangs in a town, in the CARLA world frame.

As in CARLA's `GetAllBBsOfLevel`, the boxes are those of the moment of the call, with the vehicles, walkers and props that
clients have spawned; a traffic light counts with its lamp housings, a sign with its plate.
"""

from __future__ import annotations

from typing import Any

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.roads.signal_boxes import Box
from alpamayo_sim.world.scene_objects import TRAFFIC_LIGHT_LABEL, TRAFFIC_SIGN_LABEL, SceneObject, sign_plate
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world import World

ANY_LABEL = 0xFF


def world_box(box: Box, actor_id: int = 0) -> list[Any]:
    """Return an upright box as CARLA's BoundingBox: centre, half sizes, rotation, actor."""
    return [list(box.center), list(box.extent), [0.0, box.yaw_deg, 0.0], actor_id]


def object_box(thing: SceneObject) -> list[Any]:
    """Return a static object's box as CARLA's BoundingBox."""
    return [list(thing.center), list(thing.extent), [0.0, thing.yaw_deg, 0.0], 0]


def signal_boxes(world: World, label: int) -> list[list[Any]]:
    """Return the boxes of the lamp housings and sign plates with a label."""
    found: list[list[Any]] = []
    signals = world.road_map.signals
    if label in (TRAFFIC_LIGHT_LABEL, ANY_LABEL):
        ids = world.actors.ids[world.lights.row].tolist()
        for actor_id, signal in zip(ids, world.lights.signal.tolist(), strict=True):
            found += [world_box(box, actor_id) for box in world.scene.light_boxes[signal]]
    if label in (TRAFFIC_SIGN_LABEL, ANY_LABEL):
        sign_of = {sign.signal_id: sign for sign in signals.signs}
        for actor_id in world.actors.ids[world.actors.kind == ActorKind.TRAFFIC_SIGN].tolist():
            found.append(world_box(sign_plate(sign_of[world.info(actor_id).sign_id]), actor_id))
    return found


def actor_boxes(world: World, label: int) -> list[list[Any]]:
    """Return the boxes of the spawned vehicles, walkers and props with a label."""
    found: list[list[Any]] = []
    for actor_id, kind in zip(world.actors.ids.tolist(), world.actors.kind.tolist(), strict=True):
        if kind not in (ActorKind.VEHICLE, ActorKind.WALKER, ActorKind.PROP):
            continue
        info = world.info(actor_id)
        if label == ANY_LABEL or label in info.semantic_tags:
            x, y, z, pitch, yaw, roll = compose(world.transform(actor_id), Transform(*info.box_center))
            found.append([[x, y, z], list(info.extent), [pitch, yaw, roll], actor_id])
    return found
