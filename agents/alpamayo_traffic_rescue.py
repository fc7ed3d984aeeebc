"""Waking CARLA's TrafficManager when an evaluator's `world.tick()` waits for it for ever.

In CARLA's client library the tick and TrafficManager's thread wake each other through condition variables without holding
their mutex. On a busy machine a signal now and then falls into the gap between the check of a flag and the wait; both wait
for ever then, no timeout of the evaluator's ends it, and the whole run is lost. Leaving and entering synchronous mode signals
the thread again, at the price of at most one extra step of the traffic. TrafficManager's own RPC port takes that from
anybody on this machine. The standard library and `alpamayo_wire.py` are all it needs.
"""

from __future__ import annotations

import socket
import sys
import threading
import time

from alpamayo_wire import packed

STALLED_S = 8.0
"""A tick of a slow CARLA may take seconds; none takes this long and comes to an end."""
_CHECK_S = 0.5
_REPLY_S = 20.0
_TICKING = "_tick_scenario"
"""The evaluators' function that ticks the world; while it waits there, no other Python function is above it."""


class TrafficRescue:
    """Watches the thread that made it while it is between two steps of an agent; `end` ends the watch."""

    def __init__(self, manager_port: int) -> None:
        self.rescues = 0
        self._port = manager_port
        self._ticking_thread = threading.get_ident()
        self._since_s = 0.0
        self._between_steps = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="traffic-rescue")
        self._thread.daemon = True
        self._thread.start()

    def step_begins(self) -> None:
        """Say that the agent's turn has come."""
        self._between_steps = False

    def step_ends(self) -> None:
        """Say that the evaluator's turn has come."""
        self._since_s = time.monotonic()
        self._between_steps = True

    def end(self) -> None:
        """End the watch; safe to call twice."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_CHECK_S):
            if not self._between_steps or time.monotonic() - self._since_s < STALLED_S:
                continue
            frame = sys._current_frames().get(self._ticking_thread)
            if frame is not None and frame.f_code.co_name == _TICKING:
                woken = signal_again(self._port)
                self.rescues += 1
                words = "its signal was repeated" if woken else f"and nobody answers at its port {self._port}"
                print(f"=== [Agent] TrafficManager has missed a tick's signal; {words}", flush=True)
            self._since_s = time.monotonic()


def signal_again(manager_port: int) -> bool:
    """Signal the thread of the TrafficManager that listens on a port of this machine; return whether it answered."""
    try:
        with socket.create_connection(("127.0.0.1", manager_port), timeout=_REPLY_S) as connection:
            for number, mode in enumerate((False, True)):
                connection.sendall(packed([0, number, "set_synchronous_mode", [mode]]))
                if not connection.recv(4096):
                    return False
    except OSError:
        return False
    return True
