"""Stands in for CARLA's binary: takes CarlaUE4.sh's flags, runs our server on the port, and misbehaves when told to.

    -fault=NAME    refuse: ends at once           deaf: never listens      mute: listens and never answers
                   crash: dies of a signal        hang: stops answering    leak: grows by 300 MiB a second
                   stubborn: does not end when asked to
    -when=FILE     crash, hang or leak once FILE is there
    -log=FILE      append a line for every start
    -on=N          only at the N-th start that the log shows
Other flags are ignored, as CARLA's are.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


def flags(arguments: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (argument.lstrip("-").partition("=") for argument in arguments)}


def wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)


def main(arguments: list[str]) -> int:
    given = flags(arguments)
    port, fault = int(given["carla-rpc-port"]), given.get("fault", "")
    assert "RenderOffScreen" in given and "nosound" in given
    if "log" in given:
        path = Path(given["log"])
        earlier = len(path.read_text().splitlines()) if path.exists() else 0
        if earlier + 1 != int(given.get("on", earlier + 1)):
            fault = ""
        with path.open("a") as log:
            log.write(f"port {port}, {fault or 'well'}\n")
    if fault == "refuse":
        print("no Vulkan device", file=sys.stderr)
        return 1
    if fault == "deaf":
        time.sleep(600)
    if fault == "mute":
        with socket.create_server(("127.0.0.1", port)):
            time.sleep(600)
    if fault == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    command = [sys.executable, "-m", "alpamayo_sim.server", "--town", "Gridvale", "--port", str(port)]
    if fault in ("crash", "hang", "leak"):
        command += ["--max-rate", "10"]  # so slow that nobody's work is done before it misbehaves
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_for_port(port, server)
    while fault in ("crash", "hang", "leak") and not Path(given["when"]).exists() and server.poll() is None:
        time.sleep(0.05)
    if fault == "crash":
        os.kill(server.pid, signal.SIGSEGV)
        return 139
    if fault == "hang":
        os.kill(server.pid, signal.SIGSTOP)
    hoard: list[bytearray] = []
    while fault == "leak" and server.poll() is None and len(hoard) < 64:
        hoard.append(bytearray(b"x" * (32 << 20)))
        time.sleep(0.1)
    while server.poll() is None:
        time.sleep(0.1)
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


def write_carla(folder: Path, *faults: str) -> Path:
    """Write a CarlaUE4.sh that starts this program as CARLA's starts its own: as a child of the shell."""
    program = folder / "CarlaUE4.sh"
    program.write_text(f'#!/bin/sh\n"{sys.executable}" "{Path(__file__).resolve()}" {" ".join(faults)} "$@"\nexit $?\n')
    program.chmod(0o755)
    return program


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
