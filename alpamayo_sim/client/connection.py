"""Connecting to a CARLA server: whichever it is, with a clear word when it cannot be."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

import carla

from alpamayo_sim.errors import InfrastructureError, InputError

CLIENT_VERSION = "0.9.16"
_FIRST_ANSWER_S = 20.0
"""A server that is asked for its version has nothing to work out, but its machine may be busy."""


@dataclass(frozen=True)
class ServerAddress:
    """Where a CARLA server listens for RPC."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> ServerAddress:
        """Return the address written as HOST:PORT; InputError for anything else."""
        host, separator, port = text.rpartition(":")
        if not separator or not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise InputError(f"a server address is HOST:PORT, such as 127.0.0.1:2000; found {text!r}")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


_OTHERWISE = ", or leave --server out to use the embedded one"


def connect(
    address: ServerAddress, *, timeout_s: float = 60.0, otherwise: str = _OTHERWISE, worker_threads: int = 0
) -> carla.Client:
    """Return a client that has spoken with the server at `address`; `otherwise` ends the advice of an error.

    `worker_threads` receive what sensors send; 0 makes one for each core, too many where many clients share a machine.

    Raises InfrastructureError when nobody listens there or what listens does not answer as CARLA does, and InputError when
    the server is of another version than this client library (structs differ between versions and are not negotiated).
    """
    _wait_for_listener(address, timeout_s=2.0, otherwise=otherwise)
    client = carla.Client(address.host, address.port, worker_threads)
    client.set_timeout(min(timeout_s, _FIRST_ANSWER_S))
    try:
        server_version = client.get_server_version()
    except RuntimeError as error:
        raise InfrastructureError(
            f"something listens at {address}, but it does not answer like a CARLA server ({error}). "
            "Check the port (CARLA's RPC port, 2000 by default, not its streaming port)."
        ) from error
    client_version = client.get_client_version()
    if server_version != client_version:
        raise InputError(
            f"the server at {address} is CARLA {server_version}, this client library is {client_version}; "
            f"they must be equal. Start a {client_version} server{otherwise}."
        )
    client.set_timeout(timeout_s)
    return client


def is_embedded(client: carla.Client) -> bool:
    """Whether the server is the embedded one, which says so when asked for the files of the folder `alpamayo-sim`."""
    return "alpamayo-sim/embedded" in list(client.get_required_files("alpamayo-sim", False))


def server_name(client: carla.Client) -> str:
    """Return what results call the server: `embedded`, or `CARLA` with its version."""
    return "embedded" if is_embedded(client) else f"CARLA {client.get_server_version()}"


def why_no_cameras(client: carla.Client) -> str | None:
    """Return why the server cannot draw cameras, in its own words; None if it can."""
    world = client.get_world()
    blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
    try:
        camera = world.spawn_actor(blueprint, carla.Transform(carla.Location(z=50.0)))
    except RuntimeError as error:
        return str(error)
    client.apply_batch_sync([carla.command.DestroyActor(camera.id)])
    return None


def _wait_for_listener(address: ServerAddress, *, timeout_s: float, otherwise: str) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            with socket.create_connection((address.host, address.port), timeout=timeout_s):
                return
        except OSError as error:
            if time.monotonic() >= deadline or not isinstance(error, ConnectionRefusedError):
                raise InfrastructureError(
                    f"nobody listens at {address} ({error}). Start CARLA ({CLIENT_VERSION}) or "
                    f"`alpamayo sim --port {address.port}` there{otherwise}."
                ) from error
            time.sleep(0.1)
