"""Actors of a scenario: spawned by rule and seed, and all gone when it is over."""

from __future__ import annotations

from collections.abc import Iterable

import carla
import numpy as np

from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.stage import Stage

ROLE = "scenario"
"""Role name of everything that a scenario spawns, as in ScenarioRunner."""
SPAWN_LIFT_M = 0.2


class ActorPool:
    """Spawns actors for one scenario and destroys them."""

    def __init__(self, stage: Stage, rng: np.random.Generator) -> None:
        self._stage = stage
        self._rng = rng
        self._actors: dict[int, carla.Actor] = {}

    def spawn(
        self,
        blueprint: str,
        transform: carla.Transform,
        *,
        role: str = ROLE,
        physics: bool = True,
        lift_m: float = SPAWN_LIFT_M,
    ) -> carla.Actor:
        """Spawn one actor by blueprint id, `lift_m` above the pose; ScenarioSetupError when the place is taken.

        The colour, where the blueprint has one, is drawn from the recommended ones. Without physics a vehicle stands as it
        is placed.
        """
        actor = self.try_spawn(blueprint, transform, role=role, physics=physics, lift_m=lift_m)
        if actor is None:
            at = transform.location
            raise ScenarioSetupError(
                f"{blueprint} could not be spawned at ({at.x:.1f}, {at.y:.1f}, {at.z:.1f}): no room"
            )
        return actor

    def try_spawn(
        self,
        blueprint: str,
        transform: carla.Transform,
        *,
        role: str = ROLE,
        physics: bool = True,
        lift_m: float = SPAWN_LIFT_M,
    ) -> carla.Actor | None:
        """Spawn one actor, or return None when the place is taken."""
        found = self._stage.library.find(blueprint)
        if found.has_attribute("role_name"):
            found.set_attribute("role_name", role)
        if found.has_attribute("color"):
            colours = found.get_attribute("color").recommended_values
            found.set_attribute("color", colours[int(self._rng.integers(len(colours)))])
        if found.has_attribute("is_invincible"):
            found.set_attribute("is_invincible", "false")
        place = transform.location
        pose = carla.Transform(carla.Location(place.x, place.y, place.z + lift_m), transform.rotation)
        actor = self._stage.world.try_spawn_actor(found, pose)
        if actor is None:
            return None
        self._actors[actor.id] = actor
        if not physics:
            actor.set_simulate_physics(False)
        return actor

    def spawn_vehicle(
        self, transform: carla.Transform, *, choose_from: Iterable[str] = (), role: str = ROLE, physics: bool = True
    ) -> carla.Vehicle:
        """Spawn a vehicle drawn from some blueprints, everyday cars by default; ScenarioSetupError when there is no room."""
        actor = self.try_spawn_vehicle(transform, choose_from=choose_from, role=role, physics=physics)
        if actor is None:
            at = transform.location
            raise ScenarioSetupError(f"no vehicle could be spawned at ({at.x:.1f}, {at.y:.1f}, {at.z:.1f}): no room")
        return actor

    def try_spawn_vehicle(
        self, transform: carla.Transform, *, choose_from: Iterable[str] = (), role: str = ROLE, physics: bool = True
    ) -> carla.Vehicle | None:
        """Spawn a vehicle drawn from some blueprints, everyday cars by default, or return None when there is no room."""
        names = tuple(choose_from) or everyday_cars(self._stage.library)
        actor = self.try_spawn(names[int(self._rng.integers(len(names)))], transform, role=role, physics=physics)
        assert actor is None or isinstance(actor, carla.Vehicle)
        return actor

    def spawn_walker(self, transform: carla.Transform, *, lift_m: float = 1.0) -> carla.Walker:
        """Spawn a grown-up pedestrian of any looks; ScenarioSetupError when there is no room."""
        names = sorted(b.id for b in self._stage.library.filter("walker.pedestrian.*"))
        actor = self.spawn(names[int(self._rng.integers(len(names)))], transform, lift_m=lift_m)
        assert isinstance(actor, carla.Walker)
        return actor

    def spawn_below(self, blueprint: str, transform: carla.Transform, *, depth_m: float = 200.0) -> carla.Actor:
        """Spawn an actor below the ground, where it is in nobody's way until `bring_up` puts it into its place."""
        place = transform.location
        below = carla.Transform(carla.Location(place.x, place.y, place.z - depth_m), transform.rotation)
        return self.spawn(blueprint, below, physics=False, lift_m=0.0)

    @staticmethod
    def bring_up(actor: carla.Actor, transform: carla.Transform) -> None:
        """Put an actor from below the ground into its place, from where on physics moves it."""
        actor.set_target_velocity(carla.Vector3D())
        actor.set_transform(transform)
        actor.set_simulate_physics(True)

    @property
    def ids(self) -> tuple[int, ...]:
        """Those that are alive, in the order of their spawning."""
        return tuple(self._actors)

    def destroy(self, actor: carla.Actor) -> None:
        """Destroy one of them."""
        if self._actors.pop(actor.id, None) is not None:
            actor.destroy()

    def destroy_all(self) -> None:
        """Destroy all of them; safe to call twice."""
        actors, self._actors = self._actors, {}
        if actors:
            commands = [carla.command.DestroyActor(actor) for actor in actors]
            self._stage.client.apply_batch_sync(commands, False)


def everyday_cars(library: carla.BlueprintLibrary) -> tuple[str, ...]:
    """Return the ids of ordinary passenger cars with lights, sorted."""
    return tuple(
        sorted(
            b.id
            for b in library.filter("vehicle.*")
            if b.has_attribute("base_type")
            and b.get_attribute("base_type").as_str() == "car"
            and b.get_attribute("special_type").as_str() == ""
            and int(b.get_attribute("number_of_wheels")) == 4
        )
    )


def modern_cars(library: carla.BlueprintLibrary) -> tuple[str, ...]:
    """Return the ids of the detailed passenger cars of CARLA's second generation, sorted."""
    return tuple(name for name in everyday_cars(library) if int(library.find(name).get_attribute("generation")) == 2)


def bicycles(library: carla.BlueprintLibrary) -> tuple[str, ...]:
    """Return the ids of bicycles, sorted."""
    return tuple(
        sorted(
            b.id
            for b in library.filter("vehicle.*")
            if b.has_attribute("base_type") and b.get_attribute("base_type").as_str() == "bicycle"
        )
    )
