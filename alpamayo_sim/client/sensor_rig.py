"""A set of sensors on one vehicle that hands out all measurements of one tick together."""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import carla

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.frames import Transform

AT_ORIGIN = Transform(0.0, 0.0, 0.0)
_EVENT_SENSORS = ("sensor.other.collision", "sensor.other.lane_invasion", "sensor.other.obstacle")


@dataclass(frozen=True)
class SensorSpec:
    """One sensor: what it is, where it sits on the vehicle, its blueprint attributes."""

    name: str
    """The key under which its measurements are handed out; unique in a rig."""
    blueprint: str
    mount: Transform = AT_ORIGIN
    """Pose relative to the vehicle's origin, in CARLA's left-handed local frame (metres, degrees)."""
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_event(self) -> bool:
        """Whether it speaks only when something happens."""
        return self.blueprint in _EVENT_SENSORS


class SensorRig:
    """Sensors attached to one actor; `collect` waits until every sensor that is due at a tick has delivered."""

    def __init__(
        self,
        world: carla.World,
        parent: carla.Actor,
        specs: Sequence[SensorSpec],
        *,
        step_s: float,
        patience_s: float = 10.0,
    ) -> None:
        """Spawn the sensors; InputError for an unknown blueprint or attribute, InfrastructureError when the server refuses."""
        names = [spec.name for spec in specs]
        if len(set(names)) != len(names):
            raise InputError(f"sensor names must be unique; found {names}")
        self.specs = tuple(specs)
        self._step_s = step_s
        self._patience_s = patience_s
        self._queues: dict[str, queue.SimpleQueue[Any]] = {name: queue.SimpleQueue() for name in names}
        self._last_time_s: dict[str, float] = {}
        self._actors: list[carla.Sensor] = []
        library = world.get_blueprint_library()
        with ExitStack() as on_failure:
            on_failure.callback(self.destroy)
            for spec in specs:
                self._actors.append(self._spawn(world, library, parent, spec))
            on_failure.pop_all()

    def _spawn(
        self, world: carla.World, library: carla.BlueprintLibrary, parent: carla.Actor, spec: SensorSpec
    ) -> carla.Sensor:
        try:
            blueprint = library.find(spec.blueprint)
        except IndexError as error:
            raise InputError(f"sensor {spec.name!r}: the server has no blueprint {spec.blueprint!r}") from error
        for key, value in spec.attributes.items():
            if not blueprint.has_attribute(key):
                raise InputError(f"sensor {spec.name!r}: {spec.blueprint} has no attribute {key!r}")
            blueprint.set_attribute(key, value)
        mount = carla.Transform(
            carla.Location(spec.mount.x, spec.mount.y, spec.mount.z),
            carla.Rotation(spec.mount.pitch, spec.mount.yaw, spec.mount.roll),
        )
        try:
            sensor = world.spawn_actor(blueprint, mount, attach_to=parent)
        except RuntimeError as error:
            raise InfrastructureError(
                f"sensor {spec.name!r} ({spec.blueprint}) could not be spawned: {error}"
            ) from error
        assert isinstance(sensor, carla.Sensor)
        sensor.listen(self._queues[spec.name].put)
        return sensor

    def collect(self, snapshot: carla.WorldSnapshot) -> dict[str, Any]:
        """Return what the sensors measured at the snapshot's frame, by name.

        A periodic sensor has one measurement when it was due (by its `sensor_tick`) and is left out otherwise; an event
        sensor has the list of events that arrived up to now, each with its own frame. Raises InfrastructureError when a
        sensor that was due does not deliver within `patience_s`.
        """
        measurements: dict[str, Any] = {}
        now_s = snapshot.timestamp.elapsed_seconds
        for spec in self.specs:
            if spec.is_event:
                measurements[spec.name] = self._drain(spec.name)
            elif self._is_due(spec, now_s):
                measurement = self._wait_for(spec, snapshot.frame)
                measurements[spec.name] = measurement
                self._last_time_s[spec.name] = measurement.timestamp
        return measurements

    def _is_due(self, spec: SensorSpec, now_s: float) -> bool:
        period_s = float(spec.attributes.get("sensor_tick", "0"))
        last_s = self._last_time_s.get(spec.name)
        return last_s is None or now_s - last_s >= period_s - 0.5 * self._step_s

    def _wait_for(self, spec: SensorSpec, frame: int) -> Any:
        while True:
            try:
                measurement = self._queues[spec.name].get(timeout=self._patience_s)
            except queue.Empty as error:
                raise InfrastructureError(
                    f"sensor {spec.name!r} ({spec.blueprint}) delivered nothing for frame {frame} "
                    f"within {self._patience_s:.0f} s"
                ) from error
            if measurement.frame == frame:
                return measurement
            if measurement.frame > frame:
                raise InfrastructureError(
                    f"sensor {spec.name!r} is at frame {measurement.frame}, ahead of frame {frame}: "
                    "another client ticks this world"
                )

    def _drain(self, name: str) -> list[Any]:
        events: list[Any] = []
        while True:
            try:
                events.append(self._queues[name].get_nowait())
            except queue.Empty:
                return events

    def destroy(self) -> None:
        """Stop and destroy the sensors; safe to call twice."""
        while self._actors:
            sensor = self._actors.pop()
            if sensor.is_alive:
                sensor.stop()
                sensor.destroy()
