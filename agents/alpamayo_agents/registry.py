"""The agents by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from alpamayo_agents.base import Agent
from alpamayo_agents.constant_velocity import ConstantVelocityAgent
from alpamayo_agents.expert import ExpertAgent
from alpamayo_agents.route_follower import RouteFollowerAgent
from alpamayo_agents.vla.agent import VlaAgent
from alpamayo_agents.vla.settings import VlaSettings
from alpamayo_sim.errors import InputError

AGENTS: dict[str, Callable[[], Agent]] = {
    ExpertAgent.name: ExpertAgent,
    ConstantVelocityAgent.name: ConstantVelocityAgent,
    RouteFollowerAgent.name: RouteFollowerAgent,
}


def make_agent(name: str, vla: VlaSettings | None = None) -> Agent:
    """Return a new agent, by its name or as `module:Class` for one of the user's own.

    `vla` is for the agent of that name and for classes that derive from it. Raises InputError, naming those there are, for an
    unknown name, for a class that is no agent, and for settings that the agent cannot drive by.
    """
    vla = vla or VlaSettings()
    if ":" in name:
        return _own_agent(name, vla)
    if name == VlaAgent.name:
        vla.check()
        return VlaAgent(vla)
    if name not in AGENTS:
        there = ", ".join(sorted([*AGENTS, VlaAgent.name]))
        raise InputError(f"no agent {name!r}; there are {there}, and module:Class for your own")
    if vla != VlaSettings():
        raise InputError(f"--checkpoint and what goes with it are for --agent {VlaAgent.name}; found --agent {name}")
    return AGENTS[name]()


def _own_agent(name: str, vla: VlaSettings) -> Agent:
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
    return found(vla) if issubclass(found, VlaAgent) else found()
