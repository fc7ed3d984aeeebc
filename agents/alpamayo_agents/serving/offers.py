"""What `alpamayo serve --agent` can name: our agents, or the user's own agent or batched policy as module:Class."""

from __future__ import annotations

import importlib
from pathlib import Path

from alpamayo_agents.base import Agent
from alpamayo_agents.registry import make_agent
from alpamayo_agents.serving.driver import BatchedPolicy, Offer
from alpamayo_agents.serving.seats import DriverSeats, PolicySeats, Seats
from alpamayo_agents.serving.world_driver import WorldDriver
from alpamayo_agents.vla.settings import VlaSettings
from alpamayo_sim.errors import InputError

POSITION_SENSOR = {"type": "sensor.other.gnss", "id": "gnss", "x": 0.0, "y": 0.0, "z": 0.0}
"""The evaluators want at least one sensor, and what it sends names the world's frame."""


def seats_for(agent: str, cache: Path | None, vla: VlaSettings | None = None) -> Seats:
    """Return where sessions of an agent sit. Raises InputError for a name that stands for nothing that drives."""
    policy = _policy(agent)
    if policy is not None:
        return PolicySeats(policy)
    make_agent(agent, vla)  # says here, and not at the first route, that there is no such agent
    offer = Offer(agent, True, (POSITION_SENSOR,))
    return DriverSeats(offer, lambda: WorldDriver(lambda: make_agent(agent, vla), cache))


def _policy(name: str) -> BatchedPolicy | None:
    """The policy that a name stands for; None for an agent's."""
    module_name, separator, class_name = name.partition(":")
    if not separator:
        return None
    try:
        found = getattr(importlib.import_module(module_name), class_name, None)
    except ImportError as error:
        raise InputError(
            f"{name!r}: module {module_name!r} cannot be imported ({error}); is it on PYTHONPATH?"
        ) from error
    if not isinstance(found, type) or not issubclass(found, (BatchedPolicy, Agent)):
        raise InputError(f"{name!r}: {module_name} has no class {class_name} that derives from Agent or BatchedPolicy")
    return found() if issubclass(found, BatchedPolicy) else None
