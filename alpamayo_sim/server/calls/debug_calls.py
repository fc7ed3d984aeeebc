"""Calls that draw for the eye."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alpamayo_sim.server.codec import (
    Decoder,
    WireError,
    boolean,
    location,
    loose_number,
    number,
    struct_of,
    text,
    u8,
    u32,
    vector,
)
from alpamayo_sim.server.debug_shapes import Primitive
from alpamayo_sim.server.registry import Family, call
from alpamayo_sim.server.rpc import Session

color = struct_of("Color", u8, u8, u8)
bounding_box = struct_of("BoundingBox", location, vector, vector, u32)
_line = struct_of("Line", location, location, number)
_point = struct_of("Point", location, number)
_arrow = struct_of("Arrow", _line, number)
_box = struct_of("Box", bounding_box, vector, number)
PRIMITIVES: dict[Primitive, Decoder] = {
    Primitive.POINT: _point,
    Primitive.LINE: _line,
    Primitive.ARROW: _arrow,
    Primitive.BOX: _box,
    Primitive.STRING: struct_of("String", location, text, boolean),
    Primitive.HUD_POINT: _point,
    Primitive.HUD_LINE: _line,
    Primitive.HUD_ARROW: _arrow,
    Primitive.HUD_BOX: _box,
}


def _primitive(value: Any) -> tuple[Primitive, tuple[Any, ...]]:
    if type(value) is list and len(value) == 1:
        value = value[0]
    if type(value) is list and len(value) == 2 and type(value[0]) is int and 0 <= value[0] < len(PRIMITIVES):
        kind = Primitive(value[0])
        return kind, PRIMITIVES[kind](value[1])
    raise WireError("expected a debug shape")


debug_shape = struct_of("DebugShape", _primitive, color, loose_number, boolean)


@call(Family.VOID, debug_shape)
def draw_debug_shape(session: Session, shape: Sequence[Any]) -> None:
    """Keep a shape for its life time. `persistent_lines` changes nothing, as in CARLA."""
    simulation = session.server.simulation
    (primitive, fields), rgb, life_s, _ = shape
    simulation.shapes.draw(primitive, fields, rgb, life_s, simulation.world.elapsed_s)


@call(Family.VOID)
def clear_debug_shape(session: Session) -> None:
    """Forget all shapes but texts."""
    session.server.simulation.shapes.clear_shapes()


@call(Family.VOID)
def clear_debug_string(session: Session) -> None:
    """Forget all texts."""
    session.server.simulation.shapes.clear_strings()


@call(Family.VALUE)
def get_debug_shapes(session: Session) -> list[Any]:
    """Return `[primitive, fields, colour, life left in s]` of what is drawn now. CARLA has no such call."""
    simulation = session.server.simulation
    return simulation.shapes.records(simulation.world.elapsed_s)


@call(Family.VOID, boolean)
def set_annotations_traverse_translucency(session: Session, enabled: bool) -> None:
    """Accept: nothing here is translucent."""
