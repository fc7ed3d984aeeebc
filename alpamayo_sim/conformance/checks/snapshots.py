"""What states of the world say: frames, times, actors."""

from __future__ import annotations

import time
from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured
from alpamayo_sim.conformance.context import STEP_S, Context, state_of

SNAPSHOTS = Family("snapshots")


@SNAPSHOTS.check(
    "frames",
    "Each tick raises the frame by one and the time by the step",
    carla="frame + 1 and elapsed_seconds + fixed_delta_seconds for each tick; delta_seconds is the step.",
    source="PythonAPI/test/smoke/test_sync.py and test_world.py",
)
def _frames(context: Context) -> Iterator[Measured]:
    before = context.tick()
    frame_steps: list[int] = []
    time_errors: list[float] = []
    platform_steps: list[float] = []
    for _ in range(20):
        after = context.tick()
        frame_steps.append(after.frame - before.frame)
        time_errors.append(abs(after.timestamp.elapsed_seconds - before.timestamp.elapsed_seconds - STEP_S))
        platform_steps.append(after.timestamp.platform_timestamp - before.timestamp.platform_timestamp)
        before = after
    yield Measured("smallest step of the frame", min(frame_steps), expected=1)
    yield Measured("largest step of the frame", max(frame_steps), expected=1)
    yield Measured("largest error of the elapsed time's step", max(time_errors), "s", 0.0, 1e-5)
    yield Measured("delta_seconds", before.timestamp.delta_seconds, "s", STEP_S, 1e-6)
    yield Measured("the platform's time never goes back", min(platform_steps) >= 0.0, expected=True)
    yield Measured("frame of the timestamp", before.timestamp.frame - before.frame, expected=0)
    yield Measured("get_snapshot has the frame", context.world.get_snapshot().frame - before.frame, expected=0)


@SNAPSHOTS.check(
    "find",
    "States find actors by id, and only those that are there",
    carla="find gives an ActorSnapshot or None; has_actor tells; the state lists every actor once.",
    source="Docs/python_api.md, carla.WorldSnapshot",
)
def _find(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    snapshot = context.tick()
    found = snapshot.find(vehicle.id)
    yield Measured("find gives the actor", found is not None and found.id == vehicle.id, expected=True)
    yield Measured("find of an unknown id gives None", snapshot.find(4_000_000_000) is None, expected=True)
    yield Measured("has_actor of an unknown id", snapshot.has_actor(4_000_000_000), expected=False)
    ids = [actor.id for actor in snapshot]
    yield Measured("every actor once", len(set(ids)) == len(ids), expected=True)
    yield Measured("state and list have as many actors", len(ids) - len(context.world.get_actors()), expected=0)
    error = found.get_transform().location.distance(vehicle.get_location()) if found is not None else 1.0e3
    yield Measured("distance between the state's pose and the actor's", error, "m", 0.0, 1e-4)


@SNAPSHOTS.check(
    "acceleration",
    "The acceleration is the change of the velocity over the step",
    carla="acceleration = (velocity - last velocity) / delta, from the states' own velocities, world frame.",
    source="Carla/Sensor/WorldObserver.cpp FWorldObserver_GetAcceleration",
)
def _acceleration(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(40.0, 10.0)
    vehicle.apply_control(carla.VehicleControl(throttle=0.8))
    before = state_of(context.tick(15), vehicle)
    errors: list[float] = []
    for _ in range(10):
        after = state_of(context.tick(), vehicle)
        given = after.get_acceleration()
        derived = (after.get_velocity() - before.get_velocity()) * (1.0 / STEP_S)
        errors.append((given - derived).length())
        before = after
    yield Measured("largest error of the acceleration", max(errors), "m/s^2", 0.0, 0.05)


@SNAPSHOTS.check(
    "velocity",
    "The velocity is the change of the place over the step",
    carla="The body's velocity; at steady speed it is what places say, within a substep's change.",
    source="Carla/Sensor/WorldObserver.cpp",
)
def _velocity(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(60.0, 10.0)
    vehicle.enable_constant_velocity(carla.Vector3D(6.0, 0.0, 0.0))
    before = state_of(context.tick(10), vehicle)
    after = state_of(context.tick(20), vehicle)
    speed = after.get_transform().location.distance(before.get_transform().location) / (20 * STEP_S)
    yield Measured("speed from places", speed, "m/s", 6.0, 0.15)
    yield Measured("speed as told", after.get_velocity().length(), "m/s", 6.0, 0.15)


@SNAPSHOTS.check(
    "second_client",
    "A second client sees the same frame, time and actors",
    carla="Every client gets the same states.",
    source="Docs/foundations.md; PythonAPI/test/smoke/test_streamming.py",
)
def _second_client(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    snapshot = context.tick()
    other = context.second_client().get_world()
    context.tick()
    while (seen := other.get_snapshot()).frame < snapshot.frame:
        context.check_time()
        time.sleep(0.02)
    yield Measured("it sees the vehicle", seen.has_actor(vehicle.id), expected=True)
    yield Measured("its episode is ours", other.id == context.world.id, expected=True)
    actor = other.get_actor(vehicle.id)
    yield Measured("it knows the vehicle's type", "" if actor is None else actor.type_id, expected=vehicle.type_id)
