"""What can be told from outside about the scenarios of somebody else's route.

Their triggers follow from route and ego alone, by the leaderboard's own rule, and so does the course of those with an
obstacle. The others' ends are told by the actors that a scenario takes away when it ends, which its time limit also does,
to the tick.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import carla

from alpamayo_scenarios.passive.obstacles import Obstacle, obstacle_of
from alpamayo_scenarios.route_file import ScenarioSpec
from alpamayo_sim.frames import Transform, wrap_degrees
from alpamayo_sim.metrics.tick import CLOCK_SLACK_S, ScenarioEvent, ScenarioPhase, TickRecord
from alpamayo_sim.roads.route_planner import Route

SCENARIO_ROLE = "scenario"
EMERGENCY_TYPE = "YieldToEmergencyVehicle"
TIME_LIMIT_S = 240.0
TIMED_TYPES = frozenset(
    {
        "Accident", "AccidentTwoWays", "BlockedIntersection", "ConstructionObstacle", "ConstructionObstacleTwoWays",
        "CrossingBicycleFlow", "EnterActorFlow", "EnterActorFlowV2", "HazardAtSideLane", "HazardAtSideLaneTwoWays",
        "HighwayExit", "InterurbanActorFlow", "InterurbanAdvancedActorFlow", "InvadingTurn", "MergerIntoSlowTraffic",
        "MergerIntoSlowTrafficV2", "NonSignalizedJunctionLeftTurn", "NonSignalizedJunctionRightTurn", "ParkedObstacle",
        "ParkedObstacleTwoWays", "ParkingExit", "SignalizedJunctionLeftTurn", "SignalizedJunctionRightTurn",
        "VehicleOpensDoorTwoWays",
    }
)  # fmt: skip
"""The scenario types with a time limit (240 s); while one of them is under way nobody counts as blocked."""
_FLOWS = frozenset(
    {
        "CrossingBicycleFlow", "EnterActorFlow", "EnterActorFlowV2", "HighwayExit", "InterurbanActorFlow",
        "InterurbanAdvancedActorFlow", "MergerIntoSlowTraffic", "MergerIntoSlowTrafficV2", "NonSignalizedJunctionLeftTurn",
        "NonSignalizedJunctionRightTurn", "SignalizedJunctionLeftTurn", "SignalizedJunctionRightTurn",
    }
)  # fmt: skip
"""The types whose actors come and go all the while."""
_FLOW_OVER_S = 15.0
_LIMIT_SHOWS_S = 0.2
"""How long after the limit a scenario's actors go, which happens in the tick after it."""
_TRIGGER_M = 2.0
_TRIGGER_DEG = 10.0
_WINDOW_POINTS = 5


@dataclass
class _UnderWay:
    spec: ScenarioSpec
    since_s: float
    emergency_id: int
    obstacle: Obstacle | None
    own: set[int] = field(default_factory=set[int])
    """Actors of the scenario that were seen and are there still."""
    had_any: bool = False
    empty_since_s: float = math.inf


