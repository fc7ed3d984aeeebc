"""Every command of a batch, by its number on the wire, and those that the client's bindings build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import carla
import pytest
from rpc_scene import Scene, scene

assert scene
HIGH = [0.0, 0.0, 60.0]
FLAT = [0.0, 0.0, 0.0]
FUTURE_ACTOR = 0


def one(scene: Scene, index: int, *fields: Any) -> Any:
    """Carry out one command and return its answer."""
    (answer,) = scene.raw.call("apply_batch", [[[index, list(fields)]]], False)
    return answer


def fly(scene: Scene) -> int:
    """Let the second car stand still in the air and return its id."""
    scene.other.set_simulate_physics(True)
    scene.other.set_enable_gravity(False)
    scene.other.set_transform(carla.Transform(carla.Location(*HIGH)))
    scene.other.set_target_velocity(carla.Vector3D())
    scene.other.set_target_angular_velocity(carla.Vector3D())
    scene.tick()
    return scene.other.id


def description(scene: Scene, name: str) -> list[Any]:
    """Return an ActorDescription with the blueprint's default attributes."""
    uid, type_id, _, attributes = next(d for d in scene.raw.value("get_actor_definitions") if d[1] == name)
    return [uid, type_id, [[a[0], a[1], a[2]] for a in attributes]]


def test_spawn_with_parent_and_commands_to_do_after(scene: Scene) -> None:
    car = [description(scene, "vehicle.audi.tt"), [HIGH, FLAT], [False], 72, "", []]
    sensor = [description(scene, "sensor.other.gnss"), [[1.0, 0.0, 2.0], FLAT], [True, FUTURE_ACTOR], 72, "", []]
    after = [[[14, [FUTURE_ACTOR, False]]], [[0, sensor]], [[18, [FUTURE_ACTOR, 5]]]]
    car[5] = after
    kind, actor_id = one(scene, 0, *car)[0]
    assert kind == 1
    scene.tick(3)
    spawned = scene.world.get_actor(actor_id)
    assert spawned.get_location().z == pytest.approx(60.0, abs=0.01), "physics was switched off after the spawn"
    assert int(spawned.get_light_state()) == 5
    (child,) = [a for a in scene.world.get_actors().filter("sensor.other.gnss") if a.id > actor_id]
    assert child.parent.id == actor_id
    assert [one(scene, 1, number)[0] for number in (child.id, actor_id)] == [[1, child.id], [1, actor_id]]
    assert one(scene, 1, actor_id)[0][0] == 0, "it is gone already"


Effect = Callable[[Scene], None]


def _velocity(axis: str, at_least: float) -> Effect:
    def check(scene: Scene) -> None:
        assert getattr(scene.other.get_velocity(), axis) > at_least

    return check


def _spins(scene: Scene) -> None:
    assert scene.other.get_angular_velocity().z > 1.0


@pytest.mark.parametrize(
    ("index", "value", "effect"),
    [
        (8, [3.0, 0.0, 0.0], _velocity("x", 2.5)),
        (9, [0.0, 0.0, 40.0], _spins),
        (10, [0.0, 5000.0, 0.0], _velocity("y", 1.0)),
        (11, [0.0, 100_000.0, 0.0], _velocity("y", 1.0)),
        (12, [0.0, 0.0, 500_000.0], _spins),
        (13, [0.0, 0.0, 500_000.0], _spins),
    ],
)
def test_commands_that_move(scene: Scene, index: int, value: list[float], effect: Effect) -> None:
    actor_id = fly(scene)
    assert one(scene, index, actor_id, value) == [[1, actor_id]]
    scene.tick()
    effect(scene)


def test_commands_that_control(scene: Scene) -> None:
    car, walker = scene.car, scene.walker
    assert one(scene, 2, car.id, [0.5, 0.25, 0.125, False, False, False, 0]) == [[1, car.id]]
    scene.tick()
    assert (car.get_control().throttle, car.get_control().steer, car.get_control().brake) == (0.5, 0.25, 0.125)
    assert one(scene, 3, car.id, [0.0, 0.0, 4.0, 2.0, 0.0]) == [[1, car.id]]
    scene.tick(40)
    assert car.get_velocity().length() > 1.0
    assert one(scene, 2, car.id, [0.0, 0.0, 1.0, False, False, False, 0]) == [[1, car.id]]
    assert one(scene, 4, walker.id, [[0.0, 1.0, 0.0], 1.5, False]) == [[1, walker.id]]
    scene.tick(5)
    assert walker.get_velocity().y == pytest.approx(1.5, abs=0.1)
    place = walker.get_location()
    assert one(scene, 7, walker.id, [[place.x + 0.5, place.y, place.z], [0.0, 90.0, 0.0]], 1.0) == [[1, walker.id]]
    scene.tick()
    assert walker.get_location().x == pytest.approx(place.x + 0.5, abs=0.05)
    assert walker.get_control().speed == 1.0
    one(scene, 4, walker.id, [[0.0, 1.0, 0.0], 0.0, False])
    scene.tick(60)


