"""All criteria of an episode together: feed it every tick, ask it whether to go on and how it went."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.blocked import Blocked
from alpamayo_sim.metrics.collision import Collision
from alpamayo_sim.metrics.comfort import Comfort
from alpamayo_sim.metrics.episode_result import OK, EpisodeIdentity, EpisodeResult
from alpamayo_sim.metrics.infraction import TERMINAL, Criterion, Infraction
from alpamayo_sim.metrics.min_speed import MinSpeed
from alpamayo_sim.metrics.outside_lanes import OutsideRouteLanes
from alpamayo_sim.metrics.profile import DEFAULT_PROFILE, ScoringProfile, scoring_profile
from alpamayo_sim.metrics.red_light import RedLight
from alpamayo_sim.metrics.route_completion import RouteCompletion
from alpamayo_sim.metrics.route_deviation import RouteDeviation
from alpamayo_sim.metrics.route_timeout import RouteTimeout
from alpamayo_sim.metrics.scenario_criteria import ScenarioCounts, ScenarioTimeout, YieldEmergencyVehicle
from alpamayo_sim.metrics.score import driving_score, is_success, penalty_factor
from alpamayo_sim.metrics.signal_areas import SignalAreas, areas_of_map
from alpamayo_sim.metrics.stop_sign import StopSign
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route


@dataclass(frozen=True)
class MetricContext:
    """What a criterion may know besides the ticks."""

    road_map: RoadMap
    route: Route
    profile: ScoringProfile
    areas: SignalAreas


CRITERIA: Mapping[str, Callable[[MetricContext], Criterion]] = {
    "route_completion": lambda c: RouteCompletion(c.route),
    "collision": lambda c: Collision(),
    "red_light": lambda c: RedLight(c.road_map.carla_map, c.areas.lights),
    "stop_sign": lambda c: StopSign(c.road_map.carla_map, c.areas.stops),
    "outside_route_lanes": lambda c: OutsideRouteLanes(c.road_map, c.route, c.profile.lane_margin_m),
    "route_deviation": lambda c: RouteDeviation(c.route),
    "blocked": lambda c: Blocked(c.profile.blocked_after_s),
    "route_timeout": lambda c: RouteTimeout(c.route, c.profile),
    "min_speed": lambda c: MinSpeed(c.route, c.profile.min_speed_stretches, list_fast=c.profile.lists_fast_stretches),
    "scenario_timeout": lambda c: ScenarioTimeout(),
    "yield_emergency_vehicle": lambda c: YieldEmergencyVehicle(),
    "scenario_counts": lambda c: ScenarioCounts(),
    "comfort": lambda c: Comfort(),
}
"""Every criterion by name."""

DEFAULT_CRITERIA = tuple(name for name in CRITERIA if name != "min_speed")
"""Minimum speed is left out: it compares with the traffic of a benchmark's long route, and a short drive starts from rest."""


class EpisodeMetrics:
    """Judges one episode while it runs, or afterwards from its log."""

    def __init__(
        self,
        road_map: RoadMap,
        route: Route,
        *,
        profile: str = DEFAULT_PROFILE,
        criteria: Sequence[str] = DEFAULT_CRITERIA,
        areas: SignalAreas | None = None,
    ) -> None:
        """Compose the named criteria; InputError for an unknown profile or criterion.

        `areas` are the boxes of lights and stop signs of the server in question, by default those of the map.
        """
        unknown = [name for name in criteria if name not in CRITERIA]
        if unknown:
            raise InputError(f"unknown criteria {unknown}; choose from {', '.join(CRITERIA)}")
        areas = areas_of_map(road_map.signals) if areas is None else areas
        context = MetricContext(road_map, route, scoring_profile(profile), areas)
        self.profile = context.profile
        self.criteria = {name: CRITERIA[name](context) for name in dict.fromkeys(("route_completion", *criteria))}
        self.infractions: list[Infraction] = []
        self._distance_m = 0.0
        self._last: TickRecord | None = None

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Take the next tick and return the infractions that it brought."""
        if self._last is not None:
            self._distance_m += math.dist(tick.ego.transform[:3], self._last.ego.transform[:3])
        self._last = tick
        found = [infraction for criterion in self.criteria.values() for infraction in criterion.update(tick)]
        self.infractions.extend(found)
        return found

    @property
    def completion(self) -> RouteCompletion:
        """The criterion that follows the ego along its route."""
        criterion = self.criteria["route_completion"]
        assert isinstance(criterion, RouteCompletion)
        return criterion

    @property
    def end_reason(self) -> str | None:
        """Why the episode is over: "completed" or the name of a terminal infraction; None while it goes on."""
        if self.completion.over:
            return "completed"
        return next((i.kind.value for i in self.infractions if i.kind in TERMINAL), None)

    def result(self, identity: EpisodeIdentity, *, status: str = OK, wall_time_s: float = 0.0) -> EpisodeResult:
        """Close the criteria and return the verdict; called once, after the last tick."""
        # The leaderboard's behaviour tree stops its criteria when it ends by itself, and the evaluator stops them again.
        for _ in range(1 if self.end_reason is None else 2):
            for criterion in self.criteria.values():
                self.infractions.extend(criterion.finish())
        outside = self.criteria.get("outside_route_lanes")
        fraction = outside.fraction if isinstance(outside, OutsideRouteLanes) else 0.0
        penalty = penalty_factor(self.infractions, fraction, self.profile)
        completion_percent = self.completion.percent
        values = {name: value for c in self.criteria.values() for name, value in c.values().items()}
        values.pop("route_completion_percent")
        return EpisodeResult(
            identity=identity,
            status=status,
            outcome="completed" if self.completion.completed else self.end_reason or "stopped",
            profile=self.profile.name,
            route_completion_percent=completion_percent,
            penalty=penalty,
            driving_score=driving_score(completion_percent, penalty),
            success=status == OK and is_success(self.completion.completed, self.infractions),
            duration_s=self._last.time_s if self._last is not None else 0.0,
            distance_m=self._distance_m,
            infractions=tuple(self.infractions),
            values=values,
            wall_time_s=wall_time_s,
        )