class ScenarioWatch:
    """Tells the phases of a route's scenarios, tick by tick, as far as they can be told."""

    def __init__(self, world: carla.World, carla_map: carla.Map, specs: Sequence[ScenarioSpec], route: Route) -> None:
        self._world = world
        self._route = [carla.Location(*point) for point in route.points.tolist()]
        self._index = 0
        self._roles: dict[int, str] = {}
        self._emergency: set[int] = set()
        self._owner: dict[int, int] = {}
        """Actor -> number of the scenario whose trigger was nearest when the actor appeared."""
        self._specs = tuple(specs)
        self._waiting = {number: spec for number, spec in enumerate(specs) if _is_on_route(spec.trigger, route)}
        self._obstacles = {number: obstacle_of(carla_map, spec) for number, spec in self._waiting.items()}
        self._told_plan = False
        self._under_way: dict[int, _UnderWay] = {}

    def step(self, snapshot: carla.WorldSnapshot, tick: TickRecord) -> TickRecord:
        """Return a judged tick with what became of the scenarios at it."""
        ego, now_s = carla.Location(*tick.ego.transform[:3]), tick.time_s
        events = [] if self._told_plan else self._plan()
        self._told_plan = True
        alive = self._scenario_actors(snapshot)
        events += self._ended(alive, ego, now_s)
        events += self._triggered(alive, ego, now_s)
        allowed = [
            one.obstacle.allows_wrong_way(ego, tick.planar_speed_mps, now_s)
            for one in self._under_way.values()
            if one.obstacle is not None
        ]
        return replace(tick, scenario_events=tuple(events), wrong_way_allowed=any(allowed))

    @property
    def emergency_ids(self) -> set[int]:
        """The emergency vehicles that the ego has to let pass now."""
        return {one.emergency_id for one in self._under_way.values() if one.emergency_id}

    def _plan(self) -> list[ScenarioEvent]:
        reason = "its trigger lies away from the route"
        off = [spec for number, spec in enumerate(self._specs) if number not in self._waiting]
        return [
            *(ScenarioEvent(ScenarioPhase.PLANNED, spec.name, spec.type) for spec in self._specs),
            *(ScenarioEvent(ScenarioPhase.SKIPPED, spec.name, spec.type, reason) for spec in off),
        ]

    def _triggered(self, alive: dict[int, carla.Location], ego: carla.Location, now_s: float) -> list[ScenarioEvent]:
        ahead = range(self._index, min(self._index + _WINDOW_POINTS + 1, len(self._route)))
        distances = {index: self._route[index].distance(ego) for index in ahead}
        nearest = min(distances.values())
        self._index = max(index for index, distance in distances.items() if distance == nearest)
        here = self._route[self._index]
        events: list[ScenarioEvent] = []
        for number, spec in list(self._waiting.items()):
            place = carla.Location(spec.trigger.x, spec.trigger.y, spec.trigger.z)
            if here.distance(place) >= _TRIGGER_M:
                continue
            del self._waiting[number]
            emergency = self._emergency_vehicle(alive, place) if spec.type == EMERGENCY_TYPE else 0
            timed = spec.type in TIMED_TYPES
            obstacle = self._obstacles[number]
            if obstacle is not None and number not in self._owner.values():
                reason = "none of its actors is there"
                events.append(ScenarioEvent(ScenarioPhase.SKIPPED, spec.name, spec.type, reason))
                continue
            if timed or emergency:
                self._under_way[number] = _UnderWay(spec, now_s, emergency, obstacle)
            phase = ScenarioPhase.TRIGGERED
            events.append(ScenarioEvent(phase, spec.name, spec.type, "", emergency, suspends_blocked=timed))
        return events

    def _ended(self, alive: dict[int, carla.Location], ego: carla.Location, now_s: float) -> list[ScenarioEvent]:
        events: list[ScenarioEvent] = []
        for number, one in list(self._under_way.items()):
            phase = self._phase(number, one, alive, ego, now_s)
            if phase is not None:
                del self._under_way[number]
                events.append(ScenarioEvent(phase, one.spec.name, one.spec.type))
        return events

    def _phase(
        self, number: int, one: _UnderWay, alive: dict[int, carla.Location], ego: carla.Location, now_s: float
    ) -> ScenarioPhase | None:
        """How a scenario has ended; None while it is under way."""
        if one.emergency_id:
            return None if one.emergency_id in alive else ScenarioPhase.FINISHED
        late = now_s - one.since_s > TIME_LIMIT_S - CLOCK_SLACK_S
        if one.obstacle is not None:
            passed = ScenarioPhase.FINISHED if one.obstacle.is_passed(ego) else None
            return ScenarioPhase.TIMED_OUT if late else passed
        gone = one.own - alive.keys()
        one.own = {actor_id for actor_id in alive if self._owner.get(actor_id) == number}
        one.had_any = one.had_any or bool(one.own)
        one.empty_since_s = math.inf if one.own else min(one.empty_since_s, now_s)
        if late:
            if gone:
                return ScenarioPhase.TIMED_OUT
            return ScenarioPhase.FINISHED if now_s - one.since_s > TIME_LIMIT_S + _LIMIT_SHOWS_S else None
        wait_s = _FLOW_OVER_S if one.spec.type in _FLOWS else 0.0
        return ScenarioPhase.FINISHED if one.had_any and now_s - one.empty_since_s >= wait_s else None

    def _emergency_vehicle(self, alive: dict[int, carla.Location], trigger: carla.Location) -> int:
        """The emergency vehicle that waits out of sight nearest to a trigger; 0 without one."""
        near = [
            (math.hypot(place.x - trigger.x, place.y - trigger.y), actor_id)
            for actor_id, place in alive.items()
            if actor_id in self._emergency
        ]
        return min(near)[1] if near else 0

    def _scenario_actors(self, snapshot: carla.WorldSnapshot) -> dict[int, carla.Location]:
        alive: dict[int, carla.Location] = {}
        for state in snapshot:
            known = self._roles.get(state.id)
            if (self._role(state.id) if known is None else known) == SCENARIO_ROLE:
                place = alive[state.id] = state.get_transform().location
                if known is None and self._specs:
                    gaps = [math.hypot(place.x - s.trigger.x, place.y - s.trigger.y) for s in self._specs]
                    self._owner[state.id] = gaps.index(min(gaps))
        return alive

    def _role(self, actor_id: int) -> str:
        actor = self._world.get_actor(actor_id)
        attributes = {} if actor is None else actor.attributes
        role = self._roles[actor_id] = attributes.get("role_name", "")
        if attributes.get("special_type") == "emergency":
            self._emergency.add(actor_id)
        return role


def _is_on_route(trigger: Transform, route: Route) -> bool:
    """The leaderboard's rule: a route point less than 2 m away in the plane, not 2 m or more below, within 10 degrees."""
    return any(
        math.hypot(trigger.x - x, trigger.y - y) < _TRIGGER_M
        and trigger.z - z < _TRIGGER_M
        and abs(wrap_degrees(trigger.yaw - yaw)) < _TRIGGER_DEG
        for (x, y, z), yaw in zip(route.points.tolist(), route.yaw_deg.tolist(), strict=True)
    )
