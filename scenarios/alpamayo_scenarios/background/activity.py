"""The background activity of a benchmark's route, after the leaderboard's `BackgroundActivity`.

Traffic is kept where the ego is: in every lane of its road some cars ahead, which wait for the ego when it falls back, and some
behind; a stream that comes the other way; and cars that enter the next junction from its other roads. All are TrafficManager's,
so they mind each other, lights and signs. Cars that the ego has left behind are taken away.
"""

from __future__ import annotations

import carla
import numpy as np

from alpamayo_scenarios.background.cars import FULL_PERCENT, Car, CarFleet
from alpamayo_scenarios.background.commands import Background
from alpamayo_scenarios.background.junction_traffic import JunctionTraffic
from alpamayo_scenarios.background.route_junctions import (
    back_outside_junctions,
    lane_from_left,
    other_way,
    route_junctions,
    same_way,
)
from alpamayo_scenarios.background.sight import Sight
from alpamayo_scenarios.background.traffic_manager import ManagerLease, TrafficStalledError
from alpamayo_scenarios.library.stage import Stage

FRONT_CARS, BACK_CARS = 2, 2
SPACING_M = 15.0
OPPOSITE_AHEAD_M, OPPOSITE_SPACING_M, MOST_OPPOSITE = 80.0, 40.0, 8
DETECTION_M, DETECTION_S = 30.0, 1.5
GONE_M = 90.0
CROSSING_CLEAR_M, CROSSING_STOP_M = 20.0, 30.0


