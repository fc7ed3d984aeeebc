"""Connecting: clear errors, without a server and with things that are no CARLA server."""

from __future__ import annotations

import socket
import threading

import pytest

from alpamayo_sim.client.connection import ServerAddress, connect
from alpamayo_sim.errors import InfrastructureError, InputError


@pytest.mark.parametrize("text", ["", "2000", ":2000", "host:", "host:port", "host:0", "host:70000"])
def test_bad_addresses_are_named(text: str) -> None:
    with pytest.raises(InputError, match="HOST:PORT"):
        ServerAddress.parse(text)


def test_address_round_trip() -> None:
    address = ServerAddress.parse("127.0.0.1:2000")
    assert (address.host, address.port, str(address)) == ("127.0.0.1", 2000, "127.0.0.1:2000")


def test_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]  # taken, so that nobody else begins to listen on it meanwhile
        with pytest.raises(InfrastructureError, match=f"nobody listens at 127.0.0.1:{port}"):
            connect(ServerAddress("127.0.0.1", port))


def test_what_listens_is_not_carla() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept_and_stay_silent() -> None:
            connections = []
            while True:
                try:
                    connections.append(server.accept())
                except OSError:
                    return

        threading.Thread(target=accept_and_stay_silent, daemon=True).start()
        with pytest.raises(InfrastructureError, match="does not answer like a CARLA server"):
            connect(ServerAddress("127.0.0.1", server.getsockname()[1]), timeout_s=1.0)
