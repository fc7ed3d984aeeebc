"""The sensors of one episode: which are due at a tick, what they say, to whom."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.sensors.camera import Camera, CameraRoom
from alpamayo_sim.sensors.control_camera import ControlCamera
from alpamayo_sim.sensors.factory import make_sensor
from alpamayo_sim.sensors.message import header
from alpamayo_sim.sensors.sensor import GRAVITY_MPS2, Sensor, Tick
from alpamayo_sim.server.registry import CallError
from alpamayo_sim.server.streams import Stream, StreamHub
from alpamayo_sim.world.actor_info import ActorInfo
from alpamayo_sim.world.blueprints import Blueprint
from alpamayo_sim.world.events import StepEvents
from alpamayo_sim.world.world import World

TIME_TOLERANCE_S = 1.0e-6
MAX_SENSORS = 2000
MAX_TOTAL_PIXELS = 1 << 26
"""Of all cameras together: 256 MiB of pictures a tick."""


@dataclass(slots=True)
class _Mounted:
    info: ActorInfo
    sensor: Sensor | Camera
    stream: Stream
    period_s: float
    """0: every tick."""
    due_s: float = -math.inf
    ignored_ids: tuple[int, ...] = ()

    def is_due(self, now_s: float) -> bool:
        """Return whether the sensor measures now; if so, its next time is one period on."""
        if not self.stream.subscribers:
            return False
        if self.period_s > 0.0:
            if now_s < self.due_s - TIME_TOLERANCE_S:
                return False
            self.due_s = now_s + self.period_s if now_s - self.due_s > self.period_s else self.due_s + self.period_s
        return True


def _period_s(values: Mapping[str, str]) -> float:
    """Return the time between two measurements, 0 for every tick; ValueError for what is no number."""
    period_s = float(values.get("sensor_tick", "0").rstrip("f") or 0.0)
    if not math.isfinite(period_s):
        raise ValueError(f"sensor_tick {period_s}; expected a finite number of seconds")
    return max(0.0, period_s)


class SensorSuite:
    """Sensors by actor id, with their streams. Cameras that are due at one tick are rendered together."""

    def __init__(self, hub: StreamHub, world: World, *, seed: int, render_service: str | None = None) -> None:
        self._hub = hub
        self._world = world
        self._seed = seed
        self._mounted: dict[int, _Mounted] = {}
        self._room = CameraRoom(world, render_service)
        self.gravity_mps2 = GRAVITY_MPS2

    def prepare(self, blueprint: Blueprint, attributes: dict[str, str]) -> Sensor | Camera:
        """Return what measures for a sensor about to be spawned; CallError for one that can not be simulated."""
        try:
            values = blueprint.values(attributes)
            _period_s(values)
            sensor = make_sensor(blueprint.id, values, self._seed + len(self._mounted))
            if len(self._mounted) >= MAX_SENSORS:
                raise ValueError(f"there are {MAX_SENSORS} sensors already")
            if isinstance(sensor, Camera | ControlCamera) and sensor.pixels + self._pixels > MAX_TOTAL_PIXELS:
                raise ValueError(f"all cameras together may have {MAX_TOTAL_PIXELS} pixels")
            if isinstance(sensor, Camera):
                self._room.open()
            return sensor
        except (InputError, InfrastructureError, ValueError) as error:
            raise CallError(f"{blueprint.id} can not be spawned: {error}") from error

    def mount(self, info: ActorInfo, sensor: Sensor | Camera) -> None:
        """Give a sensor actor its stream."""
        period_s = _period_s(info.attribute_values)
        self._mounted[info.id] = _Mounted(info, sensor, self._hub.open(), period_s)

    @property
    def _pixels(self) -> int:
        sensors = (mounted.sensor for mounted in self._mounted.values())
        return sum(sensor.pixels for sensor in sensors if isinstance(sensor, Camera | ControlCamera))

    def ignore(self, actor_id: int, ids: tuple[int, ...]) -> None:
        """Let a sensor not detect some vehicles."""
        mounted = self._mounted.get(actor_id)
        if mounted:
            mounted.ignored_ids = ids

    def token(self, actor_id: int) -> bytes:
        """Return the stream token of a sensor, nothing for another actor."""
        mounted = self._mounted.get(actor_id)
        return self._hub.token(mounted.stream) if mounted else b""

    def unmount(self, actor_id: int) -> None:
        """End the stream of an actor, if it has one."""
        mounted = self._mounted.pop(actor_id, None)
        if mounted:
            self._hub.close(mounted.stream)

    def close(self) -> None:
        """End all streams and the renderer."""
        for actor_id in list(self._mounted):
            self.unmount(actor_id)
        self._room.close()

    def publish(self, events: StepEvents, *, rendering: bool) -> None:
        """Let every sensor that is due and listened to say what it measured."""
        if not self._mounted:
            return
        world = self._world
        now_s, gravity = world.elapsed_s, self.gravity_mps2
        cameras: list[tuple[_Mounted, Camera, Tick]] = []
        for actor_id, mounted in self._mounted.items():
            if not mounted.is_due(now_s):
                continue
            tick = Tick(
                world, events, actor_id, mounted.info.parent_id, world.transform(actor_id), gravity, mounted.ignored_ids
            )
            if isinstance(mounted.sensor, ControlCamera) and not rendering:
                continue
            if isinstance(mounted.sensor, Camera):
                if rendering:
                    cameras.append((mounted, mounted.sensor, tick))
                continue
            for body in mounted.sensor.measure(tick):
                mounted.stream.publish((header(mounted.info.type_id, world.frame, now_s, tick.pose), body))
        if cameras:
            images = self._room.take([(camera, tick.pose) for _, camera, tick in cameras])
            for (mounted, _, tick), parts in zip(cameras, images, strict=True):
                if parts:
                    mounted.stream.publish((header(mounted.info.type_id, world.frame, now_s, tick.pose), *parts))
