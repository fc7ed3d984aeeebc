"""The agents by name."""

from __future__ import annotations

from collections.abc import Callable

from alpamayo_agents.base import Agent
from alpamayo_agents.constant_velocity import ConstantVelocityAgent
from alpamayo_agents.expert import ExpertAgent
from alpamayo_agents.route_follower import RouteFollowerAgent
from alpamayo_sim.errors import InputError

AGENTS: dict[str, Callable[[], Agent]] = {
    ExpertAgent.name: ExpertAgent,
    ConstantVelocityAgent.name: ConstantVelocityAgent,
    RouteFollowerAgent.name: RouteFollowerAgent,
}


def make_agent(name: str) -> Agent:
    """Return a new agent; raises InputError, naming those there are, for an unknown name."""
    if name not in AGENTS:
        raise InputError(f"no agent {name!r}; there are {', '.join(sorted(AGENTS))}")
    return AGENTS[name]()