class BackgroundActivity(Background):
    """Traffic around one ego on its route; `begin` once, `step` once a tick, `destroy` at the end."""

    def __init__(self, client: carla.Client, world: carla.World, seed: int) -> None:
        """Start a TrafficManager; the world must be in synchronous mode."""
        self._lease = ManagerLease(client, world, seed)
        self._rng = np.random.default_rng((seed, 45))
        self._fleet = CarFleet(client, world, self._lease, self._rng)
        self._road: list[Car] = []
        self._opposite: list[Car] = []
        self._junction: JunctionTraffic | None = None
        self._front, self._back = FRONT_CARS, BACK_CARS
        self._spacing_m, self._extra_m = SPACING_M, 0.0
        self._opposite_active, self._opposite_spacing_m = True, OPPOSITE_SPACING_M
        self._sources_active = True
        self._ego_first = False
        self._removed: set[int] = set()
        self._cleared: list[tuple[carla.Location, float]] = []
        self._ticks = 0

    def begin(self, stage: Stage) -> None:
        """Fill the road around the ego's start."""
        self._stage = stage
        self._sight = Sight(stage)
        self._waypoints = [stage.map.get_waypoint(carla.Location(*(float(v) for v in p))) for p in stage.route.points]
        self._junctions = route_junctions(self._waypoints)
        self._planned: dict[int, JunctionTraffic] = {
            number: JunctionTraffic(stage, self._fleet, junction, self._rng)
            for number, junction in enumerate(self._junctions)
        }
        self._next = 0
        for lane_number, lane in enumerate(same_way(self._waypoints[0])):
            for forward, count in ((True, self._front), (False, self._back)):
                here = lane
                for _ in range(count):
                    following = here.next(self._spacing_m) if forward else here.previous(self._spacing_m)
                    if len(following) != 1 or following[0].is_junction:
                        break
                    here = following[0]
                    self._add_to_road(here, lane_number)

    def step(self) -> None:
        """Follow the ego for one tick.

        Raises TrafficStalledError when TrafficManager has lost a signal and was woken again: it may have made a step too
        many, and the episode would differ from a repetition with the same seed.
        """
        if self._lease.rescues:
            raise TrafficStalledError
        self._ticks += 1
        self._forget_dead()
        self._follow_junctions()
        junction = self._junction
        if junction is not None:
            junction.step()
        else:
            self._set_road_speeds()
            self._trim_front()
            if self._sources_active and not self._ego_first:
                self._spawn_behind()
            self._spawn_opposite()
        self._drop_opposite()
        for car in self._cars():
            self._fleet.drive(car)

    def destroy(self) -> None:
        """Take all cars away and end TrafficManager; safe to call twice."""
        cars = self._cars()
        self._road, self._opposite, self._junction = [], [], None
        self._fleet.destroy(cars)
        self._lease.end()

    # What scenarios ask for.

    def leave_space_in_front(self, space_m: float) -> None:
        """Move the cars ahead in the ego's lane forward until so much is free."""
        if self._junction is not None:
            return
        cars = [c for c in self._road if c.lane_from_left == self._ego_lane() and not self._sight.is_behind(c)]
        if cars:
            step = space_m - min(self._sight.distance_m(car) for car in cars)
            if step > 0.0:
                self._move_forward(cars, step)

    def leave_crossing_space(self, collision_point: carla.Waypoint) -> None:
        """Take the oncoming cars near a crossing away and stop those that come up to it."""
        lane = collision_point.get_left_lane()
        if lane is None:
            return
        place = lane.transform.location
        near = [c for c in self._opposite if self._sight.place(c).distance(place) < CROSSING_CLEAR_M]
        self._opposite = [c for c in self._opposite if c not in near]
        self._fleet.destroy(near)
        for car in self._opposite:
            if self._sight.place(car).distance(place) < CROSSING_STOP_M:
                car.actor.set_target_velocity(carla.Vector3D())

    def change_road(
        self,
        *,
        front_vehicles: int | None = None,
        back_vehicles: int | None = None,
        spawn_distance_m: float | None = None,
        extra_space_m: float | None = None,
        switch_source: bool | None = None,
    ) -> None:
        """Change numbers and distances; what is None stays."""
        self._front = self._front if front_vehicles is None else front_vehicles
        self._back = self._back if back_vehicles is None else back_vehicles
        self._spacing_m = self._spacing_m if spawn_distance_m is None else spawn_distance_m
        self._extra_m = self._extra_m if extra_space_m is None else extra_space_m
        if switch_source is not None:
            self.switch_route_sources(active=switch_source)

    def change_opposite(self, *, active: bool | None = None, spawn_distance_m: float | None = None) -> None:
        """Stop or start the oncoming stream, or change its density."""
        self._opposite_active = self._opposite_active if active is None else active
        self._opposite_spacing_m = self._opposite_spacing_m if spawn_distance_m is None else spawn_distance_m

    def change_junction(self, *, source_vehicles: int | None = None, spawn_distance_m: float | None = None) -> None:
        """Change the density of what enters the junctions ahead."""
        for junction in self._ahead():
            junction.change(source_vehicles, spawn_distance_m)

    def set_max_speed(self, speed_kmh: float | None) -> None:
        """Limit all cars; None lifts the limit."""
        self._fleet.max_speed_kmh = speed_kmh

    def stop_front_vehicles(self) -> None:
        """Stop the cars ahead."""
        for car in self._of_ego_road():
            if not self._sight.is_behind(car):
                self._fleet.hold(car)

    def start_front_vehicles(self) -> None:
        """Let all held cars go."""
        for car in self._cars():
            if car.held:
                self._fleet.release(car)

    def stop_back_vehicles(self) -> None:
        """Hold the cars behind."""
        for car in self._of_ego_road():
            if self._sight.is_behind(car):
                self._fleet.hold(car)

    def start_back_vehicles(self) -> None:
        """Let all held cars go."""
        self.start_front_vehicles()

    def switch_route_sources(self, *, active: bool) -> None:
        """Stop or go on with spawning behind the ego."""
        self._sources_active = active

    def remove_road_lane(self, lane: carla.Waypoint) -> None:
        """Empty a lane of the ego's road."""
        number = lane_from_left(lane)
        self._removed.add(number)
        gone = [car for car in self._road if car.lane_from_left == number]
        self._road = [car for car in self._road if car not in gone]
        self._fleet.destroy(gone)

    def readd_road_lane(self, lane: carla.Waypoint) -> None:
        """Use it again."""
        self._removed.discard(lane_from_left(lane))

    def handle_junction_scenario(
        self,
        *,
        clear_junction: bool = True,
        clear_ego_entry: bool = True,
        remove_entries: tuple[carla.Waypoint, ...] = (),
        remove_exits: tuple[carla.Waypoint, ...] = (),
        stop_entries: bool = True,
        extend_road_exit_m: float = 0.0,
    ) -> None:
        """Prepare the next junction, or the one that the ego is in."""
        if clear_ego_entry:
            self._ego_first = True
            gone = [car for car in self._road if not self._sight.is_behind(car)]
            self._road = [car for car in self._road if car not in gone]
            if self._junction is not None:
                gone += self._junction.take_from_ego_entry()
            self._fleet.destroy(gone)
        for junction in self._ahead()[:1]:
            junction.prepare(
                clear=clear_junction,
                remove_entries=remove_entries,
                remove_exits=remove_exits,
                stop_entries=stop_entries,
                extend_exit_m=extend_road_exit_m,
            )

    def release_junction_scenario(self) -> None:
        """Let the junction's traffic flow again."""
        self._ego_first = False
        for junction in self._ahead()[:1]:
            junction.release()

    def keep_clear(self, place: carla.Location, radius_m: float) -> None:
        """Empty a circle and spawn nobody in it any more."""
        self._cleared.append((place, radius_m))
        gone = [car for car in self._cars() if self._sight.place(car).distance(place) < radius_m]
        self._forget(gone)
        self._fleet.destroy(gone)

    # How the cars follow the ego.

    def _follow_junctions(self) -> None:
        index = self._stage.route_index
        if self._junction is not None and index >= self._junction.where.exit_index:
            self._leave_junction(self._junction)
        if self._junction is None and self._next < len(self._junctions):
            where = self._junctions[self._next]
            ahead_m = float(self._stage.route.arc_length_m[where.entry_index]) - self._stage.station_m
            if ahead_m < DETECTION_M + DETECTION_S * self._stage.ego_speed_mps:
                self._junction = self._planned[self._next]
                self._next += 1
                self._removed.clear()
                self._junction.begin(self._road, self._front)
                self._road = []

    def _leave_junction(self, junction: JunctionTraffic) -> None:
        """Keep whoever drives on the road that the route goes to, and the oncoming ones; take the others away."""
        self._junction = None
        self._ego_first = False
        here = self._waypoints[min(self._stage.route_index, len(self._waypoints) - 1)]
        gone: list[Car] = []
        for car in junction.cars():
            at = self._stage.map.get_waypoint(self._sight.place(car))
            car.speed_percent = FULL_PERCENT
            if self._sight.is_behind(car) or at is None or at.road_id != here.road_id or at.is_junction:
                gone.append(car)
            elif at.lane_id * here.lane_id > 0:
                car.lane_from_left = lane_from_left(at)
                self._road.append(car)
            else:
                self._fleet.ignore_lights_and_signs(car)
                self._opposite.append(car)
        self._fleet.destroy(gone)

    def _set_road_speeds(self) -> None:
        """Slow cars ahead down the farther they are, speed those behind up; behind a scenario's ego nobody overtakes."""
        nearest = (self._front) * self._spacing_m + self._extra_m
        span = self._spacing_m
        limit = max(1.0, self._stage.ego.get_speed_limit() / 3.6)
        for car in self._road:
            distance = self._sight.distance_m(car)
            if not self._sight.is_behind(car):
                car.speed_percent = float(np.clip((nearest + span - distance) / span * 100.0, 0.0, 100.0))
            elif not self._ego_first:
                car.speed_percent = float(np.clip(distance / span * 100.0 + 100.0, 0.0, 200.0))
            else:
                base = 100.0 * self._stage.ego_speed_mps / limit
                car.speed_percent = float(np.clip((distance - self._spacing_m) / span * 100.0 + base, 0.0, 100.0))

    def _trim_front(self) -> None:
        """Take the farthest cars ahead away where a lane has too many, and everybody who is out of reach."""
        gone = [car for car in self._road if self._sight.distance_m(car) > GONE_M + self._extra_m]
        for lane in {car.lane_from_left for car in self._road}:
            cars = [
                c for c in self._road if c.lane_from_left == lane and c not in gone and not self._sight.is_behind(c)
            ]
            cars.sort(key=self._sight.distance_m)
            gone += cars[max(self._front, 0) :] if len(cars) > self._front else []
        if gone:
            self._road = [car for car in self._road if car not in gone]
            self._fleet.destroy(gone)

    def _spawn_behind(self) -> None:
        """Add a car behind the ego in the lanes that have too few."""
        here = self._waypoints[min(self._stage.route_index, len(self._waypoints) - 1)]
        if here.is_junction:
            return
        back_m = self._back * self._spacing_m
        for number, lane in enumerate(same_way(here)):
            cars = [c for c in self._road if c.lane_from_left == number]
            if number in self._removed or len(cars) >= self._front + self._back:
                continue
            place = back_outside_junctions(lane, back_m)
            if place is None or place.transform.location.distance(self._stage.ego_location) < self._spacing_m:
                continue
            if any(self._sight.place(c).distance(place.transform.location) < self._spacing_m for c in self._cars()):
                continue
            behind = [c for c in cars if self._sight.is_behind(c)]
            speeds = [self._stage.ego_speed_mps, *(self._sight.speed_mps(c) for c in behind)]
            self._add_to_road(place, number, min(speeds))

    def _spawn_opposite(self) -> None:
        """Keep the oncoming stream going from a place ahead, before the next junction."""
        if not self._opposite_active or len(self._opposite) >= MOST_OPPOSITE:
            return
        arc = self._stage.route.arc_length_m
        last = self._junctions[self._next].entry_index if self._next < len(self._junctions) else len(arc) - 1
        index = min(int(np.searchsorted(arc, self._stage.station_m + OPPOSITE_AHEAD_M)), last, len(arc) - 1)
        source = self._waypoints[index]
        if source.is_junction or float(arc[index]) - self._stage.station_m < 0.5 * OPPOSITE_AHEAD_M:
            return
        for lane in other_way(source):
            place = lane.transform.location
            if all(self._sight.place(c).distance(place) > self._opposite_spacing_m for c in self._opposite):
                car = self._spawn(lane, 0.7 * max(3.0, self._stage.ego.get_speed_limit() / 3.6))
                if car is not None:
                    self._fleet.ignore_lights_and_signs(car)
                    self._opposite.append(car)

    def _drop_opposite(self) -> None:
        gone = [
            car
            for car in self._opposite
            if self._sight.distance_m(car)
            > (1.6 * OPPOSITE_AHEAD_M if not self._sight.is_behind(car) else 3.0 * self._spacing_m)
        ]
        if gone:
            self._opposite = [car for car in self._opposite if car not in gone]
            self._fleet.destroy(gone)

    # Small things.

    def _spawn(self, waypoint: carla.Waypoint, speed_mps: float = 0.0) -> Car | None:
        place = waypoint.transform.location
        if any(place.distance(center) < radius for center, radius in self._cleared):
            return None
        return self._fleet.spawn(waypoint, speed_mps)

    def _add_to_road(self, waypoint: carla.Waypoint, lane_number: int, speed_mps: float = 0.0) -> None:
        car = self._spawn(waypoint, speed_mps)
        if car is not None:
            car.lane_from_left = lane_number
            self._road.append(car)

    def _move_forward(self, cars: list[Car], step_m: float) -> None:
        for car in sorted(cars, key=self._sight.distance_m, reverse=True):
            at = self._stage.map.get_waypoint(self._sight.place(car))
            further = at.next(step_m)
            if further:
                self._fleet.move(car, further[0])
            else:
                self._forget([car])
                self._fleet.destroy([car])

    def _of_ego_road(self) -> list[Car]:
        return [*self._road, *(self._junction.from_ego_road if self._junction is not None else [])]

    def _cars(self) -> list[Car]:
        return [*self._road, *self._opposite, *(self._junction.cars() if self._junction is not None else [])]

    def _ahead(self) -> list[JunctionTraffic]:
        """The junction that the ego is at, if it is, and those to come."""
        coming = [self._planned[number] for number in range(self._next, len(self._junctions))]
        return [self._junction, *coming] if self._junction is not None else coming

    def _forget(self, cars: list[Car]) -> None:
        self._road = [car for car in self._road if car not in cars]
        self._opposite = [car for car in self._opposite if car not in cars]
        if self._junction is not None:
            self._junction.forget(cars)

    def _forget_dead(self) -> None:
        """TrafficManager takes vehicles away that have stood for very long."""
        if self._ticks > 2:
            self._forget([c for c in self._cars() if self._stage.actor_state(c.id) is None and not c.actor.is_alive])

    def _ego_lane(self) -> int:
        here = self._waypoints[min(self._stage.route_index, len(self._waypoints) - 1)]
        return lane_from_left(here)
