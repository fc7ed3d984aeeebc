"""Every frame of a world that somebody else ticks, in order, with what only the live world tells."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass

import carla

from alpamayo_scenarios.observe import LiveState, live_state
from alpamayo_scenarios.signals_of_world import lights_by_key


@dataclass(frozen=True)
class WorldFrame:
    """The world after one tick."""

    snapshot: carla.WorldSnapshot
    world: carla.World
    """The world (CARLA: episode) that the frame belongs to; another object after a map change."""
    hero: carla.Vehicle | None
    """The ego, if there is one at this frame."""
    live: LiveState | None
    """What was true of ego and lights at this very frame; None without an ego."""
    missed: int
    """Frames of this world that went by between the last one and this one without being seen."""
    unknown: int
    """Actors that were new at this frame and gone before the server could be asked what they are."""


class WorldFeed:
    """A subscription to the world's ticks that survives map changes.

    CARLA's client library calls back for one frame after the other, and shows that frame's state until the callback
    returns; so what a snapshot lacks (lights, control, speed limit) is read there, and belongs to the frame even when
    the frames are looked at later. A server in lock-step is told after each frame that this follower has had its turn.
    """

    def __init__(self, client: carla.Client, *, ego_role: str, takes_turns: bool) -> None:
        """Subscribe; the ego is the vehicle with the role name `ego_role`. `takes_turns` is for servers in lock-step."""
        self._client = client
        self._ego_role = ego_role
        self._takes_turns = takes_turns
        self._queue: queue.SimpleQueue[WorldFrame] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._owes_turn = False
        self._world = client.get_world()
        self._world_id = -1
        self._last_frame: int | None = None
        self._seen: set[int] = set()
        self._hero: carla.Vehicle | None = None
        self._lights: dict[str, carla.TrafficLight] = {}
        self._registered = self._world
        self._callback = self._world.on_tick(self._take)

    def next(self, timeout_s: float) -> WorldFrame | None:
        """Return the next frame, or None when there is none within `timeout_s`."""
        if self._owes_turn and self._takes_turns and self._queue.empty():
            # An empty batch changes nothing; `alpamayo sim --lock-step` takes it for the end of the turn.
            self._client.apply_batch([])
            self._owes_turn = False
        try:
            frame = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None
        self._owes_turn = True
        return frame

    def close(self) -> None:
        """End the subscription; safe to call twice."""
        if not self._closed.is_set():
            self._closed.set()
            self._registered.remove_on_tick(self._callback)

    def _take(self, snapshot: carla.WorldSnapshot) -> None:
        if self._closed.is_set():
            return
        if snapshot.id != self._world_id:
            self._enter_world(snapshot)
        last, self._last_frame = self._last_frame, snapshot.frame
        missed = 0 if last is None else max(0, snapshot.frame - last - 1)
        unknown = self._meet(snapshot)
        hero = self._hero
        live = live_state(hero, self._lights) if hero is not None else None
        self._queue.put(WorldFrame(snapshot, self._world, hero, live, missed, unknown))

    def _enter_world(self, snapshot: carla.WorldSnapshot) -> None:
        self._world = self._client.get_world()
        self._world_id = snapshot.id
        self._last_frame = None
        self._seen.clear()
        self._hero = None
        self._lights = lights_by_key(self._world)

    def _meet(self, snapshot: carla.WorldSnapshot) -> int:
        """Ask about the actors that are new, the ego among them; return of how many nothing is known any more.

        The client library remembers whom it was asked for, so that an actor can be asked about when it is gone.
        """
        if self._hero is not None and not snapshot.has_actor(self._hero.id):
            self._hero = None
        unknown = 0
        for actor_id in {state.id for state in snapshot} - self._seen:
            self._seen.add(actor_id)
            actor = self._world.get_actor(actor_id)
            unknown += actor is None
            if isinstance(actor, carla.Vehicle) and actor.attributes.get("role_name") == self._ego_role:
                self._hero = actor
        return unknown
