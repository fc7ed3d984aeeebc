"""The list of actors: who is in it, what it says, and what happens to those that are gone."""

from __future__ import annotations

from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured
from alpamayo_sim.conformance.context import CAR, Context

ACTORS = Family("actors")
_API = "Docs/python_api.md, carla.World.get_actors and carla.ActorList"


@ACTORS.check(
    "list",
    "The list has every actor, can be filtered, and finds by id",
    carla="get_actors() lists all; filter takes wildcards; find and get_actor take ids; get_actors(ids) only those.",
    source=_API,
)
def _list(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    actors = context.world.get_actors()
    yield Measured("filter by wildcard finds it", _has(actors.filter("vehicle.lincoln.*"), vehicle), expected=True)
    yield Measured("filter by another kind does not", _has(actors.filter("walker.*"), vehicle), expected=False)
    found = actors.find(vehicle.id)
    yield Measured("find gives it", found is not None and found.type_id == CAR, expected=True)
    yield Measured("get_actor of an unknown id", context.world.get_actor(4_000_000_000) is None, expected=True)
    some = context.world.get_actors([vehicle.id])
    yield Measured("get_actors of one id", len(some), expected=1)
    spectators = actors.filter("spectator")
    yield Measured("spectators in the list", len(spectators), expected=1)


def _has(actors: carla.ActorList, actor: carla.Actor) -> bool:
    return any(candidate.id == actor.id for candidate in actors)


@ACTORS.check(
    "semantic_tags",
    "Actors have the semantic tags of what they are",
    carla="A car has tag 14, a walker tag 12.",
    source="LibCarla/source/carla/rpc/ObjectLabel.h (CityObjectLabel)",
)
def _semantic_tags(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    walkers = sorted(blueprint.id for blueprint in context.library.filter("walker.pedestrian.*"))
    place = context.places.spot(1)
    place.location.z += 1.0
    walker = context.spawn(carla.Walker, walkers[0], place)
    context.tick()
    yield Measured("a car has tag 14", 14 in vehicle.semantic_tags, expected=True)
    yield Measured("a walker has tag 12", 12 in walker.semantic_tags, expected=True)


@ACTORS.check(
    "late_commands",
    "Commands to an actor that is gone are errors or nothing, and do not harm the server",
    carla="The client warns or raises; other actors go on.",
    source="CarlaServer.cpp (actor not found); LibCarla Actor::Destroy warns",
)
def _late_commands(context: Context) -> Iterator[Measured]:
    vehicle, other = context.car(), context.car()
    known = vehicle.id
    vehicle.destroy()
    context.tick()
    commands = [carla.command.ApplyVehicleControl(known, carla.VehicleControl(throttle=1.0))] * 3
    answers = context.client.apply_batch_sync(commands, True)
    yield Measured("answers", len(answers), expected=3)
    yield Measured("answers with an error", sum(bool(answer.error) for answer in answers))
    frame = context.tick().frame
    yield Measured("the next tick is a tick", context.tick().frame - frame, expected=1)
    yield Measured("the other actor is still there", context.world.get_snapshot().has_actor(other.id), expected=True)


@ACTORS.check(
    "names",
    "Actors of the town have types and, where they are attached, parents",
    carla="type_id is never empty; parents exist or are None.",
    source=_API,
)
def _names(context: Context) -> Iterator[Measured]:
    actors = list(context.world.get_actors())
    yield Measured("actors without a type", sum(not actor.type_id for actor in actors), expected=0)
    kinds = sorted({actor.type_id.split(".")[0] for actor in actors})
    yield Measured("kinds of actors in the town", ", ".join(kinds))
    yield Measured("actors in the town", len(actors))
