"""What takes long and needs nothing that changes - maps, what stands beside their roads, navigation meshes - off the loop.

One thread builds one thing after the other; meanwhile the loop serves everybody else. Results are taken over in the loop.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.server.event_loop import EventLoop
from alpamayo_sim.server.registry import CallError
from alpamayo_sim.server.rpc import PendingReply

MAX_WAITING = 64
MAX_WAITING_BYTES = 192 << 20
"""Of the texts of maps that wait to be built."""
SWITCH_INTERVAL_S = 5.0e-4
"""How long the building thread may keep Python's lock from the loop; Python's own 5 ms are twelve ticks."""


@dataclass(frozen=True, slots=True)
class _Waiter:
    reply: PendingReply
    done: Callable[[Any], None]
    failed: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Build:
    build: Callable[[], Any]
    key: str
    size: int
    waiters: list[_Waiter]

    @property
    def abandoned(self) -> bool:
        return all(waiter.reply.abandoned for waiter in self.waiters)


@dataclass(frozen=True, slots=True)
class _Outcome:
    result: Any = None
    error: str | None = None
    skipped: bool = False


class Builds:
    """Builds under way for one server."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._queue: queue.SimpleQueue[_Build] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._shared: dict[str, _Build] = {}
        self._waiting = 0
        self._waiting_bytes = 0

    def begin(
        self,
        reply: PendingReply,
        build: Callable[[], Any],
        done: Callable[[Any], None],
        *,
        failed: Callable[[str], None] | None = None,
        key: str = "",
        size: int = 0,
    ) -> PendingReply:
        """Have the thread run `build` and the loop call `done` with what it returns; return `reply`, which `done` resolves.

        `build` may read what never changes only. Errors become the answer, or go to `failed`, also in the loop. What has the
        same `key` is built once for all who wait for it. A caller that leaves before its turn is forgotten. `size` is how many
        bytes wait with the call. CallError when too much waits already.
        """
        waiter = _Waiter(reply, done, failed or reply.fail)
        under_way = self._shared.get(key)
        if under_way is not None:
            under_way.waiters.append(waiter)
            return reply
        if self._waiting >= MAX_WAITING or self._waiting_bytes + size > MAX_WAITING_BYTES:
            raise CallError(f"{self._waiting} maps are waiting to be built already: try again later")
        if self._thread is None:
            sys.setswitchinterval(SWITCH_INTERVAL_S)
            self._thread = threading.Thread(target=self._work, name="builds", daemon=True)
            self._thread.start()
        job = _Build(build, key, size, [waiter])
        if key:
            self._shared[key] = job
        self._waiting += 1
        self._waiting_bytes += size
        self._queue.put(job)
        return reply

    def _work(self) -> None:
        while True:
            job = self._queue.get()
            outcome = self._attempt(job)
            self._loop.call_from_thread(lambda job=job, outcome=outcome: self._finish(job, outcome))
            del job, outcome

    def _attempt(self, job: _Build) -> _Outcome:
        if job.abandoned:
            return _Outcome(skipped=True)
        try:
            return _Outcome(job.build())
        except (InputError, InfrastructureError, CallError) as error:
            return _Outcome(error=str(error))
        except Exception as error:  # noqa: BLE001 - one call's defect must not end the thread for everybody
            self._loop.note_defect("a build failed")
            return _Outcome(error=f"internal error: {type(error).__name__}: {error}")

    def _finish(self, job: _Build, outcome: _Outcome) -> None:
        if outcome.skipped and not job.abandoned:
            self._queue.put(job)  # somebody has joined since
            return
        self._waiting -= 1
        self._waiting_bytes -= job.size
        self._shared.pop(job.key, None)
        if outcome.skipped:
            return
        for waiter in job.waiters:
            try:
                if outcome.error is None:
                    waiter.done(outcome.result)
                else:
                    waiter.failed(outcome.error)
            except CallError as error:
                waiter.failed(str(error))
