"""Recording, and what a recording tells of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured, Skip
from alpamayo_sim.conformance.context import CAR, STEP_S, Context

RECORDER = Family("recorder")
_FILE = "conformance_kit.log"
_QUERY = "Carla/Recorder/CarlaRecorderQuery.cpp; Docs/adv_recorder.md"
_TICKS = 40


def _record(context: Context) -> tuple[str, carla.Location]:
    """Record two seconds of a driving car; return the path that the server told, and where the car was at the end.

    Skip if the server does not record.
    """
    try:
        path = context.client.start_recorder(_FILE, True)
    except RuntimeError as error:
        raise Skip(f"the server does not record: {error}") from error
    try:
        vehicle = context.car_on_straight(60.0, 10.0)
        vehicle.apply_control(carla.VehicleControl(throttle=0.7))
        context.tick(_TICKS)
        end = vehicle.get_location()
    finally:
        context.client.stop_recorder()
    context.tick()
    return path, end


@RECORDER.check(
    "file_info",
    "A recording is written, and the server reads it",
    carla="start_recorder gives the file's path; show_recorder_file_info tells version, map, frames and duration.",
    source=_QUERY,
)
def _file_info(context: Context) -> Iterator[Measured]:
    path, _ = _record(context)
    yield Measured("the path ends in the file's name", path.endswith(_FILE), expected=True)
    info = context.client.show_recorder_file_info(_FILE, False)
    version, frames = re.search(r"Version: (\d+)", info), re.search(r"Frames: (\d+)", info)
    duration = re.search(r"Duration: ([0-9.]+) seconds", info)
    yield Measured("it tells version, frames and duration", bool(version and frames and duration), expected=True)
    town = context.map.name.rsplit("/", 1)[-1]
    yield Measured("it tells the map", town in info, expected=True)
    if frames and duration:
        yield Measured("frames", int(frames[1]), "", float(_TICKS + 40), 4.0)
        yield Measured("duration", float(duration[1]), "s", (_TICKS + 40) * STEP_S, 4 * STEP_S)
    everything = context.client.show_recorder_file_info(_FILE, True)
    yield Measured("the long form has more", len(everything) > len(info), expected=True)
    yield Measured("it tells of the car", CAR in everything, expected=True)


@RECORDER.check(
    "queries",
    "Collisions and blocked actors of a recording can be asked for",
    carla="Both queries give a table and the recording's frames and duration.",
    source=_QUERY,
)
def _queries(context: Context) -> Iterator[Measured]:
    _record(context)
    collisions = context.client.show_recorder_collisions(_FILE, "a", "a")
    blocked = context.client.show_recorder_actors_blocked(_FILE, 1.0, 100.0)
    for name, text in (("collisions", collisions), ("blocked actors", blocked)):
        yield Measured(f"{name}: frames are told", "Frames:" in text, expected=True)
        yield Measured(f"{name}: the duration is told", "Duration:" in text, expected=True)


@RECORDER.check(
    "replay",
    "A replayed recording shows the car where it was",
    carla="The replayer spawns the recorded actors and sets their recorded transforms at every tick.",
    source="Carla/Recorder/CarlaReplayer.cpp; Docs/adv_recorder.md",
    quick=False,
)
def _replay(context: Context) -> Iterator[Measured]:
    _, end = _record(context)
    context.clean_up()
    before = {actor.id for actor in context.tick_and_list("vehicle.*")}
    answer = context.client.replay_file(_FILE, 0.0, 0.0, 0, False)
    yield Measured("the answer is a text", bool(answer), expected=True)
    nearest, length_m = 1.0e3, 0.0
    place: carla.Location | None = None
    for _ in range(_TICKS + 60):
        for vehicle in context.tick_and_list("vehicle.*"):
            if vehicle.id not in before and vehicle.type_id == CAR:
                here = vehicle.get_location()
                nearest = min(nearest, here.distance(end))
                length_m += here.distance(place) if place is not None else 0.0
                place = here
    context.client.stop_replayer(False)
    context.adopt([vehicle.id for vehicle in context.tick_and_list("vehicle.*") if vehicle.id not in before])
    yield Measured("a car is replayed", place is not None, expected=True)
    yield Measured("least distance from the recorded end", nearest, "m", 0.0, 0.5)
    yield Measured("length of its way", length_m, "m", diff_tolerance=2.0)
