"""How much all clients together can make the server keep: of requests that have not ended, and of answers that nobody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alpamayo_sim.server.requests import MAX_LARGE_REQUEST_BYTES, MAX_REQUEST_BYTES

if TYPE_CHECKING:
    from alpamayo_sim.server.rpc import RpcConnection

MAX_UNFINISHED_BYTES = 192 << 20
MAX_UNSENT_BYTES = 128 << 20


class RequestBudget:
    """Bytes in unfinished requests and unsent answers, by connection."""

    def __init__(self) -> None:
        self._unfinished: dict[RpcConnection, int] = {}
        self._unsent: dict[RpcConnection, int] = {}

    def unfinished(self, connection: RpcConnection, size: int, *, large: bool) -> str | None:
        """Note how long an unfinished request is by now; return why it is refused, if it is."""
        self._unfinished[connection] = size
        most = MAX_LARGE_REQUEST_BYTES if large else MAX_REQUEST_BYTES
        if size > most:
            return f"the request is larger than {most >> 20} MiB, the most that is read"
        if sum(self._unfinished.values()) > MAX_UNFINISHED_BYTES:
            return f"unfinished requests of all clients are larger than {MAX_UNFINISHED_BYTES >> 20} MiB"
        return None

    def finished(self, connection: RpcConnection) -> None:
        """Note that a request has ended."""
        self._unfinished.pop(connection, None)

    def unsent(self, connection: RpcConnection, size: int) -> None:
        """Note how much of a client's answers waits to be sent."""
        if size:
            self._unsent[connection] = size
        else:
            self._unsent.pop(connection, None)

    @property
    def answers_exceed(self) -> bool:
        """Whether clients that do not read have used up what all answers together may take."""
        return len(self._unsent) > 1 and sum(self._unsent.values()) > MAX_UNSENT_BYTES

    def forget(self, connection: RpcConnection) -> None:
        """Note that a connection has ended."""
        self._unfinished.pop(connection, None)
        self._unsent.pop(connection, None)
