"""What is recorded once about an actor: that it is there, its attributes, parent, box and physics."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.server.recorder.packets import (
    CM_PER_M,
    COUNT,
    EVENT_ADD_HEAD,
    LIST_LENGTH,
    PHYSICS_HEAD,
    RECORDS,
    PacketId,
    parts_packet,
    records_packet,
    string,
)
from alpamayo_sim.server.skeletons import Skeletons
from alpamayo_sim.world.actor_info import ActorInfo
from alpamayo_sim.world.physics import VehiclePhysics
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world import World

CARLA_TYPE = {
    ActorKind.VEHICLE: 1,
    ActorKind.WALKER: 2,
    ActorKind.TRAFFIC_LIGHT: 3,
    ActorKind.TRAFFIC_SIGN: 4,
    ActorKind.SENSOR: 5,
}
"""CARLA's `FCarlaActor::ActorType`; everything else is Other (0)."""
_BONE_POSE = struct.Struct("<6f")
SIGNALS = (ActorKind.TRAFFIC_LIGHT, ActorKind.TRAFFIC_SIGN)


def added(world: World, infos: Sequence[ActorInfo]) -> bytes:
    """Return the packet that creates actors; the pose of a child is relative to its parent, as in CARLA."""
    return parts_packet(PacketId.EVENT_ADD, [_added(world, info) for info in infos])


def _added(world: World, info: ActorInfo) -> bytes:
    row = world.row(info.id)
    record = world.actors.records[row]
    pose = Transform(*record["relative"].tolist()) if record["parent_ids"] else world.pose(row)
    x, y, z = (CM_PER_M * value for value in pose[:3])
    head = EVENT_ADD_HEAD.pack(
        info.id, CARLA_TYPE.get(info.kind, 0), x, y, z, pose.roll, pose.pitch, pose.yaw, info.uid
    )
    attributes = [bytes([kind]) + string(name) + string(value) for name, kind, value in info.attributes]
    return b"".join([head, string(info.type_id), COUNT.pack(len(attributes)), *attributes])


def parented(world: World, infos: Sequence[ActorInfo]) -> bytes:
    """Return the packet that attaches those of the actors that have a parent."""
    pairs = [(info.id, int(world.actors.parent_ids[world.row(info.id)])) for info in infos]
    return _records(PacketId.EVENT_PARENT, [pair for pair in pairs if pair[1]])


def deleted(ids: Sequence[int]) -> bytes:
    """Return the packet that destroys actors."""
    return _records(PacketId.EVENT_DEL, [(actor_id,) for actor_id in ids])


def boxes(infos: Sequence[ActorInfo]) -> bytes:
    """Return the packet with the boxes of actors that are no signals, in their own frames."""
    return _records(
        PacketId.BOUNDING_BOX,
        [(info.id, _cm(info.box_center), _cm(info.extent)) for info in infos if info.kind not in SIGNALS],
    )


def trigger_volumes(world: World, infos: Sequence[ActorInfo]) -> list[bytes]:
    """Return the packet with the trigger volumes of lights and signs, in the world; nothing without any."""
    volumes = [
        (info.id, _cm(compose(world.transform(info.id), Transform(*info.box_center))[:3]), _cm(info.extent))
        for info in infos
        if info.kind in SIGNALS and any(info.extent)
    ]
    return [_records(PacketId.TRIGGER_VOLUME, volumes)] if volumes else []


def physics(world: World, ids: Sequence[int]) -> list[bytes]:
    """Return the packet with the physics of vehicles; nothing without any."""
    if not ids:
        return []
    return [parts_packet(PacketId.PHYSICS_CONTROL, [_physics(i, world.physics_control(i)) for i in ids])]


def _physics(actor_id: int, control: VehiclePhysics) -> bytes:
    head = PHYSICS_HEAD.pack(
        actor_id,
        control.max_rpm,
        control.moi,
        control.damping_full_throttle,
        control.damping_zero_throttle_clutch_engaged,
        control.damping_zero_throttle_clutch_disengaged,
        control.use_gear_autobox,
        control.clutch_strength,
        control.final_ratio,
        control.mass,
        control.drag_coefficient,
        *control.center_of_mass,
    )
    gears = [astuple(gear) for gear in control.forward_gears]
    wheels = [(*astuple(wheel)[:-1], *wheel.position) for wheel in control.wheels]
    return head + b"".join(_floats(rows) for rows in (control.torque_curve, gears, control.steering_curve, wheels))


def light_times(world: World, rows: NDArray[np.int64]) -> list[bytes]:
    """Return the packet with the times of traffic lights, given by their rows; nothing without any."""
    if not len(rows):
        return []
    lights = world.lights.records[rows]
    records = np.zeros(len(rows), RECORDS[PacketId.TRAFFIC_LIGHT_TIME])
    records["id"] = world.actors.ids[lights["row"]]
    records["green"], records["yellow"], records["red"] = lights["green_s"], lights["yellow_s"], lights["red_s"]
    return [records_packet(PacketId.TRAFFIC_LIGHT_TIME, records)]


def walker_bones(skeletons: Skeletons, ids: Iterable[int]) -> bytes:
    """Return the packet with the bones of walkers, each relative to its parent bone."""
    return parts_packet(PacketId.WALKER_BONES, [_bones(skeletons, actor_id) for actor_id in ids])


def _bones(skeletons: Skeletons, actor_id: int) -> bytes:
    bones = skeletons.walker_bones(actor_id)
    parts = [LIST_LENGTH.pack(actor_id), COUNT.pack(len(bones))]
    for bone in bones:
        pose = bone.relative
        parts += [string(bone.name), _BONE_POSE.pack(*_cm(pose[:3]), pose.roll, pose.pitch, pose.yaw)]
    return b"".join(parts)


def _records(packet_id: PacketId, rows: list[Any]) -> bytes:
    return records_packet(packet_id, np.array(rows, RECORDS[packet_id]))


def _cm(vector: Sequence[float]) -> tuple[float, ...]:
    return tuple(CM_PER_M * value for value in vector)


def _floats(rows: Sequence[Sequence[float]]) -> bytes:
    return LIST_LENGTH.pack(len(rows)) + np.array(rows, "<f4").tobytes()
