"""Hearing what sensors say, message by message."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping
from typing import Any

import carla

from alpamayo_sim.conformance.check import Skip
from alpamayo_sim.conformance.context import Context

_PATIENCE_S = 30.0
"""How long a message may be on its way; cameras of a busy server are slow."""
_QUIET_S = 0.3
"""After which silence no further message is expected."""


class Listener:
    """One sensor and the messages that it has sent."""

    def __init__(
        self,
        context: Context,
        type_id: str,
        mount: carla.Transform,
        parent: carla.Actor | None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Spawn the sensor and listen; Skip if the server does not make sensors of this type."""
        self._context = context
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        try:
            self.sensor = context.spawn(carla.Sensor, type_id, mount, attributes, parent=parent)
        except RuntimeError as error:
            raise Skip(f"the server refuses {type_id}: {error}") from error
        self.sensor.listen(self._messages.put)

    def next(self) -> Any:
        """Return the next message; RuntimeError when none comes for long."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            self._context.check_time()
            try:
                return self._messages.get(timeout=0.5)
            except queue.Empty:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.sensor.type_id} sent nothing within {_PATIENCE_S:.0f} s") from None

    def at(self, frame: int) -> Any:
        """Return the message of a frame, leaving out older ones; RuntimeError when a later one comes instead."""
        while True:
            message = self.next()
            if message.frame == frame:
                return message
            if message.frame > frame:
                raise RuntimeError(f"{self.sensor.type_id} sent frame {message.frame} when frame {frame} was due")

    def rest(self, expected: int = 0) -> list[Any]:
        """Return the messages that have come up to now, waiting for the last ones on their way.

        For the `expected` first ones it waits long.
        """
        found: list[Any] = []
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            self._context.check_time()
            try:
                found.append(self._messages.get(timeout=_QUIET_S))
            except queue.Empty:
                if len(found) >= expected or time.monotonic() > deadline:
                    return found
