"""Actors come and go, obey commands, and states repeat bit by bit."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.compact_blueprints import compact
from alpamayo_sim.world.errors import SpawnError, UnknownActor, WrongActor
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world import World

CAR, WALKER, CAMERA = "vehicle.lincoln.mkz_2020", "walker.pedestrian.0001", "sensor.camera.rgb"
TICK_S = 0.05


def run(world: World, seconds: float) -> None:
    for _ in range(round(seconds / TICK_S)):
        world.step(TICK_S)


def velocity(world: World, actor_id: int) -> np.ndarray:
    return world.actors.velocity_mps[world.row(actor_id)].copy()


def test_catalogue_is_complete_and_matches_its_source(shared_data: Path) -> None:
    import json

    source = json.loads((shared_data / "blueprints.json").read_text())
    assert [record["id"] for record in compact(source)] == list(catalogue())
    assert len(catalogue()) == 214
    mkz = catalogue()[CAR]
    assert mkz.tags == "vehicle,lincoln,mkz_2020"
    assert mkz.extent == pytest.approx((2.446191, 0.918357, 0.745139))
    assert mkz.attributes[0].id == "role_name" and mkz.attributes[0].recommended[2] == "ego_vehicle"
    assert mkz.values({"role_name": "hero", "number_of_wheels": "7", "nonsense": "1"})["role_name"] == "hero"
    assert mkz.values({"number_of_wheels": "7"})["number_of_wheels"] == "4"


def test_ids_start_at_one_and_are_never_reused(flat_world: World) -> None:
    assert flat_world.spectator_id == 1 and flat_world.actors.ids.tolist() == [1]
    ids = [flat_world.spawn(CAR, {}, Transform(20.0 * i, 5.0, 0.5)).id for i in range(1, 4)]
    assert flat_world.destroy(ids[1]) and not flat_world.destroy(ids[1])
    later = flat_world.spawn(CAR, {}, Transform(200.0, 5.0, 0.5)).id
    assert later == ids[2] + 1
    assert flat_world.actors.ids.tolist() == [1, ids[0], ids[2], later]


def test_rows_stay_right_when_actors_go(flat_world: World) -> None:
    cars = [flat_world.spawn(CAR, {}, Transform(20.0 * i, 5.0, 0.0)).id for i in range(1, 5)]
    walker = flat_world.spawn(WALKER, {}, Transform(5.0, 2.0, 0.93)).id
    camera = flat_world.spawn(CAMERA, {}, Transform(1.0, 0.0, 2.0), parent_id=cars[3]).id
    flat_world.destroy(cars[0])
    flat_world.destroy(cars[1])
    flat_world.apply_vehicle_control(cars[3], 1.0, 0.0, 0.0)
    flat_world.apply_walker_control(walker, (0.0, 1.0, 0.0), 1.0)
    run(flat_world, 3.0)
    assert velocity(flat_world, cars[3])[0] > 10.0 and abs(velocity(flat_world, cars[2])[0]) < 0.01
    assert velocity(flat_world, walker)[1] == pytest.approx(1.0)
    expected = compose(flat_world.transform(cars[3]), Transform(1.0, 0.0, 2.0))
    assert flat_world.transform(camera) == pytest.approx(expected)
    assert flat_world.vehicles.row.tolist() == [flat_world.row(cars[2]), flat_world.row(cars[3])]


def test_errors_use_carlas_words(flat_world: World) -> None:
    with pytest.raises(SpawnError, match="Spawn failed because of invalid actor description"):
        flat_world.spawn("vehicle.ford.t", {}, Transform(0.0, 0.0, 0.0))
    with pytest.raises(SpawnError, match="invalid"):
        flat_world.spawn(CAR, {}, Transform(math.nan, 0.0, 0.0))
    with pytest.raises(UnknownActor, match="not found"):
        flat_world.set_target_velocity(99, (0.0, 0.0, 0.0))
    with pytest.raises(WrongActor, match="not a vehicle"):
        flat_world.apply_vehicle_control(flat_world.spectator_id, 1.0, 0.0, 0.0)
    with pytest.raises(UnknownActor):
        flat_world.spawn(CAMERA, {}, Transform(0.0, 0.0, 0.0), parent_id=77)


def test_every_blueprint_spawns(flat_world: World) -> None:
    for number, type_id in enumerate(catalogue()):
        info = flat_world.spawn(type_id, {}, Transform(30.0 + 20.0 * number, 8.0, 1.0))
        assert info.type_id == type_id
    run(flat_world, 1.0)
    assert np.isfinite(flat_world.actors.location).all()


def test_a_car_spawned_half_a_metre_up_settles_in_half_a_second(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.5))
    run(flat_world, 0.6)
    assert abs(flat_world.transform(car.id).z) < 0.04
    run(flat_world, 1.0)
    pose = flat_world.transform(car.id)
    assert (pose.x, pose.y, pose.yaw) == (50.0, 5.0, 0.0) and abs(pose.z) < 0.005
    assert np.linalg.norm(velocity(flat_world, car.id)) < 0.01


def test_a_walker_walks_at_its_speed_and_stands_on_the_ground(flat_world: World) -> None:
    walker = flat_world.spawn(WALKER, {}, Transform(50.0, 5.0, 1.2))
    flat_world.apply_walker_control(walker.id, (0.0, 1.0, 0.0), 1.4)
    run(flat_world, 2.0)
    pose = flat_world.transform(walker.id)
    assert pose.y == pytest.approx(5.0 + 2.8, abs=0.1) and pose.x == 50.0
    assert pose.z == pytest.approx(0.93, abs=0.01) and pose.yaw == pytest.approx(90.0)
    flat_world.apply_walker_control(walker.id, (0.0, 1.0, 0.0), 0.0, jump=True)
    heights = []
    for _ in range(40):
        flat_world.step(TICK_S)
        heights.append(flat_world.transform(walker.id).z)
    assert max(heights) == pytest.approx(0.93 + 5.0**2 / (2 * 9.81), abs=0.15) and heights[-1] == pytest.approx(0.93)


def test_a_walker_is_blocked_by_a_wall_and_by_a_car(walled_world) -> None:
    world = walled_world(60.0)
    parked = world.spawn(CAR, {}, Transform(55.0, 9.0, 0.0))
    for y in (3.0, 9.0):
        walker = world.spawn(WALKER, {}, Transform(48.0, y, 0.93))
        world.apply_walker_control(walker.id, (1.0, 0.0, 0.0), 3.0)
    run(world, 5.0)
    first, second = (world.transform(int(world.actors.ids[row])).x for row in world.walkers.row)
    assert first == pytest.approx(60.0 - 0.19, abs=0.1)
    assert second == pytest.approx(55.0 - 2.45 - 0.19, abs=0.1)
    assert world.transform(parked.id).x == pytest.approx(55.0, abs=0.05)


def test_physics_off_keeps_a_vehicle_where_it_is_put(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 3.0))
    flat_world.set_simulate_physics(car.id, False)
    flat_world.apply_vehicle_control(car.id, 1.0, 0.0, 0.0)
    run(flat_world, 1.0)
    assert flat_world.transform(car.id) == Transform(50.0, 5.0, 3.0)
    flat_world.set_transform(car.id, Transform(70.0, 5.0, 3.0, 0.0, 30.0))
    flat_world.step(TICK_S)
    assert flat_world.transform(car.id) == Transform(70.0, 5.0, 3.0, 0.0, 30.0)


def test_constant_velocity_holds_in_the_vehicles_frame(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0, 0.0, 90.0))
    flat_world.enable_constant_velocity(car.id, (6.0, 0.0, 0.0))
    flat_world.step(TICK_S)
    assert velocity(flat_world, car.id)[:2] == pytest.approx([0.0, 6.0], abs=1e-9)
    flat_world.disable_constant_velocity(car.id)
    flat_world.apply_vehicle_control(car.id, 0.0, 0.0, 1.0)
    run(flat_world, 2.0)
    assert np.linalg.norm(velocity(flat_world, car.id)) == 0.0


def test_acceleration_is_the_change_of_velocity(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 1.0, 0.1, 0.0)
    before = velocity(flat_world, car.id)
    for _ in range(60):
        flat_world.step(TICK_S)
        after = velocity(flat_world, car.id)
        assert flat_world.actors.acceleration_mps2[flat_world.row(car.id)] == pytest.approx((after - before) / TICK_S)
        before = after


def test_impulse_and_force_change_the_velocity_by_mass(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 20.0))
    mass = flat_world.physics_control(car.id).mass
    flat_world.add_impulse(car.id, (3.0 * mass, 0.0, 0.0))
    assert velocity(flat_world, car.id)[0] == pytest.approx(3.0)
    flat_world.add_force(car.id, (0.0, 0.0, 40.0 * mass))
    flat_world.step(TICK_S)
    assert velocity(flat_world, car.id)[2] == pytest.approx((40.0 - 9.81) * TICK_S)
    flat_world.add_angular_impulse(car.id, (0.0, 0.0, 1e5))
    assert flat_world.actors.angular_velocity_dps[flat_world.row(car.id), 2] > 1.0


def test_reverse_and_hand_brake(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 0.6, 0.0, 0.0, reverse=True)
    run(flat_world, 3.0)
    assert velocity(flat_world, car.id)[0] < -3.0 and flat_world.vehicles.gear[0] == -1
    flat_world.apply_vehicle_control(car.id, 0.0, 0.0, 0.0, hand_brake=True)
    run(flat_world, 3.0)
    assert np.linalg.norm(velocity(flat_world, car.id)) == 0.0


def test_manual_gears(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 1.0, 0.0, 0.0, manual_gear_shift=True, gear=1)
    flat_world.step(TICK_S)
    assert flat_world.vehicles.gear[0] == 1
    run(flat_world, 6.0)
    assert flat_world.vehicles.gear[0] == 1
    fastest = 6500 * math.pi / 30 / (4.9 * 3.3) * 0.355
    assert velocity(flat_world, car.id)[0] < fastest * 1.3


def test_a_parent_may_go_and_its_children_stay(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    camera = flat_world.spawn(CAMERA, {}, Transform(1.0, 0.5, 2.0, -10.0, 30.0, 5.0), parent_id=car.id)
    flat_world.step(TICK_S)
    where = flat_world.transform(camera.id)
    flat_world.destroy(car.id)
    flat_world.step(TICK_S)
    assert flat_world.transform(camera.id) == where
    assert flat_world.actors.parent_ids[flat_world.row(camera.id)] == 0


def test_sticky_control_off_lets_go_after_one_step(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {"sticky_control": "false"}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 1.0, 0.0, 0.0)
    flat_world.step(TICK_S)
    assert flat_world.vehicles.throttle[0] == 0.0


def test_friction_trigger_changes_the_tyres_inside_only(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    values = {"friction": "0.1", "extent_x": "1000", "extent_y": "1000", "extent_z": "500"}
    flat_world.spawn("static.trigger.friction", values, Transform(80.0, 5.0, 0.0))
    flat_world.enable_constant_velocity(car.id, (10.0, 0.0, 0.0))
    inside = []
    for _ in range(120):
        flat_world.step(TICK_S)
        wheel = flat_world.physics_control(car.id).wheels[0]
        inside.append((flat_world.transform(car.id).x, wheel.tire_friction))
    assert {friction for x, friction in inside if 71.0 < x < 89.0} == {0.1}
    assert {friction for x, friction in inside if x < 69.0 or x > 91.0} == {3.5}


def test_physics_control_round_trips_and_acts(flat_world: World) -> None:
    from dataclasses import replace

    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    physics = flat_world.physics_control(car.id)
    assert physics.wheels[0].position[0] == pytest.approx(5147.8) and len(physics.wheels) == 4
    changed = replace(
        physics,
        mass=2000.0,
        drag_coefficient=0.0,
        wheels=tuple(replace(w, tire_friction=0.0) for w in physics.wheels),
    )
    flat_world.apply_physics_control(car.id, changed)
    assert flat_world.physics_control(car.id) == changed
    flat_world.set_target_velocity(car.id, (100.0 / 3.6, 0.0, 0.0))
    run(flat_world, 5.0)
    assert velocity(flat_world, car.id)[0] * 3.6 == pytest.approx(100.0, abs=0.1)


def test_ackermann_reaches_and_holds_a_speed(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_ackermann_control(car.id, 0.0, 0.0, 8.0, 3.0, 0.0)
    run(flat_world, 30.0)
    speeds = []
    for _ in range(200):
        flat_world.step(TICK_S)
        speeds.append(velocity(flat_world, car.id)[0])
    assert np.mean(speeds) == pytest.approx(8.0, abs=1.0)
    flat_world.apply_ackermann_control(car.id, 0.0, 0.0, 0.0, 0.0, 0.0)
    run(flat_world, 20.0)
    assert abs(velocity(flat_world, car.id)[0]) < 0.2


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(-1, 1), st.floats(0, 1), st.booleans(), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([b for b in catalogue() if b.startswith("vehicle.")]),
    st.sampled_from([0.01, 0.05, 0.1, 0.5]),
)
def test_any_controls_keep_any_vehicle_finite_and_on_the_ground(flat_map, controls, type_id, dt) -> None:
    world = World(flat_map, None)
    car = world.spawn(type_id, {}, Transform(1000.0, 8.0, 0.5))
    for throttle, steer, brake, hand_brake, reverse in controls:
        world.apply_vehicle_control(car.id, throttle, steer, brake, hand_brake, reverse)
        for _ in range(40):
            world.step(dt)
            record = world.actors.records[world.row(car.id)]
            assert np.isfinite(record["location"]).all() and np.isfinite(record["velocity_mps"]).all()
            assert abs(record["velocity_mps"][:2]).max() < 130.0
            assert -1.0 < record["location"][2] < 1.0
            assert -180.0 <= record["rotation_deg"][1] <= 180.0


HASH_SCRIPT = """
import hashlib, sys
sys.path.insert(0, {folder!r})
from test_world import scripted_hash
print(scripted_hash())
"""


def scripted_hash() -> str:
    """Hash of all states of 2000 steps of a crowded scene."""
    sys.path.insert(0, str(Path(__file__).parent))
    from conftest import FLAT_ROAD

    from alpamayo_sim.roads.road_map import road_map_from_text

    world = World(road_map_from_text("flat", FLAT_ROAD), None, seed=3)
    rng = np.random.default_rng(7)
    models = (
        "vehicle.lincoln.mkz_2020",
        "vehicle.carlamotors.firetruck",
        "vehicle.yamaha.yzf",
        "vehicle.tesla.model3",
    )
    cars = [
        world.spawn(
            models[i % 4],
            {},
            Transform(60.0 + 14.0 * (i // 2), 3.0 + 8.0 * (i % 2), 0.5, 0.0, 10.0 * (i % 5)),
        ).id
        for i in range(16)
    ]
    walkers = [world.spawn(WALKER, {}, Transform(55.0 + 12.0 * i, 7.5, 1.0)).id for i in range(8)]
    digest = hashlib.sha256()
    for step in range(2000):
        if step % 40 == 0:
            for car in cars:
                world.apply_vehicle_control(
                    car, *rng.random(1).tolist(), float(rng.normal(0, 0.3)), float(rng.random() < 0.3)
                )
            for walker in walkers:
                world.apply_walker_control(walker, (*rng.normal(0, 1, 2).tolist(), 0.0), 1.5)
        events = world.step(TICK_S)
        for name in ("location", "rotation_deg", "velocity_mps", "angular_velocity_dps", "acceleration_mps2"):
            digest.update(np.ascontiguousarray(world.actors.records[name]).tobytes())
        digest.update(repr(events).encode())
    return digest.hexdigest()


def test_two_processes_give_bit_identical_states() -> None:
    script = HASH_SCRIPT.format(folder=str(Path(__file__).parent))
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in range(2)
    ]
    hashes = [run.stdout.strip() for run in runs]
    assert hashes[0] == hashes[1] and len(hashes[0]) == len(hashlib.sha256().hexdigest())


@pytest.mark.parametrize(
    ("type_id", "kind"),
    [
        (CAR, ActorKind.VEHICLE),
        (WALKER, ActorKind.WALKER),
        (CAMERA, ActorKind.SENSOR),
        ("static.prop.trafficcone01", ActorKind.PROP),
        ("static.trigger.friction", ActorKind.TRIGGER),
    ],
)
def test_kinds_are_told_apart(flat_world: World, type_id: str, kind: ActorKind) -> None:
    assert flat_world.spawn(type_id, {}, Transform(40.0, 5.0, 1.0)).kind == kind


@given(st.floats(-1e5, 1e5), st.floats(-180, 179.99), st.floats(-89, 89), st.floats(-180, 180))
@settings(max_examples=50, deadline=None)
def test_poses_survive_the_tables(flat_map, x, yaw, pitch, roll) -> None:
    world = World(flat_map, None)
    pose = Transform(x, -x, 0.5 * x, pitch, yaw, roll)
    prop = world.spawn("static.prop.trafficcone01", {}, pose)
    world.step(TICK_S)
    assert world.transform(prop.id) == pose


def test_telemetry_doors_lights_and_wheels(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 0.8, 0.2, 0.0)
    run(flat_world, 3.0)
    telemetry = flat_world.telemetry(car.id)
    assert telemetry.speed == pytest.approx(np.linalg.norm(velocity(flat_world, car.id)[:2]), rel=0.02)
    assert 500.0 < telemetry.engine_rpm < 6500.0 and telemetry.gear >= 1 and len(telemetry.wheels) == 4
    assert telemetry.wheels[0].omega * 0.355 == pytest.approx(telemetry.speed, rel=0.2)
    assert 5.0 < flat_world.wheel_steer_angle(car.id, 0) < 14.0 and flat_world.wheel_steer_angle(car.id, 2) == 0.0
    flat_world.open_door(car.id, 6)
    flat_world.close_door(car.id, 0)
    assert flat_world.vehicles.open_doors[0] == 0x3E
    flat_world.set_light_flags(car.id, 1 | 8)
    assert flat_world.light_flags(car.id) == 9


def test_the_dead_do_not_drive_or_walk(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    walker = flat_world.spawn(WALKER, {}, Transform(50.0, 12.0, 0.93))
    flat_world.apply_vehicle_control(car.id, 1.0, 0.0, 0.0)
    flat_world.apply_walker_control(walker.id, (1.0, 0.0, 0.0), 2.0)
    for actor in (car, walker):
        flat_world.set_dead(actor.id)
    run(flat_world, 2.0)
    assert flat_world.transform(car.id).x == 50.0 and flat_world.transform(walker.id).x == 50.0


def test_spawned_vehicles_know_their_lanes_limit(flat_map) -> None:
    slow = flat_map.lanes.replaced(speed_limit_kmh=np.full(len(flat_map.lanes.speed_limit_kmh), 70.0))
    from dataclasses import replace

    world = World(replace(flat_map, lanes=slow), None)
    world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    world.spawn(CAR, {}, Transform(50.0, 90.0, 0.0))
    assert world.vehicles.speed_limit_kmh.tolist() == [70.0, 30.0]


def test_stale_compiled_code_is_dropped(tmp_path: Path) -> None:
    import os

    from alpamayo_sim.world.compiled_code import drop_stale_code

    caller, callee = tmp_path / "caller.py", tmp_path / "callee.py"
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    for path, when in ((caller, 10), (cache / "caller.f-1.py311.nbi", 20), (callee, 15)):
        path.touch()
        os.utime(path, (when, when))
    assert drop_stale_code((caller, callee)) == 0
    os.utime(callee, (30, 30))
    assert drop_stale_code((caller, callee)) == 1 and not list(cache.glob("*.nbi"))
