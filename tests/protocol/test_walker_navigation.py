"""AI walkers of the real client on our navigation meshes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import carla
import numpy as np
import pytest
from navigated_walkers import Crowd, judge, start_crowd, stop_crowd, track
from scipy.spatial import KDTree

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.navmesh.build import build_navmesh
from alpamayo_sim.roads.road_map import RoadMap, load_road_map

HALF_HEIGHT_M = 0.93


@pytest.fixture(scope="module")
def gridvale() -> RoadMap:
    """The map that the server of these tests serves."""
    return load_road_map("Gridvale")


@pytest.fixture
def crowds(client: carla.Client, world: carla.World) -> Iterator[list[Crowd]]:
    """Crowds to be ended after the test."""
    started: list[Crowd] = []
    yield started
    for crowd in started:
        stop_crowd(client, crowd)


def along_sidewalk(world: carla.World, metres: float) -> tuple[carla.Location, carla.Location]:
    """Return two places on one straight sidewalk of Gridvale's northern edge, some metres apart."""
    found = world.get_map().get_waypoint(carla.Location(180.0, 0.0, 0.0), lane_type=carla.LaneType.Sidewalk)
    other = found.next(metres)[0]
    return found.transform.location, other.transform.location


def start_one(
    world: carla.World, place: carla.Location, to: carla.Location, speed_mps: float = 1.4
) -> tuple[carla.Walker, carla.WalkerAIController]:
    """Let one walker walk from `place` to another one."""
    library = world.get_blueprint_library()
    walker = world.spawn_actor(library.find("walker.pedestrian.0003"), carla.Transform(place))
    controller = world.spawn_actor(library.find("controller.ai.walker"), carla.Transform(), attach_to=walker)
    world.tick()
    controller.start()
    controller.go_to_location(to)
    controller.set_max_speed(speed_mps)
    return walker, controller


def test_the_file_is_the_maps_mesh(client: carla.Client, world: carla.World, gridvale: RoadMap, tmp_path: Path) -> None:
    (name,) = client.get_required_files("Nav", False)
    content = build_navmesh(gridvale)
    assert client.set_files_base_folder(str(tmp_path))
    try:
        client.request_file(name)
    finally:
        client.set_files_base_folder(str(Path.home() / "carlaCache"))
    (kept,) = tmp_path.rglob(Path(name).name)
    assert kept.read_bytes() == content
    with pytest.raises(RuntimeError, match="not available"):
        client.request_file("Carla/Maps/Nav/Gridvale.bin")
    assert list(client.get_required_files("", False)) == []


def test_random_locations_are_on_sidewalks_all_over_the_town(world: carla.World, gridvale: RoadMap) -> None:
    places = [world.get_random_location_from_navigation() for _ in range(400)]
    assert None not in places
    xyz = np.array([(p.x, p.y, p.z) for p in places])
    hits = gridvale.lanes.nearest(xyz[:, :2], lane_types=LaneType.SIDEWALK)
    assert np.mean(hits.distance <= 0.5 * hits.width + 0.2) > 0.98
    ground = gridvale.ground.height(xyz[:, :2], xyz[:, 2] + 0.2)[0]
    assert np.mean(np.abs(xyz[:, 2] - ground) < 0.02) > 0.98
    assert np.ptp(xyz[:, 0]) > 0.8 * np.ptp(gridvale.lanes.xyz[:, 0])
    assert np.ptp(xyz[:, 1]) > 0.8 * np.ptp(gridvale.lanes.xyz[:, 1])


