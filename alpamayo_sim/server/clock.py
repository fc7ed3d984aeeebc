"""When the world advances: at a client's cue in synchronous mode, by real time otherwise."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from alpamayo_sim.server.event_loop import EventLoop, Timer
from alpamayo_sim.server.lock_step import LockStep
from alpamayo_sim.server.rpc import PendingReply
from alpamayo_sim.server.simulation import Simulation
from alpamayo_sim.server.streams import StreamHub

Answer = Callable[[int], Any]
"""Makes a call's result from the frame that it led to."""
MAX_LAG_S = 0.1
"""An asynchronous world that is later than this does not catch up; its longest variable step."""
MIN_VARIABLE_STEP_S = 1.0e-3
"""Without a fixed step, an asynchronous world moves on by the time since its last frame, at least by this."""
SUBSCRIPTION_PATIENCE_S = 0.5
"""How long a tick waits for a subscriber that has asked for a token and is about to connect."""


class Clock:
    """Owns every step after the first one of an episode."""

    def __init__(
        self,
        loop: EventLoop,
        simulation: Simulation,
        hub: StreamHub,
        max_rate: float | None,
        lock_step: LockStep | None = None,
        patience: float = 1.0,
    ) -> None:
        self._loop = loop
        self._simulation = simulation
        self._hub = hub
        self._min_interval_s = 1.0 / max_rate if max_rate else 0.0
        self._lock_step = lock_step
        self._subscription_patience_s = SUBSCRIPTION_PATIENCE_S * patience
        self._next_s = 0.0
        self._ran_s = 0.0
        self._cues: deque[tuple[PendingReply, Answer, float]] = deque()
        self._frame_waiters: list[Callable[[], None]] = []
        self._timer: Timer | None = None
        self._patience_timer: Timer | None = None
        self._advancing = False
        self._held = False

    @property
    def synchronous(self) -> bool:
        """Whether the world waits for cues."""
        return self._simulation.settings.synchronous_mode

    def hold(self) -> None:
        """Let the world stand still until `release`, whatever its mode is."""
        self._held = True
        self._cancel_timer()

    def release(self) -> None:
        """End `hold`."""
        self._held = False
        self.start()
        self.advance()

    def start(self) -> None:
        """Begin to run in real time, or stop doing so, as the settings say now."""
        if self._held:
            return
        self._cancel_timer()
        if self.synchronous:
            self._release_waiters()
        else:
            self._next_s = time.monotonic()
            self._ran_s = self._next_s - self._simulation.settings.step_s
            self._timer = self._loop.call_at(self._next_s, self._run_frame)
            while self._cues:
                reply, answer, _ = self._cues.popleft()
                reply.resolve(answer(self._simulation.world.frame + 1))

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run_frame(self) -> None:
        self._timer = None
        if self.synchronous:
            return
        settings = self._simulation.settings
        now = time.monotonic()
        variable_s = min(max(now - self._ran_s, MIN_VARIABLE_STEP_S), MAX_LAG_S)
        self._ran_s = now
        try:
            self._simulation.tick(step_s=variable_s if settings.fixed_delta_seconds is None else None)
        finally:
            now = time.monotonic()
            interval = max(self._simulation.settings.step_s, self._min_interval_s)
            self._next_s = max(self._next_s + interval, now - MAX_LAG_S)
            self._timer = self._loop.call_at(self._next_s, self._run_frame)
            self._release_waiters()

    def cue(self, answer: Answer, *, publish_after_s: float = 0.0) -> Any:
        """Advance by one step at a client's cue; return `answer(frame)`, or a PendingReply that gets it later.

        An asynchronous world is not moved by cues: the answer then is about its next frame.
        """
        if not self.synchronous and not self._held:
            return answer(self._simulation.world.frame + 1)
        if not self._cues and self._may_advance():
            return answer(self._tick(publish_after_s))
        reply = PendingReply(holds=True)
        self._cues.append((reply, answer, publish_after_s))
        return reply

    def cue_later(self, reply: PendingReply, answer: Answer, *, publish_after_s: float) -> None:
        """Advance by one step for a cue that had to wait, and give `reply` its answer."""
        if reply.abandoned:
            return
        if not self.synchronous and not self._held:
            reply.resolve(answer(self._simulation.world.frame + 1))
        elif not self._cues and self._may_advance():
            reply.resolve(answer(self._tick(publish_after_s)))
        else:
            self._cues.append((reply, answer, publish_after_s))

    def _tick(self, publish_after_s: float) -> int:
        frame = self._simulation.tick(publish_after_s=publish_after_s)
        if self._lock_step is not None:
            self._lock_step.ticked(time.monotonic())
        return frame

    def _may_advance(self) -> bool:
        """Return whether a step may happen now; else see to it that `advance` is called in time."""
        if self._held:
            return False
        if self._hub.awaiting_subscribers():
            if self._patience_timer is None:
                self._patience_timer = self._loop.call_at(
                    time.monotonic() + self._subscription_patience_s, self._lose_patience
                )
            return False
        back_pressure = self._hub.back_pressure
        if self._lock_step is None and not self._min_interval_s and not back_pressure.clogged:
            return True
        now = time.monotonic()
        ready_s = max(self._next_s if self._min_interval_s else 0.0, back_pressure.ready_s(now))
        if self._lock_step is not None:
            ready_s = max(ready_s, self._lock_step.ready_s())
        if now < ready_s:
            self._cancel_timer()
            self._timer = self._loop.call_at(ready_s, self._run_slot)
            return False
        if self._min_interval_s:
            self._next_s = max(self._next_s + self._min_interval_s, now)
        return True

    def _run_slot(self) -> None:
        self._timer = None
        self.advance()

    def _lose_patience(self) -> None:
        self._patience_timer = None
        self._hub.forget_announcements()
        self.advance()

    def advance(self) -> None:
        """Carry out the cues that wait, as far as they may be."""
        if self._advancing:
            return
        self._advancing = True
        try:
            if self._patience_timer is not None and not self._hub.awaiting_subscribers():
                self._patience_timer.cancel()
                self._patience_timer = None
            while self._cues and self.synchronous:
                if self._cues[0][0].abandoned:
                    self._cues.popleft()
                elif not self._may_advance():
                    break
                else:
                    reply, answer, publish_after_s = self._cues.popleft()
                    reply.resolve(answer(self._tick(publish_after_s)))
        finally:
            self._advancing = False

    def at_next_frame(self, callback: Callable[[], None]) -> None:
        """Call `callback` after the next frame of an asynchronous world, or when it becomes synchronous."""
        self._frame_waiters.append(callback)

    def _release_waiters(self) -> None:
        waiters, self._frame_waiters = self._frame_waiters, []
        for waiter in waiters:
            waiter()
