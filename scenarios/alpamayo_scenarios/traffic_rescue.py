"""Waking a synchronous TrafficManager that has missed its signal.

In CARLA's client library, `world.tick()` and TrafficManager's thread wake each other through condition variables without holding
their mutex (`TrafficManagerLocal::SynchronousTick` and `Run`). On a busy machine one of the two signals now and then falls
into the gap between the check of its flag and the wait, and both threads wait for ever, whatever the tick's timeout is.
Leaving and entering synchronous mode signals the thread again, at the price of at most one extra step of the traffic. The Python
methods cannot do it, since the waiting tick holds their lock; TrafficManager's own RPC port can.
"""

from __future__ import annotations

import logging
import socket
import sys
import threading

import carla
import msgpack

from alpamayo_sim.client.synchronous import SynchronousWorld

_LOG = logging.getLogger(__name__)
CHECK_S = 0.25
STALLED_CHECKS = 8
_REPLY_S = 20.0


class TrafficRescue:
    """Watches the ticks of the thread that made it; `end` ends the watch."""

    def __init__(self, world: carla.World, manager_port: int) -> None:
        self._world = world
        self._port = manager_port
        self._ticking_thread = threading.get_ident()
        self._ended = threading.Event()
        self.rescues = 0
        """How often the signal had to be repeated."""
        self._thread = threading.Thread(target=self._watch, name="traffic-rescue", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        stalled, last_frame = 0, -1
        while not self._ended.wait(CHECK_S):
            caller = sys._current_frames().get(self._ticking_thread)
            ticking = caller is not None and caller.f_code is SynchronousWorld.tick.__code__
            frame = self._world.get_snapshot().frame
            stalled = stalled + 1 if ticking and frame == last_frame else 0
            last_frame = frame
            if stalled >= STALLED_CHECKS:
                signal_again(self._port)
                self.rescues += 1
                _LOG.warning("TrafficManager had missed a tick's signal; it was repeated")
                stalled = 0

    def end(self) -> None:
        """End the watch; safe to call twice."""
        self._ended.set()
        self._thread.join()


def signal_again(manager_port: int) -> bool:
    """Signal the thread of the TrafficManager that listens on a port of this machine; return whether it answered."""
    try:
        with socket.create_connection(("127.0.0.1", manager_port), timeout=_REPLY_S) as connection:
            for number, mode in enumerate((False, True)):
                connection.sendall(msgpack.Packer().pack([0, number, "set_synchronous_mode", [mode]]))
                if not connection.recv(4096):
                    return False
    except OSError:
        return False
    return True
