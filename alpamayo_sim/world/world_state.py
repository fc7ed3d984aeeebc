"""What all parts of the world share: the tables, and the way from an actor id to its row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.world.errors import UnknownActor, WrongActor
from alpamayo_sim.world.tables import (
    ActorTable,
    PhysicsTable,
    TrafficLightTable,
    VehicleTable,
    WalkerTable,
)

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap
    from alpamayo_sim.world.actor_info import ActorInfo
    from alpamayo_sim.world.physics import VehiclePhysics


class WorldState:
    """Tables and indices. `World` adds the commands and the step."""

    def __init__(self, road_map: RoadMap) -> None:
        self.road_map = road_map
        self.elapsed_s = 0.0
        self.actors = ActorTable()
        self.vehicles = VehicleTable()
        self.constants = PhysicsTable()
        self.walkers = WalkerTable()
        self.lights = TrafficLightTable()
        self.infos: dict[int, ActorInfo] = {}
        self.row_of: dict[int, int] = {}
        self.vehicle_of: dict[int, int] = {}
        self.walker_of: dict[int, int] = {}
        self.light_of: dict[int, int] = {}
        self.physics_of: dict[int, VehiclePhysics] = {}

    def row(self, actor_id: int, command: str = "find actor") -> int:
        """Return the row of a live actor; raises UnknownActor."""
        row = self.row_of.get(actor_id)
        if row is None:
            raise UnknownActor(actor_id, command)
        return row

    def vehicle(self, actor_id: int, command: str) -> int:
        """Return the row of a vehicle in the vehicle table; raises UnknownActor or WrongActor."""
        return self._index(self.vehicle_of, actor_id, command, "vehicle")

    def walker(self, actor_id: int, command: str) -> int:
        """Return the row of a walker in the walker table; raises UnknownActor or WrongActor."""
        return self._index(self.walker_of, actor_id, command, "walker")

    def light(self, actor_id: int, command: str) -> int:
        """Return the row of a traffic light in the light table; raises UnknownActor or WrongActor."""
        return self._index(self.light_of, actor_id, command, "traffic light")

    def _index(self, index_of: dict[int, int], actor_id: int, command: str, kind: str) -> int:
        index = index_of.get(actor_id)
        if index is None:
            self.row(actor_id, command)
            raise WrongActor(actor_id, command, kind)
        return index

    def pose(self, row: int) -> Transform:
        """Return the pose in an actor row."""
        record = self.actors.records[row]
        return Transform(*record["location"].tolist(), *record["rotation_deg"].tolist())

    def pose_on_parent(self, parent_id: int, relative: Transform) -> Transform:
        """Return the world pose of something at `relative` on a live actor."""
        return compose(self.pose(self.row_of[parent_id]), relative)
