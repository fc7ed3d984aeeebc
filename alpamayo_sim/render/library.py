"""All object meshes in one vertex and one index array, with coarse versions for small sizes on screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render import car_shapes, large_shapes, street_shapes
from alpamayo_sim.render.mesh import Mesh
from alpamayo_sim.render.scene_frame import ShapeClass

NEVER = 0.0


@dataclass(frozen=True)
class Body:
    """The model of a shape class: mesh name, half sizes at which it was built, and its wheels (x, radius, width) in metres."""

    mesh: str
    half_size: tuple[float, float, float]
    wheel_x: tuple[float, ...] = ()
    wheel_radius_m: float = 0.0
    wheel_width_m: float = 0.22


def _car(name: str, shape: car_shapes.CarShape) -> Body:
    return Body(name, shape.half_size, shape.wheel_x, shape.wheel_radius)


BODIES = {
    ShapeClass.SEDAN: _car("sedan", car_shapes.SEDAN),
    ShapeClass.HATCHBACK: _car("hatchback", car_shapes.HATCHBACK),
    ShapeClass.SUV: _car("suv", car_shapes.SUV),
    ShapeClass.VAN: _car("van", car_shapes.VAN),
    ShapeClass.PICKUP: _car("pickup", car_shapes.PICKUP),
    ShapeClass.POLICE: _car("police", car_shapes.SEDAN),
    ShapeClass.AMBULANCE: _car("ambulance", car_shapes.VAN),
    ShapeClass.TRUCK: Body("truck", large_shapes.TRUCK_HALF, (2.6, -1.6, -2.9), 0.5, 0.3),
    ShapeClass.FIRE_TRUCK: Body("fire_truck", large_shapes.TRUCK_HALF, (2.6, -1.6, -2.9), 0.5, 0.3),
    ShapeClass.BUS: Body("bus", large_shapes.BUS_HALF, (3.4, -2.7), 0.48, 0.3),
    ShapeClass.MOTORCYCLE: Body("motorcycle", large_shapes.MOTORCYCLE_HALF),
    ShapeClass.BICYCLE: Body("bicycle", large_shapes.BICYCLE_HALF),
    ShapeClass.WALKER: Body("walker", large_shapes.WALKER_HALF),
    ShapeClass.BOX: Body("box", (1.0, 1.0, 1.0)),
    ShapeClass.CONE: Body("cone", (1.0, 1.0, 1.0)),
    ShapeClass.BARREL: Body("barrel", (1.0, 1.0, 1.0)),
    ShapeClass.BARRIER: Body("barrier", (1.0, 1.0, 1.0)),
}


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


def _levels(speed_limits: Iterable[int]) -> list[tuple[str, Mesh, Mesh | None, float, float]]:
    c, big, street = car_shapes, large_shapes, street_shapes
    cars = [
        (name, c.car_mesh(shape, beacon=beacon), c.far_car_mesh(shape), 16.0, 0.8)
        for name, shape, beacon in (
            ("sedan", c.SEDAN, False),
            ("hatchback", c.HATCHBACK, False),
            ("suv", c.SUV, False),
            ("van", c.VAN, False),
            ("pickup", c.PICKUP, False),
            ("police", c.SEDAN, True),
            ("ambulance", c.VAN, True),
        )
    ]
    rest: list[tuple[str, Mesh, Mesh | None, float, float]] = [
        ("wheel", c.wheel_mesh(), c.wheel_mesh(spokes=False), 7.0, 2.0),
        ("truck", big.truck_mesh(), None, NEVER, 0.8),
        ("fire_truck", big.truck_mesh(beacon=True), None, NEVER, 0.8),
        ("bus", big.bus_mesh(), None, NEVER, 0.8),
        ("motorcycle", big.motorcycle_mesh(), None, NEVER, 1.0),
        ("bicycle", big.bicycle_mesh(), None, NEVER, 1.0),
        ("walker", big.walker_mesh(), big.walker_mesh(far=True), 14.0, 0.8),
        ("box", big.box_mesh(), None, NEVER, 0.8),
        ("cone", big.cone_mesh(), None, NEVER, 0.8),
        ("barrel", big.barrel_mesh(), None, NEVER, 0.8),
        ("barrier", big.barrier_mesh(), None, NEVER, 0.8),
        ("broad_tree", street.broad_tree_mesh(), street.broad_tree_mesh(far=True), 42.0, 2.2),
        ("conifer", street.conifer_mesh(), street.conifer_mesh(far=True), 42.0, 2.2),
        ("lamp", street.lamp_mesh(), street.lamp_mesh(far=True), 40.0, 5.0),
        ("light_pole", street.light_pole_mesh(), None, NEVER, 0.3),
        ("light_arm", street.light_arm_mesh(), None, NEVER, 0.3),
        ("light_head", street.light_head_mesh(), street.light_head_mesh(far=True), 5.0, 0.5),
        ("rail", street.rail_mesh(), street.rail_mesh(far=True), 16.0, 1.2),
        ("sign_stop", street.sign_mesh("stop"), None, NEVER, 2.5),
        ("sign_yield", street.sign_mesh("yield"), None, NEVER, 2.5),
        ("sign_plain", street.sign_mesh("plain"), None, NEVER, 2.5),
    ]
    speeds = [(f"sign_{v}", street.sign_mesh("speed_limit", v), None, NEVER, 2.5) for v in sorted(set(speed_limits))]
    return [*cars, *rest, *speeds]


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
        np.array([level[1].radius_m for level in levels]),
    )
