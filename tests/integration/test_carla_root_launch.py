"""CarlaUE4.sh of a folder that `alpamayo sim --carla-root` has written, launched as Bench2Drive's evaluator launches CARLA's."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import carla
import pytest

from alpamayo_sim.client.connection import ServerAddress, connect, is_embedded
from alpamayo_sim.client.port_lease import lease_ports
from alpamayo_sim.errors import InfrastructureError

pytestmark = pytest.mark.timeout(900)


def alpamayo(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alpamayo_training.cli", "sim", *map(str, arguments)],
        capture_output=True, text=True, timeout=400.0, check=False,
    )  # fmt: skip


def wait_for_server(process: subprocess.Popen[bytes], address: ServerAddress) -> carla.Client:
    """As the evaluator does: try, and try again."""
    deadline = time.monotonic() + 400.0
    while True:
        try:
            return connect(address)
        except InfrastructureError:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.2)


def test_the_launcher_takes_the_evaluators_command_and_dies_with_its_group(tmp_path: Path) -> None:
    root = tmp_path / "carla root"
    written = alpamayo("--carla-root", root, "--town", "Oldwick", "--cache", tmp_path / "cache")
    assert written.returncode == 0 and f"export CARLA_ROOT={root}" in written.stdout, written.stderr
    lease = lease_ports(2)
    port = lease.port
    command = f"'{root / 'CarlaUE4.sh'}' -RenderOffScreen -nosound -carla-rpc-port={port} -graphicsadapter=0"
    # Other people's PYTHONPATH must not matter: a package of theirs would be found before ours.
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "numpy.py").write_text("raise SystemExit('not this one')")
    process = subprocess.Popen(
        command, shell=True, start_new_session=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(theirs)}
    )
    try:
        client = wait_for_server(process, ServerAddress("127.0.0.1", port))
        assert is_embedded(client)
        assert client.get_world().get_map().name.endswith("Oldwick")
        assert client.load_world("Gridvale").get_map().name.endswith("Gridvale")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 240.0
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                break
        assert time.monotonic() < deadline, "the server outlives its group"
        time.sleep(0.1)
    lease.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--town", "Nowhere"], "Nowhere"),
        (["--worlds", "2"], "--worlds"),
        (["--python-api", "."], "carla/agents"),
        (["--maps", "no_such_folder"], "--maps"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path: Path, arguments: list[str], says: str) -> None:
    ended = alpamayo("--carla-root", tmp_path / "root", *arguments)
    assert ended.returncode == 2 and says in ended.stderr
    assert not (tmp_path / "root").exists()


def test_the_launcher_says_what_is_wrong_with_a_flag(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert alpamayo("--carla-root", root).returncode == 0
    ended = subprocess.run(
        [root / "CarlaUE4.sh", "-carla-rpc-port=many"], capture_output=True, text=True, timeout=400.0, check=False
    )
    assert ended.returncode == 2 and "-carla-rpc-port=many" in ended.stderr
