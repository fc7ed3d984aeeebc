"""Follows a world without touching it; all calls of the server are made by one thread, the one that calls `look`."""

from __future__ import annotations

import time
from typing import Any

import carla

from alpamayo_sim.view.drawing import actor_entry, map_drawing

_EPISODE_CHECK_S = 1.0


class Watcher:
    """The newest snapshot of the world and what is known of its actors."""

    def __init__(self, client: carla.Client) -> None:
        self._client = client
        self._checked_s = 0.0
        self.ticks = 0
        self._newest: carla.WorldSnapshot | None = None
        self._enter(client.get_world())

    def _enter(self, world: carla.World) -> None:
        self.world = world
        self.map = map_drawing(world)
        self._actors: dict[int, carla.Actor] = {}
        self._entries: dict[int, dict[str, Any]] = {}
        self._newest = None
        self._callback = world.on_tick(self._on_tick)

    def _on_tick(self, snapshot: carla.WorldSnapshot) -> None:
        self._newest = snapshot
        self.ticks += 1

    def close(self) -> None:
        """Stop following."""
        self.world.remove_on_tick(self._callback)

    def look(self) -> dict[str, Any] | None:
        """Return the newest state as JSON values, or None before the first tick; raises RuntimeError without a server."""
        now_s = time.monotonic()
        if now_s - self._checked_s > _EPISODE_CHECK_S:
            self._checked_s = now_s
            world = self._client.get_world()
            if world.id != self.world.id:
                self.close()
                self._enter(world)
            weather = self.world.get_weather()
            self._weather = [round(weather.cloudiness), round(weather.precipitation), round(weather.sun_altitude_angle)]
        snapshot = self._newest
        if snapshot is None:
            return None
        missing = [state.id for state in snapshot if state.id not in self._actors]
        if missing:
            for actor in self.world.get_actors(missing):
                self._actors[actor.id] = actor
                self._entries[actor.id] = actor_entry(actor)
        return {
            "type": "state",
            "frame": snapshot.frame,
            "time_s": round(snapshot.timestamp.elapsed_seconds, 3),
            "ticks": self.ticks,
            "weather": self._weather,
            "actors": [self._moving(state) for state in snapshot if state.id in self._entries],
        }

    def _moving(self, state: carla.ActorSnapshot) -> dict[str, Any]:
        pose, velocity = state.get_transform(), state.get_velocity()
        actor = self._actors[state.id]
        entry = {
            **self._entries[state.id],
            "x": round(pose.location.x, 2),
            "y": round(pose.location.y, 2),
            "yaw": round(pose.rotation.yaw, 1),
            "speed": round(velocity.length(), 2),
        }
        if isinstance(actor, carla.TrafficLight):
            entry["light"] = str(actor.state)
        return entry
