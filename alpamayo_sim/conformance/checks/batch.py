"""Batches of commands: their order, their answers, what one error does to the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import carla

from alpamayo_sim.conformance.check import Family, Measured
from alpamayo_sim.conformance.context import CAR, Context

BATCH = Family("batch")
_SERVER = "CarlaServer.cpp apply_batch"


@BATCH.check(
    "answers",
    "Each command has an answer, in the order of the commands",
    carla="Answers carry the new actor's id, or the id that the command was about; no error text where it worked.",
    source=_SERVER + "; Docs/python_api.md, carla.command.Response",
)
def _answers(context: Context) -> Iterator[Measured]:
    blueprint = context.blueprint(CAR)
    spots = [context.places.spot(number) for number in range(3)]
    answers = context.client.apply_batch_sync([carla.command.SpawnActor(blueprint, spot) for spot in spots], True)
    context.adopt([answer.actor_id for answer in answers if not answer.error])
    yield Measured("answers", len(answers), expected=3)
    yield Measured("answers with an error", sum(bool(answer.error) for answer in answers), expected=0)
    snapshot = context.world.get_snapshot()
    places = [spot for answer, spot in zip(answers, spots, strict=True) if not answer.error]
    found = [snapshot.find(answer.actor_id) for answer in answers if not answer.error]
    yield Measured("answers whose actor is not in the state", sum(actor is None for actor in found), expected=0)
    errors = [
        actor.get_transform().location.distance_2d(spot.location)
        for actor, spot in zip(found, places, strict=True)
        if actor is not None
    ]
    largest = max(errors, default=None)
    yield Measured("largest distance of an answer's actor from its command's place", largest, "m", 0.0, 0.02)
    ids = [answer.actor_id for answer in answers if not answer.error]
    commands = [carla.command.ApplyVehicleControl(i, carla.VehicleControl(throttle=0.5)) for i in reversed(ids)]
    answers = context.client.apply_batch_sync(commands, False)
    yield Measured("answers have their commands' ids", [a.actor_id for a in answers] == ids[::-1], expected=True)


@BATCH.check(
    "errors",
    "A command that fails tells so and does not stop the others",
    carla="The answer has a text; the commands after it are carried out.",
    source=_SERVER,
)
def _errors(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    taken = vehicle.get_transform()
    taken.location.z += 0.2
    blueprint = context.blueprint(CAR)
    free = context.places.straight(40.0).at(15.0)
    commands = [
        carla.command.SpawnActor(blueprint, taken),
        carla.command.DestroyActor(4_000_000_000),
        carla.command.SpawnActor(blueprint, free),
    ]
    answers = context.client.apply_batch_sync(commands, True)
    context.adopt([answer.actor_id for answer in answers if not answer.error])
    refused = "Spawn failed because of collision at spawn position"
    yield Measured("error of a spawn into another vehicle", answers[0].error, expected=refused)
    yield Measured("destroying an unknown actor gives an error", bool(answers[1].error), expected=True)
    yield Measured("text of that error", answers[1].error)
    yield Measured("error of the command after them", answers[2].error, expected="")


@BATCH.check(
    "future_actor",
    "Commands that follow a spawn act on the new actor",
    carla="FutureActor stands for the actor that the spawn made; a chain has one answer.",
    source="Docs/python_api.md, carla.command.FutureActor; PythonAPI/examples/generate_traffic.py",
)
def _future_actor(context: Context) -> Iterator[Measured]:
    place = context.places.straight(40.0).at(10.0)
    future: Any = carla.command.FutureActor
    control = carla.VehicleControl(throttle=0.3, hand_brake=True)
    command: Any = carla.command.SpawnActor(context.blueprint(CAR), place)
    command = command.then(carla.command.ApplyVehicleControl(future, control))
    light = carla.VehicleLightState(carla.VehicleLightState.Fog)
    command = command.then(carla.command.SetVehicleLightState(future, light))
    answers = context.client.apply_batch_sync([command], True)
    context.adopt([answer.actor_id for answer in answers if not answer.error])
    context.tick(2)
    yield Measured("answers", len(answers), expected=1)
    vehicle = context.world.get_actor(answers[0].actor_id)
    found = isinstance(vehicle, carla.Vehicle)
    yield Measured("the actor is a vehicle", found, expected=True)
    if isinstance(vehicle, carla.Vehicle):
        yield Measured("throttle", vehicle.get_control().throttle, "", 0.3, 1e-3)
        yield Measured("hand brake", vehicle.get_control().hand_brake, expected=True)
        yield Measured("light bits", int(vehicle.get_light_state()), expected=int(light))


@BATCH.check(
    "do_tick",
    "A batch ticks once if asked to, else not at all",
    carla="Frames: no tick leaves the frame, do_tick raises it by one, as tick() does.",
    source="PythonAPI/test/smoke/test_sync.py test_apply_batch_sync",
)
def _do_tick(context: Context) -> Iterator[Measured]:
    for do_tick, after_tick in ((False, False), (True, False), (False, True)):
        before = context.tick().frame
        command = carla.command.SpawnActor(context.blueprint(CAR), context.places.spot(0))
        answers = context.client.apply_batch_sync([command], do_tick)
        if after_tick:
            context.tick()
        step = context.world.get_snapshot().frame - before
        name = "do_tick" if do_tick else "tick after it" if after_tick else "no tick"
        yield Measured(f"frames with {name}", step, expected=int(do_tick or after_tick))
        context.client.apply_batch_sync([carla.command.DestroyActor(a.actor_id) for a in answers], False)
        context.tick()


@BATCH.check(
    "commands",
    "Batch commands do what the actors' own calls do",
    carla="ApplyTransform, ApplyTargetVelocity, ApplyImpulse, SetSimulatePhysics, DestroyActor act before the next step.",
    source=_SERVER,
)
def _commands(context: Context) -> Iterator[Measured]:
    straight = context.places.straight(60.0)
    vehicle = context.car(straight.at(10.0))
    target = straight.at(40.0)
    command = carla.command
    answers = context.client.apply_batch_sync(
        [command.SetSimulatePhysics(vehicle.id, False), command.ApplyTransform(vehicle.id, target)], True
    )
    yield Measured("errors", sum(bool(answer.error) for answer in answers), expected=0)
    yield Measured("distance from the target", vehicle.get_location().distance(target.location), "m", 0.0, 0.01)
    forward = target.get_forward_vector()
    context.client.apply_batch_sync(
        [
            command.SetSimulatePhysics(vehicle.id, True),
            command.ApplyTargetVelocity(vehicle.id, forward * 7.0),
        ],
        True,
    )
    yield Measured("speed after ApplyTargetVelocity", vehicle.get_velocity().dot(forward), "m/s", 7.0, 1.0)
    answers = context.client.apply_batch_sync([command.DestroyActor(vehicle.id)], True)
    yield Measured("error of DestroyActor", answers[0].error, expected="")
    yield Measured("the state has it", context.world.get_snapshot().has_actor(vehicle.id), expected=False)
