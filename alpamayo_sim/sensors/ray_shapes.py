"""What things look like to rays: each as a few boxes, leaning boxes and ellipsoids in its own box.

Rows are those of `ray_kernel.Bodies.solids`, in metres in the frame of the thing, its origin in the middle of its box.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.library import PARKING
from alpamayo_sim.render.scene_frame import ShapeClass
from alpamayo_sim.roads.statics import PARKED_SIZES, StaticKind
from alpamayo_sim.sensors.ray_kernel import ELLIPSOID, FRUSTUM, Bodies

Floats = NDArray[np.float64]
Solid = tuple[float, ...]
Extent = tuple[float, float, float]

RIDER = 13
"""CityObjectLabel of who sits on a two-wheeler."""
CLEARANCE = 0.13
"""Share of a vehicle's height under its body."""
CABINS: dict[int, tuple[float, float, float, float, float, float]] = {
    ShapeClass.SEDAN: (0.60, 0.42, -0.78, 0.02, -0.42, 0.70),
    ShapeClass.POLICE: (0.60, 0.42, -0.78, 0.02, -0.42, 0.70),
    ShapeClass.COUPE: (0.66, 0.28, -0.80, -0.06, -0.28, 0.68),
    ShapeClass.HATCHBACK: (0.61, 0.46, -0.94, 0.04, -0.68, 0.73),
    ShapeClass.MICROCAR: (0.56, 0.96, -0.90, 0.50, -0.42, 0.75),
    ShapeClass.SUV: (0.60, 0.46, -0.97, 0.12, -0.82, 0.76),
    ShapeClass.JEEP: (0.60, 0.34, -0.97, 0.22, -0.95, 0.86),
    ShapeClass.PICKUP: (0.60, 0.46, -0.98, 0.06, -0.10, 0.74),
    ShapeClass.VAN: (0.52, 0.88, -0.99, 0.48, -0.97, 0.84),
    ShapeClass.AMBULANCE: (0.45, 0.88, -0.99, 0.50, -0.98, 0.90),
    ShapeClass.MINIBUS: (0.50, 0.97, -0.99, 0.86, -0.96, 0.84),
}
"""Shoulder (share of the height), where the cabin begins and ends on it and on the roof (shares of the half length), and the
roof's share of the width. Vehicles without an entry are boxes."""
WHEELS = {ShapeClass.BUS: (0.6, 0.5), ShapeClass.TRUCK: (0.62, 0.5), ShapeClass.FIRE_TRUCK: (0.62, 0.5)}
"""Where axles are (share of the half length) and wheels' radius (m); cars' are at 0.6 with 0.33 m."""
FURNITURE: dict[StaticKind, tuple[tuple[Any, ...], ...]] = {
    StaticKind.BUS_STOP: (
        ((0.0, 0.0, 1.93), (1.0, 1.0, 0.05)), ((0.0, -0.9, 1.0), (0.93, 0.02, 0.8)), ((0.0, 0.97, 1.84), (0.6, 0.03, 0.09)),
        *(((x, -0.1, 1.0), (0.015, 0.62, 0.8)) for x in (-0.95, 0.95)),
        *(((x, y, 0.95), (0.025, 0.05, 0.95)) for x in (-0.94, 0.94) for y in (-0.9, 0.8)),
        ((0.05, -0.55, 0.34), (0.6, 0.22, 0.03)),
    ),
    StaticKind.BENCH: (
        ((0.0, 0.25, 0.85), (0.98, 0.5, 0.06)), ((0.0, -0.65, 1.575), (0.98, 0.09, 0.44)),
        *(((x, 0.2, 0.4), (0.05, 0.65, 0.4)) for x in (-0.8, 0.8)), *(((x, -0.62, 1.0), (0.05, 0.08, 1.0)) for x in (-0.8, 0.8)),
    ),
    StaticKind.HEDGE: (((0.0, 0.0, 0.65), (1.16, 0.95, 0.65)), ((0.0, 0.0, 1.64), (1.16, 0.95, 0.34), 0.33)),
    StaticKind.BIN: (((0.0, 0.0, 1.0), (0.83, 0.83, 1.0)),),
}  # fmt: skip
"""Middle and half sizes of the parts of what stands in streets, as the cameras' meshes have them, see `_part`."""
TWO_WHEELERS = (ShapeClass.MOTORCYCLE, ShapeClass.BICYCLE, ShapeClass.SCOOTER)
BOUND_SLACK_M = 1.0e-6
WALKER_HEIGHT_M = 1.86
"""Height as which the parts of a person are measured."""


