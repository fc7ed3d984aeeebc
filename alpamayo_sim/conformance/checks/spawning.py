"""How actors come into the world and leave it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured, Skip
from alpamayo_sim.conformance.context import CAR, Context, pose_of

SPAWNING = Family("spawning")
_DOCUMENTED_SENSORS = (
    "sensor.camera.depth",
    "sensor.camera.dvs",
    "sensor.camera.instance_segmentation",
    "sensor.camera.normals",
    "sensor.camera.optical_flow",
    "sensor.camera.rgb",
    "sensor.camera.semantic_segmentation",
    "sensor.lidar.ray_cast",
    "sensor.lidar.ray_cast_semantic",
    "sensor.other.collision",
    "sensor.other.gnss",
    "sensor.other.imu",
    "sensor.other.lane_invasion",
    "sensor.other.obstacle",
    "sensor.other.radar",
)
_ADULT_HALF_HEIGHT_M = 0.93


@SPAWNING.check(
    "blueprints",
    "The blueprint library is there, sorted into CARLA's kinds",
    carla="Blueprints of sensors, static objects, vehicles and walkers exist; all ids have three parts or more.",
    source="PythonAPI/test/smoke/test_blueprint.py; Docs/bp_library.md for the sensors",
)
def _blueprints(context: Context) -> Iterator[Measured]:
    ids = [blueprint.id for blueprint in context.library]
    for kind in ("sensor", "static", "vehicle", "walker"):
        count = sum(1 for type_id in ids if type_id.startswith(f"{kind}."))
        yield Measured(f"{kind} blueprints", count)
        yield Measured(f"{kind} blueprints exist", count > 0, expected=True)
    yield Measured("all ids have three parts", all(re.match(r"\S+\.\S+\.\S+", i) for i in ids), expected=True)
    yield Measured("ids are unique", len(set(ids)) == len(ids), expected=True)
    missing = [sensor for sensor in _DOCUMENTED_SENSORS if sensor not in ids]
    yield Measured("documented sensors that are missing", ", ".join(missing), expected="")


@SPAWNING.check(
    "attribute_defaults",
    "Blueprints have CARLA's attributes and defaults",
    carla="A camera is 800 x 600 with 90 degrees; a lidar has 32 channels and 10 m; an MKZ is a car with four wheels.",
    source="Docs/bp_library.md, Docs/ref_sensors.md, Docs/catalogue_vehicles.md",
)
def _attribute_defaults(context: Context) -> Iterator[Measured]:
    documented = {
        "sensor.camera.rgb": {"image_size_x": "800", "image_size_y": "600", "fov": "90.0", "sensor_tick": "0.0"},
        "sensor.lidar.ray_cast": {"channels": "32", "range": "10.0", "points_per_second": "56000"},
        "sensor.other.radar": {"range": "100", "points_per_second": "1500"},
        "sensor.other.obstacle": {"distance": "5", "hit_radius": "0.5"},
        CAR: {"number_of_wheels": "4", "base_type": "car", "generation": "2"},
    }
    for type_id, attributes in documented.items():
        blueprint = context.blueprint(type_id)
        for name, expected in attributes.items():
            found = str(_native(blueprint.get_attribute(name))) if blueprint.has_attribute(name) else "missing"
            is_number = re.fullmatch(r"[0-9.]+", expected) is not None and found != "missing"
            same: float | str = float(found) if is_number else found
            yield Measured(f"{type_id} {name}", same, expected=float(expected) if is_number else expected)


def _native(attribute: carla.ActorAttribute) -> object:
    readers = {
        carla.ActorAttributeType.Int: attribute.as_int,
        carla.ActorAttributeType.Float: attribute.as_float,
        carla.ActorAttributeType.Bool: attribute.as_bool,
    }
    return readers.get(attribute.type, attribute.as_str)()


@SPAWNING.check(
    "attributes",
    "An actor has the attributes that its blueprint was given",
    carla="role_name and colour come back as they were set, and with every other attribute of the blueprint.",
    source="Docs/core_actors.md",
)
def _attributes(context: Context) -> Iterator[Measured]:
    vehicle = context.car(role_name="conformance", color="10,20,30")
    attributes = dict(vehicle.attributes)
    yield Measured("role_name", attributes.get("role_name", ""), expected="conformance")
    yield Measured("color", attributes.get("color", ""), expected="10,20,30")
    yield Measured("number_of_wheels", attributes.get("number_of_wheels", ""), expected="4")
    yield Measured("type_id", vehicle.type_id, expected=CAR)


@SPAWNING.check(
    "collision_refused",
    "A vehicle is not spawned into another one",
    carla="spawn_actor raises 'Spawn failed because of collision at spawn position'; try_spawn_actor gives None.",
    source="Carla/Actor/ActorSpawnResult.cpp; LibCarla World::TrySpawnActor",
)
def _collision_refused(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    blueprint = context.blueprint(CAR)
    place = vehicle.get_transform()
    place.location.z += 0.2
    text = ""
    try:
        context.adopt([context.world.spawn_actor(blueprint, place).id])
    except RuntimeError as error:
        text = str(error)
    yield Measured("text of the refusal", text, expected="Spawn failed because of collision at spawn position")
    second = context.world.try_spawn_actor(blueprint, place)
    if second is not None:
        context.adopt([second.id])
    yield Measured("try_spawn_actor gives None", second is None, expected=True)
    listed = len(context.tick_and_list("vehicle.*"))
    yield Measured("vehicles in the world", listed, expected=1 + context.vehicles_found)


@SPAWNING.check(
    "sensors_overlap",
    "Sensors are spawned wherever they are asked for",
    carla="Sensors are spawned with AlwaysSpawn, even into other actors.",
    source="Carla/Actor/ActorDispatcher.cpp and the sensors' factories",
)
def _sensors_overlap(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    place = vehicle.get_transform()
    place.location.z += 0.5
    mine = {context.spawn(carla.Sensor, "sensor.other.gnss", place).id for _ in range(2)}
    listed = mine & {sensor.id for sensor in context.tick_and_list("sensor.other.gnss")}
    yield Measured("sensors inside a vehicle", len(listed), expected=2)


@SPAWNING.check(
    "settles",
    "A vehicle that is spawned above the road falls onto it and stands",
    carla="Spawned 0.5 m above the road it stands within half a second or so with its origin at road level (z 0.03).",
    source="measured in a CARLA recording (Town01): z 0.645 at the spawn, 0.03 after 0.5 s",
)
def _settles(context: Context) -> Iterator[Measured]:
    place = context.places.straight(40.0).at(10.0)
    road_z = place.location.z - 0.3
    place.location.z = road_z + 0.5
    vehicle = context.spawn(carla.Vehicle, CAR, place)
    context.tick()
    first = vehicle.get_transform().location
    yield Measured("height over the road after one tick", first.z - road_z, "m", 0.48, 0.06)
    yield Measured("sideways from the spawn place after one tick", _flat(first, place.location), "m", 0.0, 0.02)
    ticks = context.tick_until(lambda: abs(vehicle.get_location().z - road_z) < 0.08, 40)
    yield Measured("time until it is near the road", 0.05 * ticks, "s", diff_tolerance=0.25)
    context.tick(40)
    rest = vehicle.get_transform().location
    yield Measured("height over the road at rest", rest.z - road_z, "m", 0.0, 0.08)
    yield Measured("speed at rest", vehicle.get_velocity().length(), "m/s", 0.0, 0.02)
    yield Measured("drift while it settled", _flat(rest, place.location), "m", 0.0, 0.15)


def _flat(one: carla.Location, other: carla.Location) -> float:
    return one.distance_2d(other)


@SPAWNING.check(
    "walker_height",
    "A walker's origin is the middle of its capsule",
    carla="An adult stands with its origin 0.93 m above the ground; its box is centred there.",
    source="Docs/tuto_G_bounding_boxes.md; capsule half heights of CARLA's walkers",
)
def _walker_height(context: Context) -> Iterator[Measured]:
    adults = [b.id for b in context.library.filter("walker.pedestrian.*") if b.get_attribute("age").as_str() == "adult"]
    if not adults:
        raise Skip("the server has no adult walker blueprint")
    place = context.places.straight(40.0).at(10.0)
    road_z = place.location.z - 0.3
    place.location.z = road_z + 1.2
    walker = context.spawn(carla.Walker, sorted(adults)[0], place)
    context.tick(40)
    yield Measured("height of the origin", walker.get_location().z - road_z, "m", _ADULT_HALF_HEIGHT_M, 0.1)
    box = walker.bounding_box
    yield Measured("half height of the box", box.extent.z, "m", _ADULT_HALF_HEIGHT_M, 0.05)
    yield Measured("height of the box's centre over the origin", box.location.z, "m", 0.0, 0.05)


@SPAWNING.check(
    "destroy",
    "A destroyed actor is gone from the next tick on, and its id is not given again",
    carla="destroy() is true once; later states do not have the actor; ids only grow within an episode.",
    source="LibCarla Actor::Destroy; Carla/Actor/ActorRegistry.cpp (ids are counted up)",
)
def _destroy(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    known = vehicle.id
    yield Measured("destroy answers", vehicle.destroy(), expected=True)
    snapshot = context.tick()
    yield Measured("the state has it", snapshot.has_actor(known), expected=False)
    yield Measured("the list has it", any(a.id == known for a in context.world.get_actors()), expected=False)
    later = context.car()
    yield Measured("the next id is larger", later.id > known, expected=True)


@SPAWNING.check(
    "children_survive",
    "Destroying a parent leaves its sensors registered",
    carla="The dispatcher destroys the one actor; Unreal detaches what was attached to it.",
    source="Carla/Actor/ActorDispatcher.cpp (DestroyActor does not visit children)",
)
def _children_survive(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    mount = carla.Transform(carla.Location(z=2.0))
    sensor = context.spawn(carla.Sensor, "sensor.other.gnss", mount, parent=vehicle)
    context.tick()
    vehicle.destroy()
    snapshot = context.tick(2)
    yield Measured("the sensor is still in the state", snapshot.has_actor(sensor.id), expected=True)


@SPAWNING.check(
    "parent_rigid",
    "A rigidly attached actor stands at parent times relative transform",
    carla="KeepRelativeTransform: world pose = parent pose composed with the spawn transform.",
    source="Carla/Actor/ActorDispatcher / CarlaServer spawn_actor_with_parent; PythonAPI/test/smoke/test_sync.py",
)
def _parent_rigid(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    mount = carla.Transform(carla.Location(1.5, -0.5, 2.0), carla.Rotation(pitch=-10.0, yaw=30.0))
    sensor = context.spawn(carla.Sensor, "sensor.other.imu", mount, parent=vehicle)
    context.tick()
    yield from attached(context, vehicle, sensor, mount, "at rest")
    vehicle.apply_control(carla.VehicleControl(throttle=0.7, steer=0.2))
    context.tick(30)
    yield from attached(context, vehicle, sensor, mount, "moving")
    yield Measured("the parent is known", sensor.parent is not None and sensor.parent.id == vehicle.id, expected=True)


def attached(
    context: Context, parent: carla.Actor, child: carla.Actor, mount: carla.Transform, when: str
) -> Iterator[Measured]:
    """Measure how far a child is from where parent and mount put it."""
    snapshot = context.world.get_snapshot()
    pose, seen = pose_of(snapshot, parent), pose_of(snapshot, child)
    at = mount.location
    # `transform` changes the location that it is given.
    place = pose.transform(carla.Location(at.x, at.y, at.z))
    forward = pose.transform_vector(mount.get_forward_vector())
    error = (seen.location - place).length()
    yield Measured(f"distance from the place that parent and mount give, {when}", error, "m", 0.0, 0.02)
    turned = (seen.get_forward_vector() - forward).length()
    yield Measured(f"error of the forward vector, {when}", turned, "", 0.0, 0.01)


@SPAWNING.check(
    "parent_spring_arm",
    "A camera on a spring arm follows its parent with a lag",
    carla="SpringArm attaches through a USpringArmComponent with lag; the exact pose is not published.",
    source="Docs/core_actors.md, carla.AttachmentType",
)
def _parent_spring_arm(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    mount = carla.Transform(carla.Location(-5.5, 0.0, 2.8), carla.Rotation(pitch=-15.0))
    camera_id = "sensor.camera.rgb"
    camera = context.spawn(carla.Sensor, camera_id, mount, parent=vehicle, attachment=carla.AttachmentType.SpringArm)
    context.tick(40)
    offset = camera.get_location().distance(vehicle.get_location())
    yield Measured("distance from the parent at rest", offset, "m", diff_tolerance=0.5)
    yield Measured("it is near its parent", 3.0 < offset < 9.0, expected=True)
