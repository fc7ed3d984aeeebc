"""Plays the scenarios of a route: sets them up, triggers them where the route reaches them, ends them and tells of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import carla
import numpy as np

from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.library.timing import Behaviour
from alpamayo_scenarios.route_file import ScenarioSpec
from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.tick import ScenarioEvent, ScenarioPhase
from alpamayo_sim.roads.route_planner import Route

_LOG = logging.getLogger(__name__)
SET_UP_WITHIN_M = 500.0
TRIGGER_M = 2.0
TRIGGER_DEG = 10.0


@dataclass
class _Playing:
    scenario: Scenario
    behaviour: Behaviour
    since_s: float


class ScenarioDirector:
    """Steps the scenarios of one route; the rules are those of the leaderboard's `RouteScenario`."""

    def __init__(self, stage: Stage, specs: Sequence[ScenarioSpec], types: Mapping[str, type[Scenario]]) -> None:
        """Take the route's scenarios and the classes that play them."""
        self._stage = stage
        self._types = types
        self._waiting: list[tuple[int, ScenarioSpec]] = []
        self._ready: dict[str, Scenario] = {}
        self._playing: dict[str, _Playing] = {}
        self._events: list[ScenarioEvent] = []
        for index, spec in enumerate(_uniquely_named(specs)):
            self._tell(ScenarioPhase.PLANNED, spec)
            if spec.type not in types:
                self._tell(ScenarioPhase.SKIPPED, spec, reason=f"no scenario type {spec.type!r}")
            elif not is_on_route(spec.trigger, stage.route):
                reason = f"its trigger lies more than {TRIGGER_M:g} m or {TRIGGER_DEG:g} degrees off the route"
                self._tell(ScenarioPhase.SKIPPED, spec, reason=reason)
            else:
                self._waiting.append((index, spec))

    def set_up(self) -> None:
        """Set up the scenarios that the ego has come within 500 m of; those that do not fit are skipped."""
        for entry in list(self._waiting):
            index, spec = entry
            if self._stage.distance_to_ego_m(_place(spec.trigger)) >= SET_UP_WITHIN_M:
                continue
            self._waiting.remove(entry)
            try:
                self._ready[spec.name] = self._types[spec.type](spec, self._stage, index)
            except ScenarioSetupError as error:
                _LOG.warning("scenario %s (%s) is skipped: %s", spec.name, spec.type, error)
                self._tell(ScenarioPhase.SKIPPED, spec, reason=str(error))

    def step(self, control: carla.VehicleControl) -> carla.VehicleControl:
        """Play one tick, after the ego's driver has decided; return what reaches the ego's pedals and wheels.

        The stage has been updated with the tick's snapshot before.
        """
        self._trigger()
        for name, playing in list(self._playing.items()):
            limit_s = playing.scenario.time_limit_s
            if limit_s is not None and self._stage.time_s - playing.since_s >= limit_s:
                self._end(name, ScenarioPhase.TIMED_OUT)
                continue
            try:
                next(playing.behaviour)
            except StopIteration:
                self._end(name, ScenarioPhase.FINISHED)
                continue
            except ScenarioSetupError as error:
                _LOG.warning("scenario %s ended early: %s", name, error)
                self._end(name, ScenarioPhase.FINISHED, reason=str(error))
                continue
            control = playing.scenario.ego_control(control)
        return control

    @property
    def wrong_way_allowed(self) -> bool:
        """Whether a scenario under way leaves only the oncoming lane."""
        return any(playing.scenario.wrong_way_allowed for playing in self._playing.values())

    def take_events(self) -> tuple[ScenarioEvent, ...]:
        """Return what happened since the last call."""
        events, self._events = tuple(self._events), []
        return events

    def destroy(self) -> None:
        """End everything and take all actors away; safe to call twice."""
        playing, self._playing = self._playing, {}
        ready, self._ready = self._ready, {}
        for one in playing.values():
            one.behaviour.close()
            one.scenario.destroy()
        for scenario in ready.values():
            scenario.destroy()

    def _trigger(self) -> None:
        at = self._stage.route.points[self._stage.route_index]
        here = carla.Location(float(at[0]), float(at[1]), float(at[2]))
        for name, scenario in list(self._ready.items()):
            if here.distance(_place(scenario.trigger)) < TRIGGER_M:
                del self._ready[name]
                self._playing[name] = _Playing(scenario, scenario.run(), self._stage.time_s)
                self._tell(
                    ScenarioPhase.TRIGGERED,
                    scenario.spec,
                    emergency_vehicle_id=scenario.emergency_vehicle_id,
                    suspends_blocked=scenario.time_limit_s is not None,
                )

    def _end(self, name: str, phase: ScenarioPhase, reason: str = "") -> None:
        playing = self._playing.pop(name)
        playing.behaviour.close()
        playing.scenario.destroy()
        self._tell(phase, playing.scenario.spec, reason=reason)

    def _tell(
        self,
        phase: ScenarioPhase,
        spec: ScenarioSpec,
        *,
        reason: str = "",
        emergency_vehicle_id: int = 0,
        suspends_blocked: bool = False,
    ) -> None:
        self._events.append(ScenarioEvent(phase, spec.name, spec.type, reason, emergency_vehicle_id, suspends_blocked))


def is_on_route(trigger: Transform, route: Route) -> bool:
    """Return whether a trigger lies on a route: less than 2 m along each axis and 10 degrees from one of its points."""
    off = np.abs(route.points - np.array(trigger[:3]))
    turned = np.abs((route.yaw_deg - trigger.yaw + 180.0) % 360.0 - 180.0)
    return bool(((off < TRIGGER_M).all(axis=1) & (turned < TRIGGER_DEG)).any())


def _place(pose: Transform) -> carla.Location:
    return carla.Location(pose.x, pose.y, pose.z)


def _uniquely_named(specs: Sequence[ScenarioSpec]) -> list[ScenarioSpec]:
    """Number the names that a route has twice."""
    seen: dict[str, int] = {}
    named: list[ScenarioSpec] = []
    for spec in specs:
        seen[spec.name] = seen.get(spec.name, 0) + 1
        again = seen[spec.name]
        name = spec.name if again == 1 else f"{spec.name} #{again}"
        named.append(ScenarioSpec(name, spec.type, spec.trigger, spec.other_actors, spec.parameters))
    return named
