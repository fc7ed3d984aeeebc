"""Where sessions sit: each with a driver and a thread of its own, or all of them on one batched policy."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from alpamayo_agents.serving.batching import Batcher
from alpamayo_agents.serving.driver import BatchedPolicy, Driver, Offer
from alpamayo_agents.serving.messages import Command, Observation, SessionStart


class Seat(ABC):
    """What answers the ticks of one session."""

    @abstractmethod
    async def start(self, start: SessionStart) -> None:
        """Prepare for a route."""

    @abstractmethod
    async def step(self, observation: Observation) -> Command:
        """Return the answer to one tick."""

    @abstractmethod
    async def close(self) -> None:
        """Release everything; called once."""


class Seats(ABC):
    """Makes seats for one kind of agent."""

    offer: Offer

    @abstractmethod
    def take(self, session: int) -> Seat:
        """Return the seat of a new session."""

    def status(self) -> dict[str, int]:
        """Return what `/status` says besides."""
        return {}

    async def close(self) -> None:
        """Release what the seats share."""
        return


class DriverSeats(Seats):
    """A driver for each session."""

    def __init__(self, offer: Offer, make: Callable[[], Driver]) -> None:
        self.offer, self._make = offer, make

    def take(self, session: int) -> Seat:
        """Return the seat of a new session."""
        return _DriverSeat(self._make(), session)


class _DriverSeat(Seat):
    def __init__(self, driver: Driver, session: int) -> None:
        self._driver = driver
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"session-{session}")

    async def start(self, start: SessionStart) -> None:
        await asyncio.get_running_loop().run_in_executor(self._worker, self._driver.start, start)

    async def step(self, observation: Observation) -> Command:
        return await asyncio.get_running_loop().run_in_executor(self._worker, self._driver.step, observation)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._worker, self._driver.close)
        self._worker.shutdown(wait=False)


class PolicySeats(Seats):
    """One policy for all sessions."""

    def __init__(self, policy: BatchedPolicy) -> None:
        self.offer = Offer(policy.name, False, tuple(policy.sensors), tuple(policy.tracks))
        self._batcher = Batcher(policy)

    def take(self, session: int) -> Seat:
        """Return the seat of a new session."""
        return _PolicySeat(self._batcher, session)

    def status(self) -> dict[str, int]:
        """Return how many calls of the policy have answered how many ticks."""
        return {"batches": self._batcher.batches, "batched_steps": self._batcher.answered}

    async def close(self) -> None:
        """Stop the policy's thread."""
        await self._batcher.close()


class _PolicySeat(Seat):
    def __init__(self, batcher: Batcher, session: int) -> None:
        self._batcher, self._session = batcher, session
        self._started = False

    async def start(self, start: SessionStart) -> None:
        self._started = True
        await self._batcher.start(self._session, start)

    async def step(self, observation: Observation) -> Command:
        return await self._batcher.act(self._session, observation)

    async def close(self) -> None:
        if self._started:
            await self._batcher.end(self._session)
