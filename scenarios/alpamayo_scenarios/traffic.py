"""Background vehicles: spawned by seed, driven by CARLA's own TrafficManager."""

from __future__ import annotations

from contextlib import ExitStack

import carla
import numpy as np

from alpamayo_scenarios.background.traffic_manager import ManagerLease
from alpamayo_sim.errors import InfrastructureError, InputError

_EGO_CLEARANCE_M = 12.0


class Traffic:
    """Vehicles under a TrafficManager of this process; `destroy` takes them and the manager away again."""

    def __init__(
        self,
        client: carla.Client,
        *,
        vehicle_count: int,
        seed: int,
        keep_clear: carla.Location,
    ) -> None:
        """Spawn `vehicle_count` vehicles on the map's spawn points, away from `keep_clear`.

        The world must be in synchronous mode. Raises InputError when the map has fewer free spawn points than vehicles
        asked for, InfrastructureError when the server refuses to spawn them.
        """
        self._client = client
        self._world = client.get_world()
        self._manager: ManagerLease | None = None
        self.vehicle_ids: list[int] = []
        if vehicle_count == 0:
            return
        points = free_spawn_points(self._world.get_map(), vehicle_count, keep_clear)
        rng = np.random.default_rng(seed)
        chosen = [points[i] for i in rng.permutation(len(points))[:vehicle_count]]
        self._manager = ManagerLease(client, self._world, seed)
        with ExitStack() as on_failure:
            on_failure.callback(self.destroy)
            self.vehicle_ids = self._spawn(chosen, self._manager.port, rng)
            on_failure.pop_all()

    def _spawn(self, points: list[carla.Transform], tm_port: int, rng: np.random.Generator) -> list[int]:
        library = self._world.get_blueprint_library().filter("vehicle.*")
        blueprints = sorted((b for b in library if _is_ordinary(b)), key=lambda b: b.id)
        commands: list[object] = []
        for point in points:
            blueprint = blueprints[int(rng.integers(len(blueprints)))]
            if blueprint.has_attribute("color"):
                colours = blueprint.get_attribute("color").recommended_values
                blueprint.set_attribute("color", colours[int(rng.integers(len(colours)))])
            blueprint.set_attribute("role_name", "autopilot")
            spawn = carla.command.SpawnActor(blueprint, point)
            autopilot = carla.command.SetAutopilot(carla.command.FutureActor, True, tm_port)  # pyright: ignore[reportArgumentType]
            commands.append(spawn.then(autopilot))
        responses = self._client.apply_batch_sync(commands, True)
        spawned = [r.actor_id for r in responses if not r.error]
        refused = [r.error for r in responses if r.error]
        if len(spawned) < 0.8 * len(points):
            raise InfrastructureError(f"only {len(spawned)} of {len(points)} vehicles could be spawned: {refused[0]}")
        return spawned

    def destroy(self) -> None:
        """Remove the vehicles and end the TrafficManager; safe to call twice."""
        manager, self._manager = self._manager, None
        ids, self.vehicle_ids = self.vehicle_ids, []
        if ids:
            self._client.apply_batch_sync([carla.command.DestroyActor(i) for i in ids], True)
        if manager is not None:
            manager.end()


def free_spawn_points(carla_map: carla.Map, vehicle_count: int, keep_clear: carla.Location) -> list[carla.Transform]:
    """Return the map's spawn points away from `keep_clear`; InputError if they are fewer than `vehicle_count`."""
    points = [p for p in carla_map.get_spawn_points() if p.location.distance(keep_clear) > _EGO_CLEARANCE_M]
    if vehicle_count > len(points):
        raise InputError(
            f"this map has {len(points)} free spawn points; found {vehicle_count} vehicles. Ask for fewer."
        )
    return points


def _is_ordinary(blueprint: carla.ActorBlueprint) -> bool:
    """Whether everyday traffic has it: cars and vans; no emergency vehicles, buses, lorries, two-wheelers."""
    if int(blueprint.get_attribute("number_of_wheels")) != 4:
        return False
    base_type = blueprint.get_attribute("base_type").as_str() if blueprint.has_attribute("base_type") else "car"
    special = blueprint.get_attribute("special_type").as_str() if blueprint.has_attribute("special_type") else ""
    return base_type in ("car", "van") and special == ""
