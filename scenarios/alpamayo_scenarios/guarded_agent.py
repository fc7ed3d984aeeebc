"""What an agent does wrong is the agent's failure, and told apart from everything else that can go wrong in an episode."""

from __future__ import annotations

import time
import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import carla

from alpamayo_agents.base import Agent, Decision, EpisodeContext
from alpamayo_sim.errors import InputError

SETUP_FAILED = "agent_setup_failed"
SETUP_TOO_SLOW = "agent_setup_too_slow"
CRASHED = "agent_crashed"
TOO_SLOW = "agent_too_slow"


class AgentFailure(Exception):
    """The agent raised something; `kind` is what a policy failure is called, `report` its traceback."""

    def __init__(self, kind: str, report: str) -> None:
        super().__init__(f"{kind}: {report.strip().splitlines()[-1] if report.strip() else 'no report'}")
        self.kind = kind
        self.report = report


def policy_failure(kind: str) -> str:
    """Return the status of an episode that the agent failed."""
    return f"policy_failure({kind})"


def infra_failure(kind: str) -> str:
    """Return the status of an episode that infrastructure failed."""
    return f"infra_failure({kind})"


class GuardedAgent(Agent):
    """An agent whose exceptions come out as AgentFailure, and of which another thread can ask how long it has been thinking.

    InputError passes through `setup`: a missing checkpoint or package is the user's to mend, not a way of driving.
    """

    name = "guarded"

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.needs_cameras = agent.needs_cameras
        self._call: tuple[str, float] | None = None

    @property
    def thinking(self) -> tuple[str, float] | None:
        """What the agent will have failed by if it never answers, and for how many seconds it has not; None between calls."""
        call = self._call
        return None if call is None else (call[0], time.monotonic() - call[1])

    def setup(self, context: EpisodeContext) -> None:
        """Prepare the agent; AgentFailure if it raises."""
        with self._guard(SETUP_FAILED, SETUP_TOO_SLOW):
            self._agent.setup(context)

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        """Return the agent's decision; AgentFailure if it raises or answers something else."""
        with self._guard(CRASHED, TOO_SLOW):
            decision = self._agent.run_step(snapshot)
            if not isinstance(decision, Decision):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"an agent answers a tick with a Decision; found {type(decision).__name__}")
        return decision

    def destroy(self) -> None:
        """Release what the agent took; an error in it comes too late to matter and is told on standard error."""
        try:
            self._agent.destroy()
        except Exception:  # noqa: BLE001 - the agent is foreign code
            traceback.print_exc()

    def notes(self) -> Mapping[str, Any]:
        """Return the agent's notes."""
        return self._agent.notes()

    @contextmanager
    def _guard(self, failed: str, too_slow: str) -> Generator[None]:
        self._call = (too_slow, time.monotonic())
        try:
            yield
        except Exception as error:  # the agent is foreign code
            if isinstance(error, InputError) and failed == SETUP_FAILED:
                raise
            raise AgentFailure(failed, traceback.format_exc()) from error
        finally:
            self._call = None
