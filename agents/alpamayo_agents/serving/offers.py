"""What `alpamayo serve --agent` can name: our agents, or a batched policy of the user's as MODULE:NAME."""

from __future__ import annotations

import importlib
from pathlib import Path

from alpamayo_agents.registry import AGENTS, make_agent
from alpamayo_agents.serving.driver import BatchedPolicy, Offer
from alpamayo_agents.serving.seats import DriverSeats, PolicySeats, Seats
from alpamayo_agents.serving.world_driver import WorldDriver
from alpamayo_sim.errors import InputError

POSITION_SENSOR = {"type": "sensor.other.gnss", "id": "gnss", "x": 0.0, "y": 0.0, "z": 0.0}
"""The evaluators want at least one sensor, and what it sends names the world's frame."""


def seats_for(agent: str, cache: Path | None) -> Seats:
    """Return where sessions of an agent sit. Raises InputError for a name that stands for nothing that drives."""
    if ":" in agent:
        return PolicySeats(_policy(agent))
    if agent not in AGENTS:
        raise InputError(
            f"no agent {agent!r}; there are {', '.join(sorted(AGENTS))}, or MODULE:NAME of a BatchedPolicy of yours"
        )
    offer = Offer(agent, True, (POSITION_SENSOR,))
    return DriverSeats(offer, lambda: WorldDriver(lambda: make_agent(agent), cache))


def _policy(name: str) -> BatchedPolicy:
    module_name, _, attribute = name.partition(":")
    try:
        made = getattr(importlib.import_module(module_name), attribute)()
    except (ImportError, AttributeError) as error:
        raise InputError(f"expected MODULE:NAME that makes a BatchedPolicy; {name!r} is none ({error})") from error
    if not isinstance(made, BatchedPolicy):
        raise InputError(f"expected MODULE:NAME that makes a BatchedPolicy; {name!r} makes a {type(made).__name__}")
    return made
