"""The passive client's own collision and lane sensors on somebody else's ego."""

from __future__ import annotations

import threading
from contextlib import ExitStack, suppress
from typing import Any

import carla

from alpamayo_sim.errors import InfrastructureError

_BLUEPRINTS = {"collision": "sensor.other.collision", "lane_invasion": "sensor.other.lane_invasion"}


class EgoSensors:
    """Event sensors on the ego whose events are handed out frame by frame."""

    def __init__(self, world: carla.World, ego: carla.Vehicle) -> None:
        """Attach the sensors; InfrastructureError when the server refuses one."""
        self._world = world
        self._lock = threading.Lock()
        self._events: dict[str, list[Any]] = {name: [] for name in _BLUEPRINTS}
        self._taken_to = -1
        self._sensors: list[carla.Sensor] = []
        self.late_events = 0
        """Events that came after their frame had been judged; they counted for the frame that was judged next."""
        library = world.get_blueprint_library()
        with ExitStack() as on_failure:
            on_failure.callback(self.destroy)
            for name, blueprint in _BLUEPRINTS.items():
                self._sensors.append(self._attach(world, library.find(blueprint), ego, name))
            on_failure.pop_all()

    def _attach(
        self, world: carla.World, blueprint: carla.ActorBlueprint, ego: carla.Vehicle, name: str
    ) -> carla.Sensor:
        try:
            sensor = world.spawn_actor(blueprint, carla.Transform(), attach_to=ego)
        except RuntimeError as error:
            raise InfrastructureError(f"no {blueprint.id} could be attached to the ego: {error}") from error
        assert isinstance(sensor, carla.Sensor)

        def note(event: Any) -> None:
            with self._lock:
                self._events[name].append(event)

        sensor.listen(note)
        return sensor

    def take(self, frame: int) -> dict[str, list[Any]]:
        """Return the events up to `frame` that were not handed out yet, by sensor name, in the order of their frames."""
        taken: dict[str, list[Any]] = {}
        with self._lock:
            for name, events in self._events.items():
                taken[name] = sorted((e for e in events if e.frame <= frame), key=lambda e: e.frame)
                self._events[name] = [e for e in events if e.frame > frame]
                self.late_events += sum(e.frame <= self._taken_to for e in taken[name])
        self._taken_to = frame
        return taken

    def destroy(self) -> None:
        """Take the sensors off; safe to call twice, and when whoever drives has removed them with the ego."""
        while self._sensors:
            sensor = self._sensors.pop()
            with suppress(RuntimeError):
                there = self._world.get_snapshot().has_actor(sensor.id)
                sensor.stop()
                if there:
                    sensor.destroy()
