"""What moves in a scene at one tick, and which model a blueprint looks like."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.render.sky import CLEAR_NOON

Floats = NDArray[np.floating]


class ShapeClass(IntEnum):
    """The models that instances are drawn with."""

    SEDAN = 0
    HATCHBACK = 1
    SUV = 2
    VAN = 3
    PICKUP = 4
    POLICE = 5
    AMBULANCE = 6
    TRUCK = 7
    FIRE_TRUCK = 8
    BUS = 9
    MOTORCYCLE = 10
    BICYCLE = 11
    WALKER = 12
    BOX = 13
    CONE = 14
    BARREL = 15
    BARRIER = 16


def shape_class(
    type_id: str, *, base_type: str = "", wheels: int = 0, extent: ArrayLike = (0.0, 0.0, 0.0)
) -> ShapeClass:
    """Return the model for a blueprint id, its `base_type` attribute, number of wheels and box half sizes in metres."""
    half_length, _, half_height = (float(v) for v in np.asarray(extent, dtype=np.float64).reshape(3))
    name = type_id.lower()
    if name.startswith("walker."):
        return ShapeClass.WALKER
    if not name.startswith("vehicle."):
        for word, shape in (("cone", ShapeClass.CONE), ("barrel", ShapeClass.BARREL), ("barrier", ShapeClass.BARRIER)):
            if word in name:
                return shape
        return ShapeClass.BOX
    if base_type == "bicycle" or (wheels == 2 and any(word in name for word in ("bike", "century", "omafiets"))):
        return ShapeClass.BICYCLE
    if base_type == "motorcycle" or wheels == 2:
        return ShapeClass.MOTORCYCLE
    for word, shape in (
        ("firetruck", ShapeClass.FIRE_TRUCK),
        ("ambulance", ShapeClass.AMBULANCE),
        ("police", ShapeClass.POLICE),
        ("cybertruck", ShapeClass.PICKUP),
    ):
        if word in name:
            return shape
    if base_type in ("bus", "Bus"):
        return ShapeClass.BUS
    if base_type == "truck":
        return ShapeClass.TRUCK
    if base_type == "van" or half_height > 0.99:
        return ShapeClass.VAN if half_length < 3.6 else ShapeClass.TRUCK
    if half_height >= 0.80:
        return ShapeClass.SUV
    return ShapeClass.SEDAN if half_length >= 2.15 else ShapeClass.HATCHBACK


def _none() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True)
class SceneFrame:
    """N instances at one tick, CARLA world frame, metres and degrees.

    Vehicles stand with their origin on the ground, walkers with it at the middle: `box_center` [N, 3] is the box's middle in the
    instance's frame, `extent` [N, 3] its half sizes. `light_flags` are the bits of `carla.VehicleLightState`.
    """

    shape_class: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    transform: Floats = field(default_factory=lambda: np.zeros((0, 6)))
    """[N, 6] x, y, z, pitch, yaw, roll."""
    extent: Floats = field(default_factory=lambda: np.zeros((0, 3)))
    box_center: Floats = field(default_factory=lambda: np.zeros((0, 3)))
    color: NDArray[np.integer] = field(default_factory=lambda: np.zeros((0, 3), dtype=np.uint8))
    """[N, 3] RGB 0..255."""
    light_flags: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    steer_deg: Floats = field(default_factory=_none)
    """[N] angle of the front wheels, positive to the right."""
    speed_mps: Floats = field(default_factory=_none)
    """[N], for the stride of walkers."""
    traffic_light_state: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    """[lights of the map] `carla.TrafficLightState`: red 0, yellow 1, green 2, off 3; missing ones are off."""
    weather: tuple[float, ...] = CLEAR_NOON
    """14 numbers in the order of `carla.WeatherParameters`."""

    def __post_init__(self) -> None:
        count = len(self.shape_class)
        for name, width in (("transform", 6), ("extent", 3), ("box_center", 3), ("color", 3)):
            if getattr(self, name).shape != (count, width):
                raise InputError(f"SceneFrame.{name} must be [{count}, {width}], not {list(getattr(self, name).shape)}")
        for name in ("light_flags", "steer_deg", "speed_mps"):
            if len(getattr(self, name)) not in (0, count):
                raise InputError(f"SceneFrame.{name} must hold {count} values or none, not {len(getattr(self, name))}")
        if len(self.weather) != 14:
            raise InputError(f"SceneFrame.weather must hold 14 numbers, not {len(self.weather)}")

    def __len__(self) -> int:
        return len(self.shape_class)
