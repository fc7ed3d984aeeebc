"""All object meshes in one vertex and one index array, with coarse versions for small sizes on screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render import (
    bus_shapes,
    car_bodies,
    car_doors,
    car_shapes,
    people_shapes,
    prop_shapes,
    street_shapes,
    truck_shapes,
    two_wheelers,
    wheel_shapes,
)
from alpamayo_sim.render.mesh import VERTEX, Mesh
from alpamayo_sim.render.scene_frame import PROP_NAMES, ShapeClass, prop_class

NEVER = 0.0
NOTHING = Mesh(np.zeros(0, dtype=VERTEX), np.zeros((0, 3), dtype=np.int32))


@dataclass(frozen=True)
class Body:
    """The model of a shape class: mesh name, half sizes at which it was built, its wheels and its doors, metres."""

    mesh: str
    half_size: tuple[float, float, float]
    wheel_x: tuple[float, ...] = ()
    wheel_radius_m: float = 0.0
    wheel_width_m: float = 0.22
    wheel_mesh: str = "wheel"
    two_wheeler: bool = False
    doors: tuple[tuple[int, str, tuple[float, float, float]], ...] = ()
    """(number in `carla.VehicleDoor`, mesh, hinge)."""
    lamp_z: tuple[float, float] = (0.7, 0.8)
    """Heights of head and tail lights."""


CARS = {
    ShapeClass.SEDAN: ("sedan", car_shapes.SEDAN),
    ShapeClass.HATCHBACK: ("hatchback", car_shapes.HATCHBACK),
    ShapeClass.SUV: ("suv", car_shapes.SUV),
    ShapeClass.VAN: ("van", car_shapes.VAN),
    ShapeClass.PICKUP: ("pickup", car_shapes.PICKUP),
    ShapeClass.POLICE: ("police", car_shapes.POLICE),
    ShapeClass.AMBULANCE: ("ambulance", car_shapes.AMBULANCE),
    ShapeClass.COUPE: ("coupe", car_shapes.COUPE),
    ShapeClass.MICROCAR: ("microcar", car_shapes.MICROCAR),
    ShapeClass.JEEP: ("jeep", car_shapes.JEEP),
    ShapeClass.MINIBUS: ("minibus", car_shapes.MINIBUS),
}
_EMERGENCY = ("police", "ambulance")


def _car(name: str, shape: car_shapes.CarShape) -> Body:
    doors = tuple((d.number, f"{name}_door_{d.number}", car_doors.door_mesh(shape, d.number)[1]) for d in shape.doors)
    return Body(
        name,
        shape.half_size,
        shape.wheel_x,
        shape.wheel_radius,
        doors=doors,
        lamp_z=(shape.headlight_z, shape.taillight_z),
    )


def _bike(name: str, half: tuple[float, float, float], x: tuple[float, ...], radius: float, width: float) -> Body:
    wheel = "thin_wheel" if name == "bicycle" else "bike_wheel"
    return Body(name, half, x, radius, width, wheel, two_wheeler=True)


@cache
def bodies() -> dict[int, Body]:
    """Return the body of every shape class."""
    found: dict[int, Body] = {int(shape): _car(name, car) for shape, (name, car) in CARS.items()}
    for shape, name in ((ShapeClass.TRUCK, "truck"), (ShapeClass.FIRE_TRUCK, "fire_truck")):
        found[int(shape)] = Body(name, truck_shapes.TRUCK_HALF, (2.6, -1.6, -2.9), 0.5, 0.3)
    found[int(ShapeClass.BOX_TRUCK)] = Body("box_truck", truck_shapes.BOX_TRUCK_HALF, (1.75, -1.5), 0.38, 0.26)
    found[int(ShapeClass.BUS)] = Body("bus", bus_shapes.BUS_HALF, (3.4, -2.7), 0.48, 0.3)
    for shape, bike in (
        (
            ShapeClass.MOTORCYCLE,
            _bike(
                "motorcycle",
                two_wheelers.MOTORCYCLE_HALF,
                two_wheelers.MOTORCYCLE_WHEELS,
                two_wheelers.MOTORCYCLE_RADIUS,
                0.12,
            ),
        ),
        (
            ShapeClass.SCOOTER,
            _bike("scooter", two_wheelers.SCOOTER_HALF, two_wheelers.SCOOTER_WHEELS, two_wheelers.SCOOTER_RADIUS, 0.10),
        ),
        (
            ShapeClass.BICYCLE,
            _bike(
                "bicycle", two_wheelers.BICYCLE_HALF, two_wheelers.BICYCLE_WHEELS, two_wheelers.BICYCLE_RADIUS, 0.035
            ),
        ),
    ):
        found[int(shape)] = bike
    for shape, name in ((ShapeClass.MAN, "man"), (ShapeClass.WOMAN, "woman"), (ShapeClass.CHILD, "child")):
        found[int(shape)] = Body(name, people_shapes.WALKER_HALF)
    for name in PROP_NAMES:
        found[prop_class(name)] = Body(f"prop_{name}", (1.0, 1.0, 1.0))
    return found


@dataclass(frozen=True)
class MeshLibrary:
    """S meshes with up to two levels of detail each, packed for one draw call."""

    names: tuple[str, ...]
    vertices: NDArray[np.void]
    indices: NDArray[np.integer]
    first: NDArray[np.integer]
    """[S, 2] first index of the fine and the coarse level."""
    count: NDArray[np.integer]
    """[S, 2] number of indices."""
    switch_px: NDArray[np.floating]
    """[S] apparent radius in pixels below which the coarse level serves."""
    least_px: NDArray[np.floating]
    """[S] apparent radius below which nothing is drawn."""
    radius_m: NDArray[np.floating]

    def index(self, name: str) -> int:
        """Return the number of a mesh."""
        return self.names.index(name)


_Level = tuple[str, Mesh, Mesh | None, float, float]
"""Name, fine and coarse mesh, apparent radius in pixels at which they change, and below which nothing is drawn."""


PARKING = (ShapeClass.SEDAN, ShapeClass.HATCHBACK, ShapeClass.SUV, ShapeClass.COUPE)
"""The cars that stand parked in a town. There are many, so far ones are blocks: what is drawn of one is a "parked_" mesh from
`BLOCK_PX` on and a "distant_" one below, which has no fine level."""
BLOCK_PX = 5.5


def _parked_levels() -> list[_Level]:
    levels: list[_Level] = []
    for name, shape in (CARS[kind] for kind in PARKING):
        fine, coarse = car_bodies.car_mesh(shape), car_bodies.far_car_mesh(shape)
        levels.append((f"parked_{name}", fine, coarse, 21.0, BLOCK_PX))
        levels.append((f"distant_{name}", NOTHING, car_bodies.block_car_mesh(shape), BLOCK_PX, 1.2))
    return levels


def _vehicle_levels() -> list[_Level]:
    levels: list[_Level] = []
    for name, shape in CARS.values():
        beacon = name in _EMERGENCY
        levels.append(
            (name, car_bodies.car_mesh(shape, beacon=beacon), car_bodies.far_car_mesh(shape, beacon=beacon), 21.0, 0.8)
        )
        levels += [
            (f"{name}_door_{d.number}", car_doors.door_mesh(shape, d.number)[0], None, NEVER, 2.0) for d in shape.doors
        ]
        if shape.doors:
            levels.append((f"{name}_interior", car_doors.interior_mesh(shape), None, NEVER, 4.0))
    return [
        *levels,
        ("wheel", wheel_shapes.wheel_mesh(), wheel_shapes.wheel_mesh(spokes=False), 7.0, 2.0),
        ("bike_wheel", wheel_shapes.bike_wheel_mesh(thin=False), None, NEVER, 1.5),
        ("thin_wheel", wheel_shapes.bike_wheel_mesh(thin=True), None, NEVER, 1.5),
        ("truck", truck_shapes.truck_mesh(), truck_shapes.far_truck_mesh(), 24.0, 0.8),
        ("fire_truck", truck_shapes.fire_truck_mesh(), truck_shapes.far_truck_mesh(fire=True), 24.0, 0.8),
        ("box_truck", truck_shapes.box_truck_mesh(), None, NEVER, 0.8),
        ("bus", bus_shapes.bus_mesh(), bus_shapes.far_bus_mesh(), 24.0, 0.8),
        ("motorcycle", two_wheelers.motorcycle_mesh(), None, NEVER, 1.0),
        ("scooter", two_wheelers.scooter_mesh(), None, NEVER, 1.0),
        ("bicycle", two_wheelers.bicycle_mesh(), None, NEVER, 1.0),
    ]


def _walker_levels() -> list[_Level]:
    walker = people_shapes.walker_mesh
    return [
        ("man", walker(), walker(far=True), 16.0, 0.8),
        ("woman", walker(woman=True), walker(far=True, woman=True), 16.0, 0.8),
        ("child", walker(child=True), walker(far=True, child=True), 16.0, 0.8),
    ]


def _street_levels(speed_limits: tuple[int, ...]) -> list[_Level]:
    street = street_shapes
    signs: list[tuple[str, Callable[[], Mesh]]] = [
        ("sign_stop", lambda: street.sign_mesh("stop")),
        ("sign_yield", lambda: street.sign_mesh("yield")),
        ("sign_plain", lambda: street.sign_mesh("plain")),
        ("sign_post", lambda: street.sign_mesh("post")),
    ]
    speeds = [(f"sign_{v}", street.speed_sign_mesh(speed_limits, v)) for v in speed_limits]
    return [
        ("broad_tree", street.broad_tree_mesh(), street.broad_tree_mesh(far=True), 42.0, 2.2),
        ("slim_tree", street.slim_tree_mesh(), street.slim_tree_mesh(far=True), 42.0, 2.2),
        ("conifer", street.conifer_mesh(), street.conifer_mesh(far=True), 42.0, 2.2),
        ("hedge", street.hedge_mesh(), street.hedge_mesh(far=True), 14.0, 1.5),
        ("lamp", street.lamp_mesh(), street.lamp_mesh(far=True), 40.0, 5.0),
        ("light_pole", street.light_pole_mesh(), None, NEVER, 0.3),
        ("light_arm", street.light_arm_mesh(), None, NEVER, 0.3),
        ("light_head", street.light_head_mesh(), street.light_head_mesh(far=True), 5.0, 0.5),
        ("rail", street.rail_mesh(), street.rail_mesh(far=True), 16.0, 1.2),
        ("awning", street.awning_mesh(), None, NEVER, 4.5),
        ("bay", street.bay_mesh(), None, NEVER, 2.5),
        ("street_bench", prop_shapes.prop_mesh("bench"), None, NEVER, 4.0),
        ("street_bin", prop_shapes.prop_mesh("litter_bin"), None, NEVER, 3.0),
        ("shelter", prop_shapes.prop_mesh("bus_shelter"), None, NEVER, 2.0),
        ("bus_stop_sign", street.bus_stop_sign_mesh(), None, NEVER, 2.0),
        *((name, make(), None, NEVER, 2.5) for name, make in signs),
        *((name, mesh, None, NEVER, 2.5) for name, mesh in speeds),
    ]


def _levels(speed_limits: tuple[int, ...]) -> list[_Level]:
    props: list[_Level] = [(f"prop_{name}", prop_shapes.prop_mesh(name), None, NEVER, 0.8) for name in PROP_NAMES]
    return [*_vehicle_levels(), *_parked_levels(), *_walker_levels(), *_street_levels(speed_limits), *props]


@cache
def mesh_library(speed_limits: tuple[int, ...]) -> MeshLibrary:
    """Return all meshes, with a sign for each of the speed limits."""
    levels = _levels(speed_limits)
    vertices: list[NDArray[np.void]] = []
    indices: list[NDArray[np.integer]] = []
    first, count = np.zeros((len(levels), 2), np.int64), np.zeros((len(levels), 2), np.int64)
    placed_vertices = placed_indices = 0
    for s, (_, fine, coarse, _, _) in enumerate(levels):
        for level, mesh in enumerate((fine, coarse)):
            if mesh is None:
                first[s, level], count[s, level] = first[s, 0], count[s, 0]
                continue
            vertices.append(mesh.vertices)
            indices.append((mesh.triangles + placed_vertices).astype(np.uint32).ravel())
            first[s, level], count[s, level] = placed_indices, mesh.triangles.size
            placed_vertices += len(mesh.vertices)
            placed_indices += mesh.triangles.size
    return MeshLibrary(
        tuple(level[0] for level in levels),
        np.concatenate(vertices),
        np.concatenate(indices),
        first,
        count,
        np.array([level[3] for level in levels]),
        np.array([level[4] for level in levels]),
        np.array(
            [max(mesh.radius_m for mesh in level[1:3] if mesh is not None and len(mesh.vertices)) for level in levels]
        ),
    )
