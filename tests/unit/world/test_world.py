"""Actors come and go, keep their places, and walkers walk."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stepping import CAMERA, CAR, TICK_S, WALKER, run, velocity

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.compact_blueprints import compact
from alpamayo_sim.world.errors import SpawnError, UnknownActor, WrongActor
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world import World


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


def test_a_parent_may_go_and_its_children_stay(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    camera = flat_world.spawn(CAMERA, {}, Transform(1.0, 0.5, 2.0, -10.0, 30.0, 5.0), parent_id=car.id)
    flat_world.step(TICK_S)
    where = flat_world.transform(camera.id)
    flat_world.destroy(car.id)
    flat_world.step(TICK_S)
    assert flat_world.transform(camera.id) == where
    assert flat_world.actors.parent_ids[flat_world.row(camera.id)] == 0


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
