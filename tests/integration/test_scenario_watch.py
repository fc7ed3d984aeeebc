"""What a passive client makes of somebody else's scenarios: triggers, ends, time limits, right of way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import carla
import numpy as np
import pytest
from synthetic_drive import ego_tick, pose_on

from alpamayo_scenarios.passive.scenario_watch import ScenarioWatch
from alpamayo_scenarios.route_file import ScenarioSpec
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.tick import ScenarioEvent, TickRecord
from alpamayo_sim.metrics.tick import ScenarioPhase as Phase
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner

TOWN = "Rampfield"
TRIGGER, DISTANCE_M = 6, 40.0
PROP = "static.prop.trafficcone01"
AMBULANCE = "vehicle.ford.ambulance"


@pytest.fixture(scope="module")
def road_map() -> RoadMap:
    return load_road_map(TOWN)


@pytest.fixture(scope="module")
def route(road_map: RoadMap) -> Route:
    """130 m of one straight lane, without a junction."""
    planner = RoutePlanner(road_map.carla_map)
    for waypoint in road_map.carla_map.generate_waypoints(10.0):
        end = waypoint
        for _ in range(13):
            following = end.next(10.0)
            if len(following) != 1 or following[0].is_junction or waypoint.is_junction:
                break
            end = following[0]
        else:
            places = [(w.transform.location.x, w.transform.location.y, w.transform.location.z) for w in (waypoint, end)]
            found = planner.trace(places)
            straight = np.ptp(found.yaw_deg) < 5.0
            if straight and not found.in_junction.any() and found.length_m < 140.0:
                return found
    raise AssertionError("the town has no such lane")


@pytest.fixture(scope="module")
def client() -> Iterator[carla.Client]:
    with EmbeddedServer(TOWN, seed=1) as server:
        yield connect(server.address)


@pytest.fixture
def world(client: carla.Client) -> Iterator[carla.World]:
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    yield world
    spawned = [actor for actor in world.get_actors() if actor.attributes.get("role_name") == "scenario"]
    client.apply_batch_sync([carla.command.DestroyActor(actor.id) for actor in spawned], True)


@pytest.fixture
def place(world: carla.World, route: Route) -> Callable[[str, int], carla.Actor]:
    """Puts a scenario's actor at a point of the route."""

    def put(kind: str, index: int) -> carla.Actor:
        blueprint = world.get_blueprint_library().find(kind)
        blueprint.set_attribute("role_name", "scenario")
        x, y, z = route.points[index].tolist()
        pose = carla.Transform(carla.Location(x, y, z + 0.5), carla.Rotation(yaw=float(route.yaw_deg[index])))
        return world.spawn_actor(blueprint, pose)

    return put


def scenario(kind: str, route: Route, **parameters: Mapping[str, str]) -> ScenarioSpec:
    given = {"distance": {"value": str(DISTANCE_M)}, **parameters}
    return ScenarioSpec("it", kind, route.transform(TRIGGER), (), given)


class Drive:
    """The watch, stepped with an ego at chosen places and times."""

    def __init__(self, world: carla.World, road_map: RoadMap, route: Route, *specs: ScenarioSpec) -> None:
        self._world, self._route = world, route
        self._watch = ScenarioWatch(world, road_map.carla_map, specs, route)
        self._along_m = 0.0
        self.last: TickRecord | None = None
        self.triggered: ScenarioEvent | None = None

    def to(self, along_m: float, time_s: float) -> list[Phase]:
        """Go there in steps of a metre and return the phases told on the way, the last of them at `time_s`."""
        told: list[Phase] = []
        for at_m in np.r_[np.arange(self._along_m, along_m, 1.0), along_m]:
            told += self.stay(float(at_m), time_s)
        return told

    def stay(self, along_m: float, time_s: float) -> list[Phase]:
        self._world.tick()
        self._along_m = along_m
        tick = ego_tick(round(20.0 * time_s), pose_on(self._route, along_m), 8.0)
        self.last = self._watch.step(self._world.get_snapshot(), tick)
        for event in self.last.scenario_events:
            self.triggered = event if event.phase is Phase.TRIGGERED else self.triggered
        return [event.phase for event in self.last.scenario_events]

    @property
    def wrong_way_allowed(self) -> bool:
        assert self.last is not None
        return self.last.wrong_way_allowed


def test_an_obstacle_is_triggered_passed_and_over(
    world: carla.World, road_map: RoadMap, route: Route, place: Callable[[str, int], carla.Actor]
) -> None:
    place("vehicle.tesla.model3", TRIGGER + int(DISTANCE_M))
    drive = Drive(world, road_map, route, scenario("ParkedObstacle", route))
    assert drive.stay(0.0, 0.0) == [Phase.PLANNED]
    assert drive.to(route.arc_length_m[TRIGGER] - 4.0, 2.0) == []
    assert drive.to(route.arc_length_m[TRIGGER], 3.0) == [Phase.TRIGGERED]
    assert drive.to(route.arc_length_m[TRIGGER] + DISTANCE_M + 48.0, 12.0) == []
    assert not drive.wrong_way_allowed
    assert drive.to(route.arc_length_m[TRIGGER] + DISTANCE_M + 53.0, 13.0) == [Phase.FINISHED]


