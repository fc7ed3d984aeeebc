"""The texts of CARLA's `show_recorder_collisions` and `show_recorder_actors_blocked` (`CarlaRecorderQuery`)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from alpamayo_sim.server.recorder.file_info import closing_lines, opening_lines
from alpamayo_sim.server.recorder.packets import NO_ACTOR, PacketId
from alpamayo_sim.server.recorder.reader import Frame, RecordingReader, added_actors, frame, records

CATEGORIES = "ovwtha"
"""Letters of the actor types 0 to 5. CARLA prints signs (4) as `h` and sensors (5) as `a`, which elsewhere mean hero and any."""
ANY, HERO, OTHER = "a", "h", "o"


def collisions(reader: RecordingReader, first_type: str, second_type: str) -> str:
    """Return the collisions between actors of two types, each where it begins: o, v, w, t, h(ero) or a(ny)."""
    lines = [opening_lines(reader.header), f"    Time  Types     Id {'Actor 1':<35}     Id {'Actor 2':<35}\n"]
    actors: dict[int, tuple[str, str]] = {}
    before: set[tuple[int, int]] = set()
    present: set[tuple[int, int]] = set()
    now = Frame(0, 0.0, 0.0)
    shown = False
    while (head := reader.next_header()) is not None:
        packet_id, size = head
        if packet_id == PacketId.FRAME_START:
            now = frame(reader.data(size))
            before, present = present, set()
        elif packet_id == PacketId.EVENT_ADD:
            for actor in added_actors(reader.data(size)):
                actors[actor.id] = (CATEGORIES[actor.type] if actor.type < len(CATEGORIES) else OTHER, actor.type_id)
        elif packet_id == PacketId.COLLISION:
            for _, first, second, first_hero, second_hero in records(packet_id, reader.data(size)).tolist():
                one, one_name = _category(actors, first)
                two, two_name = _category(actors, second)
                if not (_matches(first_type, one, first_hero) and _matches(second_type, two, second_hero)):
                    continue
                if (first, second) not in before:
                    shown = True
                    lines.append(
                        f"{now.elapsed_s:8.0f}   {one} {two}  {first:6d} {one_name:<35} {second:6d} {two_name:<35}\n"
                    )
                present.add((first, second))
        else:
            reader.skip(size)
    return "".join([*lines, closing_lines(now, decimals=0 if shown else None)])


def _category(actors: dict[int, tuple[str, str]], actor_id: int) -> tuple[str, str]:
    return (OTHER, "") if actor_id == NO_ACTOR else actors.get(actor_id, (OTHER, ""))


def _matches(wanted: str, category: str, hero: bool) -> bool:
    return wanted in (ANY, category) or (wanted == HERO and hero)


@dataclass(slots=True)
class _Stay:
    """How long an actor has been where it is."""

    type_id: str
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)
    since_s: float = 0.0
    duration_s: float = 0.0


def actors_blocked(reader: RecordingReader, min_time_s: float, min_distance_cm: float) -> str:
    """Return the actors that moved less than a distance for at least a time, the longest first.

    A destroyed actor that was blocked until its end is listed, as CARLA does.
    """
    found: list[tuple[float, str]] = []
    stays: dict[int, _Stay] = {}
    now = Frame(0, 0.0, 0.0)
    while (head := reader.next_header()) is not None:
        packet_id, size = head
        if packet_id == PacketId.FRAME_START:
            now = frame(reader.data(size))
        elif packet_id == PacketId.EVENT_ADD:
            for actor in added_actors(reader.data(size)):
                stays[actor.id] = _Stay(actor.type_id)
        elif packet_id == PacketId.POSITION:
            for actor_id, place, _ in records(packet_id, reader.data(size)).tolist():
                stay = stays.get(actor_id)
                if stay is None:
                    stay = stays[actor_id] = _Stay("")
                if math.dist(stay.place, place) < min_distance_cm:
                    if stay.duration_s == 0.0:
                        stay.since_s = now.elapsed_s
                    stay.duration_s += now.duration_s
                    continue
                if stay.duration_s >= min_time_s:
                    found.append((stay.duration_s, _blocked_line(actor_id, stay)))
                stay.duration_s, stay.place = 0.0, place
        else:
            reader.skip(size)
    found += [
        (stay.duration_s, _blocked_line(actor_id, stay))
        for actor_id, stay in stays.items()
        if stay.duration_s >= min_time_s
    ]
    found.sort(key=lambda item: -item[0])
    header = f"    Time     Id {'Actor':<35}   Duration\n"
    return "".join([opening_lines(reader.header), header, *(line for _, line in found), closing_lines(now)])


def _blocked_line(actor_id: int, stay: _Stay) -> str:
    return f"{stay.since_s:8.0f} {actor_id:6d} {stay.type_id:<35} {stay.duration_s:10.0f}\n"