def test_the_seed_repeats_random_locations(world: carla.World) -> None:
    drawn: list[list[tuple[float, float, float]]] = []
    for seed in (3, 3, 4):
        world.set_pedestrians_seed(seed)
        places = [world.get_random_location_from_navigation() for _ in range(20)]
        drawn.append([(p.x, p.y, p.z) for p in places])
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_crowd_walks_on_walkable_ground_at_its_speed(
    client: carla.Client, world: carla.World, gridvale: RoadMap, crowds: list[Crowd]
) -> None:
    crowds.append(start_crowd(client, 30, 0.0, seed=2, running=0.3))
    actors = {actor.id: actor for actor in world.get_actors(crowds[0].walkers)}
    assert len(actors) >= 28
    half = np.array([actors[i].bounding_box.extent.z for i in crowds[0].walkers])
    places = track(world, crowds[0].walkers, 900)
    found = judge(gridvale, places, half)
    assert found["alive"] == 1.0 and found["moving"] > 0.95 and found["time_walking"] > 0.85
    assert found["time_off"] == 0.0 and found["time_overlapping"] < 0.005
    assert found["height_error_p99_m"] < 0.02 and found["height_error_max_m"] < 0.13
    assert found["crossed"] > 0.1
    speed = np.nanpercentile(np.linalg.norm(np.diff(places[:, :, :2], axis=0), axis=2), 80, axis=0) / 0.05
    assert speed == pytest.approx(crowds[0].speeds_mps, rel=0.05)
    shown = [actors[i].get_velocity().length() for i in crowds[0].walkers]
    assert np.median(np.abs(np.array(shown) - crowds[0].speeds_mps)) < 0.1
    course = np.degrees(np.arctan2(places[-1, :, 1] - places[-20, :, 1], places[-1, :, 0] - places[-20, :, 0]))
    turned = np.abs((places[-1, :, 3] - course + 180.0) % 360.0 - 180.0)
    assert np.median(turned) < 10.0, "walkers look where they go"


@pytest.mark.parametrize(("factor", "crosses"), [(0.0, False), (1.0, True)])
def test_who_may_cross_roads(world: carla.World, gridvale: RoadMap, factor: float, crosses: bool) -> None:
    """To the other side of a road far from any crosswalk: straight over with the factor, by the next crosswalk without."""
    lanes = gridvale.lanes
    sidewalk = np.flatnonzero(lanes.lane_type[lanes.lane_index] == LaneType.SIDEWALK)
    crosswalks = KDTree(np.concatenate(gridvale.crosswalks)[:, :2])
    first = sidewalk[int(np.argmax(crosswalks.query(lanes.xyz[sidewalk, :2])[0]))]
    side, road = np.sign(lanes.lane_id[lanes.lane_index]), lanes.road_id[lanes.lane_index]
    opposite = sidewalk[(side[sidewalk] != side[first]) & (road[sidewalk] == road[first])]
    start = lanes.xyz[first]
    goal = lanes.xyz[opposite[int(np.argmin(np.linalg.norm(lanes.xyz[opposite] - start, axis=1)))]]
    world.set_pedestrians_cross_factor(factor)
    walker, controller = start_one(world, carla.Location(*map(float, start)), carla.Location(*map(float, goal)))
    places = track(world, [walker.id], 900)[:, 0]  # it may wait at the kerb for ten seconds
    hits = lanes.nearest(places[:, :2], lane_types=LaneType.DRIVING)
    on_road = (hits.distance < 0.5 * hits.width - 0.3) & (crosswalks.query(places[:, :2])[0] > 10.0)
    reached = np.linalg.norm(places[:, :2] - goal[:2], axis=1).min() < 1.5
    controller.stop()
    world.set_pedestrians_cross_factor(0.0)
    assert bool(on_road.any()) == crosses == bool(reached)


def test_a_walker_reaches_its_goal(world: carla.World) -> None:
    place, goal = along_sidewalk(world, 25.0)
    walker, controller = start_one(world, place, goal)
    arrived = 0
    for tick in range(600):
        world.tick()
        if walker.get_location().distance_2d(goal) < 1.0:
            arrived = tick
            break
    assert 300 <= arrived <= 420, "25 m at 1.4 m/s take 18 s"
    assert walker.get_location().z == pytest.approx(goal.z + walker.bounding_box.extent.z, abs=0.15)
    controller.stop()


def test_stop_start_and_speed(world: carla.World) -> None:
    place, goal = along_sidewalk(world, 60.0)
    walker, controller = start_one(world, place, goal, speed_mps=1.0)
    for _ in range(100):
        world.tick()
    assert walker.get_location().distance_2d(place) == pytest.approx(5.0, abs=0.6)
    controller.stop()
    world.tick()
    stood = walker.get_location()
    for _ in range(40):
        world.tick()
    assert walker.get_location().distance_2d(stood) < 0.1
    controller.start()
    controller.go_to_location(goal)
    controller.set_max_speed(3.0)
    for _ in range(100):
        world.tick()
    assert walker.get_location().distance_2d(stood) == pytest.approx(15.0, abs=1.5)
    assert walker.get_velocity().length() == pytest.approx(3.0, abs=0.2)
    controller.stop()


