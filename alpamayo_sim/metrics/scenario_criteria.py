"""What the route's scenarios ask of the ego: to get through them in time, and to let an emergency vehicle pass."""

from __future__ import annotations

import math
from typing import ClassVar

from alpamayo_sim.metrics.infraction import Infraction, InfractionKind, ego_location
from alpamayo_sim.metrics.tick import ScenarioPhase, TickRecord

_ENDS = (ScenarioPhase.FINISHED, ScenarioPhase.TIMED_OUT)


class ScenarioTimeout:
    """Fails once for every scenario that ran out of time (`ScenarioTimeoutTest`); the route goes on."""

    name: ClassVar[str] = "scenario_timeout"

    def __init__(self) -> None:
        self._failed: set[str] = set()

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return one infraction for every scenario that this tick ended for its time."""
        late = [e.name for e in tick.scenario_events if e.phase is ScenarioPhase.TIMED_OUT]
        new = [name for name in dict.fromkeys(late) if name not in self._failed]
        self._failed.update(new)
        message = "Agent timed out a scenario"
        place = ego_location(tick)
        return [Infraction(InfractionKind.SCENARIO_TIMEOUT, tick.frame, tick.time_s, place, message) for _ in new]

    def finish(self) -> list[Infraction]:
        """Return nothing: a scenario's own clock tells when it is late."""
        return []

    def values(self) -> dict[str, float]:
        """Return no figure of its own."""
        return {}


class YieldEmergencyVehicle:
    """Fails when the emergency vehicle is still behind the ego as its scenario ends (`YieldToEmergencyVehicleTest`).

    Behind means that the ego lies ahead of the vehicle's origin in the vehicle's own direction.
    """

    name: ClassVar[str] = "yield_emergency_vehicle"

    def __init__(self) -> None:
        self._vehicles: dict[str, int] = {}
        self._is_behind: dict[str, bool] = {}
        self._last_tick: TickRecord | None = None

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return one infraction for every scenario that ended at this tick with its vehicle behind the ego."""
        self._last_tick = tick
        for event in tick.scenario_events:
            if event.phase is ScenarioPhase.TRIGGERED and event.emergency_vehicle_id:
                self._vehicles[event.name] = event.emergency_vehicle_id
        self._look(tick)
        ended = [e.name for e in tick.scenario_events if e.phase in _ENDS and e.name in self._vehicles]
        return [infraction for name in dict.fromkeys(ended) for infraction in self._close(name, tick)]

    def _look(self, tick: TickRecord) -> None:
        ego = tick.ego.transform
        actors = {actor.actor_id: actor.transform for actor in tick.actors} if self._vehicles else {}
        for name, actor_id in self._vehicles.items():
            pose = actors.get(actor_id)
            if pose is not None:
                yaw = math.radians(pose.yaw)
                ahead_m = (ego.x - pose.x) * math.cos(yaw) + (ego.y - pose.y) * math.sin(yaw)
                self._is_behind[name] = ahead_m > 0.0

    def _close(self, name: str, tick: TickRecord) -> list[Infraction]:
        actor_id = self._vehicles.pop(name)
        if not self._is_behind.get(name, False):
            return []
        message = "Agent failed to yield to an emergency vehicle"
        kind = InfractionKind.YIELD_EMERGENCY_VEHICLE
        return [Infraction(kind, tick.frame, tick.time_s, ego_location(tick), message, actor_id)]

    def finish(self) -> list[Infraction]:
        """Return the infractions of scenarios that the end of the episode cuts short."""
        if self._last_tick is None:
            return []
        return [found for name in list(self._vehicles) for found in self._close(name, self._last_tick)]

    def values(self) -> dict[str, float]:
        """Return no figure of its own."""
        return {}


class ScenarioCounts:
    """Counts the route's scenarios by what became of them, so that one that never triggered does not pass unnoticed."""

    name: ClassVar[str] = "scenario_counts"

    def __init__(self) -> None:
        self._names: dict[ScenarioPhase, set[str]] = {phase: set() for phase in ScenarioPhase}

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Take note; what becomes of a scenario is no infraction, so the list is empty."""
        for event in tick.scenario_events:
            self._names[event.phase].add(event.name)
        return []

    def finish(self) -> list[Infraction]:
        """Return nothing."""
        return []

    def values(self) -> dict[str, float]:
        """Return the number of scenarios by phase and of those that stayed untriggered; nothing for a route without."""
        if not any(self._names.values()):
            return {}
        counts = {f"scenarios_{phase.value}_total": float(len(names)) for phase, names in self._names.items()}
        planned = self._names[ScenarioPhase.PLANNED]
        missed = planned - self._names[ScenarioPhase.TRIGGERED] - self._names[ScenarioPhase.SKIPPED]
        return {**counts, "scenarios_not_triggered_total": float(len(missed))}
