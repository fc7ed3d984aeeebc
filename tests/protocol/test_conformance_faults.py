"""Servers with one fault each: the kit finds it, by the check that is about it."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from faulty_server import FAULTS

from alpamayo_sim.client.connection import ServerAddress, connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.conformance.catalogue import CHECKS
from alpamayo_sim.conformance.check import Outcome, Verdict
from alpamayo_sim.conformance.context import Context
from alpamayo_sim.conformance.runner import make

SCRIPT = Path(__file__).with_name("faulty_server.py")
FINDERS = {check.id: check for check in CHECKS if check.id in {finder for _, finder in FAULTS.values()}}


IN_CI = ("flipped_yaw", "sensor_frame_late", "slow_lights", "other_refusal", "reversed_answers", "weak_impulses")
"""One fault of each kind; a server starts for each, so the others are left to the full tests."""
CASES = [pytest.param(fault, marks=() if fault in IN_CI else pytest.mark.full) for fault in FAULTS]


@contextmanager
def faulty_server(fault: str) -> Iterator[ServerAddress]:
    """A server with one fault, on a free port."""
    command = [sys.executable, str(SCRIPT), fault, "--town", "Gridvale", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], 180.0)
        assert readable, "the faulty server did not start"
        yield ServerAddress("127.0.0.1", int(json.loads(process.stdout.readline())["port"]))
    finally:
        process.kill()
        process.communicate()


def ask(address: ServerAddress, check_id: str) -> Outcome:
    context = Context(connect(address), address)
    found = context.world.get_settings()
    outcome = make(context, address, FINDERS[check_id])
    context.world.apply_settings(found)
    return outcome


@pytest.mark.parametrize("fault", CASES)
def test_the_fault_is_found_by_the_check_that_is_about_it(fault: str) -> None:
    with faulty_server(fault) as address:
        outcome = ask(address, FAULTS[fault][1])
    assert outcome.verdict is Verdict.FAIL
    assert "expected" in outcome.reason, outcome.reason
    assert any(value.holds is False for value in outcome.measured)


@pytest.mark.parametrize("check_id", sorted(FINDERS))
def test_the_same_checks_pass_without_the_fault(server: EmbeddedServer, check_id: str) -> None:
    outcome = ask(server.address, check_id)
    assert outcome.verdict is Verdict.PASS, outcome.reason
