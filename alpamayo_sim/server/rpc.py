"""One client's connection: a stream of msgpack-RPC requests, answered in order."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgpack

from alpamayo_sim.server.codec import WireError, arguments
from alpamayo_sim.server.event_loop import READ, WRITE, EventLoop
from alpamayo_sim.server.framing import Framer
from alpamayo_sim.server.outbox import Outbox
from alpamayo_sim.server.registry import Call, CallError, Family, family_of
from alpamayo_sim.server.replies import failure, success
from alpamayo_sim.server.requests import MAX_REQUEST_BYTES, allowance, request_head, unpacked
from alpamayo_sim.server.traffic_manager_gate import TrafficManagerGate
from alpamayo_sim.world.errors import WorldError

if TYPE_CHECKING:
    from alpamayo_sim.server.server import Server
    from alpamayo_sim.server.streams import Stream

MAX_UNSENT_BYTES = 8 << 20
"""A client that does not read its answers is not read from beyond this."""
MAX_GATHERED_BYTES = 1 << 18
"""Answers to requests that came together are sent together, up to this."""
RECEIVE_BYTES = 1 << 18
MAX_DISCARDED_BYTES = 12 << 20
"""A request that is refused for its length is read to its end, but not beyond this, unless it is a map or a texture."""
_UNREADABLE = (ValueError, TypeError, RecursionError, msgpack.UnpackException)
_LOG = logging.getLogger(__name__)


class PendingReply:
    """The answer of a call that ends later. While it `holds` its connection, later requests of the connection wait."""

    __slots__ = ("_connection", "_family", "_message_id", "holds")

    def __init__(self, *, holds: bool) -> None:
        self.holds = holds
        self._connection: RpcConnection | None = None
        self._message_id = 0
        self._family = Family.VALUE

    def attach(self, connection: RpcConnection, message_id: int, family: Family) -> None:
        """Note where the answer goes."""
        self._connection, self._message_id, self._family = connection, message_id, family

    @property
    def abandoned(self) -> bool:
        """Whether the connection that waits for the answer is gone."""
        return self._connection is not None and self._connection.closed

    def resolve(self, result: Any) -> None:
        """Send the answer."""
        if self._connection is not None:
            self._connection.finish(success(self._message_id, self._family, result), resume=self.holds)

    def fail(self, message: str) -> None:
        """Send an error instead of the answer."""
        if self._connection is not None:
            self._connection.finish(failure(self._message_id, self._family, message), resume=self.holds)


class Session:
    """What calls know about who called: the server and this connection."""

    def __init__(self, server: Server, connection: RpcConnection) -> None:
        self.server = server
        self.connection = connection
        self.gate = TrafficManagerGate()
        self._poll_frame = -1
        self._polls = 0

    def polls_in(self, frame: int) -> int:
        """Count a poll in `frame` and return how many there were in it, this one included."""
        self._polls = self._polls + 1 if frame == self._poll_frame else 1
        self._poll_frame = frame
        return self._polls


class RpcConnection:
    """Reads requests, carries them out, sends answers."""

    def __init__(
        self,
        loop: EventLoop,
        sock: socket.socket,
        server: Server,
        calls: Mapping[str, Call],
        on_close: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._server = server
        self._calls = calls
        self._reports_acts = server.lock_step is not None
        self._on_close = on_close
        self._session = Session(server, self)
        self._framer = Framer()
        self._budget = server.request_budget
        self._large = False
        self._outbox = Outbox(sock)
        self._answers: list[bytes] = []
        self._answer_bytes = 0
        self._held = False
        self._handling = False
        self._interest = READ
        self.awaited_stream: Stream | None = None
        """The stream whose token the client asked for last, if it may not have connected to it yet."""
        self.heard_s = 0.0
        """When the client last sent anything (`time.monotonic`)."""
        self.closed = False
        loop.add(sock, self)

    @property
    def traffic_managers(self) -> int:
        """How many TrafficManagers the client has registered."""
        return self._session.gate.managers

    def on_readable(self) -> None:
        """Receive and handle requests."""
        try:
            data = self._socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self.heard_s = time.monotonic()
        try:
            self._framer.feed(data)
        except msgpack.BufferFull:
            self._reject("one string of a request is too long")
            return
        handled = self._handle_requests()
        if not self.closed:
            self._weigh(handled)

    def _weigh(self, handled: int) -> None:
        """Refuse what is too large before it is complete; `handled` requests have just been."""
        framer = self._framer
        if framer.discarding:
            if framer.discarded_bytes > MAX_DISCARDED_BYTES and not self._large:
                self._reject("a request that was refused for its length goes on and on")
            return
        if handled:
            self._large = False
        size = framer.unfinished_bytes
        if not size:
            self._budget.finished(self)
        elif not (self._held or self._clogged):
            if size > MAX_REQUEST_BYTES and not self._large:
                self._large = allowance(framer.unfinished) > MAX_REQUEST_BYTES
            refusal = self._budget.unfinished(self, size, large=self._large)
            if refusal is not None:
                self._refuse(refusal)

    def _refuse(self, reason: str) -> None:
        """Answer an unfinished request with an error, and read the rest of it without keeping it."""
        head = request_head(self._framer.unfinished)
        if head is None:
            self._reject(reason)
            return
        message_id, name = head
        _LOG.warning("%.80s is refused: %s", name, reason)
        self._framer.discard()
        self._budget.finished(self)
        self._add_answer(failure(message_id, family_of(name), f"{name[:80]}: {reason}"))
        self.send_answers()

    def _handle_requests(self) -> int:
        """Handle what is complete and may be; return how many requests that were."""
        handled = 0
        self._handling = True
        try:
            while not (self._held or self._clogged or self.closed):
                message = self._framer.next()
                if message is None or not self._read(message):
                    break
                handled += 1
                if self._answer_bytes > MAX_GATHERED_BYTES:
                    self.send_answers()
        except ValueError as error:
            self._reject(f"what it sends is not msgpack ({type(error).__name__})")
        finally:
            self._handling = False
        self.send_answers()
        return handled

    def _read(self, message: bytes | bytearray) -> bool:
        """Unpack and handle one request; one that cannot be unpacked is answered with an error."""
        try:
            request = unpacked(message)
        except _UNREADABLE as error:
            head = request_head(message)
            if head is None:
                return self._reject(f"what it sends is not msgpack-RPC ({error})")
            message_id, name = head
            self._add_answer(failure(message_id, family_of(name), f"{name[:80]}: the request cannot be read: {error}"))
            return True
        return self._handle(request)

    def _handle(self, request: Any) -> bool:
        if type(request) is not list or len(request) < 3:
            return self._reject("what it sends is not msgpack-RPC")
        if request[0] == 0 and len(request) == 4:
            _, message_id, name, given = request
            if type(message_id) is not int or not 0 <= message_id < 1 << 32 or type(name) is not str:
                return self._reject("a request has no id or no method name")
        elif request[0] == 2 and len(request) == 3:
            message_id, (_, name, given) = None, request
        else:
            return self._reject("what it sends is not msgpack-RPC")
        if type(given) is not list or type(name) is not str:
            return self._reject("a request has no arguments")
        answer = self._carry_out(message_id or 0, name, given[1:])
        if self._reports_acts and (name == "apply_batch" or (given and given[0] == [True])):
            self._server.acted(self)
        if answer is not None and message_id is not None:
            self._add_answer(answer)
        return True

    def _add_answer(self, answer: bytes) -> None:
        self._answers.append(answer)
        self._answer_bytes += len(answer)

    @property
    def _clogged(self) -> bool:
        """Whether the client leaves too many answers unread to be given more."""
        unsent = self._outbox.unsent_bytes
        return unsent > 0 and (unsent > MAX_UNSENT_BYTES or self._budget.answers_exceed)

    def _carry_out(self, message_id: int, name: str, given: list[Any]) -> bytes | None:
        if self._server.config.verbose:
            _LOG.debug("%s %.200s", name, given)
        entry = self._calls.get(name)
        if entry is None:
            self._server.note_unknown(name)
            return failure(message_id, family_of(name), f"{name}: not implemented by this server")
        try:
            result = entry.function(self._session, *arguments(entry.arguments, given))
        except WireError as error:
            return failure(message_id, entry.family, f"{name}: {error}")
        except (WorldError, CallError) as error:
            return failure(message_id, entry.family, str(error))
        except Exception as error:  # noqa: BLE001 - one call's defect must not end the server
            self._loop.note_defect(f"{entry.name} failed")
            return failure(message_id, entry.family, f"{entry.name}: internal error: {type(error).__name__}: {error}")
        if type(result) is PendingReply:
            result.attach(self, message_id, entry.family)
            self._held = self._held or result.holds
            return None
        return success(message_id, entry.family, result)

    def finish(self, answer: bytes, *, resume: bool) -> None:
        """Send the answer of a call that ended later, and go on with the requests behind it if they waited for it."""
        if self.closed:
            return
        self._add_answer(answer)
        if resume:
            self._held = False
        if self._handling:
            return
        if resume:
            self._handle_requests()
        else:
            self.send_answers()

    def send_answers(self) -> None:
        """Send what was answered so far."""
        if self.closed:
            return
        if self._answers:
            parts = [b"".join(self._answers)]
            self._answers.clear()
            self._answer_bytes = 0
            try:
                self._outbox.send(parts)
            except OSError:
                self.close()
                return
        self._update_interest()

    def _update_interest(self) -> None:
        interest = (0 if self._held or self._clogged else READ) | (0 if self._outbox.empty else WRITE)
        self._budget.unsent(self, self._outbox.unsent_bytes)
        if interest != self._interest:
            self._interest = interest
            self._loop.set_interest(self._socket, interest)

    def on_writable(self) -> None:
        """Send more of what is queued, and go on with the requests that waited for it."""
        clogged = self._clogged
        try:
            self._outbox.flush()
        except OSError:
            self.close()
            return
        if clogged and not self._clogged:
            self._handle_requests()
        else:
            self._update_interest()

    def _reject(self, reason: str) -> bool:
        _LOG.warning("a client's connection is closed: %s", reason)
        self.close()
        return False

    def close(self) -> None:
        """End the connection."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove(self._socket)
        self._socket.close()
        self._budget.forget(self)
        self._framer = Framer()  # half a request is not kept until the next collection
        self._on_close()
        self._server.connection_lost(self)
