"""A single-threaded event loop: sockets by epoll, timers by a heap. Lean, since every tick goes through it."""

from __future__ import annotations

import heapq
import itertools
import logging
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
_BROKEN = select.EPOLLHUP | select.EPOLLERR
_LOG = logging.getLogger(__name__)


class SocketHandler(Protocol):
    """What the loop calls when its socket is ready."""

    def on_readable(self) -> None:
        """Called when the socket can be read, and at the end of the connection."""
        ...

    def on_writable(self) -> None:
        """Called when the socket can be written."""
        ...

    def close(self) -> None:
        """Called when the connection is broken or the loop ends; safe to call twice."""
        ...


class Timer:
    """One pending call; `cancel` makes it do nothing."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Forget the call."""
        self.callback = None


class EventLoop:
    """Runs socket handlers and timers until stopped. All times are `time.monotonic()` seconds."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, SocketHandler] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._signals: dict[signal.Signals, Callable[[], None]] = {}
        self._waker, self._wakee = socket.socketpair()
        self._waker.setblocking(False)
        self._wakee.setblocking(False)
        self._from_threads: deque[Callable[[], None]] = deque()
        self._running = False
        self.served = 0
        """How many times a socket was read or written."""
        self.defects = 0
        """How often something failed that never should; each time the log has the traceback."""

    def add(self, sock: socket.socket, handler: SocketHandler, interest: int = READ) -> None:
        """Call `handler` when `sock` is ready for what `interest` asks."""
        self._handlers[sock.fileno()] = handler
        self._epoll.register(sock.fileno(), interest)

    def set_interest(self, sock: socket.socket, interest: int) -> None:
        """Change what the handler of `sock` waits for."""
        self._epoll.modify(sock.fileno(), interest)

    def remove(self, sock: socket.socket) -> None:
        """Forget a socket; call it before closing the socket."""
        self._handlers.pop(sock.fileno(), None)
        self._epoll.unregister(sock.fileno())

    def call_at(self, when_s: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` once, not before `when_s`."""
        timer = Timer(callback)
        heapq.heappush(self._timers, (when_s, next(self._order), timer))
        return timer

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Call `callback` from the loop, soon. The only method that other threads may use."""
        self._from_threads.append(callback)
        with suppress(OSError):  # full: the loop is being woken already; closed: it has ended
            self._waker.send(b"\0")

    def note_defect(self, what: str) -> None:
        """Log the exception that is being handled with its traceback, and count it."""
        self.defects += 1
        _LOG.exception("%s", what)

    @property
    def timer_count(self) -> int:
        """How many calls are pending."""
        return len(self._timers)

    def on_signal(self, number: signal.Signals, callback: Callable[[], None]) -> None:
        """Call `callback` from the loop whenever the process gets a signal; to be said before `run`.

        SIGTERM and SIGINT stop the loop when nobody asks for them.
        """
        self._signals[number] = callback

    def stop(self) -> None:
        """Make `run` return after the handlers that are running."""
        self._running = False
        with suppress(OSError):
            self._waker.send(b"\0")

    def run(self) -> None:
        """Serve until `stop`; SIGTERM and SIGINT do as `on_signal` says. Call it from the main thread."""
        self._epoll.register(self._wakee.fileno(), READ)
        previous_wakeup = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        callbacks = {signal.SIGTERM: self.stop, signal.SIGINT: self.stop, **self._signals}
        previous = {
            number: signal.signal(number, lambda *_, run=callback: self._run_soon(run))
            for number, callback in callbacks.items()
        }
        self._running = True
        try:
            self._serve()
        finally:
            signal.set_wakeup_fd(previous_wakeup)
            for number, handler in previous.items():
                signal.signal(number, handler)
            for handler in list(self._handlers.values()):
                handler.close()
            self._epoll.close()
            self._waker.close()
            self._wakee.close()

    def _run_soon(self, callback: Callable[[], None]) -> None:
        self.call_at(0.0, callback)

    def _woken(self) -> None:
        self._wakee.recv(4096)
        while self._from_threads:
            self.call_at(0.0, self._from_threads.popleft())

    def _serve(self) -> None:
        poll, handlers, wakee_number = self._epoll.poll, self._handlers, self._wakee.fileno()
        while self._running:
            for number, events in poll(self._run_timers()):
                handler = handlers.get(number)
                if handler is None:
                    if number == wakee_number:
                        self._woken()
                    continue
                self.served += 1
                try:
                    if events & READ:
                        handler.on_readable()
                    elif events & _BROKEN:
                        handler.close()
                        continue
                    if events & WRITE and number in handlers:
                        handler.on_writable()
                except Exception:  # noqa: BLE001 - one connection's failure must not end the server
                    self.note_defect("a connection failed and is closed")
                    handler.close()

    def _run_timers(self) -> float:
        """Run what is due; return the seconds until the next timer, -1 without one.

        What these calls themselves ask for waits until the sockets have been served, even if it is due: a world that is
        slower than real time is always late for its next frame.
        """
        timers = self._timers
        first_new = next(self._order)
        while timers:
            wait_s = timers[0][0] - time.monotonic()
            if timers[0][2].callback is None:
                heapq.heappop(timers)
            elif wait_s > 0.0:
                return wait_s
            elif timers[0][1] > first_new:
                return 0.0
            else:
                timer = heapq.heappop(timers)[2]
                callback, timer.callback = timer.callback, None
                assert callback is not None
                try:
                    callback()
                except Exception:  # noqa: BLE001 - one defect must not end the server for everybody
                    self.note_defect("a timed call failed")
        return -1.0