def box(
    center: Sequence[float], half: Sequence[float], front: float = 0.0, rear: float = 0.0, side: float = 0.0
) -> Solid:
    """Return a box, whose front, rear and sides may lean in by so many metres a metre of height."""
    return (FRUSTUM, *center, *half, front, rear, side)


def ball(center: Sequence[float], half: Sequence[float]) -> Solid:
    """Return an ellipsoid."""
    return (ELLIPSOID, *center, *half, 0.0, 0.0, 0.0)


def vehicle_solids(shape: int, extent: Extent, half_width: float) -> list[Solid]:
    """Return body, cabin and wheels of a vehicle; `half_width` is that of the body without mirrors."""
    x, _, z = extent
    if shape in TWO_WHEELERS:
        return two_wheeler_solids(extent)
    axle, radius = WHEELS.get(ShapeClass(shape), (0.6, min(0.33, 0.25 * z * 2.0)))
    bottom, height = -z + 2.0 * CLEARANCE * z, 2.0 * z
    solids = [
        box((sx * axle * x, sy * (half_width - 0.12), -z + radius), (0.9 * radius, 0.12, radius))
        for sx in (-1.0, 1.0)
        for sy in (-1.0, 1.0)
    ]
    cabin = CABINS.get(shape)
    if cabin is None:
        return [box((0.0, 0.0, 0.5 * (bottom + z)), (x, half_width, 0.5 * (z - bottom))), *solids]
    shoulder, front, rear, roof_front, roof_rear, roof_width = cabin
    top = -z + shoulder * height
    rise = z - top
    middle, half = 0.5 * (front + rear) * x, 0.5 * (front - rear) * x
    # Half the length measures the lean of both ends: a frustum's base is its box.
    lean_front, lean_rear = (front - roof_front) * x / rise, (roof_rear - rear) * x / rise
    lean_side = half_width * (1.0 - roof_width) / rise
    cab = box((middle, 0.0, 0.5 * (top + z)), (half, half_width, 0.5 * rise), lean_front, lean_rear, lean_side)
    return [box((0.0, 0.0, 0.5 * (bottom + top)), (x, half_width, 0.5 * (top - bottom))), cab, *solids]


def two_wheeler_solids(extent: Extent) -> list[Solid]:
    """Return machine, rider's trunk and head of a two-wheeler; the box holds the rider."""
    x, y, z = extent
    return [
        box((0.0, 0.0, -0.5 * z), (x, min(0.16, y), 0.5 * z)),
        box((-0.08 * x, 0.0, 0.32 * z), (0.2 * x, min(0.24, y), 0.40 * z)),
        ball((0.0, 0.0, 0.86 * z), (0.12, 0.10, 0.14 * z)),
    ]


def walker_solids(extent: Extent) -> list[Solid]:
    """Return legs, trunk, arms and head of a person who stands."""
    height = 2.0 * extent[2]
    k = height / WALKER_HEIGHT_M
    foot = -extent[2]

    def part(center: Sequence[float], half: Sequence[float]) -> Solid:
        return box((center[0] * k, center[1] * k, foot + center[2] * k), [h * k for h in half])

    solids = [part((0.0, s * 0.095, 0.45), (0.09, 0.075, 0.45)) for s in (-1.0, 1.0)]
    solids.append(part((0.0, 0.0, 1.21), (0.13, 0.17, 0.33)))
    solids += [part((0.0, s * 0.24, 1.17), (0.05, 0.05, 0.31)) for s in (-1.0, 1.0)]
    solids.append(ball((0.01 * k, 0.0, foot + 1.70 * k), (0.11 * k, 0.09 * k, 0.16 * k)))
    return solids


