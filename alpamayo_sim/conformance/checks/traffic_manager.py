"""CARLA's TrafficManager, which runs in the client, drives on the server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

from alpamayo_sim.conformance.check import Family, Measured
from alpamayo_sim.conformance.context import Context

TRAFFIC_MANAGER = Family("traffic_manager")
_LIMIT_S = 60.0
_ATTEMPTS = 4
"""LibCarla's TrafficManager can lose a wake-up in synchronous mode and wait for ever; a second process then does it."""


@TRAFFIC_MANAGER.check(
    "drives",
    "Vehicles under autopilot drive along their lanes",
    carla="The TrafficManager reads states, drives with batches and keeps to lanes and speed limits.",
    source="Docs/adv_traffic_manager.md; LibCarla/source/carla/trafficmanager",
    limit_s=300.0,
)
def _drives(context: Context) -> Iterator[Measured]:
    result = _drive(context)
    yield Measured("vehicles", result["vehicles"], expected=4)
    yield Measured("vehicles that drove more than 10 m", result["moved"], expected=4)
    yield Measured("largest distance from a driving lane's middle", result["beside_m"], "m", 0.0, 2.5)
    yield Measured("largest speed over the limit", result["over_limit_mps"], "m/s", 0.0, 1.5)
    yield Measured("vehicles left behind", len(context.tick_and_list("vehicle.*")), expected=context.vehicles_found)


def _drive(context: Context) -> dict[str, float]:
    """Return what a child process measured: the TrafficManager's threads end their process when a call fails."""
    command = [sys.executable, "-m", "alpamayo_sim.conformance.autopilot", str(context.address)]
    said, code = "", 0
    for _ in range(_ATTEMPTS):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + _LIMIT_S
        try:
            while process.poll() is None and time.monotonic() < deadline:
                context.check_time()
                time.sleep(0.05)
        finally:
            if process.poll() is None:
                process.kill()
            out, said = process.communicate()
        code = process.returncode
        if code == 0:
            return dict(json.loads(out.splitlines()[-1]))
        _destroy_autopilots(context)
    raise RuntimeError(f"the autopilot's process ended with code {code}: {said.strip()[-300:]}")


def _destroy_autopilots(context: Context) -> None:
    context.synchronise()
    for vehicle in context.tick_and_list("vehicle.*"):
        if vehicle.attributes.get("role_name") == "conformance_autopilot":
            vehicle.destroy()
    context.tick()
