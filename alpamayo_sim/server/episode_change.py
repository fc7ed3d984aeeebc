"""Changing the map in the order that CARLA's client library survives.

On `load_world` the library ends its subscription of the world's state and subscribes to the same stream again. If a message
is being handled in that moment, the old subscription takes the new one with it and the process aborts (`bad_weak_ptr` in
`tcp::Client::ReadData`). CARLA answers the call long before the new map says anything. So here nothing is published from
shortly before the answer until the caller has subscribed again.

On the answer the library also lets go of the episode, under the feet of a TrafficManager thread of the same client that is in the
middle of a step (a null `Episode` in `ALSM::Update`). So its calls are answered, and the answer waits until there are none. The
question for the settings, with which every step begins, is not answered before the change: who asks it is out of harm's way.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from alpamayo_sim.server.clock import Clock
from alpamayo_sim.server.event_loop import EventLoop, Timer
from alpamayo_sim.server.rpc import PendingReply, RpcConnection
from alpamayo_sim.server.simulation import NextEpisode
from alpamayo_sim.server.streams import Stream

QUIET_S = 0.02
"""From the old episode's last message, and the caller's last request, to the answer: time for clients to finish with them."""
QUIET_WITH_TRAFFIC_MANAGERS_S = 0.25
"""The same while a TrafficManager of the caller has not asked for the settings: its thread may get no turn on a busy machine."""
MAX_QUIET_S = 1.0
"""How long the answer waits for a caller that goes on asking."""
PATIENCE_S = 0.5
"""How long the new episode waits for a caller that does not subscribe again."""


class EpisodeChange:
    """At most one change of episode under way; a later one takes the place of an earlier one that has not happened yet."""

    def __init__(
        self, loop: EventLoop, clock: Clock, start: Callable[[NextEpisode], None], patience: float = 1.0
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._start = start
        self._patience_s = PATIENCE_S * patience
        self._quiet_s = min(QUIET_S * patience, QUIET_WITH_TRAFFIC_MANAGERS_S)
        self._next: NextEpisode | None = None
        self._caller: RpcConnection | None = None
        self._awaits_subscriber = False
        self._timer: Timer | None = None
        self._reply: PendingReply | None = None
        self._answer: str | None = None
        self._begun_s = 0.0
        self._waiting: list[Callable[[], None]] = []

    def begin(
        self, episode: NextEpisode, caller: RpcConnection, reply: PendingReply, answer: str | None = None
    ) -> PendingReply:
        """Stop the clock and return the reply to the call that asked for `episode`; it will be `answer`."""
        if self._reply is not None:
            self._send_answer(self._reply)
        self._next, self._caller, self._awaits_subscriber = episode, caller, False
        self._clock.hold()
        self._reply, self._answer = reply, answer
        self._begun_s = time.monotonic()
        self._schedule(0.0, self._answer_when_quiet)
        return reply

    @property
    def coming(self) -> NextEpisode | None:
        """The episode that is about to begin: its caller already asks for that map's navigation mesh."""
        return self._next

    def wait(self, connection: RpcConnection, callback: Callable[[], None]) -> bool:
        """Call `callback` after the change if `connection` waits for the answer to its call for one; False if it does not."""
        if self._reply is None or connection is not self._caller:
            return False
        self._waiting.append(callback)
        return True

    def _schedule(self, delay_s: float, callback: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(time.monotonic() + delay_s, callback)

    def _answer_when_quiet(self) -> None:
        reply, caller = self._reply, self._caller
        if reply is None or caller is None:
            return
        some_at_work = len(self._waiting) < caller.traffic_managers
        quiet_s = QUIET_WITH_TRAFFIC_MANAGERS_S if some_at_work else self._quiet_s
        last_s = max(caller.heard_s, self._begun_s)
        wait_s = min(last_s + quiet_s, self._begun_s + MAX_QUIET_S) - time.monotonic()
        if wait_s > 0.0:
            self._schedule(min(wait_s, QUIET_S), self._answer_when_quiet)
            return
        self._schedule(self._patience_s, self._finish)
        self._send_answer(reply)

    def _send_answer(self, reply: PendingReply) -> None:
        self._reply = None
        reply.resolve(self._answer)

    def token_given(self, stream: Stream, caller: RpcConnection) -> None:
        """Note that a client has asked where to subscribe."""
        if caller is self._caller and stream.keep_last:
            self._awaits_subscriber = True

    def subscribed(self, stream: Stream) -> None:
        """Note that an announced subscriber has connected."""
        if self._awaits_subscriber and stream.keep_last and not stream.announced:
            self._schedule(0.0, self._finish)

    def connection_lost(self, connection: RpcConnection) -> None:
        """Do not wait for a caller that is gone."""
        if connection is self._caller:
            self._schedule(0.0, self._finish)

    def _finish(self) -> None:
        self._timer = None
        episode, self._next, self._caller, self._awaits_subscriber = self._next, None, None, False
        self._reply = None
        if episode is not None:
            self._start(episode)
        self._clock.release()
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()