def test_standing_before_an_obstacle_times_out_after_240_s(
    world: carla.World, road_map: RoadMap, route: Route, place: Callable[[str, int], carla.Actor]
) -> None:
    place("vehicle.tesla.model3", TRIGGER + int(DISTANCE_M))
    drive = Drive(world, road_map, route, scenario("Accident", route))
    at_m = float(route.arc_length_m[TRIGGER])
    drive.to(at_m, 10.0)
    assert drive.triggered is not None
    assert drive.triggered.suspends_blocked
    assert drive.stay(at_m, 249.95) == []
    assert drive.stay(at_m, 250.0) == [Phase.TIMED_OUT], "240 s on a clock of float32 steps are over by then"
    assert drive.stay(at_m, 251.0) == []


def test_the_oncoming_lane_is_allowed_5_s_after_the_ego_came_near(
    world: carla.World, road_map: RoadMap, route: Route, place: Callable[[str, int], carla.Actor]
) -> None:
    place("vehicle.tesla.model3", TRIGGER + 60)
    drive = Drive(world, road_map, route, scenario("ParkedObstacleTwoWays", route, distance={"value": "60"}))
    obstacle_m = float(route.arc_length_m[TRIGGER]) + 60.0
    drive.to(obstacle_m - 52.0, 10.0)
    drive.stay(obstacle_m - 52.0, 30.0)
    assert not drive.wrong_way_allowed, "50 m are near"
    drive.stay(obstacle_m - 48.0, 31.0)
    drive.stay(obstacle_m - 47.0, 35.95)
    assert not drive.wrong_way_allowed
    drive.stay(obstacle_m - 47.0, 36.0)
    assert drive.wrong_way_allowed
    drive.to(obstacle_m + 47.0, 40.0)
    assert drive.wrong_way_allowed
    assert drive.to(obstacle_m + 53.0, 41.0) == [Phase.FINISHED]
    assert not drive.wrong_way_allowed


def test_a_scenario_that_could_not_be_set_up_is_skipped(world: carla.World, road_map: RoadMap, route: Route) -> None:
    off = ScenarioSpec("off", "ControlLoss", Transform(1e3, 1e3, 0.0), (), {})
    drive = Drive(world, road_map, route, scenario("ConstructionObstacle", route), off)
    assert drive.stay(0.0, 0.0) == [Phase.PLANNED, Phase.PLANNED, Phase.SKIPPED]
    assert drive.to(float(route.arc_length_m[TRIGGER]), 3.0) == [Phase.SKIPPED]


def test_actors_that_go_when_the_time_is_over_tell_of_a_timeout(
    world: carla.World, road_map: RoadMap, route: Route, place: Callable[[str, int], carla.Actor]
) -> None:
    for goes, told in ((True, Phase.TIMED_OUT), (False, Phase.FINISHED)):
        cones = [place(PROP, TRIGGER + 30), place(PROP, TRIGGER + 34)]
        drive = Drive(world, road_map, route, scenario("BlockedIntersection", route))
        at_m = float(route.arc_length_m[TRIGGER])
        assert drive.to(at_m, 10.0) == [Phase.PLANNED, Phase.TRIGGERED]
        assert drive.stay(at_m, 250.0) == []
        if goes:
            for cone in cones:
                cone.destroy()
        assert drive.stay(at_m, 250.05) == ([told] if goes else [])
        assert drive.stay(at_m, 250.3) == ([] if goes else [told])
        for cone in cones:
            if not goes:
                cone.destroy()


def test_actors_that_go_before_tell_of_the_end(
    world: carla.World, road_map: RoadMap, route: Route, place: Callable[[str, int], carla.Actor]
) -> None:
    cone = place(PROP, TRIGGER + 30)
    drive = Drive(world, road_map, route, scenario("InvadingTurn", route))
    at_m = float(route.arc_length_m[TRIGGER])
    assert drive.to(at_m, 10.0)[-1] is Phase.TRIGGERED
    assert drive.stay(at_m, 20.0) == []
    cone.destroy()
    assert drive.stay(at_m, 21.0) == [Phase.FINISHED]


def test_an_emergency_vehicle_is_known_by_its_type_and_watched_to_its_end(
    world: carla.World, road_map: RoadMap, route: Route, place: Callable[[str, int], carla.Actor]
) -> None:
    place("vehicle.tesla.model3", TRIGGER + 20)
    ambulance = place(AMBULANCE, TRIGGER + 60)
    drive = Drive(world, road_map, route, scenario("YieldToEmergencyVehicle", route))
    assert drive.to(float(route.arc_length_m[TRIGGER]), 10.0)[-1] is Phase.TRIGGERED
    assert drive.triggered is not None
    assert drive.triggered.emergency_vehicle_id == ambulance.id
    assert drive.stay(80.0, 20.0) == []
    ambulance.destroy()
    assert drive.stay(80.0, 21.0) == [Phase.FINISHED]


def test_a_distance_that_is_no_number_is_refused(world: carla.World, road_map: RoadMap, route: Route) -> None:
    with pytest.raises(InputError, match="far"):
        Drive(world, road_map, route, scenario("Accident", route, distance={"value": "far"}))
