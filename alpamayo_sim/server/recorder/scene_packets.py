"""What moves and shines, as the packets of every frame; ids and rows are kept as long as the set of actors stays the same."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.server.recorder.packets import (
    CM_PER_M,
    COUNT,
    RECORDS,
    PacketId,
    packet,
    records_packet,
    wheels_dtype,
)
from alpamayo_sim.world.actor_info import ActorInfo
from alpamayo_sim.world.constants import RADPS_PER_RPM
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world import World

PLACED = (ActorKind.OTHER, ActorKind.VEHICLE, ActorKind.WALKER, ActorKind.PROP, ActorKind.TRIGGER, ActorKind.SPECTATOR)
"""Kinds whose place is recorded: CARLA's types Other, Vehicle and Walker."""
ROLL_PITCH_YAW = np.array([2, 0, 1])


def _empty(packet_id: PacketId, ids: NDArray[Any]) -> NDArray[Any]:
    records = np.zeros(len(ids), RECORDS[packet_id])
    records["id"] = ids
    return records


def _is_two_wheeled(info: ActorInfo) -> bool:
    """Return whether a rider sits on a vehicle; CARLA gives motorcycles and bicycles four wheels in their physics."""
    return info.attribute_values.get("number_of_wheels") == "2"


class Scene(NamedTuple):
    """Copies of the world's tables at one tick."""

    actors: NDArray[Any]
    vehicles: NDArray[Any]
    walkers: NDArray[Any]
    lights: NDArray[Any]


def scene_now(world: World) -> Scene:
    """Return the tables as they are now."""
    return Scene(*(_copy(table.records) for table in (world.actors, world.vehicles, world.walkers, world.lights)))


def _copy(records: NDArray[Any]) -> NDArray[Any]:
    """Return a copy, made in one piece and not field by field as NumPy would."""
    return records.view(np.uint8).copy().view(records.dtype)


class ScenePackets:
    """Packs one world. Begin anew whenever actors were spawned or destroyed."""

    def __init__(self, world: World) -> None:
        actors = world.actors
        self._placed = np.flatnonzero(np.isin(actors.kind, PLACED))
        self._positions = _empty(PacketId.POSITION, actors.ids[self._placed])
        vehicle_ids = actors.ids[world.vehicles.row]
        self._controls = _empty(PacketId.ANIM_VEHICLE, vehicle_ids)
        self._lamps = _empty(PacketId.VEHICLE_LIGHT, vehicle_ids)
        self._walkers = _empty(PacketId.ANIM_WALKER, actors.ids[world.walkers.row])
        self._lights = _empty(PacketId.STATE, actors.ids[world.lights.row])
        self._moving = np.concatenate([world.vehicles.row, world.walkers.row])
        self._kinematics = _empty(PacketId.KINEMATICS, actors.ids[self._moving])
        wheels = np.array([len(world.physics_of[int(actor_id)].wheels) for actor_id in vehicle_ids], int)
        self._wheels: list[tuple[NDArray[np.int64] | slice, NDArray[Any]]] = []
        for count in np.unique(wheels).tolist():
            rows = np.flatnonzero(wheels == count)
            records = np.zeros(len(rows), wheels_dtype(count))
            records["id"], records["count"] = vehicle_ids[rows], count
            records["wheels"]["place"] = np.arange(count)
            self._wheels.append((rows if len(rows) < len(wheels) else slice(None), records))
        infos = [world.infos[actor_id] for actor_id in vehicle_ids.tolist()]
        self._two_wheeled = np.array([k for k, i in enumerate(infos) if _is_two_wheeled(i)], int)
        self._max_radps = np.maximum(world.constants.records["max_radps"][self._two_wheeled], RADPS_PER_RPM)
        self._bikers = _empty(PacketId.ANIM_BIKER, vehicle_ids[self._two_wheeled])

    def packets(self, scene: Scene) -> list[bytes]:
        """Return positions, light states and animations, in CARLA's order, without scene lights."""
        actors = scene.actors
        np.multiply(actors["location"][self._placed], CM_PER_M, out=self._positions["location"], casting="same_kind")
        self._positions["rotation"] = actors["rotation_deg"][self._placed][:, ROLL_PITCH_YAW]
        lights = scene.lights
        self._lights["frozen"], self._lights["elapsed"] = lights["frozen"], lights["elapsed_s"]
        self._lights["state"] = lights["state"]
        return [
            records_packet(PacketId.POSITION, self._positions),
            records_packet(PacketId.STATE, self._lights),
            *self._animations(scene),
        ]

    def _animations(self, scene: Scene) -> list[bytes]:
        vehicles = scene.vehicles
        for name in ("steer", "throttle", "brake", "hand_brake", "gear"):
            self._controls[name] = vehicles[name]
        self._lamps["flags"] = vehicles["light_flags"]
        self._walkers["speed"] = scene.walkers["speed"]
        return [
            records_packet(PacketId.ANIM_VEHICLE, self._controls),
            records_packet(PacketId.ANIM_WALKER, self._walkers),
            records_packet(PacketId.VEHICLE_LIGHT, self._lamps),
        ]

    def wheels(self, scene: Scene) -> list[bytes]:
        """Return how wheels stand and roll, and what riders do."""
        vehicles = scene.vehicles
        parts: list[bytes] = []
        for rows, records in self._wheels:
            count = records["wheels"].shape[1]
            wheels = records["wheels"]
            wheels["steer"] = 0.0
            wheels["steer"][:, : min(2, count // 2)] = vehicles["wheel_angle_deg"][rows, None]
            if (turned := vehicles["wheel_direction_set"][rows, :count].astype(bool)).any():
                held = wheels["steer"][:, : turned.shape[1]]
                held[turned] = vehicles["wheel_direction_deg"][rows, :count][turned]
            wheels["rotation"] = vehicles["wheel_turn_deg"][rows, None]
            parts.append(records.tobytes())
        found = [packet(PacketId.ANIM_VEHICLE_WHEELS, COUNT.pack(len(vehicles)) + b"".join(parts))]
        bikers = self._two_wheeled
        if len(bikers):
            moving = scene.actors[vehicles["row"][bikers]]
            yaw = np.radians(moving["rotation_deg"][:, 1])
            velocity = moving["velocity_mps"]
            forward_mps = velocity[:, 0] * np.cos(yaw) + velocity[:, 1] * np.sin(yaw)
            self._bikers["forward_speed"] = forward_mps * CM_PER_M
            self._bikers["engine_rotation"] = vehicles["engine_radps"][bikers] / self._max_radps
        return [*found, records_packet(PacketId.ANIM_BIKER, self._bikers)]

    def kinematics(self, scene: Scene) -> list[bytes]:
        """Return how fast vehicles and walkers move; nothing without any."""
        if not len(self._moving):
            return []
        actors = scene.actors
        self._kinematics["velocity"] = actors["velocity_mps"][self._moving]
        self._kinematics["angular_velocity"] = actors["angular_velocity_dps"][self._moving]
        return [records_packet(PacketId.KINEMATICS, self._kinematics)]
