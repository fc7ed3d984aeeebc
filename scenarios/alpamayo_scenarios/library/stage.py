"""What scenarios share: the world, the ego and its route, the background traffic, and the state at the present tick."""

from __future__ import annotations

import math

import carla
import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from alpamayo_scenarios.background.commands import Background
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

Array = NDArray[np.float64]

WINDOW = 5
"""Points of the route (about 1 m apart) that the ego's place on it may advance in one tick, as in the leaderboard."""


class Stage:
    """One episode as its scenarios see it; the director moves it on by `update` once a tick."""

    def __init__(
        self,
        client: carla.Client,
        world: carla.World,
        road_map: RoadMap,
        ego: carla.Vehicle,
        route: Route,
        background: Background,
        seed: int,
        step_s: float,
    ) -> None:
        self.client = client
        self.world = world
        self.road_map = road_map
        self.map = road_map.carla_map
        """Waypoints of this map and of `world.get_map()` are the same; this one costs no request."""
        self.planner = RoutePlanner(self.map)
        self.ego = ego
        self.route = route
        self.background = background
        self.seed = seed
        self.step_s = step_s
        self.library = world.get_blueprint_library()
        self.snapshot = world.get_snapshot()
        self.time_s = self.snapshot.timestamp.elapsed_seconds
        """Simulated time since the server's start, seconds."""
        self.ego_transform = ego.get_transform()
        self.ego_velocity = carla.Vector3D()
        self.route_index = 0
        """Index of the route point that the ego is at."""
        self._half_sizes: dict[int, tuple[float, float] | None] = {}

    def update(self, snapshot: carla.WorldSnapshot) -> None:
        """Take over the state after a tick."""
        self.snapshot = snapshot
        self.time_s = snapshot.timestamp.elapsed_seconds
        ego = snapshot.find(self.ego.id)
        if ego is None:
            return
        self.ego_transform, self.ego_velocity = ego.get_transform(), ego.get_velocity()
        last = min(self.route_index + WINDOW + 1, len(self.route.points))
        at = self.ego_transform.location
        off = self.route.points[self.route_index : last] - np.array([at.x, at.y, at.z])
        squares = (off**2).sum(axis=1)
        self.route_index += int(np.flatnonzero(squares == squares.min())[-1])

    @property
    def ego_location(self) -> carla.Location:
        """Where the ego is, CARLA world frame."""
        return self.ego_transform.location

    @property
    def ego_speed_mps(self) -> float:
        """Speed of the ego over ground."""
        return math.hypot(self.ego_velocity.x, self.ego_velocity.y)

    @property
    def station_m(self) -> float:
        """Distance along the route that the ego has come."""
        return float(self.route.arc_length_m[self.route_index])

    def station_of(self, place: carla.Location) -> float:
        """Return the distance along the route, from its start, of the route point nearest to a place."""
        return float(self.route.arc_length_m[self.index_of(place)])

    def index_of(self, place: carla.Location) -> int:
        """Return the index of the route point nearest to a place."""
        off = self.route.points - np.array([place.x, place.y, place.z])
        return int(np.argmin((off**2).sum(axis=1)))

    def rng(self, *key: int) -> np.random.Generator:
        """Return a generator of random numbers of its own for a key; the same for the same seed and key."""
        return np.random.default_rng((self.seed, 44, *key))

    def actor_state(self, actor_id: int) -> carla.ActorSnapshot | None:
        """Return an actor's state at this tick; None once it is gone."""
        return self.snapshot.find(actor_id)

    def actor_location(self, actor: carla.Actor) -> carla.Location | None:
        """Return where an actor is at this tick; None before its first tick and once it is gone."""
        state = self.snapshot.find(actor.id)
        return state.get_transform().location if state is not None else None

    def is_road_user(self, actor_id: int) -> bool:
        """Return whether an actor is a vehicle or a walker."""
        return self._half_size(actor_id) is not None

    def half_length_m(self, actor_id: int) -> float:
        """Return half the length of a vehicle or walker, 0 for anything else."""
        size = self._half_size(actor_id)
        return size[0] if size is not None else 0.0

    def half_width_m(self, actor_id: int) -> float:
        """Return half the width of a vehicle or walker, 0 for anything else."""
        size = self._half_size(actor_id)
        return size[1] if size is not None else 0.0

    def _half_size(self, actor_id: int) -> tuple[float, float] | None:
        """Half length and half width of a vehicle or walker; asked for once."""
        if actor_id not in self._half_sizes:
            actor = self.world.get_actor(actor_id)
            solid = actor is not None and actor.type_id.startswith(("vehicle.", "walker."))
            extent = actor.bounding_box.extent if solid and actor is not None else None
            self._half_sizes[actor_id] = (extent.x, extent.y) if extent is not None else None
        return self._half_sizes[actor_id]

    def gap_to_ego_m(self, actor_id: int) -> float:
        """Return the free distance between the outlines of a vehicle or walker and of the ego, 0 when they touch.

        Infinite for an actor that is not there.
        """
        state, size, own = self.snapshot.find(actor_id), self._half_size(actor_id), self._half_size(self.ego.id)
        if state is None or size is None or own is None:
            return math.inf
        if state.get_transform().location.distance(self.ego_location) > 12.0 + size[0] + own[0]:
            return math.inf
        return _outline(state.get_transform(), size).distance(_outline(self.ego_transform, own))

    def distance_to_ego_m(self, place: carla.Location) -> float:
        """Return the distance between a place and the ego's origin."""
        return self.ego_location.distance(place)


def _outline(pose: carla.Transform, half_size_m: tuple[float, float]) -> Polygon:
    yaw = math.radians(pose.rotation.yaw)
    cos, sin = math.cos(yaw), math.sin(yaw)
    length, width = half_size_m
    corners = ((length, width), (-length, width), (-length, -width), (length, -width))
    at = pose.location
    return Polygon([(at.x + x * cos - y * sin, at.y + x * sin + y * cos) for x, y in corners])