def test_commands_that_change_an_actor(scene: Scene) -> None:
    actor_id = fly(scene)
    physics = scene.raw.value("get_physics_control", actor_id)
    heavy = [*physics[:11], physics[11] + 250.0, *physics[12:]]
    assert one(scene, 5, actor_id, heavy) == [[1, actor_id]]
    assert scene.raw.value("get_physics_control", actor_id)[11] == pytest.approx(physics[11] + 250.0)
    one(scene, 5, actor_id, physics)
    assert one(scene, 6, actor_id, [[5.0, 6.0, 70.0], [0.0, 33.0, 0.0]]) == [[1, actor_id]]
    scene.tick()
    assert scene.other.get_transform().rotation.yaw == pytest.approx(33.0, abs=0.1)
    assert one(scene, 19, actor_id, [7.0, 8.0, 80.0]) == [[1, actor_id]]
    scene.tick()
    assert scene.other.get_location().distance(carla.Location(7.0, 8.0, 80.0)) < 0.1
    assert one(scene, 15, actor_id, True) == [[1, actor_id]]
    scene.tick(5)
    assert scene.other.get_velocity().z < -1.0
    assert one(scene, 14, actor_id, False) == [[1, actor_id]]
    height = scene.other.get_location().z
    scene.tick(5)
    assert scene.other.get_location().z == pytest.approx(height, abs=0.6)
    assert one(scene, 18, actor_id, 3) == [[1, actor_id]]
    assert scene.raw.value("get_vehicle_light_state", actor_id) == [3]
    assert one(scene, 16, actor_id, True) == [[1, actor_id]] == one(scene, 17, actor_id, True)


def test_light_and_console_commands(scene: Scene) -> None:
    light = scene.light
    scene.world.freeze_all_traffic_lights(True)
    assert one(scene, 21, light.id, 1) == [[1, light.id]]
    scene.tick()
    assert light.get_state() == carla.TrafficLightState.Yellow
    scene.world.freeze_all_traffic_lights(False)
    kind, (message,) = one(scene, 20, "stat fps")[0]
    assert kind == 0 and "console" in message


@pytest.mark.parametrize("index", [*range(1, 20), 21])
def test_commands_on_nobody_are_errors_that_hurt_no_other(scene: Scene, index: int) -> None:
    fields: dict[int, list[Any]] = {
        1: [], 2: [[0.0, 0.0, 0.0, False, False, False, 0]], 3: [[0.0] * 5], 4: [[FLAT, 0.0, False]],
        5: [scene.raw.value("get_physics_control", scene.car.id)], 6: [[FLAT, FLAT]], 7: [[FLAT, FLAT], 1.0],
        14: [True], 15: [True], 16: [True], 17: [True], 18: [1], 21: [1],
    }  # fmt: skip
    nobody = [[index, [3_999_999_999, *fields.get(index, [FLAT])]]]
    tells = [[18, [scene.car.id, 1]]]
    answers = scene.raw.call("apply_batch", [nobody, tells], False)
    gone_is_no_error = index == 14 and answers[0][0][0] == 1
    assert answers[0][0][0] == 0 or gone_is_no_error
    assert answers[1] == [[1, scene.car.id]]


def test_commands_of_the_bindings(scene: Scene) -> None:
    c, car, walker = carla.command, scene.car.id, scene.walker.id
    still = carla.Vector3D()
    commands = [
        c.ApplyVehicleControl(car, carla.VehicleControl(brake=1.0)),
        c.ApplyVehicleAckermannControl(car, carla.VehicleAckermannControl()),
        c.ApplyWalkerControl(walker, carla.WalkerControl()),
        c.ApplyVehiclePhysicsControl(car, scene.car.get_physics_control()),
        c.ApplyTransform(scene.sensor.id, carla.Transform(carla.Location(z=1.0))),
        c.ApplyWalkerState(walker, scene.walker.get_transform(), 0.0),
        c.ApplyTargetVelocity(car, still), c.ApplyTargetAngularVelocity(car, still), c.ApplyImpulse(car, still),
        c.ApplyForce(car, still), c.ApplyAngularImpulse(car, still), c.ApplyTorque(car, still),
        c.SetSimulatePhysics(car, True), c.SetEnableGravity(car, True),
        c.SetVehicleLightState(car, carla.VehicleLightState.NONE),
    ]  # fmt: skip
    answers = scene.client.apply_batch_sync(commands, True)
    assert [answer.error for answer in answers] == [""] * len(commands)
    assert [command[0][0] for command in scene.last("apply_batch").arguments[0]] == [
        2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18,
    ]  # fmt: skip
    before = scene.world.get_snapshot().frame
    scene.client.apply_batch_sync([c.SetEnableGravity(car, True)], True)
    scene.tick()
    assert scene.world.get_snapshot().frame == before + 2, "the batch has ticked once"
