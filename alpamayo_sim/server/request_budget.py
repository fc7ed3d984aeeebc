"""How much all clients together can make the server keep: of requests that have not ended, and of answers that nobody reads."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alpamayo_sim.server.rpc import RpcConnection

MAX_REQUEST_BYTES = 4 << 20
MAX_LARGE_REQUEST_BYTES = 64 << 20
LARGE_REQUESTS = (b"copy_opendrive_to_file", b"apply_color_texture_to_objects", b"apply_float_color_texture_to_objects")
"""Calls that carry a file or a picture, and may be larger than others."""
MAX_UNFINISHED_BYTES = 192 << 20
MAX_UNSENT_BYTES = 128 << 20
MAX_OBJECTS = 4_000_000
"""Allocated blocks of Python above those after the start: a small request can be an array of very many empty arrays."""
CHECKED_FROM_BYTES = 1 << 14


class RequestBudget:
    """Bytes in unfinished requests and unsent answers, by connection."""

    def __init__(self) -> None:
        self._unfinished: dict[RpcConnection, int] = {}
        self._unsent: dict[RpcConnection, int] = {}
        self._max_blocks = sys.getallocatedblocks() + MAX_OBJECTS

    def unfinished(self, connection: RpcConnection, size: int, *, large: bool) -> str | None:
        """Note how long an unfinished request is by now; return why it is refused, if it is."""
        self._unfinished[connection] = size
        if size < CHECKED_FROM_BYTES:
            return None
        most = MAX_LARGE_REQUEST_BYTES if large else MAX_REQUEST_BYTES
        if size > most:
            return f"a request is larger than {most >> 20} MiB"
        if sum(self._unfinished.values()) > MAX_UNFINISHED_BYTES:
            return f"unfinished requests of all clients are larger than {MAX_UNFINISHED_BYTES >> 20} MiB"
        if sys.getallocatedblocks() > self._max_blocks:
            return f"unfinished requests of all clients have more than {MAX_OBJECTS} elements"
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
