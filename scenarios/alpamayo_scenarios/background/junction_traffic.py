"""Traffic of one junction: what enters it from the other roads, and what is already on the road behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

import carla
import numpy as np

from alpamayo_scenarios.background.cars import FULL_PERCENT, Car, CarFleet
from alpamayo_scenarios.background.route_junctions import LaneKey, RouteJunction, lane_key
from alpamayo_scenarios.library.stage import Stage

SOURCE_BACK_M, LEAST_BACK_M = 40.0, 15.0
SPACING_M = 15.0
MOST_OF_SOURCE = 6
USED_PERCENT = 80.0
"""Share of the other entries that cars come from."""
AWAY_M = 70.0
"""Cars that have left the junction by another road are taken away this far from it."""


@dataclass(eq=False)
class _Source:
    place: carla.Waypoint
    entry: LaneKey
    active: bool
    cars: list[Car] = field(default_factory=list[Car])


class JunctionTraffic:
    """The cars of one junction, while the ego comes to it and drives through."""

    def __init__(self, stage: Stage, fleet: CarFleet, where: RouteJunction, rng: np.random.Generator) -> None:
        self.where = where
        self._stage, self._fleet, self._rng = stage, fleet, rng
        self._sources: list[_Source] = []
        self._from_road: list[Car] = []
        self._on_exit: list[Car] = []
        self._begun = False
        self._clear = False
        self._stop_entries = False
        self._removed_entries: set[LaneKey] = set()
        self._removed_exits: set[LaneKey] = set()
        self._route_exits = {lane_key(waypoint) for waypoint in where.route_exits}
        self._front_cars = 0
        self._extend_m = 0.0
        self._most, self._spacing_m = MOST_OF_SOURCE, SPACING_M
        entries = where.entries or where.route_entries
        places = [w.transform.location for w in (*entries, *where.exits)]
        count = max(1, len(places))
        self._center = carla.Location(
            sum(p.x for p in places) / count, sum(p.y for p in places) / count, sum(p.z for p in places) / count
        )
        self._radius_m = max((p.distance(self._center) for p in places), default=10.0)

    def cars(self) -> list[Car]:
        """Everybody who belongs to the junction."""
        return [*self._from_road, *self._on_exit, *(car for source in self._sources for car in source.cars)]

    @property
    def from_ego_road(self) -> list[Car]:
        """Those that came along the ego's road."""
        return list(self._from_road)

    def begin(self, road: list[Car], front_cars: int) -> None:
        """Take over the cars of the ego's road, open the entries, fill the road behind."""
        self._begun = True
        self._from_road = road
        self._front_cars = max(1, front_cars)
        for car in road:
            car.speed_percent = FULL_PERCENT
        for entry in self.where.entries:
            used = float(self._rng.uniform(0.0, 100.0)) < USED_PERCENT
            place = _back_from_junction(entry)
            if place is not None:
                key = lane_key(entry)
                self._sources.append(_Source(place, key, used and key not in self._removed_entries))
        for leaving in self.where.route_exits:
            if lane_key(leaving) in self._removed_exits:
                continue
            at_m = 2.0 * self._spacing_m + self._extend_m
            for _ in range(self._front_cars):
                further = leaving.next(at_m)
                if not further or further[0].is_junction:
                    break
                car = self._fleet.spawn(further[0])
                if car is not None:
                    self._on_exit.append(car)
                at_m += self._spacing_m

    def step(self) -> None:
        """Spawn at the entries, hold or empty what a scenario wants held or empty, drop who has driven away."""
        for source in self._sources:
            if source.active and len(source.cars) < self._most:
                self._spawn(source)
        leaving: list[Car] = []
        for source in self._sources:
            for car in list(source.cars):
                state = self._stage.actor_state(car.id)
                if state is None:
                    continue
                place = state.get_transform().location
                away = place.distance(self._center)
                at = self._stage.map.get_waypoint(place)
                inside = at.is_junction and at.junction_id in self.where.junction_ids
                entering = not inside and lane_key(at) == source.entry
                if self._stop_entries:
                    car.speed_percent = 0.0 if entering else FULL_PERCENT
                if not (inside or entering) and lane_key(at) in self._route_exits:
                    source.cars.remove(car)
                    self._on_exit.append(car)
                elif (self._clear and inside) or (not entering and away > self._radius_m + AWAY_M):
                    leaving.append(car)
        for car in self._on_exit:
            state = self._stage.actor_state(car.id)
            if state is not None:
                gone_m = state.get_transform().location.distance(self._center) - self._radius_m - self._extend_m
                share = (4.0 * self._spacing_m - gone_m) / self._spacing_m
                car.speed_percent = float(np.clip(100.0 * share, 0.0, FULL_PERCENT))
        leaving += self._too_many_on_exit()
        if leaving:
            self.forget(leaving)
            self._fleet.destroy(leaving)

    def _too_many_on_exit(self) -> list[Car]:
        """The farthest cars of each lane behind the junction that has more than the ego's road has ahead of the ego."""
        lanes: dict[LaneKey, list[Car]] = {}
        for car in self._on_exit:
            lanes.setdefault(self._key(car), []).append(car)
        found: list[Car] = []
        for cars in lanes.values():
            cars.sort(key=lambda car: self._place(car).distance(self._center))
            found += cars[self._front_cars + 1 :]
        return found

    def change(self, source_cars: int | None, spacing_m: float | None) -> None:
        """Change how many cars an entry has and how far apart they are."""
        self._most = self._most if source_cars is None else source_cars
        self._spacing_m = self._spacing_m if spacing_m is None else spacing_m

    def prepare(
        self,
        *,
        clear: bool,
        remove_entries: tuple[carla.Waypoint, ...],
        remove_exits: tuple[carla.Waypoint, ...],
        stop_entries: bool,
        extend_exit_m: float,
    ) -> None:
        """Make room for a scenario; what is asked for holds until `release`."""
        self._clear = self._clear or clear
        self._stop_entries = self._stop_entries or stop_entries
        self._removed_entries |= {key for w in remove_entries if (key := self._lane_of(w, self.where.entries))}
        self._removed_exits |= {key for w in remove_exits if (key := self._lane_of(w, self.where.exits))}
        self._extend_m += extend_exit_m
        if not self._begun:
            return
        gone: list[Car] = []
        for source in self._sources:
            if source.entry in self._removed_entries:
                source.active = False
                gone += source.cars
        gone += [car for car in self._on_exit if self._key(car) in self._removed_exits]
        self.forget(gone)
        self._fleet.destroy(gone)
        if extend_exit_m > 0.0:
            for car in self._on_exit:
                further = self._stage.map.get_waypoint(self._place(car)).next(extend_exit_m)
                if further:
                    self._fleet.move(car, further[0])

    def release(self) -> None:
        """Let the traffic flow again."""
        self._clear = self._stop_entries = False
        for source in self._sources:
            for car in source.cars:
                car.speed_percent = FULL_PERCENT

    def take_from_ego_entry(self) -> list[Car]:
        """Give up the cars that came from the ego's road and are ahead of it."""
        here = self._stage.route.transform(self._stage.route_index)
        yaw = np.radians(here.yaw)

        def ahead(car: Car) -> bool:
            at = self._place(car)
            return bool((at.x - here.x) * np.cos(yaw) + (at.y - here.y) * np.sin(yaw) > 0.0)

        taken = [car for car in self._from_road if ahead(car)]
        self._from_road = [car for car in self._from_road if car not in taken]
        return taken

    def forget(self, cars: list[Car]) -> None:
        """Drop cars that somebody else destroys."""
        self._from_road = [car for car in self._from_road if car not in cars]
        self._on_exit = [car for car in self._on_exit if car not in cars]
        for source in self._sources:
            source.cars = [car for car in source.cars if car not in cars]

    def _spawn(self, source: _Source) -> None:
        place = source.place.transform.location
        near = [self._place(car).distance(place) for car in self.cars()]
        near.append(self._stage.distance_to_ego_m(place))
        if min(near) > self._spacing_m:
            car = self._fleet.spawn(source.place)
            if car is not None:
                if self._stop_entries:
                    car.speed_percent = 0.0
                source.cars.append(car)

    def _lane_of(self, waypoint: carla.Waypoint, lanes: tuple[carla.Waypoint, ...]) -> LaneKey | None:
        """The lane among some that a waypoint lies in, or leads along."""
        wanted = lane_key(waypoint)
        keys = [lane_key(lane) for lane in lanes]
        if wanted in keys:
            return wanted
        near = min(lanes, key=lambda w: w.transform.location.distance(waypoint.transform.location), default=None)
        if near is not None and near.transform.location.distance(waypoint.transform.location) < SOURCE_BACK_M:
            return lane_key(near)
        return None

    def _key(self, car: Car) -> LaneKey:
        return lane_key(self._stage.map.get_waypoint(self._place(car)))

    def _place(self, car: Car) -> carla.Location:
        state = self._stage.actor_state(car.id)
        return state.get_transform().location if state is not None else car.put_at


def _back_from_junction(entry: carla.Waypoint) -> carla.Waypoint | None:
    """Walk back from a junction's entry, up to the junction before; None when that is less than 15 m."""
    here, walked_m = entry, 0.0
    while walked_m < SOURCE_BACK_M:
        before = here.previous(5.0)
        if len(before) != 1 or before[0].is_junction:
            break
        here, walked_m = before[0], walked_m + 5.0
    return here if walked_m >= LEAST_BACK_M else None
