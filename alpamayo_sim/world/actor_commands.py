"""Commands that every actor understands: where it is, how it moves, what pushes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alpamayo_sim.frames import Transform, as_unreal
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world_state import WorldState

Vector = Sequence[float]


class ActorCommands(WorldState):
    """Part of `World`: commands on actors of any kind. Unknown ids raise UnknownActor."""

    def transform(self, actor_id: int) -> Transform:
        """Return the pose of a live actor in the CARLA world frame."""
        return self.pose(self.row(actor_id))

    def set_transform(self, actor_id: int, transform: Transform) -> None:
        """Put an actor somewhere; relative to its parent if it has one. Its velocity stays."""
        row = self.row(actor_id, "set transform")
        transform = as_unreal(transform)
        parent_id = int(self.actors.parent_ids[row])
        if parent_id:
            self.actors.relative[row] = transform
            transform = self.pose_on_parent(parent_id, transform)
        self.actors.location[row] = transform[:3]
        self.actors.rotation_deg[row] = transform[3:]
        index = self.vehicle_of.get(actor_id)
        if index is not None:
            self.vehicles.ground_known[index] = False
        self._moved_by_hand(row)

    def _moved_by_hand(self, row: int) -> None:
        """Let children of a teleported actor follow at once."""
        for child in np.flatnonzero(self.actors.parent_row == row).tolist():
            relative = Transform(*self.actors.relative[child].tolist())
            pose = self.pose_on_parent(int(self.actors.ids[row]), relative)
            self.actors.location[child] = pose[:3]
            self.actors.rotation_deg[child] = pose[3:]
            self._moved_by_hand(child)

    def set_location(self, actor_id: int, location: Vector) -> None:
        """Put an actor somewhere without turning it; relative to its parent if it has one."""
        row = self.row(actor_id, "set location")
        record = self.actors.records[row]
        rotation = record["relative"][3:] if record["parent_ids"] else record["rotation_deg"]
        self.set_transform(actor_id, Transform(*location, *rotation.tolist()))

    def set_target_velocity(self, actor_id: int, velocity_mps: Vector) -> None:
        """Set the velocity once, in the CARLA world frame; physics goes on from there."""
        self.actors.velocity_mps[self.row(actor_id, "set target velocity")] = velocity_mps

    def set_target_angular_velocity(self, actor_id: int, velocity_dps: Vector) -> None:
        """Set the angular velocity once, degrees per second in the CARLA world frame."""
        self.actors.angular_velocity_dps[self.row(actor_id, "set target angular velocity")] = velocity_dps

    def set_simulate_physics(self, actor_id: int, enabled: bool) -> None:
        """Switch the physics of an actor; without it the actor stays where it is put."""
        row = self.row(actor_id, "set simulate physics")
        kind = self.actors.kind[row]
        movable = kind in (ActorKind.VEHICLE, ActorKind.WALKER, ActorKind.PROP) and not self.actors.parent_ids[row]
        self.actors.simulate_physics[row] = enabled and movable
        self.actors.gravity[row] |= enabled and kind == ActorKind.PROP
        if not enabled:
            self.actors.velocity_mps[row] = 0.0
            self.actors.angular_velocity_dps[row] = 0.0

    def set_collisions(self, actor_id: int, enabled: bool) -> None:
        """Switch whether an actor collides."""
        self.actors.collides[self.row(actor_id, "set collisions")] = enabled

    def set_enable_gravity(self, actor_id: int, enabled: bool) -> None:
        """Switch whether gravity pulls at an actor."""
        self.actors.gravity[self.row(actor_id, "set enable gravity")] = enabled

    def add_impulse(self, actor_id: int, impulse_ns: Vector) -> None:
        """Change the velocity by impulse / mass; newton seconds, CARLA world frame."""
        row = self.row(actor_id, "add impulse")
        if self.actors.simulate_physics[row]:
            self.actors.velocity_mps[row] += np.asarray(impulse_ns, float) / self.actors.mass_kg[row]

    def add_impulse_at_location(self, actor_id: int, impulse_ns: Vector, location: Vector) -> None:
        """Like `add_impulse`, at a point in the world: it also turns the actor."""
        row = self.row(actor_id, "add impulse")
        self.add_impulse(actor_id, impulse_ns)
        arm = np.asarray(location, float) - self.actors.location[row]
        self.add_angular_impulse(actor_id, np.degrees(np.cross(arm, np.asarray(impulse_ns, float))).tolist())

    def add_force(self, actor_id: int, force_n: Vector) -> None:
        """Apply a force during the next step; newtons, CARLA world frame."""
        self.actors.force_n[self.row(actor_id, "add force")] += force_n

    def add_force_at_location(self, actor_id: int, force_n: Vector, location: Vector) -> None:
        """Like `add_force`, at a point in the world: it also turns the actor."""
        row = self.row(actor_id, "add force")
        self.actors.force_n[row] += force_n
        arm = np.asarray(location, float) - self.actors.location[row]
        self.actors.torque_nm[row] += np.cross(arm, np.asarray(force_n, float))

    def add_angular_impulse(self, actor_id: int, impulse: Vector) -> None:
        """Change the angular velocity by impulse / inertia; kg*m^2*deg/s about the world's axes (vehicles turn about z)."""
        row = self.row(actor_id, "add angular impulse")
        index = self.vehicle_of.get(actor_id)
        if index is not None and self.actors.simulate_physics[row]:
            self.actors.angular_velocity_dps[row, 2] += impulse[2] / self.constants.yaw_inertia[index]

    def add_torque(self, actor_id: int, torque_nm: Vector) -> None:
        """Apply a torque during the next step; N*m about the world's axes (vehicles turn about z)."""
        self.actors.torque_nm[self.row(actor_id, "add torque")] += torque_nm

    def set_dead(self, actor_id: int) -> None:
        """Take a vehicle or walker out of control: a vehicle rolls out, a walker stays where it is for its life span."""
        self.row(actor_id, "set actor dead")
        if (index := self.vehicle_of.get(actor_id)) is not None:
            self.vehicles.dead[index] = True
        elif (index := self.walker_of.get(actor_id)) is not None:
            if not self.walkers.dead[index]:
                self.walkers.died_at_s[index] = self.elapsed_s
            self.walkers.dead[index] = True