def test_walkers_pass_each_other(world: carla.World) -> None:
    place, goal = along_sidewalk(world, 30.0)
    first, first_controller = start_one(world, place, goal)
    second, second_controller = start_one(world, goal, place)
    nearest = np.inf
    for _ in range(500):
        world.tick()
        nearest = min(nearest, first.get_location().distance_2d(second.get_location()))
    assert 0.4 < nearest < 2.0
    for controller in (first_controller, second_controller):
        controller.stop()


def test_a_destroyed_walker_takes_its_controller_along(world: carla.World) -> None:
    place, goal = along_sidewalk(world, 20.0)
    walker, controller = start_one(world, place, goal)
    for _ in range(10):
        world.tick()
    walker.destroy()
    for _ in range(10):
        world.tick()
    assert world.get_snapshot().find(walker.id) is None
    assert world.get_actors().find(controller.id) is None


def test_a_walker_under_a_car_dies_and_is_removed_after_its_life_span(
    world: carla.World, library: carla.BlueprintLibrary, spawn_points: list[carla.Transform]
) -> None:
    """The client's crowd finds it under the car, tells the server, and ends the controller; CARLA keeps it for 10 s."""
    place, goal = along_sidewalk(world, 40.0)
    walker, controller = start_one(world, place, goal)
    for _ in range(20):
        world.tick()
    car = world.spawn_actor(library.find("vehicle.mini.cooper_s"), spawn_points[0])
    car.set_simulate_physics(False)
    under = walker.get_location()
    car.set_transform(carla.Transform(carla.Location(under.x + 0.3, under.y, 0.1)))
    for _ in range(5):
        world.tick()
    assert world.get_snapshot().find(controller.id) is None
    died_at = walker.get_location()
    for _ in range(190):
        world.tick()
    assert walker.get_location().distance(died_at) < 0.1
    for _ in range(10):
        world.tick()
    assert world.get_snapshot().find(walker.id) is None


def test_navigation_follows_the_map() -> None:
    """After loading another map, and after OpenDRIVE text of a client, walkers walk there; the names differ by content."""
    with EmbeddedServer("Gridvale") as server:
        client = connect(server.address, timeout_s=60.0)
        names = {*client.get_required_files("Nav", False)}
        client.get_world().get_random_location_from_navigation()
        for town in ("Oldwick", "Gridvale"):
            client.load_world(town)
            names |= {*client.get_required_files("Nav", False)}
            road_map = load_road_map(town)
            with SynchronousWorld(client) as synchronous:
                crowd = start_crowd(client, 12, 0.2, seed=1)
                places = track(synchronous.world, crowd.walkers, 200)
                found = judge(road_map, places, np.full(len(crowd.walkers), HALF_HEIGHT_M))
                assert found["moving"] > 0.9 and found["time_off"] == 0.0 and found["distance_m"] > 8.0, town
                stop_crowd(client, crowd)
        world = client.generate_opendrive_world(load_road_map("Rampfield").xodr)
        names |= {*client.get_required_files("Nav", False)}
        assert world.get_random_location_from_navigation() is not None
        assert len(names) == 3


def in_process(*arguments: str) -> dict[str, float]:
    """Return what `navigated_walkers.py` prints; in its own process, since TrafficManager aborts its own at the end."""
    script = Path(__file__).with_name("navigated_walkers.py")
    done = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.full
@pytest.mark.timeout(600)
def test_same_seed_same_walks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracks: list[bytes] = []
    for run in range(2):
        monkeypatch.setitem(os.environ, "NAV_TRACKS", str(tmp_path / f"{run}.json"))
        in_process("Oldwick", "15", "200", "0.3")
        tracks.append((tmp_path / f"{run}.json").read_bytes())
    assert tracks[0] == tracks[1]


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("town", ["Gridvale", "Oldwick", "Rampfield", "Town01", "Town02", "Town04", "Town10HD"])
def test_fifty_walkers_among_cars_for_2000_ticks(town: str, shared_data: Path) -> None:
    found = in_process(town, "50", "2000", "0.3", "20")
    assert found["walkers"] >= 48 and found["alive"] >= 0.95 and found["moving"] >= 0.95
    assert found["distance_m"] > 90.0 and found["crossed"] > 0.3
    assert found["time_off"] < 0.001 and found["time_overlapping"] < 0.005 and found["time_in_cars"] < 0.001
    assert found["height_error_p99_m"] < 0.1
