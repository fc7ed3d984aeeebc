"""The agents by name."""

from __future__ import annotations

import importlib
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
    """Return a new agent, by its name or as `module:Class` for one of the user's own.

    Raises InputError, naming those there are, for an unknown name, and for a class that is no agent.
    """
    if ":" in name:
        return _own_agent(name)
    if name not in AGENTS:
        raise InputError(f"no agent {name!r}; there are {', '.join(sorted(AGENTS))}, and module:Class for your own")
    return AGENTS[name]()


def _own_agent(name: str) -> Agent:
    module_name, _, class_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InputError(
            f"agent {name!r}: module {module_name!r} cannot be imported ({error}); is it on PYTHONPATH?"
        ) from error
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, Agent)):
        raise InputError(
            f"agent {name!r}: {module_name} has no class {class_name} that derives from alpamayo_agents.base.Agent"
        )
    return found()
