from __future__ import annotations

import threading
from typing import Any, cast

import carla
import pytest

from alpamayo_agents.base import Agent, Decision, EpisodeContext
from alpamayo_agents.registry import make_agent
from alpamayo_scenarios.guarded_agent import AgentFailure, GuardedAgent
from alpamayo_sim.errors import InputError

NOTHING = cast(Any, None)


class Scripted(Agent):
    name = "scripted"

    def __init__(self, setup: Exception | None = None, step: object = None) -> None:
        self._setup, self._step = setup, step
        self.destroyed = 0

    def setup(self, context: EpisodeContext) -> None:
        if self._setup is not None:
            raise self._setup

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        if isinstance(self._step, Exception):
            raise self._step
        return cast(Decision, self._step)

    def destroy(self) -> None:
        self.destroyed += 1
        raise ValueError("too late to matter")


def test_what_an_agent_raises_is_its_failure() -> None:
    with pytest.raises(AgentFailure) as setup:
        GuardedAgent(Scripted(setup=RuntimeError("no weights"))).setup(NOTHING)
    assert setup.value.kind == "agent_setup_failed"
    assert "no weights" in setup.value.report and "Traceback" in setup.value.report
    with pytest.raises(AgentFailure) as step:
        GuardedAgent(Scripted(step=ZeroDivisionError("oops"))).run_step(NOTHING)
    assert step.value.kind == "agent_crashed"
    with pytest.raises(AgentFailure, match=r"agent_crashed.*Decision; found str"):
        GuardedAgent(Scripted(step="drive on")).run_step(NOTHING)
    GuardedAgent(Scripted()).destroy()


def test_what_the_user_has_to_mend_is_not() -> None:
    with pytest.raises(InputError, match="checkpoint"):
        GuardedAgent(Scripted(setup=InputError("no checkpoint"))).setup(NOTHING)
    with pytest.raises(AgentFailure):
        GuardedAgent(Scripted(step=InputError("no checkpoint"))).run_step(NOTHING)


def test_another_thread_sees_how_long_it_has_been_thinking() -> None:
    entered, go_on = threading.Event(), threading.Event()

    class Slow(Scripted):
        def setup(self, context: EpisodeContext) -> None:
            entered.set()
            go_on.wait()

    agent = GuardedAgent(Slow())
    assert agent.thinking is None
    thread = threading.Thread(target=agent.setup, args=(NOTHING,))
    thread.start()
    entered.wait()
    first = agent.thinking
    second = agent.thinking
    assert first is not None and second is not None
    assert first[0] == "agent_setup_too_slow" and 0.0 <= first[1] <= second[1]
    go_on.set()
    thread.join()
    assert agent.thinking is None


def test_agents_of_the_users_own() -> None:
    assert isinstance(make_agent(f"{__name__}:Scripted"), Scripted)
    for name in (f"{__name__}:Nothing", f"{__name__}:NOTHING", "no_such_module_at_all:Agent", f"{__name__}:threading"):
        with pytest.raises(InputError, match="agent"):
            make_agent(name)
