"""Calls on what stands and shines in the scene: weather, street lights, static objects, debug shapes, textures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alpamayo_sim.roads.statics import StaticKind
from alpamayo_sim.server.codec import (
    WireError,
    anything,
    array,
    boolean,
    location,
    loose_number,
    number,
    struct_of,
    text,
    u8,
    u32,
    u64,
    weather,
)
from alpamayo_sim.server.level_boxes import ANY_LABEL, actor_boxes, signal_boxes
from alpamayo_sim.server.registry import CallError, Family, call
from alpamayo_sim.server.rpc import Session
from alpamayo_sim.server.simulation import Simulation
from alpamayo_sim.world.weather import Weather

color = struct_of("Color", u8, u8, u8)
lamp_state = struct_of("LightState", u32, location, number, u8, color, boolean)
MAX_SHAPE_ITEMS = 64


@call(Family.VALUE)
def get_weather_parameters(session: Session) -> list[float]:
    """Return the weather."""
    weather_now = session.server.simulation.world.weather
    return [getattr(weather_now, name) for name in Weather.__slots__]


@call(Family.VOID, weather)
def set_weather_parameters(session: Session, values: Sequence[float]) -> None:
    """Change the weather."""
    session.server.simulation.world.weather = Weather(*values)


@call(Family.VALUE)
def get_imui_gravity(session: Session) -> float:
    """Return the gravity that IMUs measure, m/s^2."""
    return session.server.simulation.sensors.gravity_mps2


@call(Family.VOID, number)
def set_imui_gravity(session: Session, gravity_mps2: float) -> None:
    """Set the gravity that IMUs measure."""
    session.server.simulation.sensors.gravity_mps2 = gravity_mps2


@call(Family.VALUE, text)
def query_lights_state(session: Session, endpoint: str) -> list[Any]:
    """Return every street light."""
    return session.server.simulation.street_lights.records()


@call(Family.VOID, text, array(lamp_state), boolean)
def update_lights_state(session: Session, endpoint: str, states: Sequence[Any], discard: bool) -> None:
    """Change street lights."""
    session.server.simulation.street_lights.update(states)


@call(Family.VOID, text, boolean)
def update_day_night_cycle(session: Session, endpoint: str, active: bool) -> None:
    """Accept: street lights here follow no cycle, only what clients set."""


def _objects(simulation: Simulation, label: int) -> list[tuple[int, list[Any], str, int]]:
    """Return (number, box, name, label) of every static object with the label."""
    statics = simulation.world.statics
    if statics is None:
        return []
    found: list[tuple[int, list[Any], str, int]] = []
    for index, (center, extent, yaw, own, kind) in enumerate(
        zip(
            statics.center.tolist(),
            statics.extent.tolist(),
            statics.yaw_deg.tolist(),
            statics.label.tolist(),
            statics.kind.tolist(),
            strict=True,
        )
    ):
        if label in (own, ANY_LABEL):
            name = f"{StaticKind(kind).name.title().replace('_', '')}_{index}"
            found.append((index + 1, [center, extent, [0.0, yaw, 0.0], 0], name, own))
    return found


@call(Family.VALUE, u8)
def get_all_level_BBs(session: Session, label: int) -> list[Any]:
    """Return the boxes of what has a label now, static objects, signals and actors, in the CARLA world frame."""
    simulation = session.server.simulation
    boxes = [box for _, box, _, _ in _objects(simulation, label)]
    return boxes + signal_boxes(simulation.world, label) + actor_boxes(simulation.world, label)


@call(Family.VALUE, u8)
def get_environment_objects(session: Session, label: int) -> list[Any]:
    """Return the static objects with a label: transform, box, id, name, label."""
    return [
        [[box[0], box[2]], box, number_, name, own]
        for number_, box, name, own in _objects(session.server.simulation, label)
    ]


@call(Family.VOID, array(u64), boolean)
def enable_environment_objects(session: Session, ids: Sequence[int], enabled: bool) -> None:
    """Accept ids of static objects; they stay visible and solid."""
    statics = session.server.simulation.world.statics
    count = len(statics) if statics is not None else 0
    for object_id in ids:
        if not 1 <= object_id <= count:
            raise CallError(f"there is no environment object {object_id}")


@call(Family.VALUE)
def get_names_of_all_objects(session: Session) -> list[str]:
    """Return the names of the static objects."""
    return [name for _, _, name, _ in _objects(session.server.simulation, ANY_LABEL)]


def _size(value: Any) -> int:
    """Return how many things a nested array holds, counting no further than the limit."""
    if type(value) is not list:
        return 1
    total = 0
    for item in value:
        total += _size(item)
        if total > MAX_SHAPE_ITEMS:
            break
    return total


def _primitive(value: Any) -> tuple[int, Any]:
    if type(value) is list and len(value) == 1:
        value = value[0]
    if type(value) is list and len(value) == 2 and type(value[0]) is int and _size(value[1]) <= MAX_SHAPE_ITEMS:
        if value[0] == 4:
            text(value[1][1])
        return value[0], value[1]
    raise WireError("expected a debug shape")


debug_shape = struct_of("DebugShape", _primitive, anything, loose_number, boolean)


@call(Family.VOID, debug_shape)
def draw_debug_shape(session: Session, shape: Sequence[Any]) -> None:
    """Keep a shape for its life time."""
    simulation = session.server.simulation
    primitive, rgb, life_s, persistent = shape
    channels = tuple(u8(channel) for channel in rgb) if type(rgb) is list and len(rgb) <= 4 else ()
    simulation.shapes.draw(primitive, channels, -1.0 if persistent else life_s, simulation.world.elapsed_s)


@call(Family.VOID)
def clear_debug_shape(session: Session) -> None:
    """Forget all shapes."""
    session.server.simulation.shapes.clear()


@call(Family.VOID)
def clear_debug_string(session: Session) -> None:
    """Forget all shapes."""
    session.server.simulation.shapes.clear()


@call(Family.VOID, boolean)
def set_annotations_traverse_translucency(session: Session, enabled: bool) -> None:
    """Accept: nothing here is translucent."""


@call(Family.VOID, array(text), u8, anything)
def apply_color_texture_to_objects(session: Session, names: Sequence[str], parameter: int, texture: Any) -> None:
    """Refuse: objects here have no textures."""
    raise CallError("this server has no textures to replace")


@call(Family.VOID, array(text), u8, anything)
def apply_float_color_texture_to_objects(session: Session, names: Sequence[str], parameter: int, texture: Any) -> None:
    """Refuse: objects here have no textures."""
    raise CallError("this server has no textures to replace")


def _stream_exists(session: Session, stream_id: int) -> None:
    if session.server.hub.find(stream_id) is None:
        raise CallError(f"there is no stream {stream_id}")


@call(Family.VOID, u32)
def enable_sensor_for_ros(session: Session, stream_id: int) -> None:
    """Refuse: there is no ROS bridge here."""
    _stream_exists(session, stream_id)
    raise CallError("this server does not publish to ROS")


@call(Family.VOID, u32)
def disable_sensor_for_ros(session: Session, stream_id: int) -> None:
    """Accept: nothing is published to ROS."""
    _stream_exists(session, stream_id)


@call(Family.VALUE, u32)
def is_sensor_enabled_for_ros(session: Session, stream_id: int) -> bool:
    """Return False: nothing is published to ROS."""
    return False
