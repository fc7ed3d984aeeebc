"""Watching a server for episodes of known routes and judging each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import carla

from alpamayo_scenarios.passive.ego_sensors import EgoSensors
from alpamayo_scenarios.passive.feed import WorldFeed, WorldFrame
from alpamayo_scenarios.passive.judge import EpisodeJudge
from alpamayo_scenarios.passive.scenario_watch import ScenarioWatch
from alpamayo_scenarios.route_file import RouteSpec
from alpamayo_scenarios.signals_of_world import areas_of_world
from alpamayo_sim.metrics.episode_metrics import CRITERIA, EpisodeMetrics
from alpamayo_sim.metrics.episode_result import OK, EpisodeIdentity, EpisodeResult
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.road_map import RoadMap, road_map_from_text
from alpamayo_sim.roads.route_planner import Route

AT_START_M = 5.0
"""An ego that appears this close to a route's first point drives that route."""
_POLL_S = 0.5


class PassiveSession:
    """Looks on at a world and judges the episodes that are driven in it, one after the other."""

    def __init__(
        self,
        client: carla.Client,
        routes: Sequence[RouteSpec],
        *,
        profile: str,
        agent: str,
        server: str,
        ego_role: str,
        takes_turns: bool,
        cache: Path | None,
        say: Callable[[str], None],
        observe: Callable[[list[Infraction]], None],
    ) -> None:
        self._client = client
        self._routes = tuple(routes)
        self._profile = profile
        self._agent, self._server = agent, server
        self._cache = cache
        self._say, self._observe = say, observe
        self._feed = WorldFeed(client, ego_role=ego_role, takes_turns=takes_turns)
        self._maps: dict[str, RoadMap] = {}
        self._planners: dict[str, EvaluatorPlanner] = {}
        self._planned: dict[tuple[str, str], Route] = {}
        self._driven: dict[str, int] = {}
        self._judge: EpisodeJudge | None = None
        self._sensors: EgoSensors | None = None
        self._spec: RouteSpec | None = None
        self._ignored: int | None = None

    def next_episode(self) -> EpisodeResult:
        """Wait for the next episode of one of the routes, judge it and return the verdict when its ego is gone.

        Its values tell how well it could be watched: `frames_judged_total`, `frames_missed_total` (0 for a complete
        account), `events_late_total`, collisions that were told after their frame had been judged, and
        `actors_unknown_total`, actors that were gone before the server could be asked what they are.
        """
        while True:
            frame = self._feed.next(_POLL_S)
            if frame is None:
                continue
            watched = self._follow(frame)
            if watched is not None:
                return watched

    def close(self) -> None:
        """Take the sensors off and stop watching; safe to call twice."""
        self._feed.close()
        if self._sensors is not None:
            self._sensors.destroy()
            self._sensors = None

    def _follow(self, frame: WorldFrame) -> EpisodeResult | None:
        hero_id = None if frame.hero is None else frame.hero.id
        watched = None
        if self._judge is not None and hero_id != self._judge.ego_id:
            watched = self._close_episode()
        if frame.hero is None:
            self._ignored = None
        elif self._judge is None and frame.hero.id != self._ignored:
            self._open_episode(frame, frame.hero)
        if self._judge is not None:
            found = self._judge.take(frame)
            if found:
                self._observe(found)
        return watched

    def _open_episode(self, frame: WorldFrame, hero: carla.Vehicle) -> None:
        sensors = EgoSensors(frame.world, hero)
        road_map = self._road_map(frame.world)
        spec = self._route_that_starts_at(frame, hero, road_map)
        if spec is None:
            sensors.destroy()
            self._ignored = hero.id
            self._say("an ego appeared away from the start of every route; its episode is not judged")
            return
        route = self._planned[road_map.name, spec.route_id]
        areas = areas_of_world(frame.world)
        metrics = EpisodeMetrics(road_map, route, profile=self._profile, criteria=tuple(CRITERIA), areas=areas)
        self._spec, self._sensors = spec, sensors
        scenarios = ScenarioWatch(frame.world, road_map.carla_map, spec.scenarios, route)
        self._judge = EpisodeJudge(frame.world, hero, metrics, sensors=sensors, scenarios=scenarios)
        self._say(f"route {spec.route_id} in {road_map.name}: judging")

    def _route_that_starts_at(self, frame: WorldFrame, hero: carla.Vehicle, road_map: RoadMap) -> RouteSpec | None:
        state = frame.snapshot.find(hero.id)
        assert state is not None, "the hero is at this frame"
        here = state.get_transform().location
        near: list[tuple[int, float, RouteSpec]] = []
        for spec in self._routes:
            if spec.town == road_map.name:
                route = self._planned.get((road_map.name, spec.route_id))
                if route is None:
                    route = self._planners[road_map.name].trace(spec.waypoints)
                    self._planned[road_map.name, spec.route_id] = route
                x, y, _ = route.points[0].tolist()
                distance_m = math.hypot(here.x - x, here.y - y)
                if distance_m < AT_START_M:
                    near.append((self._driven.get(spec.route_id, 0), distance_m, spec))
        return min(near, key=lambda found: found[:2])[2] if near else None

    def _road_map(self, world: carla.World) -> RoadMap:
        carla_map = world.get_map()
        town = carla_map.name.rsplit("/", 1)[-1]
        if town not in self._maps:
            self._maps[town] = road_map_from_text(town, carla_map.to_opendrive(), cache_dir=self._cache)
            self._planners[town] = EvaluatorPlanner(self._maps[town].carla_map)
        return self._maps[town]

    def _close_episode(self) -> EpisodeResult:
        judge, sensors, spec = self._judge, self._sensors, self._spec
        assert judge is not None and sensors is not None and spec is not None
        found = judge.finish()
        if found:
            self._observe(found)
        sensors.destroy()
        self._judge = self._sensors = self._spec = None
        repetition = self._driven.get(spec.route_id, 0)
        self._driven[spec.route_id] = repetition + 1
        identity = EpisodeIdentity(
            f"{spec.route_id}_rep{repetition}", spec.town, spec.route_id, self._agent, 0, self._server
        )
        result = judge.metrics.result(identity, status=OK, wall_time_s=judge.wall_time_s)
        watching = {
            "frames_judged_total": float(judge.judged_frames),
            "frames_missed_total": float(judge.missed_frames),
            "events_late_total": float(sensors.late_events),
            "actors_unknown_total": float(judge.unknown_actors),
        }
        return replace(result, values={**result.values, **watching})
