"""Open doors are solid: who drives into one collides with its vehicle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_sim.frames import Transform
from alpamayo_sim.render.car_doors import OPEN_DEG, door_mesh
from alpamayo_sim.render.library import CARS, bodies
from alpamayo_sim.sensors.scene_writer import shape_of
from alpamayo_sim.world.actor_info import ActorInfo
from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.contact import DOOR_OPEN_DEG, write_door
from alpamayo_sim.world.doors import SIDE_DOORS
from alpamayo_sim.world.errors import SpawnError
from alpamayo_sim.world.events import Collision
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world import World

EGO, PARKED = "vehicle.audi.tt", "vehicle.lincoln.mkz_2020"
FRONT_LEFT, FRONT_RIGHT, REAR_LEFT, BOOT, ALL = 0, 1, 2, 5, 6
TICK_S = 0.05
PARKED_AT = Transform(300.0, 8.0, 0.0)


def parked(world: World, type_id: str = PARKED, pose: Transform = PARKED_AT) -> int:
    car = world.spawn(type_id, {}, pose)
    world.apply_vehicle_control(car.id, 0.0, 0.0, 0.0, True)
    return car.id


def half_width(type_id: str) -> float:
    return catalogue()[type_id].extent[1]


def drive_past(world: World, car: int, gap_m: float, *, left: bool = True, speed_mps: float = 8.0) -> list[Collision]:
    """What a car collides with that drives past the parked one, `gap_m` between the two bodies."""
    sideways = gap_m + half_width(world.info(car).type_id) + half_width(EGO)
    y = PARKED_AT.y - sideways if left else PARKED_AT.y + sideways
    ego = world.spawn(EGO, {}, Transform(PARKED_AT.x - 15.0, y, 0.0))
    world.set_target_velocity(ego.id, (speed_mps, 0.0, 0.0))
    found: list[Collision] = []
    for _ in range(80):
        world.apply_vehicle_control(ego.id, 0.3, 0.0, 0.0)
        found += [c for c in world.step(TICK_S).collisions if c.actor_id == ego.id]
    return found


@pytest.mark.parametrize(("gap_m", "hits"), [(0.3, True), (0.6, True), (1.0, True), (1.5, False)])
@pytest.mark.parametrize(("door", "left"), [(FRONT_LEFT, True), (FRONT_RIGHT, False), (REAR_LEFT, True), (ALL, False)])
def test_an_open_door_is_hit_by_who_passes_close(flat_world: World, gap_m, hits, door, left) -> None:
    car = parked(flat_world)
    flat_world.open_door(car, door)
    found = drive_past(flat_world, car, gap_m, left=left)
    assert {(c.other_id, c.other_type_id) for c in found} == ({(car, PARKED)} if hits else set())
    assert not hits or found[0].normal_impulse[0] < -500.0, "it is thrown back"


@pytest.mark.parametrize("door", [None, BOOT, FRONT_RIGHT])
def test_no_door_on_that_side_no_contact(flat_world: World, door: int | None) -> None:
    car = parked(flat_world)
    if door is not None:
        flat_world.open_door(car, door)
    assert drive_past(flat_world, car, 0.3) == []


def test_a_closed_door_is_not_in_the_way_any_more(flat_world: World) -> None:
    car = parked(flat_world)
    flat_world.open_door(car, ALL)
    for _ in range(20):
        flat_world.step(TICK_S)
    assert flat_world.vehicles.door_deg[0].tolist() == [DOOR_OPEN_DEG] * 4
    flat_world.close_door(car, FRONT_LEFT)
    assert flat_world.vehicles.door_deg[0].tolist() == [0.0, *[DOOR_OPEN_DEG] * 3]
    flat_world.close_door(car, ALL)
    assert drive_past(flat_world, car, 0.3) == []


def test_cars_without_doors_that_open_keep_them_shut(flat_world: World) -> None:
    car = parked(flat_world, "vehicle.tesla.model3")
    flat_world.open_door(car, ALL)
    assert flat_world.vehicles.open_doors[0] == 0
    assert drive_past(flat_world, car, 0.3) == []


def test_a_door_that_swings_against_a_car_knocks_and_does_not_throw_it(flat_world: World) -> None:
    car = parked(flat_world)
    y = PARKED_AT.y - half_width(PARKED) - half_width(EGO) - 0.5
    beside = flat_world.spawn(EGO, {}, Transform(PARKED_AT.x, y, 0.0))
    flat_world.apply_vehicle_control(beside.id, 0.0, 0.0, 0.0, True)
    flat_world.open_door(car, FRONT_LEFT)
    found: list[Collision] = []
    for _ in range(60):
        found += [c for c in flat_world.step(TICK_S).collisions if c.actor_id == beside.id]
        assert flat_world.vehicles.door_deg[0, FRONT_LEFT] < 40.0
    assert found and found[0].other_id == car and found[0].normal_impulse[1] < 0.0
    pose = flat_world.transform(beside.id)
    assert math.hypot(pose.x - PARKED_AT.x, pose.y - y) < 0.05 and abs(pose.yaw) < 0.5


def test_a_walker_is_stopped_by_an_open_door(flat_world: World) -> None:
    car = parked(flat_world)
    flat_world.open_door(car, FRONT_LEFT)
    for _ in range(20):
        flat_world.step(TICK_S)
    y = PARKED_AT.y - half_width(PARKED) - 0.6
    walker = flat_world.spawn("walker.pedestrian.0001", {}, Transform(PARKED_AT.x - 4.0, y, 1.0))
    flat_world.apply_walker_control(walker.id, (1.0, 0.0, 0.0), 1.5, False)
    found = [c for _ in range(60) for c in flat_world.step(TICK_S).collisions if c.actor_id == walker.id]
    assert found and found[0].other_id == car
    assert flat_world.transform(walker.id).x < PARKED_AT.x + 0.9


def test_nothing_is_spawned_into_an_open_door(flat_world: World) -> None:
    car = parked(flat_world)
    place = Transform(PARKED_AT.x + 0.66, PARKED_AT.y - half_width(PARKED) - 0.6, 1.0)
    before = flat_world.spawn("walker.pedestrian.0001", {}, place)
    flat_world.destroy(before.id)
    flat_world.open_door(car, FRONT_LEFT)
    for _ in range(20):
        flat_world.step(TICK_S)
    with pytest.raises(SpawnError):
        flat_world.spawn("walker.pedestrian.0001", {}, place)


def test_a_car_drives_with_open_doors_and_never_touches_itself(flat_world: World) -> None:
    car = flat_world.spawn(PARKED, {}, Transform(100.0, 8.0, 0.0))
    flat_world.open_door(car.id, ALL)
    for _ in range(100):
        flat_world.apply_vehicle_control(car.id, 0.6, 0.1, 0.0)
        assert flat_world.step(TICK_S).collisions == ()
    assert flat_world.transform(car.id).x > 115.0


@settings(max_examples=20, deadline=None)
@given(st.floats(-180.0, 180.0), st.floats(0.0, 1.6), st.floats(2.0, 25.0), st.sampled_from(sorted(SIDE_DOORS)))
def test_crashes_into_doors_stay_finite_and_repeat(flat_map, yaw, sideways, speed, type_id) -> None:
    def crash() -> tuple[np.ndarray, list[Collision]]:
        world = World(flat_map, None)
        car = parked(world, type_id, Transform(300.0, 8.0, 0.0, 0.0, yaw))
        world.open_door(car, ALL)
        out = half_width(type_id) + half_width(EGO) + sideways
        ego = world.spawn(EGO, {}, Transform(285.0, 8.0 - out, 0.0))
        world.set_target_velocity(ego.id, (speed, 0.0, 0.0))
        found: list[Collision] = []
        for _ in range(80):
            found += world.step(TICK_S).collisions
            assert np.isfinite(world.actors.location).all() and np.isfinite(world.actors.velocity_mps).all()
            assert np.abs(world.actors.velocity_mps).max() < 1.1 * speed + 2.0
        return world.actors.records.copy(), found

    first, found = crash()
    again, found_again = crash()
    for name in ("location", "rotation_deg", "velocity_mps", "angular_velocity_dps"):
        assert first[name].tobytes() == again[name].tobytes()
    assert found == found_again


def test_doors_are_solid_where_they_are_drawn() -> None:
    for type_id, pairs in SIDE_DOORS.items():
        world_extent = np.array(catalogue()[type_id].extent)
        shape = _shape(type_id)
        model = bodies()[shape]
        scale = world_extent / np.array(model.half_size)
        drawn = {number: np.array(hinge) * scale for number, _, hinge in model.doors if number < 4}
        assert {number // 2 for number in drawn} == {k for k, (_, length) in enumerate(pairs) if length > 0.0}, type_id
        for number, hinge in drawn.items():
            mesh, _ = door_mesh(CARS[shape][1], number)
            length = -float(np.asarray(mesh.vertices["position"])[:, 0].min()) * scale[0]
            at, long = pairs[number // 2]
            assert hinge[0] == pytest.approx(at * world_extent[0], abs=0.05), type_id
            assert length == pytest.approx(long * world_extent[0], abs=0.05), type_id
    assert {abs(angle) for angle in OPEN_DEG.values()} == {DOOR_OPEN_DEG}


def _shape(type_id: str) -> int:
    blueprint = catalogue()[type_id]
    size = (blueprint.extent, blueprint.box_center)
    info = ActorInfo(1, 0, ActorKind.VEHICLE, blueprint.uid, type_id, (), *size, blueprint.semantic_tags, 0, "")
    return int(shape_of(info))


def test_the_box_of_a_door_hangs_on_its_hinge_and_reaches_outwards(flat_world: World) -> None:
    car = parked(flat_world)
    flat_world.open_door(car, ALL)
    for _ in range(20):
        flat_world.step(TICK_S)
    record, vehicle = flat_world.actors.records[flat_world.row(car)], flat_world.vehicles.records[0]
    for door, side in ((0, -1.0), (1, 1.0), (2, -1.0), (3, 1.0)):
        row = np.empty(8)
        write_door(record, vehicle, door, row)
        length = vehicle["door_length_m"][door // 2]
        tip_out = side * (row[1] - record["location"][1]) + 0.5 * length * math.sin(math.radians(DOOR_OPEN_DEG))
        assert tip_out == pytest.approx(half_width(PARKED) + length * math.sin(math.radians(DOOR_OPEN_DEG)), abs=0.06)
        hinge = record["location"][0] + vehicle["door_hinge_m"][door // 2]
        assert hinge - row[0] == pytest.approx(0.5 * length * math.cos(math.radians(DOOR_OPEN_DEG)), abs=0.05)
        assert 0.15 < row[2] - row[5] < 0.6 and row[2] + row[5] < 1.6