def prop_solids(type_id: str, extent: Extent) -> list[Solid]:
    """Return a prop as its box, cones as what leans in to a tip."""
    if "cone" not in type_id:
        return [box((0.0, 0.0, 0.0), extent)]
    x, y, z = extent
    return [box((0.0, 0.0, 0.0), extent, 0.4 * x / z, 0.4 * x / z, 0.4 * y / z)]


def static_solids(kind: StaticKind, extent: Extent, yaw_deg: float) -> list[Solid]:
    """Return a thing of the map; trees have their crown, which is not solid to vehicles, parked cars a cabin."""
    whole = box((0.0, 0.0, 0.0), extent)
    if kind is StaticKind.PARKED_CAR:
        apart = np.abs(np.array(PARKED_SIZES) - np.array(extent)).sum(axis=1)
        return vehicle_solids(PARKING[int(apart.argmin())], extent, 0.955 * extent[1])
    if kind in FURNITURE:
        return [_part(extent, *row) for row in FURNITURE[kind]]
    if kind is StaticKind.LAMP:
        return [whole, box((1.25, 0.0, 7.2 - extent[2]), (1.25, 0.1, 0.12))]
    if kind is not StaticKind.TREE:
        return [whole]
    size, foot = extent[2] / 1.6, -extent[2]
    apart = (abs(yaw_deg) * 0.7713) % 1.0
    # Which tree it is, and its size, as `render.street_furniture` draws it.
    if apart < 0.45:
        center, half = (0.0, 0.0, 4.6), (2.1, 2.1, 1.9)
    elif apart < 0.75:
        center, half = (0.1, 0.05, 5.6), (1.45, 1.45, 3.0)
    else:
        lean = 1.5 / 7.1
        crown = box((0.0, 0.0, foot + 4.65 * size), (1.6 * size, 1.6 * size, 3.55 * size), lean, lean, lean)
        return [whole, crown]
    return [whole, ball((center[0] * size, center[1] * size, foot + center[2] * size), [h * size for h in half])]


def _part(
    extent: Extent, center: tuple[float, float, float], half: tuple[float, float, float], narrower: float = 0.0
) -> Solid:
    """Return a part of a thing in its mesh's frame (x and y from -1 to 1, z from 0 to 2), its top so much narrower in y."""
    x, y, z = extent
    size = (half[0] * x, half[1] * y, half[2] * z)
    lean = narrower * y / (2.0 * size[2])
    return box((center[0] * x, center[1] * y, (center[2] - 1.0) * z), size, side=lean)


def bodies_of(solids: Sequence[Sequence[Solid]], tags: Sequence[Sequence[int]]) -> Bodies:
    """Return bodies at the origin, one per list of solids; `tags` are their CityObjectLabels, one a solid."""
    rows = np.array([row for group in solids for row in group], np.float64).reshape(-1, 10)
    counts = np.array([len(group) for group in solids], np.int64)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    pose = np.zeros((len(counts), 19))
    pose[:, [3, 7, 11]] = 1.0
    if len(counts):
        reach = np.linalg.norm(np.abs(rows[:, 1:4]) + rows[:, 4:7], axis=1)
        pose[:, 12] = np.maximum.reduceat(reach, first[:-1])
        pose[:, 13:16] = np.minimum.reduceat(rows[:, 1:4] - rows[:, 4:7], first[:-1], axis=0) - BOUND_SLACK_M
        pose[:, 16:19] = np.maximum.reduceat(rows[:, 1:4] + rows[:, 4:7], first[:-1], axis=0) + BOUND_SLACK_M
    return Bodies(pose, first, rows, np.array([tag for group in tags for tag in group], np.uint8))
