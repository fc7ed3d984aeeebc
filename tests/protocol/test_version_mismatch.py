"""A server of another CARLA version is refused with a word that names both versions."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import msgpack
import pytest

from alpamayo_sim.client.connection import CLIENT_VERSION, ServerAddress, connect
from alpamayo_sim.errors import InputError


class VersionServer:
    """Speaks msgpack-RPC and answers `version` only."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = ServerAddress("127.0.0.1", self._listener.getsockname()[1])
        self._connections: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        unpacker = msgpack.Unpacker(raw=False)
        with contextlib.suppress(OSError):
            while data := connection.recv(4096):
                unpacker.feed(data)
                for _, number, name, _ in unpacker:
                    result = [[1, self._version]] if name == "version" else [[0, ["not implemented"]]]
                    connection.sendall(msgpack.packb([1, number, None, result]))

    def close(self) -> None:
        for end in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._accepting.join(timeout=5.0)


@pytest.fixture
def old_server() -> Iterator[VersionServer]:
    """A server of CARLA 0.9.15."""
    server = VersionServer("0.9.15")
    yield server
    server.close()


def test_both_versions_are_named(old_server: VersionServer) -> None:
    with pytest.raises(InputError) as refusal:
        connect(old_server.address)
    assert "0.9.15" in str(refusal.value) and CLIENT_VERSION in str(refusal.value)
    assert str(old_server.address) in str(refusal.value)


def test_the_same_version_is_accepted() -> None:
    server = VersionServer(CLIENT_VERSION)
    assert connect(server.address).get_server_version() == CLIENT_VERSION
    server.close()
