"""The model server: WebSocket sessions on the loopback interface, each driving one route."""

from __future__ import annotations

import itertools
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from alpamayo_agents.serving.latency import Latency, latency_text
from alpamayo_agents.serving.messages import (
    PROTOCOL,
    Message,
    Observation,
    ProtocolError,
    SessionStart,
    packed,
    unpacked,
)
from alpamayo_agents.serving.seats import Seat, Seats
from alpamayo_agents.serving.step_log import StepLog
from alpamayo_sim.errors import InfrastructureError, InputError

HOST = "127.0.0.1"
PATH = "/drive"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = logging.getLogger(__name__)


class ModelServer:
    """Serves one kind of agent to any number of evaluators, up to a limit."""

    def __init__(
        self, seats: Seats, *, port: int, max_sessions: int, max_message_bytes: int, log_folder: Path | None = None
    ) -> None:
        self._seats, self._log_folder = seats, log_folder
        self._wanted_port = self.port = port
        self._max_sessions, self._max_message_bytes = max_sessions, max_message_bytes
        self._numbers = itertools.count(1)
        self._sessions: dict[int, Session] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._latency = Latency()
        self._served = 0

    async def start(self) -> None:
        """Listen; `port` says where afterwards. Raises OSError if the port is taken."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get(PATH, self._drive)
        app.router.add_get("/status", self._status)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._wanted_port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End all sessions and stop listening."""
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the model server ends")
        await self._runner.cleanup()
        await self._seats.close()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse web pages (they send an Origin; evaluators do not) and other names of this host (DNS rebinding)."""
        if "Origin" in request.headers or request.host not in {f"{HOST}:{self.port}", f"localhost:{self.port}"}:
            raise web.HTTPForbidden(text="this server answers to programs on this machine only")
        return await handler(request)

    async def _status(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "agent": self._seats.offer.agent,
                "protocol": PROTOCOL,
                "sessions": [session.status() for session in self._sessions.values()],
                "served": self._served,
                "step": self._latency.summary(),
                **self._seats.status(),
            }
        )

    async def _drive(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=self._max_message_bytes, compress=False)
        await socket.prepare(request)
        if len(self._sessions) >= self._max_sessions:
            await socket.close(
                code=WSCloseCode.TRY_AGAIN_LATER, message=f"all {self._max_sessions} sessions are taken".encode()
            )
            return socket
        number = next(self._numbers)
        session = self._sessions[number] = Session(number, self._seats, self._latency, self._log_folder)
        self._sockets.add(socket)
        try:
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    await socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"expected binary messages")
                    break
                answer = await session.answer(message.data)
                await socket.send_bytes(packed(answer))
                if answer["type"] in ("ended", "error"):
                    break
        except ConnectionResetError:
            _log.info("session %d: the evaluator went away", number)
        finally:
            self._sockets.discard(socket)
            await session.close()
            del self._sessions[number]
            self._served += 1
        await socket.close()
        return socket


class Session:
    """One route: hello, start, steps, end."""

    def __init__(self, number: int, seats: Seats, all_latency: Latency, log_folder: Path | None) -> None:
        self.number, self.name = number, ""
        self._log_folder = log_folder
        self._log = StepLog(None, number, "")
        self.latency = Latency()
        self._seats, self._all_latency = seats, all_latency
        self._seat: Seat | None = None
        self._greeted = False

    def status(self) -> dict[str, Any]:
        """Return what `/status` says of it."""
        return {"session": self.number, "route": self.name, **self.latency.summary()}

    async def answer(self, data: bytes) -> Message:
        """Return the answer to one request; trouble of any kind is an answer too, and ends the session."""
        try:
            return await self._answer(unpacked(data))
        except ProtocolError as error:
            return _error("protocol", str(error))
        except InputError as error:
            return _error("input", str(error))
        except InfrastructureError as error:
            return _error("infrastructure", str(error))
        except Exception as error:  # noqa: BLE001 - the agent is somebody's code; the evaluator learns what it raised
            _log.error("session %d: the agent raised\n%s", self.number, traceback.format_exc())
            return _error("agent", f"the agent raised {type(error).__name__}: {error}")

    async def close(self) -> None:
        """Release what the session holds; safe to call twice."""
        self._log.close()
        seat, self._seat = self._seat, None
        if seat is not None:
            summary = latency_text(self.latency.summary())
            _log.info("session %d (%s): %s", self.number, self.name or "unnamed", summary)
            await seat.close()

    async def _answer(self, message: Message) -> Message:
        kind = message["type"]
        if kind == "hello":
            return self._welcome(message)
        if not self._greeted:
            raise ProtocolError(f"expected hello first; found {kind!r}")
        if kind == "start":
            if self._seat is not None:
                raise ProtocolError("expected one start a session; found another")
            start = SessionStart.read(message)
            self.name = start.name
            self._log = StepLog(self._log_folder, self.number, self.name)
            self._seat = self._seats.take(self.number)
            began_s = time.perf_counter()
            await self._seat.start(start)
            return {"type": "started", "took_s": time.perf_counter() - began_s}
        if kind == "step":
            if self._seat is None:
                raise ProtocolError("expected start before step")
            return await self._step(self._seat, message)
        if kind == "end":
            # First, so that no client of ours is left in the world when the evaluator goes on to the next route.
            await self.close()
            return {"type": "ended", **self.latency.summary()}
        raise ProtocolError(f"expected hello, start, step or end; found {kind!r}")

    def _welcome(self, message: Message) -> Message:
        if message.get("protocol") != PROTOCOL:
            raise ProtocolError(
                f"this server speaks protocol {PROTOCOL}, the evaluator's entry file {message.get('protocol')!r}; take both "
                "from the same version"
            )
        self._greeted = True
        offer = self._seats.offer
        return {
            "type": "welcome",
            "protocol": PROTOCOL,
            "agent": offer.agent,
            "privileged": offer.privileged,
            "sensors": [dict(sensor) for sensor in offer.sensors],
            "tracks": list(offer.tracks),
        }

    async def _step(self, seat: Seat, message: Message) -> Message:
        began_s = time.perf_counter()
        observation = Observation.read(message)
        command = await seat.step(observation)
        took_s = time.perf_counter() - began_s
        self._log.add(observation, command, took_s)
        self.latency.add(took_s)
        self._all_latency.add(took_s)
        return {**command.message(), "took_s": took_s}


def _error(kind: str, text: str) -> Message:
    return {"type": "error", "kind": kind, "text": text}
