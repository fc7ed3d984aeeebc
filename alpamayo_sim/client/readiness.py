"""Asks a server, from a process of its own, whether its world moves: `python -m alpamayo_sim.client.readiness HOST:PORT`.

A process of its own, since the client library waits for a server that does not answer, and ends its process at worst. Exit
codes: 0 a tick came, 2 the server will never do (another version), 3 not yet.
"""

from __future__ import annotations

import sys

from alpamayo_sim.client.connection import ServerAddress, connect
from alpamayo_sim.errors import InfrastructureError, InputError

TICK_TIMEOUT_S = 15.0


def see_a_tick(address: ServerAddress) -> None:
    """Return once the server's world has moved by a tick; InfrastructureError if it does not."""
    client = connect(address, timeout_s=TICK_TIMEOUT_S, otherwise="")
    try:
        world = client.get_world()
        if world.get_settings().synchronous_mode:
            world.tick(TICK_TIMEOUT_S)
        else:
            world.wait_for_tick(TICK_TIMEOUT_S)
    except RuntimeError as error:
        raise InfrastructureError(f"the world at {address} does not move: {error}") from error


def main(arguments: list[str]) -> int:
    """Look for a tick; return the exit code."""
    try:
        see_a_tick(ServerAddress.parse(arguments[0]))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except InfrastructureError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
