"""The actors of a replay: recorded ids and what they became, and putting recorded states on them."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform
from alpamayo_sim.server.recorder.packets import CM_PER_M
from alpamayo_sim.server.recorder.reader import AddedActor
from alpamayo_sim.server.registry import CallError
from alpamayo_sim.world.errors import WorldError
from alpamayo_sim.world.tables import ActorKind

if TYPE_CHECKING:
    from alpamayo_sim.server.simulation import Simulation

TRAFFIC_PREFIX, SENSOR_PREFIX, SPECTATOR_TYPE, LIGHT_TYPE = "traffic.", "sensor.", "spectator", "traffic.traffic_light"
LIGHT_REACH_M = 3.0
"""CARLA finds a recorded traffic light by its place to a centimetre; maps built from OpenDRIVE differ by more than that."""
CLEAR_Z_M = 1000.0
"""Where an actor is created that would not fit where it belongs."""
MAX_COORDINATE_CM = 1.0e9
_MAP_KINDS = (ActorKind.TRAFFIC_LIGHT, ActorKind.TRAFFIC_SIGN, ActorKind.SPECTATOR)
_LOG = logging.getLogger(__name__)


def pose_of(location_cm: tuple[float, ...], rotation: tuple[float, ...]) -> Transform | None:
    """Return a recorded pose; None for one that no actor can have."""
    values = (*location_cm, *rotation)
    if not all(math.isfinite(value) and abs(value) <= MAX_COORDINATE_CM for value in values):
        return None
    roll, pitch, yaw = rotation
    x, y, z = location_cm
    return Transform(x / CM_PER_M, y / CM_PER_M, z / CM_PER_M, pitch, yaw, roll)


class ReplayActors:
    """Creates, finds and destroys what a recording speaks of."""

    def __init__(self, simulation: Simulation, *, sensors: bool, ignore_hero: bool, ignore_spectator: bool) -> None:
        self._simulation = simulation
        self._world = simulation.world
        self._sensors = sensors
        self._ignore_hero = ignore_hero
        self._ignore_spectator = ignore_spectator
        self.present: dict[int, int] = {}
        """Id in this world of each recorded id."""
        self.heroes: set[int] = set()
        self.driven: set[int] = set()
        """Vehicles and walkers whose physics are off while they are moved."""
        self._missing = 0

    def find(self, recorded_id: int) -> int:
        """Return the id of a live actor for a recorded one, 0 without."""
        actor_id = self.present.get(recorded_id, 0)
        return actor_id if actor_id in self._world.infos else 0

    def add(self, actor: AddedActor, recorded_parent: int) -> None:
        """Create an actor, or find the one that it is; what can not be created is left out and counted."""
        attributes = {name: value for _, name, value in actor.attributes}
        hero = attributes.get("role_name") == "hero"
        is_spectator = actor.type_id.startswith(SPECTATOR_TYPE)
        if (self._ignore_hero and hero) or (self._ignore_spectator and is_spectator):
            return
        pose = pose_of(actor.location, actor.rotation)
        if pose is None or (actor.type_id.startswith(SENSOR_PREFIX) and not self._sensors):
            return
        if actor.type_id.startswith(TRAFFIC_PREFIX):
            found = self._light_at(actor, pose)
        elif is_spectator:
            found = self._world.spectator_id
            self._world.set_transform(found, pose)
        else:
            found = self._existing(actor, pose) or self._created(actor, attributes, pose, self.find(recorded_parent))
        if not found:
            self._missing += 1
            return
        self.present[actor.id] = found
        if hero:
            self.heroes.add(found)
        if self._world.infos[found].kind in (ActorKind.VEHICLE, ActorKind.WALKER):
            self._world.set_simulate_physics(found, False)
            self._world.set_collisions(found, False)
            self.driven.add(found)

    def _light_at(self, actor: AddedActor, pose: Transform) -> int:
        """Return the light nearest to a recorded one, that no other recorded light is."""
        world = self._world
        if actor.type_id != LIGHT_TYPE or not len(world.lights):
            return 0
        taken = set(self.present.values())
        distances = np.linalg.norm(world.actors.location[world.lights.row] - np.array(pose[:3]), axis=1)
        for index in distances.argsort(kind="stable").tolist():
            light_id = int(world.actors.ids[world.lights.row[index]])
            if distances[index] > LIGHT_REACH_M:
                break
            if light_id not in taken:
                return light_id
        return 0

    def _existing(self, actor: AddedActor, pose: Transform) -> int:
        info = self._world.infos.get(actor.id)
        if info is None or info.type_id != actor.type_id:
            return 0
        self._world.set_transform(actor.id, pose)
        return actor.id

    def _created(self, actor: AddedActor, attributes: dict[str, str], pose: Transform, parent_id: int) -> int:
        desired_id = actor.id if actor.id and actor.id not in self._world.infos else 0
        for start in (pose, pose._replace(z=pose.z + CLEAR_Z_M)):
            try:
                info = self._simulation.spawn(actor.type_id, attributes, start, parent_id, desired_id=desired_id)
            except (WorldError, CallError):
                continue
            if start is not pose:
                self._world.set_transform(info.id, pose)
            return info.id
        return 0

    def remove(self, recorded_id: int) -> None:
        """Destroy an actor whose end was recorded. What the map brings stays."""
        actor_id = self.find(recorded_id)
        self.present.pop(recorded_id, None)
        self.heroes.discard(actor_id)
        self.driven.discard(actor_id)
        if actor_id and self._world.infos[actor_id].kind not in _MAP_KINDS:
            self._simulation.destroy(actor_id)

    def place(self, recorded_id: int, location_cm: NDArray[np.float64], rotation: NDArray[np.float64]) -> None:
        """Put an actor somewhere; rotation is (roll, pitch, yaw) in degrees. One that is attached follows its parent."""
        actor_id = self.find(recorded_id)
        if not actor_id or self._world.actors.parent_ids[self._world.row_of[actor_id]]:
            return
        pose = pose_of(tuple(location_cm.tolist()), tuple(rotation.tolist()))
        if pose is not None:
            self._world.set_transform(actor_id, pose)

    def vehicle(self, recorded_id: int) -> int:
        """Return the row of a recorded vehicle in the vehicle table, -1 without one."""
        return self._world.vehicle_of.get(self.find(recorded_id), -1)

    def let_go(self) -> None:
        """End as CARLA does: every vehicle gets its physics back, without speed or controls, and every walker stands."""
        if self._missing:
            _LOG.info("replay: %d of the recorded actors could not be created", self._missing)
            self._missing = 0
        world = self._world
        for actor_id, index in world.vehicle_of.items():
            if self._ignore_hero and actor_id in self.heroes:
                continue
            world.set_simulate_physics(actor_id, True)
            world.set_target_velocity(actor_id, (0.0, 0.0, 0.0))
            world.apply_vehicle_control(actor_id, 0.0, 0.0, 0.0, gear=1)
            if actor_id in self.driven:
                world.vehicles.wheel_direction_set[index] = False
        for actor_id in world.walker_of:
            world.apply_walker_control(actor_id, (1.0, 0.0, 0.0), 0.0)
        for actor_id in self.driven & world.infos.keys():
            world.set_simulate_physics(actor_id, True)
            world.set_collisions(actor_id, True)
            if actor_id in world.walker_of:
                self._simulation.skeletons.blend(actor_id, 0.0)
