"""Noticing that the server is gone, although the client library waits for it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

from alpamayo_sim.client.connection import ServerAddress

CHECK_EVERY_S = 0.5
PROBE_AFTER_S = 2.0
"""A server that is not our child is probed only when ticks have stopped coming for this long."""
SILENT_AFTER_S = 60.0
CLIENT_TIMEOUT_S = 120.0
"""Time-out to give to the client library under a watchdog: longer than its patience, since the library's TrafficManager
ends the whole process when one of its calls times out."""


class ServerWatchdog:
    """Calls `on_loss` with the reason, from its own thread, once the server is gone or no tick came for long (a minute).

    When a server dies, `world.tick()` and every clean-up call wait for their time-out, one after the other, and
    TrafficManager's thread aborts the process. So `on_loss` is expected to save what there is and end the process.
    """

    def __init__(
        self,
        address: ServerAddress,
        is_alive: Callable[[], bool] | None,
        on_loss: Callable[[str], None],
        *,
        silent_after_s: float = SILENT_AFTER_S,
    ) -> None:
        """Watch the server at `address`; `is_alive` tells of a process of our own, without it the port is probed."""
        self._silent_after_s = silent_after_s
        self._address = address
        self._is_alive = is_alive or self._listens
        self._on_loss = on_loss
        self._last_tick_s = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="server-watchdog", daemon=True)

    def ticked(self) -> None:
        """Note that a tick was answered."""
        self._last_tick_s = time.monotonic()

    def _watch(self) -> None:
        while not self._ended.wait(CHECK_EVERY_S):
            if not self._is_alive():
                self._on_loss(f"the server at {self._address} has ended during the episode")
                return
            if time.monotonic() - self._last_tick_s > self._silent_after_s:
                self._on_loss(f"the server at {self._address} has answered no tick for {self._silent_after_s:.0f} s")
                return

    def _listens(self) -> bool:
        if time.monotonic() - self._last_tick_s < PROBE_AFTER_S:
            return True
        try:
            with socket.create_connection((self._address.host, self._address.port), timeout=10.0):
                return True
        except ConnectionRefusedError:
            return False
        except OSError:
            return True

    def __enter__(self) -> ServerWatchdog:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
