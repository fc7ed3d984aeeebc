"""Lock-step: a synchronous world that waits for the clients that follow it without ticking it.

CARLA has nothing of the kind: a client that waits for ticks is left behind by one that makes them faster. Here every follower
(a client that has subscribed to the world's state and does not tick) gets, before each tick, the time to answer the last one:
until it has acted, which ends a driver's turn, or until its patience is over. Acting is sending a batch or what clients do not
wait for, such as a control; questions do not end a turn. A follower that only looks on, is stuck or is dead costs the patience
for every tick, and no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alpamayo_sim.server.rpc import RpcConnection

DEFAULT_PATIENCE_S = 0.05
SETTLE_S = 2.0e-3
"""From a follower's act to the next tick: the way back to where it waits for that tick."""
TICKER_FRAMES = 100
"""A client that has ticked within so many frames follows nobody."""


class LockStep:
    """Who follows, and who has had its turn since the last tick."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._frame = 0
        self._ticked_s = 0.0
        self._acted: dict[RpcConnection, tuple[int, float]] = {}
        """Last act of every follower: (frame, time)."""
        self._cued: dict[RpcConnection, int] = {}

    def follow(self, connection: RpcConnection) -> None:
        """Note a client that subscribes to the world's state."""
        self._acted.setdefault(connection, (-1, 0.0))

    def cued(self, connection: RpcConnection) -> None:
        """Note a client that ticks the world."""
        self._cued[connection] = self._frame

    def acted(self, connection: RpcConnection, now_s: float) -> None:
        """Note that a client has acted."""
        if connection in self._acted:
            self._acted[connection] = (self._frame, now_s)

    def forget(self, connection: RpcConnection) -> None:
        """Note that a client is gone."""
        self._acted.pop(connection, None)
        self._cued.pop(connection, None)

    def ticked(self, now_s: float) -> None:
        """Note that a tick was published."""
        self._frame += 1
        self._ticked_s = now_s

    def ready_s(self) -> float:
        """Return the earliest time (`time.monotonic`) of the next tick, as far as is known now."""
        ready_s = 0.0
        for connection, (frame, acted_s) in self._acted.items():
            if self._cued.get(connection, -TICKER_FRAMES) + TICKER_FRAMES > self._frame:
                continue
            turn_ends_s = acted_s + SETTLE_S if frame == self._frame else self._ticked_s + self._patience_s
            ready_s = max(ready_s, turn_ends_s)
        return min(ready_s, self._ticked_s + self._patience_s)
