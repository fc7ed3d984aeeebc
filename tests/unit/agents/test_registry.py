"""Agents by name, and what every agent promises."""

from __future__ import annotations

import pytest

from alpamayo_agents.base import Agent
from alpamayo_agents.registry import AGENTS, make_agent
from alpamayo_sim.errors import InputError


def test_unknown_agents_are_an_input_error_that_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no agent 'ghost'; there are .*constant_velocity.*expert.*route_follower"):
        make_agent("ghost")


@pytest.mark.parametrize("name", sorted(AGENTS))
def test_agents_have_their_name_and_can_be_destroyed_before_setup(name: str) -> None:
    agent = make_agent(name)
    assert isinstance(agent, Agent) and agent.name == name
    agent.destroy()
    agent.destroy()
    assert make_agent(name) is not agent
