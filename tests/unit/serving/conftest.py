"""A model server in this process, and the entry file's side of the connection."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from alpamayo_agents.serving.model_server import PATH, ModelServer
from alpamayo_agents.serving.seats import Seats
from alpamayo_wire import WebSocket


class Serving:
    """A model server on a free port, in a thread of its own."""

    def __init__(self, seats: Seats, *, max_sessions: int = 4, max_message_bytes: int = 1 << 20) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.server = ModelServer(seats, port=0, max_sessions=max_sessions, max_message_bytes=max_message_bytes)
        self._call(self.server.start())

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.server.port}{PATH}"

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(120.0)

    def close(self) -> None:
        self._call(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Serving]]:
    """Starts a model server; it ends with the test."""
    with ExitStack() as stack:

        def start(seats: Seats, **limits: int) -> Serving:
            serving = Serving(seats, **limits)
            stack.callback(serving.close)
            return serving

        yield start


@pytest.fixture
def connect() -> Iterator[Callable[[str], WebSocket]]:
    """Opens a connection as the entry file does; it is closed with the test."""
    with ExitStack() as stack:

        def opened(url: str) -> WebSocket:
            socket = WebSocket(url, 120.0)
            stack.callback(socket.close)
            return socket

        yield opened
