"""Playing a recording back: time, packets and interpolation as CARLA's `CarlaReplayer` does it.

While frame k of a recording lasts, actors are between their places of frames k - 1 and k. So after a replay has been started
between two ticks, and with ticks as long as the recorded ones, the n-th tick shows the n-th recorded frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.server.recorder.packets import RECORDS, PacketId
from alpamayo_sim.server.recorder.reader import (
    AddedActor,
    Frame,
    RecordingReader,
    added_actors,
    frame,
    last_frame,
    records,
    walker_bones,
    wheel_records,
)
from alpamayo_sim.server.recorder.replay_actors import ReplayActors, pose_of
from alpamayo_sim.world.tables import LightColor

if TYPE_CHECKING:
    from alpamayo_sim.server.simulation import Simulation

INTERPOLATION_LIMIT = 2.0
"""From this time factor on, actors are put where they were recorded, without interpolation."""
_NO_FRAME = Frame(0, 0.0, -1.0)
BEHIND = Transform(-10.0, 0.0, 5.0, -25.0, 0.0, 0.0)
"""What clients send for the spectator's offset unless told otherwise."""


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What a client asks for."""

    start_s: float = 0.0
    """Negative: from the end."""
    duration_s: float = 0.0
    """0: until the end."""
    follow_id: int = 0
    """Recorded id of the actor that the spectator follows; 0 for none."""
    replay_sensors: bool = False
    offset: Transform = BEHIND
    """Pose of the spectator relative to the actor that it follows."""


@dataclass(slots=True)
class ReplaySettings:
    """What holds for this and later replays."""

    time_factor: float = 1.0
    ignore_hero: bool = False
    ignore_spectator: bool = True


class Replayer:
    """One replay, from `start` until it stops by itself or by `stop`."""

    def __init__(
        self, simulation: Simulation, reader: RecordingReader, settings: ReplaySettings, request: ReplayRequest
    ):
        """Take over an open file; DamagedRecording when its frames contradict each other."""
        self._simulation = simulation
        self._reader = reader
        self._settings = settings
        self._request = request
        self._last = last_frame(reader)
        self.total_s = self._last.elapsed_s if self._last is not None else -1.0
        start_s = request.start_s
        self.start_s = max(self.total_s + start_s, 0.0) if start_s < 0.0 else start_s
        self.stop_s = self.start_s + request.duration_s if request.duration_s > 0.0 else self.total_s
        self._time_s = 0.0
        self._frame = _NO_FRAME
        self._current: NDArray[Any] = np.zeros(0, RECORDS[PacketId.POSITION])
        self._previous = self._current
        self._added: list[AddedActor] = []
        self._removed: list[int] = []
        self._actors = ReplayActors(
            simulation,
            sensors=request.replay_sensors,
            ignore_hero=settings.ignore_hero,
            ignore_spectator=settings.ignore_spectator,
        )
        self.playing = False

    def start(self) -> None:
        """Create what is there at the start; the first tick then moves it."""
        self._simulation.world.light_cycle.held = True
        self.playing = self._last is not None
        self._process(self.start_s, first=True)
        if not self.playing:
            self.stop(keep_actors=True)

    def advance(self, delta_s: float) -> None:
        """Show the recording `delta_s` (times the time factor) later; at its end it stops."""
        if not self.playing:
            return
        share = self._process(delta_s * self._settings.time_factor, first=False)
        if share is not None:
            self._place(share)
        if self._time_s >= self.stop_s:
            self.stop(keep_actors=True)

    def stop(self, *, keep_actors: bool) -> None:
        """End the replay; without `keep_actors` the rest of the recorded events happens at once, destructions above all."""
        if self.playing:
            self.playing = False
            try:
                if not keep_actors:
                    self._process(self.total_s, first=False)
            finally:
                self._actors.let_go()
                self._end()
        else:
            self._end()

    def _end(self) -> None:
        self._simulation.world.light_cycle.held = False
        self._reader.close()

    def _process(self, delta_s: float, *, first: bool) -> float | None:
        """Go on in the file until the frame of the new time; return how much of it has passed, None without a frame."""
        now_s = self._time_s + delta_s
        self._time_s = now_s
        present = self._frame
        if present.elapsed_s <= now_s < present.elapsed_s + present.duration_s:
            return (now_s - present.elapsed_s) / present.duration_s
        share: float | None = None
        reader = self._reader
        while (head := reader.next_header()) is not None:
            packet_id, size = head
            if packet_id == PacketId.FRAME_START:
                present = self._frame = frame(reader.data(size))
                if self._last is not None and present.number >= self._last.number:
                    share = 0.0
                elif now_s < present.elapsed_s + present.duration_s:
                    share = max(now_s - present.elapsed_s, 0.0) / present.duration_s
            elif packet_id == PacketId.FRAME_END:
                reader.skip(size)
                if share is not None:
                    break
            elif packet_id in (PacketId.EVENT_ADD, PacketId.EVENT_DEL, PacketId.EVENT_PARENT):
                self._note_events(packet_id, reader.data(size))
                continue
            elif share is not None and (show := self._shows.get(packet_id)) is not None:
                self._happen({})
                show(self, reader.data(size))
            else:
                reader.skip(size)
            self._happen({})
        self._happen({})
        if first:
            self._previous = self._current[:0]
        return share

    def _note_events(self, packet_id: int, data: bytes) -> None:
        """Keep what is created and destroyed until it is known who is attached to whom, which comes last."""
        if packet_id == PacketId.EVENT_ADD:
            self._added += added_actors(data)
        elif packet_id == PacketId.EVENT_DEL:
            self._removed += [actor_id for (actor_id,) in records(packet_id, data).tolist()]
        else:
            self._happen(dict(records(packet_id, data).tolist()))

    def _happen(self, parent_of: dict[int, int]) -> None:
        if self._added or self._removed:
            added, removed, self._added, self._removed = self._added, self._removed, [], []
            for actor in added:
                self._actors.add(actor, parent_of.get(actor.id, 0))
            for actor_id in removed:
                self._actors.remove(actor_id)

    def _place(self, share: float) -> None:
        """Put every actor between its places of the frame before and of this one."""
        interpolated = self._settings.time_factor < INTERPOLATION_LIMIT
        row_before = {actor_id: row for row, actor_id in enumerate(self._previous["id"].tolist())}
        location = self._current["location"].astype(np.float64)
        rotation = self._current["rotation"].astype(np.float64)
        for row, recorded_id in enumerate(self._current["id"].tolist()):
            before = row_before.get(recorded_id)
            if before is not None:
                old = self._previous[before]
                part = share if interpolated else 0.0
                location[row] = old["location"] + part * (location[row] - old["location"])
                turn = (rotation[row] - old["rotation"] + 180.0) % 360.0 - 180.0
                rotation[row] = old["rotation"] + part * turn
            if not self._ignored(self._actors.find(recorded_id)):
                self._actors.place(recorded_id, location[row], rotation[row])
        self._follow()

    def _ignored(self, actor_id: int) -> bool:
        settings, world = self._settings, self._simulation.world
        return (settings.ignore_hero and actor_id in self._actors.heroes) or (
            settings.ignore_spectator and actor_id == world.spectator_id
        )

    def _follow(self) -> None:
        world = self._simulation.world
        actor_id = self._actors.find(self._request.follow_id)
        if actor_id and (self._current["id"] == self._request.follow_id).any():
            world.set_transform(world.spectator_id, compose(world.transform(actor_id), self._request.offset))

    def _show_positions(self, data: bytes) -> None:
        self._previous, self._current = self._current, records(PacketId.POSITION, data)

    def _show_lights(self, data: bytes) -> None:
        world = self._simulation.world
        frozen = False
        for recorded_id, is_frozen, elapsed_s, state in records(PacketId.STATE, data).tolist():
            index = world.light_of.get(self._actors.find(recorded_id), -1)
            if index < 0 or state > max(LightColor):
                continue
            frozen = frozen or is_frozen
            lights = world.lights
            lights.state[index], lights.elapsed_s[index], lights.frozen[index] = state, elapsed_s, is_frozen
        world.light_cycle.frozen = frozen

    def _show_controls(self, data: bytes) -> None:
        world = self._simulation.world
        for recorded_id, steer, throttle, brake, hand_brake, gear in records(PacketId.ANIM_VEHICLE, data).tolist():
            if (index := self._vehicle(recorded_id)) >= 0:
                actor_id = self._actors.find(recorded_id)
                world.apply_vehicle_control(actor_id, throttle, steer, brake, hand_brake, gear < 0, False, gear)
                world.vehicles.gear[index] = gear

    def _show_wheels(self, data: bytes) -> None:
        vehicles = self._simulation.world.vehicles
        for recorded_id, wheels in wheel_records(data):
            if (index := self._vehicle(recorded_id)) < 0:
                continue
            for place, steer_deg, rotation_deg in wheels.tolist():
                if place < vehicles.wheel_direction_deg.shape[1] and np.isfinite((steer_deg, rotation_deg)).all():
                    vehicles.wheel_direction_deg[index, place] = steer_deg
                    vehicles.wheel_direction_set[index, place] = True
                    vehicles.wheel_turn_deg[index] = rotation_deg

    def _show_walkers(self, data: bytes) -> None:
        world = self._simulation.world
        for recorded_id, speed_mps in records(PacketId.ANIM_WALKER, data).tolist():
            actor_id = self._actors.find(recorded_id)
            if actor_id in world.walker_of and np.isfinite(speed_mps):
                world.apply_walker_control(actor_id, (1.0, 0.0, 0.0), speed_mps)

    def _show_bones(self, data: bytes) -> None:
        for recorded_id, bones in walker_bones(data):
            actor_id = self._actors.find(recorded_id)
            poses = [(name, pose_of(values[:3], values[3:])) for name, values in bones]
            if actor_id in self._simulation.world.walker_of:
                skeletons = self._simulation.skeletons
                skeletons.set_bones(actor_id, [(name, pose) for name, pose in poses if pose is not None])
                skeletons.blend(actor_id, 1.0)

    def _show_vehicle_lights(self, data: bytes) -> None:
        for recorded_id, flags in records(PacketId.VEHICLE_LIGHT, data).tolist():
            if self._vehicle(recorded_id) >= 0:
                self._simulation.world.set_light_flags(self._actors.find(recorded_id), flags)

    def _show_doors(self, data: bytes) -> None:
        world = self._simulation.world
        for recorded_id, door, is_open in records(PacketId.VEHICLE_DOOR, data).tolist():
            if self._vehicle(recorded_id) >= 0:
                (world.open_door if is_open else world.close_door)(self._actors.find(recorded_id), door)

    def _show_street_lights(self, data: bytes) -> None:
        lamps = self._simulation.street_lights
        known = {lamp[0]: lamp for lamp in lamps.records()}
        states: list[tuple[Any, ...]] = []
        for lamp_id, intensity, color, is_on, kind in records(PacketId.SCENE_LIGHT, data).tolist():
            if (lamp := known.get(lamp_id)) is not None and np.isfinite((intensity, *color)).all():
                rgb = [round(255.0 * min(max(channel, 0.0), 1.0)) for channel in color[:3]]
                states.append((lamp_id, lamp[1], intensity, kind, rgb, is_on))
        lamps.update(states)

    def _vehicle(self, recorded_id: int) -> int:
        """Return the row of a vehicle that is shown, -1 for another actor."""
        if self._settings.ignore_hero and self._actors.find(recorded_id) in self._actors.heroes:
            return -1
        return self._actors.vehicle(recorded_id)

    _shows: ClassVar[dict[int, Callable[[Replayer, bytes], None]]] = {
        PacketId.POSITION: _show_positions,
        PacketId.STATE: _show_lights,
        PacketId.ANIM_VEHICLE: _show_controls,
        PacketId.ANIM_VEHICLE_WHEELS: _show_wheels,
        PacketId.ANIM_WALKER: _show_walkers,
        PacketId.VEHICLE_LIGHT: _show_vehicle_lights,
        PacketId.VEHICLE_DOOR: _show_doors,
        PacketId.SCENE_LIGHT: _show_street_lights,
        PacketId.WALKER_BONES: _show_bones,
    }
