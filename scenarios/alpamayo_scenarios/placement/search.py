"""Choosing places: for every type some, spread over the towns and over each town, where the scenario can really be set up."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import carla
import numpy as np

from alpamayo_scenarios.background.commands import Background
from alpamayo_scenarios.director import is_on_route
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.registry import SCENARIO_TYPES
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.observe import to_carla
from alpamayo_scenarios.placement.recipes import Recipe, Spot
from alpamayo_scenarios.placement.ways import LONG_M, Way, ways
from alpamayo_scenarios.route_file import ScenarioSpec
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

KEY_POINT_EVERY_M = 12
APART_M = (25.0, 6.0)
"""Places of one type are so far apart; where a town has too few, the second distance has to do."""
TRIES = 60
SPAWN_LIFT_M = 0.5
BAY_TYPE, BAY_M, BAY_WIDE_M = "ParkingExit", 14.0, 6.0
"""The type that puts the ego into a bay; how far before and behind its trigger, and to its right, no car may stand."""


@dataclass(frozen=True)
class Placement:
    """One route with one scenario on it."""

    town: str
    type: str
    points: tuple[tuple[float, float, float], ...]
    """The route's key points, CARLA world frame."""
    trigger: Transform
    parameters: Mapping[str, Mapping[str, str]]


