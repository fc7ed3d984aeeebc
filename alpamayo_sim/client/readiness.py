"""Whether a server's world moves, and which towns it has, asked from a process of its own: the client library waits for a server
that does not answer, and ends its process at worst.
"""

from __future__ import annotations

import json
import subprocess
import sys

from alpamayo_sim.client.connection import ServerAddress, connect
from alpamayo_sim.errors import InfrastructureError, InputError

TICK_TIMEOUT_S = 15.0
_BAD_INPUT, _NOT_READY = 2, 3


def probe(address: ServerAddress, *, timeout_s: float = 40.0) -> frozenset[str]:
    """Return the plain names of the server's towns after it has made a tick.

    Raises InfrastructureError when it does not answer or move in time, InputError when it is of another version.
    """
    command = [sys.executable, "-m", "alpamayo_sim.client.readiness", str(address)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(f"the server at {address} does not answer") from error
    if done.returncode == 0:
        return frozenset(json.loads(done.stdout.splitlines()[-1])["towns"])
    words = done.stderr.strip().splitlines()
    said = words[-1] if words else f"the probe of {address} ended with code {done.returncode}"
    raise InputError(said) if done.returncode == _BAD_INPUT else InfrastructureError(said)


def see_a_tick(address: ServerAddress) -> list[str]:
    """Return the names of the server's towns once its world has moved by a tick; InfrastructureError if it does not."""
    client = connect(address, timeout_s=TICK_TIMEOUT_S, otherwise="")
    try:
        world = client.get_world()
        if world.get_settings().synchronous_mode:
            world.tick(TICK_TIMEOUT_S)
        else:
            world.wait_for_tick(TICK_TIMEOUT_S)
        return sorted(name.rsplit("/", 1)[-1] for name in client.get_available_maps())
    except RuntimeError as error:
        raise InfrastructureError(f"the world at {address} does not move: {error}") from error


def main(arguments: list[str]) -> int:
    """Look for a tick and print the towns as one JSON line; return 0, or 2 and 3 as the program's exit codes are."""
    try:
        print(json.dumps({"towns": see_a_tick(ServerAddress.parse(arguments[0]))}))
    except InputError as error:
        print(error, file=sys.stderr)
        return _BAD_INPUT
    except InfrastructureError as error:
        print(error, file=sys.stderr)
        return _NOT_READY
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
