"""What a check works with: the client, a world in synchronous mode, actors that go away again, time that runs out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import carla

from alpamayo_sim.client.connection import ServerAddress
from alpamayo_sim.conformance.check import Skip
from alpamayo_sim.conformance.places import Places

STEP_S = 0.05
CAR = "vehicle.lincoln.mkz_2020"
"""The vehicle of which traces of CARLA are published."""
_TICK_TIMEOUT_S = 30.0
_SETTLING_TICKS = 40
ActorT = TypeVar("ActorT", bound=carla.Actor)


class OutOfTime(Exception):
    """A check has used up its time."""


class ActorGone(Exception):
    """An actor of the check is not in the world's state, though nobody should have destroyed it."""


def state_of(snapshot: carla.WorldSnapshot, actor: carla.Actor) -> carla.ActorSnapshot:
    """Return the state of an actor of the check; ActorGone, with its id, when the snapshot has none."""
    state: carla.ActorSnapshot | None = snapshot.find(actor.id)
    if state is None:
        raise ActorGone(f"{actor.type_id} {actor.id} is gone: the state of frame {snapshot.frame} does not have it")
    return state


def pose_of(snapshot: carla.WorldSnapshot, actor: carla.Actor) -> carla.Transform:
    """Return the pose of an actor of the check; ActorGone, with its id, when the snapshot does not have it."""
    return state_of(snapshot, actor).get_transform()


def others_in(world: carla.World) -> list[carla.Actor]:
    """Return the actors that somebody has spawned: vehicles, walkers, props, sensors, controllers."""
    spawned = ("vehicle.", "walker.", "static.", "sensor.", "controller.")
    return [actor for actor in world.get_actors() if actor.type_id.startswith(spawned)]


class Context:
    """One session with a server. Actors that checks spawn through it are destroyed after each check."""

    def __init__(
        self, client: carla.Client, address: ServerAddress, on_progress: Callable[[], None] = lambda: None
    ) -> None:
        self.client = client
        self.address = address
        self.world: carla.World = client.get_world()
        self._on_progress = on_progress
        self._deadline_s = float("inf")
        self._spawned: list[int] = []
        self.vehicles_found = 0
        self.refresh()

    def refresh(self) -> None:
        """Take the world, its map and its blueprints anew, as after loading one."""
        self.world = self.client.get_world()
        self.map: carla.Map = self.world.get_map()
        self.library: carla.BlueprintLibrary = self.world.get_blueprint_library()
        self.places = Places(self.map)
        self.vehicles_found = len(self.world.get_actors().filter("vehicle.*"))
        self._spawned.clear()

    def note_others(self) -> None:
        """Keep clear of the actors that others have in the world now; before a check spawns anything."""
        self.places.taken = tuple(actor.get_location() for actor in others_in(self.world))

    def synchronise(self, *, step_s: float = STEP_S) -> None:
        """Put the world into synchronous mode with steps of `step_s`, substeps of 10 ms as CARLA's defaults have it."""
        settings = self.world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, step_s
        settings.substepping, settings.max_substep_delta_time, settings.max_substeps = True, 0.01, 10
        self.world.apply_settings(settings)

    def start_clock(self, limit_s: float) -> None:
        """Give the next check `limit_s` of wall-clock time."""
        self._deadline_s = time.monotonic() + limit_s

    def check_time(self) -> None:
        """Raise OutOfTime when the check has no time left."""
        self._on_progress()
        if time.monotonic() > self._deadline_s:
            raise OutOfTime

    def tick(self, count: int = 1) -> carla.WorldSnapshot:
        """Advance the world by `count` steps and return the state after them."""
        for _ in range(count):
            self.check_time()
            self.world.tick(_TICK_TIMEOUT_S)
        return self.world.get_snapshot()

    def tick_until(self, condition: Callable[[], bool], limit: int) -> int:
        """Tick until `condition` holds and return the number of ticks it took; at most `limit`, then limit + 1."""
        for count in range(limit + 1):
            if condition():
                return count
            self.tick()
        return limit + 1

    def blueprint(self, type_id: str, attributes: Mapping[str, str] | None = None) -> carla.ActorBlueprint:
        """Return a blueprint with attributes set; Skip if the server has none of that id."""
        try:
            blueprint = self.library.find(type_id)
        except (IndexError, RuntimeError):
            raise Skip(f"the server has no blueprint {type_id}") from None
        for name, value in (attributes or {}).items():
            if not blueprint.has_attribute(name):
                raise Skip(f"{type_id} has no attribute {name} on this server")
            blueprint.set_attribute(name, value)
        return blueprint

    def spawn(
        self,
        kind: type[ActorT],
        type_id: str,
        place: carla.Transform,
        attributes: Mapping[str, str] | None = None,
        *,
        parent: carla.Actor | None = None,
        attachment: carla.AttachmentType = carla.AttachmentType.Rigid,
    ) -> ActorT:
        """Return a new actor of a known class, which is destroyed after the check."""
        blueprint = self.blueprint(type_id, attributes)
        if parent is None:
            actor = self.world.spawn_actor(blueprint, place)
        else:
            actor = self.world.spawn_actor(blueprint, place, parent, attachment)
        self._spawned.append(actor.id)
        if not isinstance(actor, kind):
            raise TypeError(f"the client made a {type(actor).__name__} of {type_id}, expected {kind.__name__}")
        return actor

    def adopt(self, actors: Sequence[int]) -> None:
        """Destroy these actors too after the check."""
        self._spawned.extend(actors)

    def car(self, place: carla.Transform | None = None, type_id: str = CAR, **attributes: str) -> carla.Vehicle:
        """Return a car that has settled on its wheels, by default at the first free spawn point."""
        if place is not None:
            vehicle = self.spawn(carla.Vehicle, type_id, place, attributes)
        else:
            vehicle = self._car_at_free_spot(type_id, attributes)
        self.tick(_SETTLING_TICKS)
        return vehicle

    def car_on_straight(self, length_m: float, at_m: float, type_id: str = CAR, **attributes: str) -> carla.Vehicle:
        """Return a car that has settled `at_m` from the start of a straight of at least `length_m`; Skip without one."""
        return self.car(self.places.straight(length_m).at(at_m), type_id, **attributes)

    def _car_at_free_spot(self, type_id: str, attributes: Mapping[str, str]) -> carla.Vehicle:
        for spot in self.places.spots:
            try:
                return self.spawn(carla.Vehicle, type_id, spot, attributes)
            except RuntimeError as error:
                if "collision" not in str(error):
                    raise
        raise Skip("all spawn points of the town are taken")

    def clean_up(self) -> None:
        """Destroy what the check spawned, sensors and controllers first."""
        if self._spawned:
            ids = [actor_id for actor_id in reversed(self._spawned) if self.world.get_snapshot().has_actor(actor_id)]
            for sensor in self.world.get_actors(ids):
                if isinstance(sensor, carla.Sensor) and sensor.is_listening():
                    sensor.stop()
            self.client.apply_batch_sync([carla.command.DestroyActor(actor_id) for actor_id in ids], False)
            self._spawned.clear()
        self.world.tick(_TICK_TIMEOUT_S)

    def tick_and_list(self, pattern: str) -> list[carla.Actor]:
        """Tick once and return the actors whose type id matches `pattern`."""
        self.tick()
        return list(self.world.get_actors().filter(pattern))

    def second_client(self) -> carla.Client:
        """Return another client of the same server."""
        client = carla.Client(self.address.host, self.address.port)
        client.set_timeout(_TICK_TIMEOUT_S)
        return client
