"""Sensors on the car, and what they measured."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import carla
from waits import LONG_S

Mount = Callable[..., "Probe"]


class Probe:
    """A listening sensor and what it measured."""

    def __init__(self, sensor: carla.Sensor) -> None:
        self.sensor = sensor
        self.measured: queue.SimpleQueue[Any] = queue.SimpleQueue()
        sensor.listen(self.measured.put)

    def get(self) -> Any:
        """Return the next message."""
        return self.measured.get(timeout=LONG_S)

    def at(self, frame: int) -> Any:
        """Return the message of a frame; earlier ones are dropped."""
        while (value := self.measured.get(timeout=LONG_S)).frame < frame:
            pass
        assert value.frame == frame
        return value

    def empty(self) -> bool:
        """Return whether every message has been taken."""
        return self.measured.empty()


@contextmanager
def mounting(world: carla.World, car: carla.Vehicle, height_m: float) -> Iterator[Mount]:
    """Give a function that attaches sensors to the car, `height_m` above its origin unless told otherwise; destroy them."""
    probes: list[Probe] = []

    def attach(blueprint_id: str, transform: carla.Transform | None = None, **attributes: str) -> Probe:
        blueprint = world.get_blueprint_library().find(blueprint_id)
        for name, value in attributes.items():
            blueprint.set_attribute(name, value)
        place = transform or carla.Transform(carla.Location(z=height_m))
        sensor = world.spawn_actor(blueprint, place, attach_to=car)
        assert isinstance(sensor, carla.Sensor)
        probes.append(Probe(sensor))
        return probes[-1]

    yield attach
    for probe in probes:
        if probe.sensor.is_alive:
            probe.sensor.stop()
            probe.sensor.destroy()
