"""Answering the ticks of several sessions in one call of a policy."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from alpamayo_agents.serving.driver import BatchedPolicy
from alpamayo_agents.serving.messages import Command, Observation, SessionStart


class Batcher:
    """Collects ticks for one policy, which runs in one thread of its own."""

    def __init__(self, policy: BatchedPolicy) -> None:
        self.policy = policy
        self.batches = 0
        self.answered = 0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="policy")
        self._waiting: asyncio.Queue[tuple[int, Observation, asyncio.Future[Command]]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self, session: int, start: SessionStart) -> None:
        """Prepare the policy for a session."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self.policy.start, session, start)

    async def end(self, session: int) -> None:
        """Let the policy forget a session."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self.policy.end, session)

    async def act(self, session: int, observation: Observation) -> Command:
        """Return the answer to one tick, worked out together with what else waits."""
        if self._task is None:
            self._task = asyncio.create_task(self._serve())
        answer: asyncio.Future[Command] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((session, observation, answer))
        return await answer

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _serve(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            deadline = asyncio.get_running_loop().time() + self.policy.max_wait_s
            while len(batch) < self.policy.max_batch:
                if not self._waiting.empty():
                    batch.append(self._waiting.get_nowait())
                    continue
                remaining_s = deadline - asyncio.get_running_loop().time()
                if remaining_s <= 0.0:
                    break
                try:
                    batch.append(await asyncio.wait_for(self._waiting.get(), remaining_s))
                except asyncio.TimeoutError:
                    break
            await self._answer(batch)

    async def _answer(self, batch: list[tuple[int, Observation, asyncio.Future[Command]]]) -> None:
        requests = [(session, observation) for session, observation, _ in batch]
        try:
            commands = await asyncio.get_running_loop().run_in_executor(self._worker, self.policy.act, requests)
            if len(commands) != len(batch):
                raise ValueError(f"{len(commands)} commands for a batch of {len(batch)}")
        except Exception as error:  # noqa: BLE001 - the policy is somebody's code; every session is told
            for _, _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        self.batches += 1
        self.answered += len(batch)
        for (_, _, answer), command in zip(batch, commands, strict=True):
            if not answer.done():
                answer.set_result(command)
