"""Recording: what happened since the last tick, and where everything is, as one frame a tick."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from alpamayo_sim.server.recorder import actor_packets
from alpamayo_sim.server.recorder.packets import COUNT, DOUBLE, NO_ACTOR, RECORDS, PacketId, packet, records_packet
from alpamayo_sim.server.recorder.scene_packets import Scene, ScenePackets, scene_now
from alpamayo_sim.server.recorder.writer import RecordingWriter
from alpamayo_sim.world.actor_info import ActorInfo
from alpamayo_sim.world.events import StepEvents

if TYPE_CHECKING:
    from alpamayo_sim.server.simulation import Simulation
    from alpamayo_sim.world.physics import VehiclePhysics

COLLISION_SENSOR = "sensor.other.collision"
NOTHING_ADDED, NOTHING_DELETED, NOTHING_PARENTED, NO_COLLISION = (
    packet(packet_id, COUNT.pack(0))
    for packet_id in (PacketId.EVENT_ADD, PacketId.EVENT_DEL, PacketId.EVENT_PARENT, PacketId.COLLISION)
)
NOTHING_BOXED, NO_BONES = (
    packet(packet_id, COUNT.pack(0)) for packet_id in (PacketId.BOUNDING_BOX, PacketId.WALKER_BONES)
)
LIGHT_TIMES = ("green_s", "yellow_s", "red_s")
ALL_DOORS, DOORS, EVERY_DOOR_BIT = 6, 6, 0x3F


class _Taken(NamedTuple):
    """A frame that is not written yet. Packing its scene is most of the work and can wait until clients have their answer."""

    delta_s: float
    scene: Scene
    before: list[bytes]
    street_lights: list[bytes]
    additional: list[bytes]


class Recorder:
    """Writes one file until closed. Events are found by comparing with the tick before."""

    def __init__(self, simulation: Simulation, path: Path, *, additional: bool) -> None:
        """Create the file; CallError where that can not be. The first frame is that of the next tick."""
        self._simulation = simulation
        self._world = simulation.world
        self._additional = additional
        self.path = path
        self._writer = RecordingWriter(path, simulation.road_map.name, int(time.time()))
        self._started_s = time.monotonic()
        self._infos: dict[int, ActorInfo] = {}
        self._members = (0, 0)
        self._scene = ScenePackets(self._world)
        self._watched: frozenset[int] = frozenset()
        self._doors: dict[int, int] = {}
        self._door_state = b""
        self._street_lights: list[Any] = []
        self._physics: dict[int, VehiclePhysics] = {}
        self._light_times = b""
        self._collisions = 0
        self._taken: _Taken | None = None

    def record(self, events: StepEvents) -> None:
        """Take the frame of the tick that has just happened; `flush` or the next frame writes it. OSError as by `flush`."""
        self.flush()
        world = self._world
        added, removed = self._changes()
        before = [
            packet(PacketId.VISUAL_TIME, DOUBLE.pack(world.elapsed_s)),
            actor_packets.added(world, added) if added else NOTHING_ADDED,
            actor_packets.deleted(removed) if removed else NOTHING_DELETED,
            actor_packets.parented(world, added) if added else NOTHING_PARENTED,
            self._collision_packet(events) if events.collisions else NO_COLLISION,
            *self._door_packets(),
        ]
        additional = self._additional_packets(added) if self._additional else []
        self._taken = _Taken(world.delta_s, scene_now(world), before, self._street_light_packets(), additional)

    def flush(self) -> None:
        """Write the frame that was taken last; OSError when the disk does not take it."""
        taken, self._taken = self._taken, None
        if taken is None:
            return
        packets = [
            *taken.before,
            *self._scene.packets(taken.scene),
            *taken.street_lights,
            *self._scene.wheels(taken.scene),
            *(self._scene.kinematics(taken.scene) if self._additional else ()),
            *taken.additional,
        ]
        self._writer.write_frame(taken.delta_s, packets)

    def close(self) -> None:
        """End the file; OSError when the disk does not take its end."""
        try:
            self.flush()
        finally:
            self._writer.close()

    def _changes(self) -> tuple[list[ActorInfo], list[int]]:
        """Return the actors that are new and the ids of those that are gone."""
        world = self._world
        members = (world.next_id, len(world.infos))
        if members == self._members:
            return [], []
        self._members = members
        added = [info for actor_id, info in world.infos.items() if actor_id not in self._infos]
        removed = [actor_id for actor_id in self._infos if actor_id not in world.infos]
        self._infos = dict(world.infos)
        self._scene = ScenePackets(world)
        self._door_state = b""
        sensors = [info for info in world.infos.values() if info.type_id == COLLISION_SENSOR]
        self._watched = frozenset(info.parent_id for info in sensors)
        return added, removed

    def _collision_packet(self, events: StepEvents) -> bytes:
        """Return what collision sensors see, as CARLA records only that."""
        rows: list[tuple[int, int, int, bool, bool]] = []
        for collision in events.collisions:
            if collision.actor_id in self._watched:
                other = collision.other_id or NO_ACTOR
                heroes = self._is_hero(collision.actor_id), self._is_hero(other)
                rows.append((self._collisions, collision.actor_id, other, *heroes))
                self._collisions += 1
        return records_packet(PacketId.COLLISION, np.array(rows, RECORDS[PacketId.COLLISION]))

    def _is_hero(self, actor_id: int) -> bool:
        info = self._infos.get(actor_id)
        return info is not None and info.attribute_values.get("role_name") == "hero"

    def _door_packets(self) -> list[bytes]:
        """Return the doors that were moved. Without any there is no packet: some readers stumble over an empty one."""
        vehicles = self._world.vehicles.records
        state = vehicles["open_doors"].tobytes()
        if state == self._door_state:
            return []
        self._door_state = state
        ids = self._world.actors.ids[vehicles["row"]].tolist()
        rows: list[tuple[int, int, bool]] = []
        for actor_id, doors in zip(ids, vehicles["open_doors"].tolist(), strict=True):
            moved = doors ^ self._doors.get(actor_id, 0)
            if moved == EVERY_DOOR_BIT and doors in (0, EVERY_DOOR_BIT):
                rows.append((actor_id, ALL_DOORS, doors != 0))
            elif moved:
                rows += [(actor_id, door, bool(doors >> door & 1)) for door in range(DOORS) if moved >> door & 1]
            self._doors[actor_id] = doors
        if not rows:
            return []
        return [records_packet(PacketId.VEHICLE_DOOR, np.array(rows, RECORDS[PacketId.VEHICLE_DOOR]))]

    def _street_light_packets(self) -> list[bytes]:
        """Return the street lights that changed; all of them in the first frame."""
        lamps = self._simulation.street_lights.records()
        if lamps == self._street_lights:
            return []
        known = {lamp[0]: lamp for lamp in self._street_lights}
        rows = [
            (lamp_id, intensity, (*(channel / 255.0 for channel in color[:3]), 1.0), active, group)
            for lamp_id, _, intensity, group, color, active in lamps
            if known.get(lamp_id) != [lamp_id, _, intensity, group, color, active]
        ]
        # A lamp that changes is another list, so comparing them takes no longer than comparing references.
        self._street_lights = list(lamps)
        return [records_packet(PacketId.SCENE_LIGHT, np.array(rows, RECORDS[PacketId.SCENE_LIGHT]))] if rows else []

    def _additional_packets(self, added: list[ActorInfo]) -> list[bytes]:
        world = self._world
        changed = [
            actor_id for actor_id, physics in world.physics_of.items() if self._physics.get(actor_id) is not physics
        ]
        if changed or len(self._physics) != len(world.physics_of):
            self._physics = dict(world.physics_of)
        return [
            actor_packets.boxes(added) if added else NOTHING_BOXED,
            *actor_packets.trigger_volumes(world, added),
            packet(PacketId.PLATFORM_TIME, DOUBLE.pack(time.monotonic() - self._started_s)),
            *actor_packets.physics(world, changed),
            *self._light_time_packets(),
            actor_packets.walker_bones(self._simulation.skeletons, world.walker_of) if world.walker_of else NO_BONES,
        ]

    def _light_time_packets(self) -> list[bytes]:
        lights = self._world.lights.records
        values = b"".join(lights[name].tobytes() for name in LIGHT_TIMES)
        if values == self._light_times:
            return []
        known = np.frombuffer(self._light_times).reshape(len(LIGHT_TIMES), -1)
        times = np.frombuffer(values).reshape(len(LIGHT_TIMES), -1)
        self._light_times = values
        same_lights = times.shape == known.shape
        changed = np.flatnonzero((times != known).any(axis=0)) if same_lights else np.arange(times.shape[1])
        return actor_packets.light_times(self._world, changed)
