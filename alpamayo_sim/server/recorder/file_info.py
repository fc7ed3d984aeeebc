"""The text of CARLA's `show_recorder_file_info`, to the letter (CARLA 0.9.16, `CarlaRecorderQuery::QueryInfo`).

Numbers are written as C++ streams write them, with six significant digits, which is `%g`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from alpamayo_sim.server.recorder.packets import PacketId
from alpamayo_sim.server.recorder.reader import (
    Frame,
    Header,
    RecordingReader,
    added_actors,
    frame,
    physics_records,
    records,
    seconds,
    walker_bones,
)
from alpamayo_sim.server.registry import CallError

MAX_TEXT_CHARACTERS = 256 << 20
GEAR_SWITCH_TIME_S = 0.5
"""Files do not carry it; CARLA prints its default."""
_LIGHT_NAMES = (
    "Position", "LowBeam", "HighBeam", "Brake", "RightBlinker", "LeftBlinker", "Reverse", "Fog", "Interior", "Special1",
    "Special2",
)  # fmt: skip
_LIGHT_PRINT_ORDER = (0, 1, 2, 3, 4, 5, 6, 8, 7, 9, 10)
"""CARLA prints the interior light before the fog light."""
_DOORS = ("Front Left", "Front Right", "Rear Left", "Rear Right", "Hood", "Trunk", "All")


def opening_lines(header: Header) -> str:
    """Return what all queries begin with."""
    try:
        date = time.strftime("%m/%d/%y %H:%M:%S", time.localtime(header.unix_time_s))
    except (OverflowError, ValueError, OSError):
        date = "unknown"
    return f"Version: {header.version}\nMap: {header.map_name}\nDate: {date}\n\n"


def _vector(values: Iterable[float]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"


def _curve(points: Iterable[Iterable[float]]) -> str:
    return "".join(f" {_vector(point)}" for point in points)


def light_names(flags: int) -> str:
    """Return the lights that are on as CARLA prints them, `None` without any."""
    on = [_LIGHT_NAMES[k] for k in _LIGHT_PRINT_ORDER if flags >> k & 1]
    return " ".join(on) or "None"


def _added(data: bytes) -> list[str]:
    lines: list[str] = []
    for actor in added_actors(data):
        lines.append(f" Create {actor.id}: {actor.type_id} ({actor.type}) at {_vector(actor.location)}\n")
        lines += [f"  {name} = {value}\n" for _, name, value in actor.attributes]
    return lines


def _deleted(data: bytes) -> list[str]:
    return [f" Destroy {actor_id}\n" for (actor_id,) in records(PacketId.EVENT_DEL, data).tolist()]


def _parented(data: bytes) -> list[str]:
    pairs = records(PacketId.EVENT_PARENT, data).tolist()
    return [f" Parenting {child} with {parent} (parent)\n" for child, parent in pairs]


def _collided(data: bytes) -> list[str]:
    return [
        f" Collision id {number} between {first}{' (hero) ' if first_hero else ''}"
        f" with {second}{' (hero) ' if second_hero else ''}\n"
        for number, first, second, first_hero, second_hero in records(PacketId.COLLISION, data).tolist()
    ]


def _positions(data: bytes) -> list[str]:
    found = records(PacketId.POSITION, data).tolist()
    return [f" Positions: {len(found)}\n"] + [
        f"  Id: {actor_id} Location: ({x:g}, {y:g}, {z:g}) Rotation: ({roll:g}, {pitch:g}, {yaw:g})\n"
        for actor_id, (x, y, z), (roll, pitch, yaw) in found
    ]


def _states(data: bytes) -> list[str]:
    found = records(PacketId.STATE, data).tolist()
    return [f" State traffic lights: {len(found)}\n"] + [
        f"  Id: {actor_id} state: {chr(0x30 + state & 0x7F)} frozen: {int(frozen)} elapsedTime: {elapsed:g}\n"
        for actor_id, frozen, elapsed, state in found
    ]


def _vehicles(data: bytes) -> list[str]:
    found = records(PacketId.ANIM_VEHICLE, data).tolist()
    return [f" Vehicle animations: {len(found)}\n"] + [
        f"  Id: {actor_id} Steering: {steer:g} Throttle: {throttle:g} Brake: {brake:g} Handbrake: {int(hand_brake)}"
        f" Gear: {gear}\n"
        for actor_id, steer, throttle, brake, hand_brake, gear in found
    ]


def _walkers(data: bytes) -> list[str]:
    found = records(PacketId.ANIM_WALKER, data).tolist()
    return [f" Walker animations: {len(found)}\n"] + [f"  Id: {walker} speed: {speed:g}\n" for walker, speed in found]


def _doors(data: bytes) -> list[str]:
    found = records(PacketId.VEHICLE_DOOR, data).tolist()
    lines = [f" Vehicle door animations: {len(found)}\n"]
    for actor_id, door, _ in found:
        name = f" {_DOORS[door]} \n" if door < len(_DOORS) else ""
        lines.append(f"  Id: {actor_id}\n  Doors opened: {name}")
    return lines


def _lights(data: bytes) -> list[str]:
    found = records(PacketId.VEHICLE_LIGHT, data).tolist()
    return [f" Vehicle light animations: {len(found)}\n"] + [
        f"  Id: {actor_id} {light_names(flags)}\n" for actor_id, flags in found
    ]


def _scene_lights(data: bytes) -> list[str]:
    found = records(PacketId.SCENE_LIGHT, data).tolist()
    return [f" Scene light changes: {len(found)}\n"] + [
        f"  Id: {light} enabled: {on} intensity: {intensity:g} RGB_color: {_vector(color[:3])}\n"
        for light, intensity, color, on, _ in found
    ]


def _kinematics(data: bytes) -> list[str]:
    found = records(PacketId.KINEMATICS, data).tolist()
    return [f" Dynamic actors: {len(found)}\n"] + [
        f"  Id: {actor_id} linear_velocity: {_vector(linear)} angular_velocity: {_vector(angular)}\n"
        for actor_id, linear, angular in found
    ]


def _boxes(packet_id: PacketId, title: str) -> Callable[[bytes], list[str]]:
    def lines(data: bytes) -> list[str]:
        found = records(packet_id, data).tolist()
        return [f" {title}: {len(found)}\n"] + [
            f"  Id: {actor_id} origin: {_vector(origin)} extension: {_vector(extent)}\n"
            for actor_id, origin, extent in found
        ]

    return lines


def _platform_time(data: bytes) -> list[str]:
    return [f" Current platform time: {seconds(data):g}\n"]


def _physics(data: bytes) -> list[str]:
    found = list(physics_records(data))
    lines = [f" Physics Control events: {len(found)}\n"]
    for record in found:
        max_rpm, moi, full, engaged, disengaged, automatic, clutch, final_ratio, mass, drag, *center = record.head
        lines.append(
            f"  Id: {record.id}\n   max_rpm = {max_rpm:g}\n   MOI = {moi:g}\n"
            f"   damping_rate_full_throttle = {full:g}\n"
            f"   damping_rate_zero_throttle_clutch_engaged = {engaged:g}\n"
            f"   damping_rate_zero_throttle_clutch_disengaged = {disengaged:g}\n"
            f"   use_gear_auto_box = {'true' if automatic else 'false'}\n"
            f"   gear_switch_time = {GEAR_SWITCH_TIME_S:g}\n   clutch_strength = {clutch:g}\n"
            f"   final_ratio = {final_ratio:g}\n   mass = {mass:g}\n   drag_coefficient = {drag:g}\n"
            f"   center_of_mass = {_vector(center)}\n"
            f"   torque_curve ={_curve(record.torque_curve.tolist())}\n"
            f"   steering_curve ={_curve(record.steering_curve.tolist())}\n   forward_gears:\n"
        )
        for number, (ratio, down, up) in enumerate(record.gears.tolist()):
            lines.append(f"    gear {number}: ratio {ratio:g} down_ratio {down:g} up_ratio {up:g}\n")
        lines.append("   wheels:\n")
        for number, wheel in enumerate(record.wheels.tolist()):
            friction, damping, steer, radius, brake, hand_brake = wheel[:6]
            lines.append(
                f"    wheel {number}: tire_friction {friction:g} damping_rate {damping:g} max_steer_angle {steer:g}"
                f" radius {radius:g} max_brake_torque {brake:g} max_handbrake_torque {hand_brake:g}"
                f" position {_vector(wheel[9:])}\n"
            )
    return lines


def _light_times(data: bytes) -> list[str]:
    found = records(PacketId.TRAFFIC_LIGHT_TIME, data).tolist()
    return [f" Traffic Light time events: {len(found)}\n"] + [
        f"  Id: {light} green_time: {green:g} yellow_time: {yellow:g} red_time: {red:g}\n"
        for light, green, yellow, red in found
    ]


def _bones(data: bytes) -> list[str]:
    found = list(walker_bones(data))
    lines = [f" Walkers Bones: {len(found)}\n"]
    for walker, bones in found:
        lines.append(f"  Id: {walker}\n")
        lines += [
            f'     Bone: "{name}" relative: Loc{_vector(pose[:3])} Rot{_vector(pose[3:])}\n' for name, pose in bones
        ]
    return [*lines, "\n"]


_EVENTS: dict[int, Callable[[bytes], list[str]]] = {
    PacketId.EVENT_ADD: _added,
    PacketId.EVENT_DEL: _deleted,
    PacketId.EVENT_PARENT: _parented,
    PacketId.COLLISION: _collided,
}
_DETAILS: dict[int, Callable[[bytes], list[str]]] = {
    PacketId.POSITION: _positions,
    PacketId.STATE: _states,
    PacketId.ANIM_VEHICLE: _vehicles,
    PacketId.ANIM_WALKER: _walkers,
    PacketId.VEHICLE_DOOR: _doors,
    PacketId.VEHICLE_LIGHT: _lights,
    PacketId.SCENE_LIGHT: _scene_lights,
    PacketId.KINEMATICS: _kinematics,
    PacketId.BOUNDING_BOX: _boxes(PacketId.BOUNDING_BOX, "Actor bounding boxes"),
    PacketId.TRIGGER_VOLUME: _boxes(PacketId.TRIGGER_VOLUME, "Actor trigger volumes"),
    PacketId.PLATFORM_TIME: _platform_time,
    PacketId.PHYSICS_CONTROL: _physics,
    PacketId.TRAFFIC_LIGHT_TIME: _light_times,
    PacketId.WALKER_BONES: _bones,
}


def file_info(reader: RecordingReader, *, show_all: bool) -> str:
    """Return the text about a recording: its events, with `show_all` everything in it.

    Raises DamagedRecording for a file that contradicts itself, CallError for one whose text would be too long.
    """
    printers = {**_EVENTS, **_DETAILS} if show_all else _EVENTS
    parts = [opening_lines(reader.header)]
    characters = 0
    now = Frame(0, 0.0, 0.0)
    printed = True
    while (head := reader.next_header()) is not None:
        packet_id, size = head
        if packet_id == PacketId.FRAME_START:
            now, printed = frame(reader.data(size)), False
            if show_all:
                parts.append(_frame_line(now))
                printed = True
            continue
        printer = printers.get(packet_id)
        if printer is None:
            reader.skip(size)
            continue
        data = reader.data(size)
        if not printed and data[:2] != b"\0\0":
            parts.append(_frame_line(now))
            printed = True
        lines = printer(data)
        characters += sum(map(len, lines))
        if characters > MAX_TEXT_CHARACTERS:
            raise CallError(
                f"the text about this recording has more than {MAX_TEXT_CHARACTERS} characters: ask without show_all, "
                f"or split the recording"
            )
        parts += lines
    return "".join([*parts, closing_lines(now)])


def _frame_line(now: Frame) -> str:
    return f"Frame {now.number} at {now.elapsed_s:g} seconds\n"


def closing_lines(now: Frame, *, decimals: int | None = None) -> str:
    """Return what all queries end with; with `decimals` the duration is rounded to so many."""
    duration = f"{now.elapsed_s:g}" if decimals is None else f"{now.elapsed_s:.{decimals}f}"
    return f"\nFrames: {now.number}\nDuration: {duration} seconds\n"
