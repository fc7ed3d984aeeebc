"""Rays through a world: ground, things, actors."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.frames import Transform
from alpamayo_sim.render.scene_frame import ShapeClass
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.road_map import RoadMap, load_road_map, road_map_from_text
from alpamayo_sim.roads.statics import StaticKind, build_statics
from alpamayo_sim.sensors.ray_kernel import ELLIPSOID
from alpamayo_sim.sensors.ray_scene import RayScene, ray_scene
from alpamayo_sim.sensors.ray_shapes import static_solids, vehicle_solids, walker_solids
from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.contact import DOOR_HALF_THICKNESS_M, write_door
from alpamayo_sim.world.world import World

DOWN = np.array([[0.0, 0.0, -1.0]])


def _road(number: int, x: float, y: float, heading: float, height: float) -> str:
    return f"""<road name="r{number}" length="200" id="{number}" junction="-1"><planView><geometry s="0" x="{x}" y="{y}"
hdg="{heading}" length="200"><line/></geometry></planView><elevationProfile><elevation s="0" a="{height}" b="0" c="0" d="0"/>
</elevationProfile><lanes><laneSection s="0"><center><lane id="0" type="none" level="false"/></center><right>
<lane id="-1" type="driving" level="false"><width sOffset="0" a="4" b="0" c="0" d="0"/></lane></right></laneSection></lanes>
</road>"""


CROSSING = f"""<?xml version="1.0"?><OpenDRIVE><header revMajor="1" revMinor="4" name="crossing" version="1"/>
{_road(1, 0.0, 0.0, 0.0, 0.0)}{_road(2, 100.0, -100.0, 1.5707963267948966, 6.0)}</OpenDRIVE>"""
"""Two roads, the second 6 m over the first where x is 100 to 104 and y is 0 to 4."""


@pytest.fixture(scope="module")
def town() -> RoadMap:
    return load_road_map("Rampfield")


@pytest.fixture(scope="module")
def world(town: RoadMap) -> World:
    return World(town, build_statics(town))


def test_rays_straight_down_find_the_ground_that_wheels_roll_on(world: World) -> None:
    lanes = world.road_map.lanes
    samples = np.flatnonzero(lanes.lane_type[lanes.lane_index] == LaneType.DRIVING)[::97]
    scene, gaps = ray_scene(world), []
    for x, y, z in lanes.xyz[samples].tolist():
        hits = scene.cast(world, Transform(x, y, z + 1.5), DOWN, 10.0)
        assert hits.hit[0]
        if hits.actor_id[0] == 0 and hits.tag[0] in (1, 2):
            ground = float(world.road_map.ground.height(np.array([[x, y]]), z + 0.5)[0][0])
            gaps.append(z + 1.5 - float(hits.distance_m[0]) - ground)
    assert len(gaps) > 50
    assert np.percentile(np.abs(gaps), 99) < 0.05


def test_bridge_is_met_from_below_and_from_above() -> None:
    world = World(road_map_from_text("crossing", CROSSING), None)
    rays = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
    between = ray_scene(world).cast(world, Transform(101.0, 1.5, 4.0), rays, 50.0)
    assert between.distance_m == pytest.approx([2.0, 4.0], abs=0.01)
    over = ray_scene(world).cast(world, Transform(101.0, 1.5, 8.0), rays, 50.0)
    assert over.hit.tolist() == [False, True] and over.distance_m[1] == pytest.approx(2.0, abs=0.01)
    assert over.cosine[1] == pytest.approx(1.0, abs=1e-6)


def test_light_poles_and_housings_are_their_actors(world: World) -> None:
    scene, rays = world.scene, ray_scene(world)
    lights = set(world.actors.ids[world.lights.row].tolist())
    found = set()
    for index in np.flatnonzero(np.isin(scene.label, (7,)))[:20].tolist():
        center = scene.center[index]
        yaw = float(np.degrees(scene.yaw_rad[index]))
        away = np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw)), 0.0])
        place = center + 1.5 * away
        x, y, z = place.tolist()
        hits = rays.cast(world, Transform(x, y, z, 0.0, yaw + 180.0), np.array([[1.0, 0.0, 0.0]]), 5.0)
        if hits.tag[0] == 7:
            found.add(int(hits.actor_id[0]))
    assert found and found <= lights


def test_actors_come_and_go_and_hidden_things_are_passed(town: RoadMap) -> None:
    world = World(town, build_statics(town))
    statics = world.scene.statics
    assert statics is not None
    pole = int(np.flatnonzero(statics.kind == StaticKind.LAMP)[0])
    x, y, z = statics.center[pole].tolist()
    scene, toward = RayScene(), np.array([[1.0, 0.0, 0.0]])
    eye = Transform(x - 0.8, y, z)
    hits = scene.cast(world, eye, toward, 5.0)
    assert hits.tag[0] == 6 and hits.distance_m[0] < 0.8
    world.scene.enable([pole + 1], False)
    assert not scene.cast(world, eye, toward, 1.2).hit[0]
    world.scene.enable([pole + 1], True)
    assert scene.cast(world, eye, toward, 5.0).tag[0] == 6

    pose = Transform(*town.spawn_points[0].tolist())
    van = world.spawn("vehicle.mercedes.sprinter", {}, pose)
    van_id = van if isinstance(van, int) else van.id
    above = Transform(pose.x, pose.y, pose.z + 6.0)
    hits = scene.cast(world, above, DOWN, 20.0)
    assert hits.actor_id[0] == van_id
    assert hits.distance_m[0] == pytest.approx(6.0 - 2.0 * world.info(van_id).extent[2], abs=0.02)
    assert scene.cast(world, above, DOWN, 20.0, ignored_ids=(van_id,)).actor_id[0] == 0
    world.destroy(van_id)
    assert scene.cast(world, above, DOWN, 20.0).tag[0] == 1


@pytest.mark.parametrize("ticks", [1, 5, 40])
@pytest.mark.parametrize("door", range(4))
def test_open_doors_are_met_where_they_are_solid(door: int, ticks: int) -> None:
    """On their way out as well as when they stand open; closed again, rays pass where they were."""
    world = World(road_map_from_text("crossing", CROSSING), None)
    car = world.spawn("vehicle.lincoln.mkz_2020", {}, Transform(40.0, 2.0, 0.0, 0.0, 30.0, 0.0)).id
    world.apply_vehicle_control(car, 0.0, 0.0, 0.0, True)
    for _ in range(20):
        world.step(0.05)
    scene, toward = RayScene(), np.array([[1.0, 0.0, 0.0]])
    row = world.row(car)
    scene.cast(world, Transform(40.0, 2.0, 5.0), DOWN, 20.0)
    world.open_door(car, door)
    for _ in range(ticks):
        world.step(0.05)
    leaf = np.zeros(8)
    write_door(world.actors.records[row], world.vehicles.records[0], door, leaf)
    # The face towards the front of the car, near the free edge, from 1 m away.
    side = 1.0 if door % 2 == 0 else -1.0
    away = np.array([-side * leaf[7], side * leaf[6], 0.0])
    x, y, z = (leaf[:3] + 0.8 * leaf[3] * np.array([leaf[6], leaf[7], 0.0]) + away).tolist()
    eye = Transform(x, y, z, 0.0, float(np.degrees(np.arctan2(-away[1], -away[0]))), 0.0)
    hits = scene.cast(world, eye, toward, 1.5)
    assert hits.distance_m[0] == pytest.approx(1.0 - DOOR_HALF_THICKNESS_M, abs=2e-3)
    assert (hits.actor_id[0], hits.tag[0]) == (car, 14)
    assert not scene.cast(world, eye, toward, 1.5, ignored_ids=(car,)).hit[0]
    world.close_door(car, door)
    beyond = scene.cast(world, eye, toward, 1.5)
    assert not beyond.hit[0] or beyond.distance_m[0] > 1.05


@pytest.mark.parametrize("shape", [s for s in ShapeClass if s < ShapeClass.MAN])
def test_vehicles_fill_their_box(shape: ShapeClass) -> None:
    extent = (2.4, 0.95, 0.75)
    solids = np.array(vehicle_solids(shape, extent, 0.9))
    low, high = (solids[:, 1:4] - solids[:, 4:7]).min(axis=0), (solids[:, 1:4] + solids[:, 4:7]).max(axis=0)
    assert np.all(low >= -np.array(extent) - 1e-9) and np.all(high <= np.array(extent) + 1e-9)
    assert low[[0, 2]] == pytest.approx([-2.4, -0.75]) and high[[0, 2]] == pytest.approx([2.4, 0.75])
    width_at_top = solids[:, 5] - solids[:, 9] * 2.0 * solids[:, 6]
    length_at_top = 2.0 * solids[:, 4] - (solids[:, 7] + solids[:, 8]) * 2.0 * solids[:, 6]
    assert np.all(width_at_top[solids[:, 0] != ELLIPSOID] > 0.0)
    assert np.all(length_at_top[solids[:, 0] != ELLIPSOID] > 0.0)


def test_walkers_are_as_tall_as_their_boxes() -> None:
    for blueprint in catalogue().values():
        if blueprint.id.startswith("walker.pedestrian"):
            extent = (0.19, 0.19, 0.55 if "child" in blueprint.values({}).get("age", "") else 0.93)
            solids = np.array(walker_solids(extent))
            assert (solids[:, 3] + solids[:, 6]).max() == pytest.approx(extent[2], abs=0.01)
            assert (solids[:, 3] - solids[:, 6]).min() == pytest.approx(-extent[2])


@pytest.mark.parametrize("yaw_deg", [5.0, 80.0, 150.0])
def test_trees_have_a_crown_over_their_trunk(yaw_deg: float) -> None:
    trunk, crown = (np.array(solid) for solid in static_solids(StaticKind.TREE, (0.17, 0.17, 1.6), yaw_deg))
    assert trunk[4:7] == pytest.approx([0.17, 0.17, 1.6])
    assert crown[3] + crown[6] > 4.0 and crown[4] > 1.0
