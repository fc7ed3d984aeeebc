"""The embedded simulator: every actor, the commands on them, and the step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from alpamayo_sim.frames import Transform
from alpamayo_sim.world.actor_commands import ActorCommands
from alpamayo_sim.world.actor_info import ActorInfo
from alpamayo_sim.world.blueprints import Blueprint, catalogue
from alpamayo_sim.world.errors import SpawnError, UnknownActor
from alpamayo_sim.world.events import StepEvents
from alpamayo_sim.world.light_commands import LightCommands
from alpamayo_sim.world.physics import VehiclePhysics
from alpamayo_sim.world.tables import (
    ActorKind,
    ActorState,
    ActorTable,
    LightColor,
    Table,
    TrafficLightTable,
    VehicleTable,
    WalkerTable,
)
from alpamayo_sim.world.vehicle_commands import VehicleCommands
from alpamayo_sim.world.vehicle_models import physics_of
from alpamayo_sim.world.walker_commands import WalkerCommands
from alpamayo_sim.world.weather import Weather

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap
    from alpamayo_sim.roads.statics import StaticBoxes

WALKER_MASS_KG = 80.0
KIND_BY_PREFIX = (
    ("vehicle.", ActorKind.VEHICLE),
    ("walker.", ActorKind.WALKER),
    ("sensor.", ActorKind.SENSOR),
    ("static.trigger.", ActorKind.TRIGGER),
    ("static.prop.", ActorKind.PROP),
)


class World(ActorCommands, VehicleCommands, WalkerCommands, LightCommands):
    """A town with its traffic lights and signs, and what clients spawn in it.

    The same map, seed, commands and step lengths give bit-identical states.
    """

    def __init__(self, road_map: RoadMap, statics: StaticBoxes | None, *, seed: int = 0) -> None:
        self.road_map = road_map
        self.statics = statics
        self.random = np.random.default_rng(seed)
        self.frame = 0
        self.elapsed_s = 0.0
        self.delta_s = 0.0
        self.weather = Weather()
        self.actors = ActorTable()
        self.vehicles = VehicleTable()
        self.walkers = WalkerTable()
        self.lights = TrafficLightTable()
        self._infos: dict[int, ActorInfo] = {}
        self._row_of: dict[int, int] = {}
        self._vehicle_of: dict[int, int] = {}
        self._walker_of: dict[int, int] = {}
        self._light_of: dict[int, int] = {}
        self._physics: dict[int, VehiclePhysics] = {}
        self._next_id = 1
        self.spectator_id = self._add(
            ActorKind.SPECTATOR, "spectator", (), Transform(0.0, 0.0, 0.0), extent=(0.0, 0.0, 0.0)
        ).id
        self._add_signals()

    def _add(
        self,
        kind: ActorKind,
        type_id: str,
        attributes: tuple[tuple[str, int, str], ...],
        transform: Transform,
        *,
        uid: int = 0,
        parent_id: int = 0,
        attachment: int = 0,
        relative: Transform | None = None,
        extent: tuple[float, float, float] = (0.0, 0.0, 0.0),
        box_center: tuple[float, float, float] = (0.0, 0.0, 0.0),
        semantic_tags: tuple[int, ...] = (),
        sign_id: str = "",
        mass_kg: float = 0.0,
        physics: bool = False,
    ) -> ActorInfo:
        """Register an actor of any kind and return its info."""
        actor_id = self._next_id
        self._next_id += 1
        info = ActorInfo(
            actor_id, parent_id, kind, uid, type_id, attributes, extent, box_center, semantic_tags, attachment, sign_id
        )
        self._infos[actor_id] = info
        self._row_of[actor_id] = self.actors.append(
            ids=actor_id,
            parent_ids=parent_id,
            kind=kind,
            state=ActorState.ACTIVE,
            attachment=attachment,
            simulate_physics=physics,
            collides=physics or kind == ActorKind.PROP,
            gravity=physics,
            location=transform[:3],
            rotation_deg=transform[3:],
            relative=relative or Transform(0.0, 0.0, 0.0),
            extent=extent,
            box_center=box_center,
            mass_kg=mass_kg,
        )
        return info

    def _add_signals(self) -> None:
        """Create the actors of the map's traffic lights (first) and signs."""
        for index, light in enumerate(self.road_map.signals.lights):
            info = self._add(
                ActorKind.TRAFFIC_LIGHT, "traffic.traffic_light", (), light.transform, sign_id=light.signal_id,
                semantic_tags=(7,), extent=(0.5, 0.5, 2.5), box_center=(0.0, 0.0, 2.5),
            )  # fmt: skip
            self._light_of[info.id] = self.lights.append(
                row=self._row_of[info.id], signal=index, state=LightColor.RED, green_s=10.0, yellow_s=3.0, red_s=2.0
            )
        for sign in self.road_map.signals.signs:
            self._add(
                ActorKind.TRAFFIC_SIGN, sign.type_id, (), sign.transform, sign_id=sign.signal_id, semantic_tags=(8,),
                extent=(0.3, 0.3, 1.25), box_center=(0.0, 0.0, 1.25),
            )  # fmt: skip
        self._start_lights()

    def spawn(
        self,
        type_id: str,
        attributes: Mapping[str, str],
        transform: Transform,
        *,
        parent_id: int = 0,
        attachment: int = 0,
    ) -> ActorInfo:
        """Create an actor and return its info; with a parent, `transform` is relative to it.

        Raises SpawnError (CARLA's messages) for an unknown blueprint and for a vehicle or walker that would overlap another.
        """
        blueprint = catalogue().get(type_id)
        if blueprint is None:
            raise SpawnError("Spawn failed because of invalid actor description")
        if parent_id and parent_id not in self._row_of:
            raise UnknownActor(parent_id, "attach actor")
        if not all(math.isfinite(value) for value in transform):
            raise SpawnError("Spawn failed because of invalid actor description")
        relative = transform if parent_id else None
        pose = self._pose_on_parent(parent_id, transform) if parent_id else transform
        kind = next((kind for prefix, kind in KIND_BY_PREFIX if type_id.startswith(prefix)), ActorKind.OTHER)
        moving = kind in (ActorKind.VEHICLE, ActorKind.WALKER)
        if moving and not parent_id and self._overlaps(pose, blueprint):
            raise SpawnError("Spawn failed because of collision at spawn position")
        values = blueprint.values(attributes)
        physics = physics_of(blueprint) if kind == ActorKind.VEHICLE else None
        info = self._add(
            kind,
            type_id,
            tuple((spec.id, spec.type, values[spec.id]) for spec in blueprint.attributes),
            pose,
            uid=blueprint.uid,
            parent_id=parent_id,
            attachment=attachment if attachment <= 2 else 0,
            relative=relative,
            extent=blueprint.extent,
            box_center=blueprint.box_center,
            semantic_tags=blueprint.semantic_tags,
            mass_kg=physics.mass if physics else WALKER_MASS_KG,
            physics=moving and not parent_id,
        )
        if physics is not None:
            self._add_vehicle(info, blueprint, physics, values)
        elif kind == ActorKind.WALKER:
            self._walker_of[info.id] = self.walkers.append(row=self._row_of[info.id], direction=(1.0, 0.0, 0.0))
        return info

    def _add_vehicle(
        self, info: ActorInfo, blueprint: Blueprint, physics: VehiclePhysics, values: Mapping[str, str]
    ) -> None:
        self._physics[info.id] = physics
        self._vehicle_of[info.id] = self.vehicles.append(
            row=self._row_of[info.id],
            sticky_control=values.get("sticky_control", "true").lower() == "true",
            speed_limit_kmh=30.0,
            light_state=LightColor.GREEN,
            two_wheeler=blueprint.number_of_wheels == 2,
        )

    def destroy(self, actor_id: int) -> bool:
        """Remove an actor; False if there is none. Its children stay, without a parent."""
        row = self._row_of.get(actor_id)
        if row is None:
            return False
        self.actors.parent_ids[self.actors.parent_ids == actor_id] = 0
        tables: tuple[tuple[Table, dict[int, int]], ...] = (
            (self.vehicles, self._vehicle_of),
            (self.walkers, self._walker_of),
            (self.lights, self._light_of),
        )
        for table, index_of in tables:
            index = index_of.pop(actor_id, None)
            if index is not None:
                table.delete(index)
                index_of.update({id: other - 1 for id, other in index_of.items() if other > index})
            rows = table.records["row"]
            rows[rows > row] -= 1
        self.actors.delete(row)
        self._row_of.pop(actor_id)
        self._row_of.update({id: other - 1 for id, other in self._row_of.items() if other > row})
        self._infos.pop(actor_id)
        self._physics.pop(actor_id, None)
        return True

    def info(self, actor_id: int) -> ActorInfo:
        """Return what does not change about a live actor; raises UnknownActor."""
        info = self._infos.get(actor_id)
        if info is None:
            raise UnknownActor(actor_id)
        return info

    def transform(self, actor_id: int) -> Transform:
        """Return the pose of a live actor in the CARLA world frame; raises UnknownActor."""
        row = self._row(actor_id)
        return Transform(*self.actors.location[row].tolist(), *self.actors.rotation_deg[row].tolist())

    def step(self, dt_s: float) -> StepEvents:
        """Advance by `dt_s` seconds: controls, dynamics, contact, lights; return what happened."""
        self.frame += 1
        self.elapsed_s += dt_s
        self.delta_s = dt_s
        self._step_vehicles(dt_s)
        self._step_walkers(dt_s)
        self._step_lights(dt_s)
        self._finish_motion(dt_s)
        return StepEvents(self.frame)