class TownSearch:
    """Finds places in one town, with an embedded server on which scenarios are set up to see whether they fit."""

    def __init__(self, town: str, seed: int) -> None:
        """Load a town of ours by its name, or one from its OpenDRIVE file."""
        self.road_map = load_road_map(town)
        self.town = self.road_map.name
        self._planner = RoutePlanner(self.road_map.carla_map)
        self._evaluator = EvaluatorPlanner(self.road_map.carla_map)
        self._seed = seed
        self._ways = {False: list(ways(self.road_map))}
        self._server = EmbeddedServer(town, seed=seed)
        self.refused: dict[str, dict[str, int]] = {}
        """By type, how often a place was refused for what reason."""

    def __enter__(self) -> TownSearch:
        self._server.__enter__()
        self._client = connect(self._server.address, timeout_s=60.0)
        self._synchronous = SynchronousWorld(self._client, step_s=0.05, rendering=False)
        self._world = self._synchronous.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._synchronous.__exit__(None, None, None)
        self._server.__exit__(None, None, None)

    def find(self, kind: str, recipe: Recipe, wanted: int, *, long_ways: bool = False) -> list[Placement]:
        """Return up to `wanted` places for a type, apart from each other."""
        if long_ways not in self._ways:
            self._ways[long_ways] = list(ways(self.road_map, LONG_M))
        found: list[Placement] = []
        for apart_m in APART_M:
            self._search(kind, recipe, wanted, apart_m, found, self._ways[long_ways])
        return found

    def _search(
        self, kind: str, recipe: Recipe, wanted: int, apart_m: float, found: list[Placement], among: Sequence[Way]
    ) -> None:
        if len(found) >= wanted:
            return
        rng = np.random.default_rng((self._seed, zlib.crc32(f"{self.town}/{kind}/{apart_m}".encode())))
        tried = 0
        for index in rng.permutation(len(among)):
            way = among[int(index)]
            spot = recipe(way, rng)
            if spot is None:
                continue
            placement = self._placement(kind, way, spot)
            if any(
                np.hypot(placement.trigger.x - p.trigger.x, placement.trigger.y - p.trigger.y) < apart_m for p in found
            ):
                continue
            tried += 1
            reason = self.misfit(placement)
            if reason:
                reasons = self.refused.setdefault(kind, {})
                reasons[reason] = reasons.get(reason, 0) + 1
            else:
                found.append(placement)
            if len(found) >= wanted or tried == TRIES:
                break

    def _placement(self, kind: str, way: Way, spot: Spot) -> Placement:
        if spot.key_points:
            points = spot.key_points
        else:
            indices = sorted({0, spot.end, *range(KEY_POINT_EVERY_M, spot.end - 4, KEY_POINT_EVERY_M)})
            keep = [i for i in indices if i in (0, spot.end) or not way.in_junction[i]]
            points = tuple((float(x), float(y), float(z)) for x, y, z in way.points[keep])
        x, y, z = (float(v) for v in way.points[spot.trigger])
        if spot.key_points:
            x, y, z = spot.key_points[1]
        trigger = Transform(x, y, z, 0.0, float(way.yaw_deg[spot.trigger]), 0.0)
        return Placement(self.town, kind, points, trigger, spot.parameters)

    def misfit(self, placement: Placement) -> str:
        """Return why a placement does not fit, "" if it does: the scenario is really set up."""
        try:
            route = self._planner.trace(placement.points)
            judged = self._evaluator.trace(placement.points)
        except InputError:
            return "no route"
        straight = sum(
            float(np.linalg.norm(np.subtract(b, a)))
            for a, b in zip(placement.points, placement.points[1:], strict=False)
        )
        if not straight - 5.0 < route.length_m < 1.35 * straight + 15.0:
            return "the route makes a detour"
        if judged.length_m > 1.1 * route.length_m + 10.0:
            return "CARLA's planner makes a detour"
        if not is_on_route(placement.trigger, route):
            return "the trigger is not on the route"
        if placement.type == BAY_TYPE and self._cars_in_bay(placement):
            return "cars of the town stand in the bay"
        return self._set_up(placement, route)

    def _cars_in_bay(self, placement: Placement) -> bool:
        """Whether cars that belong to the town stand where the scenario parks the ego and the cars before and behind it."""
        yaw = np.radians(placement.trigger.yaw)
        for car in self._world.world.get_environment_objects(carla.CityObjectLabel.Car):
            at = car.bounding_box.location
            dx, dy = at.x - placement.trigger.x, at.y - placement.trigger.y
            along, right = dx * np.cos(yaw) + dy * np.sin(yaw), -dx * np.sin(yaw) + dy * np.cos(yaw)
            if abs(along) < BAY_M and 0.5 < right < BAY_WIDE_M:
                return True
        return False

    def _set_up(self, placement: Placement, route: Route) -> str:
        blueprint = self._world.world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
        start = route.transform(0)._replace(z=float(route.points[0, 2]) + SPAWN_LIFT_M)
        ego = self._world.world.try_spawn_actor(blueprint, to_carla(start))
        if ego is None:
            return "the ego has no room"
        assert isinstance(ego, carla.Vehicle)
        try:
            stage = Stage(self._client, self._world.world, self.road_map, ego, route, Background(), self._seed, 0.05)
            stage.update(self._world.tick())
            spec = ScenarioSpec(placement.type, placement.type, placement.trigger, (), placement.parameters)
            try:
                SCENARIO_TYPES[placement.type](spec, stage, 0).destroy()
            except ScenarioSetupError as error:
                return str(error)
            return ""
        finally:
            ego.destroy()
            self._world.tick()


def spread(found: Mapping[str, Sequence[Placement]], wanted: int) -> list[Placement]:
    """Take places from the towns in turn."""
    chosen: list[Placement] = []
    depth = max((len(places) for places in found.values()), default=0)
    for row in range(depth):
        for places in found.values():
            if row < len(places) and len(chosen) < wanted:
                chosen.append(places[row])
    return chosen


def farthest_first(places: Sequence[Placement]) -> list[Placement]:
    """Sort places: the first stays, each of the others is as far as can be from those before it."""
    left, chosen = list(places[1:]), list(places[:1])
    while left:
        best = max(left, key=lambda place: min(_distance_m(place, other) for other in chosen))
        left.remove(best)
        chosen.append(best)
    return chosen


def _distance_m(one: Placement, other: Placement) -> float:
    return float(np.hypot(one.trigger.x - other.trigger.x, one.trigger.y - other.trigger.y))
