"""Starting and ending a server process."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "alpamayo_sim.server"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--town", "Atlantis", "--port", "0"), ("Atlantis", "Gridvale")),
        (("--town", "/nowhere/x.xodr", "--port", "0"), ("/nowhere/x.xodr",)),
        (("--town", "Gridvale", "--port", "70000"), ("70000",)),
        (("--town", "Gridvale", "--port", "0", "--max-rate", "0"), ("--max-rate",)),
        (("--town", "Gridvale", "--port", "0", "--seed", "-1"), ("--seed",)),
        (("--town", "Gridvale", "--port", "0", "--maps", "/nowhere"), ("/nowhere",)),
        (("--town", "Gridvale", "--port", "0", "--host", "256.1.1.1"), ("256.1.1.1",)),
    ],
)
def test_bad_input_ends_with_code_two_and_no_traceback(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr and result.stdout == ""
    assert all(word in result.stderr for word in words)


def test_broken_map_file_ends_with_code_two(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xodr"
    broken.write_text("<OpenDRIVE><road")
    result = run("--town", str(broken), "--port", "0")
    assert result.returncode == 2 and "Traceback" not in result.stderr


@contextmanager
def taken_port(free_neighbour: int) -> Iterator[int]:
    """A port somebody listens on, next to a free one.

    It is not one of the system's own choosing: those are given to the other tests of this machine as well, which then
    takes the neighbour at times.
    """
    for port in random.SystemRandom().sample(range(11000, 19000), 1000):
        with socket.socket() as taken, socket.socket() as neighbour:
            try:
                taken.bind(("127.0.0.1", port))
                taken.listen(1)
                if free_neighbour:
                    neighbour.bind(("127.0.0.1", port + free_neighbour))
            except OSError:
                continue
            neighbour.close()
            yield port
            return
    pytest.fail("no free pair of ports from 11000 to 19000")


@pytest.mark.parametrize("offset", [0, 1])
def test_port_in_use_says_which(offset: int) -> None:
    with taken_port(free_neighbour=-offset) as port:
        result = run("--town", "Gridvale", "--port", str(port - offset))
    assert result.returncode == 2
    assert str(port) in result.stderr and "--port" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--town", "Gridvale", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    ready = json.loads(process.stdout.readline())
    assert ready["event"] == "ready" and ready["town"] == "Gridvale" and ready["pid"] == process.pid
    assert ready["stream_port"] == ready["port"] + 1
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Traceback" not in errors
