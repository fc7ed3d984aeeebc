"""Commands that every actor understands: where it is, how it moves, what pushes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.world.errors import UnknownActor
from alpamayo_sim.world.tables import ActorKind

if TYPE_CHECKING:
    from alpamayo_sim.world.blueprints import Blueprint
    from alpamayo_sim.world.tables import ActorTable, VehicleTable

Vector = Sequence[float]


class ActorCommands:
    """Part of `World`: commands on actors of any kind. Unknown ids raise UnknownActor."""

    actors: ActorTable
    vehicles: VehicleTable
    _row_of: dict[int, int]
    _vehicle_of: dict[int, int]

    def _row(self, actor_id: int, command: str = "find actor") -> int:
        row = self._row_of.get(actor_id)
        if row is None:
            raise UnknownActor(actor_id, command)
        return row

    def _pose(self, row: int) -> Transform:
        return Transform(*self.actors.location[row].tolist(), *self.actors.rotation_deg[row].tolist())

    def _pose_on_parent(self, parent_id: int, relative: Transform) -> Transform:
        return compose(self._pose(self._row_of[parent_id]), relative)

    def _overlaps(self, pose: Transform, blueprint: Blueprint) -> bool:
        """Whether a box of `blueprint` at `pose` would touch something that collides."""
        collides = self.actors.collides
        radius_m = math.hypot(*blueprint.extent[:2])
        distance_m = np.linalg.norm(self.actors.location[:, :2] - np.array(pose[:2]), axis=1)
        return bool(np.any(collides & (distance_m < radius_m + self.actors.extent[:, 1])))

    def set_transform(self, actor_id: int, transform: Transform) -> None:
        """Put an actor somewhere; relative to its parent if it has one."""
        row = self._row(actor_id, "set transform")
        parent_id = int(self.actors.parent_ids[row])
        if parent_id:
            self.actors.relative[row] = transform
            transform = self._pose_on_parent(parent_id, transform)
        self.actors.location[row] = transform[:3]
        self.actors.rotation_deg[row] = transform[3:]

    def set_location(self, actor_id: int, location: Vector) -> None:
        """Put an actor somewhere without turning it; relative to its parent if it has one."""
        row = self._row(actor_id, "set location")
        if self.actors.parent_ids[row]:
            rotation = self.actors.relative[row, 3:].tolist()
        else:
            rotation = self.actors.rotation_deg[row].tolist()
        self.set_transform(actor_id, Transform(*location, *rotation))

    def set_target_velocity(self, actor_id: int, velocity_mps: Vector) -> None:
        """Set the velocity once, in the CARLA world frame; physics goes on from there."""
        self.actors.velocity_mps[self._row(actor_id, "set target velocity")] = velocity_mps

    def set_target_angular_velocity(self, actor_id: int, velocity_dps: Vector) -> None:
        """Set the angular velocity once, degrees per second in the CARLA world frame."""
        self.actors.angular_velocity_dps[self._row(actor_id, "set target angular velocity")] = velocity_dps

    def set_simulate_physics(self, actor_id: int, enabled: bool) -> None:
        """Switch the physics of an actor; without it the actor stays where it is put."""
        row = self._row(actor_id, "set simulate physics")
        self.actors.simulate_physics[row] = enabled
        if not enabled:
            self.actors.velocity_mps[row] = 0.0
            self.actors.angular_velocity_dps[row] = 0.0

    def set_collisions(self, actor_id: int, enabled: bool) -> None:
        """Switch whether an actor collides."""
        self.actors.collides[self._row(actor_id, "set collisions")] = enabled

    def set_enable_gravity(self, actor_id: int, enabled: bool) -> None:
        """Switch whether gravity pulls at an actor."""
        self.actors.gravity[self._row(actor_id, "set enable gravity")] = enabled

    def add_impulse(self, actor_id: int, impulse_ns: Vector) -> None:
        """Change the velocity by impulse / mass; newton seconds, CARLA world frame."""
        row = self._row(actor_id, "add impulse")
        if self.actors.mass_kg[row] > 0.0:
            self.actors.velocity_mps[row] += np.asarray(impulse_ns, float) / self.actors.mass_kg[row]

    def add_force(self, actor_id: int, force_n: Vector) -> None:
        """Apply a force during the next step; newtons, CARLA world frame."""
        self.actors.force_n[self._row(actor_id, "add force")] += force_n

    def _finish_motion(self, dt_s: float) -> None:
        """Place what is attached, and derive accelerations from the change of velocity."""
        actors = self.actors
        for row in np.flatnonzero(actors.parent_ids).tolist():
            parent_id = int(actors.parent_ids[row])
            pose = self._pose_on_parent(parent_id, Transform(*actors.relative[row].tolist()))
            actors.location[row] = pose[:3]
            actors.rotation_deg[row] = pose[3:]
            actors.velocity_mps[row] = actors.velocity_mps[self._row_of[parent_id]]
        if dt_s > 0.0:
            actors.acceleration_mps2 = (actors.velocity_mps - actors.previous_velocity_mps) / dt_s
        actors.previous_velocity_mps = actors.velocity_mps
        actors.force_n = 0.0
        actors.torque_nm = 0.0


MOVING = (ActorKind.VEHICLE, ActorKind.WALKER)
