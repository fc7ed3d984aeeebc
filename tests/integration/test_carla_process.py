"""A CARLA that we start and supervise, played by a launcher with CarlaUE4.sh's flags that misbehaves in every way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from carla_launcher import write_carla

from alpamayo_sim.client.carla_process import CarlaLimits, CarlaProcess
from alpamayo_sim.client.port_lease import lease_ports
from alpamayo_sim.errors import InfrastructureError, InputError

QUICK = CarlaLimits(ready_timeout_s=6.0)

pytestmark = pytest.mark.timeout(900)


def group_of(process: CarlaProcess) -> int:
    assert process._group is not None
    return process._group


def is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def eventually(condition: Callable[[], bool], within_s: float = 120.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def test_it_is_ready_when_a_tick_comes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with CarlaProcess(write_carla(tmp_path)) as process:
        address = process.wait_until_ready()
        assert f"-carla-rpc-port={address.port}" in process.command
        assert {"Gridvale", "Oldwick", "Rampfield"} <= process.towns
        assert process.complaint() is None
        assert process.memory_mib() > 50.0
        group = group_of(process)
        assert not is_gone(group)
    assert eventually(lambda: is_gone(group))
    with lease_ports(3, candidates=[address.port]) as lease:
        assert lease.port == address.port


@pytest.mark.parametrize(
    ("fault", "said"),
    [("refuse", "no Vulkan device"), ("deaf", "nobody listens"), ("mute", "does not answer")],
)
def test_one_that_never_gets_ready_is_an_infrastructure_error(fault: str, said: str, tmp_path: Path) -> None:
    limits = {"refuse": CarlaLimits(), "deaf": QUICK, "mute": CarlaLimits(ready_timeout_s=15.0)}[fault]
    process = CarlaProcess(write_carla(tmp_path, f"-fault={fault}"), limits)
    group = group_of(process)
    assert fault != "mute" or eventually(process._listens), "its time runs from here on"
    with pytest.raises(InfrastructureError, match=said):
        process.wait_until_ready()
    assert eventually(lambda: is_gone(group))


def test_a_crash_is_noticed(tmp_path: Path) -> None:
    cue = tmp_path / "cue"
    with CarlaProcess(write_carla(tmp_path, "-fault=crash", f"-when={cue}")) as process:
        process.wait_until_ready()
        assert process.complaint() is None
        cue.touch()
        assert eventually(lambda: process.complaint() is not None)
        complaint = process.complaint()
        assert complaint is not None and complaint[0] == "server_died"


@pytest.mark.full
def test_growth_is_noticed_before_it_is_too_much(tmp_path: Path) -> None:
    limits = CarlaLimits(memory_mib=600, full_share=0.7)
    cue = tmp_path / "cue"
    with CarlaProcess(write_carla(tmp_path, "-fault=leak", f"-when={cue}"), limits) as process:
        process.wait_until_ready()
        assert process.complaint() is None and not process.is_full()
        cue.touch()
        assert eventually(process.is_full)
        assert eventually(lambda: process.complaint() is not None, 60.0)
        complaint = process.complaint()
        assert complaint is not None and complaint[0] == "server_memory"


def test_one_that_does_not_want_to_end_ends(tmp_path: Path) -> None:
    process = CarlaProcess(write_carla(tmp_path, "-fault=stubborn"))
    process.wait_until_ready()
    group = group_of(process)
    process.close()
    process.close()
    assert eventually(lambda: is_gone(group))


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    program = write_carla(tmp_path)
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                f"""
                import time
                from pathlib import Path
                from alpamayo_sim.client.carla_process import CarlaProcess
                process = CarlaProcess(Path({str(program)!r}))
                process.wait_until_ready()
                print(process._group, flush=True)
                time.sleep(600)
                """
            ),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    group = int(owner.stdout.readline())
    assert not is_gone(group)
    owner.kill()
    owner.wait()
    assert eventually(lambda: is_gone(group))


def test_it_ends_although_its_guard_was_killed(tmp_path: Path) -> None:
    with CarlaProcess(write_carla(tmp_path)) as process:
        process.wait_until_ready()
        group = group_of(process)
        os.kill(process._guard.pid, signal.SIGKILL)
        assert eventually(lambda: process.complaint() is not None)
        assert not is_gone(group)
    assert eventually(lambda: is_gone(group))


def test_its_ports_stay_leased_while_it_lives_whoever_started_it(tmp_path: Path) -> None:
    with CarlaProcess(write_carla(tmp_path, "-fault=deaf")) as process:
        port = process.address.port
        process._lease.close()
        group = group_of(process)
        with pytest.raises(InfrastructureError):
            lease_ports(3, candidates=[port])
    assert eventually(lambda: is_gone(group))
    with lease_ports(3, candidates=[port]):
        pass


def test_two_get_ports_of_their_own(tmp_path: Path) -> None:
    program = write_carla(tmp_path, "-fault=deaf")
    with CarlaProcess(program) as one, CarlaProcess(program) as other:
        assert abs(one.address.port - other.address.port) >= 3


def test_ports_in_use_are_passed_over() -> None:
    with lease_ports(1) as free:
        port = free.port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(InfrastructureError):
        lease_ports(1, candidates=[port])
    with lease_ports(1, candidates=[port]) as lease:
        assert lease.port == port
        with pytest.raises(InfrastructureError):
            lease_ports(1, candidates=[port])


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.sh", tmp_path):
        with pytest.raises(InputError, match=r"CarlaUE4\.sh"):
            CarlaProcess(path)
