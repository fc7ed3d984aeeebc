"""Calls on the static objects of the map: lists, boxes, hiding, layers, textures."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from alpamayo_sim.server.codec import array, boolean, integer, text, u8, u16, u64
from alpamayo_sim.server.level_boxes import ANY_LABEL, actor_boxes, object_box, signal_boxes
from alpamayo_sim.server.registry import CallError, Family, call
from alpamayo_sim.server.rpc import Session
from alpamayo_sim.server.textures import Texture, color_texture, float_color_texture
from alpamayo_sim.world.scene_objects import TRAFFIC_LIGHT_LABEL, TRAFFIC_SIGN_LABEL, SceneObject

_LOG = logging.getLogger(__name__)
material_parameter = integer(0, 3)


def _listed(session: Session, label: int) -> list[SceneObject]:
    return session.server.simulation.world.scene.listed(None if label == ANY_LABEL else label)


@call(Family.VALUE, u8)
def get_all_level_BBs(session: Session, label: int) -> list[Any]:
    """Return the boxes of what has a label now, static objects, signals and actors, in the CARLA world frame."""
    world = session.server.simulation.world
    signals = (TRAFFIC_LIGHT_LABEL, TRAFFIC_SIGN_LABEL)
    boxes = [object_box(thing) for thing in _listed(session, label) if thing.label not in signals]
    return boxes + signal_boxes(world, label) + actor_boxes(world, label)


@call(Family.VALUE, u8)
def get_environment_objects(session: Session, label: int) -> list[Any]:
    """Return the static objects with a label: transform, box, id, name, label."""
    found: list[Any] = []
    for thing in _listed(session, label):
        box = object_box(thing)
        found.append([[box[0], box[2]], box, thing.id, thing.name, thing.label])
    return found


@call(Family.VOID, array(u64), boolean)
def enable_environment_objects(session: Session, ids: Sequence[int], enabled: bool) -> None:
    """Show or hide static objects: what is hidden is not solid and not seen. Ids that do not exist are logged, as by CARLA."""
    unknown = session.server.simulation.world.scene.enable(ids, enabled)
    if unknown:
        _LOG.warning("enable_environment_objects: no objects %s", unknown[:10])


@call(Family.VALUE)
def get_names_of_all_objects(session: Session) -> list[str]:
    """Return the names of the static objects."""
    return [thing.name for thing in _listed(session, ANY_LABEL)]


@call(Family.VOID, u16)
def load_map_layer(session: Session, layers: int) -> None:
    """Show the objects of map layers."""
    session.server.simulation.world.scene.load_layers(layers)


@call(Family.VOID, u16)
def unload_map_layer(session: Session, layers: int) -> None:
    """Take the objects of map layers away."""
    session.server.simulation.world.scene.unload_layers(layers)


def _apply_texture(session: Session, names: Sequence[str], parameter: int, image: Texture) -> None:
    known = {thing.name for thing in _listed(session, ANY_LABEL)}
    wanted = [name for name in names if name in known]
    if not wanted:
        raise CallError("unable to find Actor to apply the texture")
    session.server.simulation.textures.apply(wanted, parameter, image)


@call(Family.VOID, array(text), material_parameter, color_texture)
def apply_color_texture_to_objects(session: Session, names: Sequence[str], parameter: int, image: Texture) -> None:
    """Remember a texture for named objects: pictures do not show it. Refused when no object has any of the names."""
    _apply_texture(session, names, parameter, image)


@call(Family.VOID, array(text), material_parameter, float_color_texture)
def apply_float_color_texture_to_objects(
    session: Session, names: Sequence[str], parameter: int, image: Texture
) -> None:
    """Remember a texture for named objects: pictures do not show it. Refused when no object has any of the names."""
    _apply_texture(session, names, parameter, image)


@call(Family.VALUE)
def get_applied_textures(session: Session) -> list[Any]:
    """Return `[object name, material parameter, width, height, mean colour]` of each texture. CARLA has no such call."""
    return session.server.simulation.textures.records()
