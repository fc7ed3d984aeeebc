"""What moves in a scene at one tick, and which model a blueprint looks like."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.render.prop_shapes import PROPS, prop_of
from alpamayo_sim.render.sky import CLEAR_NOON

Floats = NDArray[np.floating]


class ShapeClass(IntEnum):
    """The models that instances are drawn with; props follow from PROP on, in the order of `prop_shapes.PROPS`."""

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
    COUPE = 12
    MICROCAR = 13
    JEEP = 14
    MINIBUS = 15
    BOX_TRUCK = 16
    SCOOTER = 17
    MAN = 18
    WOMAN = 19
    CHILD = 20
    PROP = 24


PROP_NAMES = tuple(PROPS)
WALKERS = (ShapeClass.MAN, ShapeClass.WOMAN, ShapeClass.CHILD)
IS_WALKER = np.isin(np.arange(int(ShapeClass.PROP) + len(PROP_NAMES)), [int(w) for w in WALKERS])
_BY_NAME = (
    ("firetruck", ShapeClass.FIRE_TRUCK),
    ("ambulance", ShapeClass.AMBULANCE),
    ("police", ShapeClass.POLICE),
    ("cybertruck", ShapeClass.PICKUP),
    ("carlacola", ShapeClass.BOX_TRUCK),
    ("microlino", ShapeClass.MICROCAR),
    ("wrangler", ShapeClass.JEEP),
    ("volkswagen.t2", ShapeClass.MINIBUS),
    ("mustang", ShapeClass.COUPE),
    ("coupe", ShapeClass.COUPE),
    ("audi.tt", ShapeClass.COUPE),
    ("charger", ShapeClass.COUPE),
    ("vespa", ShapeClass.SCOOTER),
)


def prop_class(name: str) -> int:
    """Return the class of a prop."""
    return int(ShapeClass.PROP) + PROP_NAMES.index(name)


def is_walker(shapes: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return [N] which shapes are people on foot."""
    return IS_WALKER[shapes]


def shape_class(
    type_id: str,
    *,
    base_type: str = "",
    wheels: int = 0,
    extent: ArrayLike = (0.0, 0.0, 0.0),
    gender: str = "",
    age: str = "adult",
) -> int:
    """Return the model for a blueprint id, its attributes and box half sizes in metres.

    Walkers whose blueprint leaves the gender open are of either by their number.
    """
    half_length, _, half_height = (float(v) for v in np.asarray(extent, dtype=np.float64).reshape(3))
    name = type_id.lower()
    if name.startswith("walker."):
        if age == "child":
            return ShapeClass.CHILD
        digits = "".join(c for c in name if c.isdigit())
        female = gender == "female" or (gender not in ("female", "male") and int(digits or 0) % 2 == 1)
        return ShapeClass.WOMAN if female else ShapeClass.MAN
    if not name.startswith("vehicle."):
        return prop_class(prop_of(name))
    if base_type == "bicycle" or (wheels == 2 and any(word in name for word in ("bike", "century", "omafiets"))):
        return ShapeClass.BICYCLE
    for word, shape in _BY_NAME:
        if word in name:
            return shape
    if base_type == "motorcycle" or wheels == 2:
        return ShapeClass.MOTORCYCLE
    if base_type in ("bus", "Bus"):
        return ShapeClass.BUS
    if base_type == "truck":
        return ShapeClass.TRUCK
    if base_type == "van" or half_height > 1.1:
        return ShapeClass.VAN if half_length < 3.6 else ShapeClass.TRUCK
    if half_height >= 0.80 and half_length >= 2.25:
        return ShapeClass.SUV
    return ShapeClass.SEDAN if half_length >= 2.15 else ShapeClass.HATCHBACK


OPTIONAL = (
    "light_flags", "steer_deg", "speed_mps", "stride_phase_rad", "wheel_turn_deg", "open_doors", "look", "semantic_tag",
    "actor_id",
)  # fmt: skip
"""Fields that hold a value per instance or none at all."""


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
    """[N], for how far walkers swing their legs."""
    stride_phase_rad: Floats = field(default_factory=_none)
    """[N] where walkers are in their stride: two steps are 2 pi, the left leg is in front at pi / 2."""
    wheel_turn_deg: Floats = field(default_factory=_none)
    """[N] angle by which wheels have rolled."""
    open_doors: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    """[N] bits of `carla.VehicleDoor`: front left 1, front right 2, rear left 4, rear right 8, bonnet 16, boot 32."""
    look: Floats = field(default_factory=_none)
    """[N] number in 0..1 that picks skin, hair and trousers; the same for all actors of a blueprint."""
    semantic_tag: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    """[N] CARLA's semantic tag."""
    actor_id: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """[N]"""
    traffic_light_state: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    """[lights of the map] `carla.TrafficLightState`: red 0, yellow 1, green 2, off 3; missing ones are off."""
    traffic_light_id: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """[lights of the map] their actors, 0 for a light without one; missing ones have none."""
    traffic_sign_id: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """[signs of the map] their actors, likewise."""
    weather: tuple[float, ...] = CLEAR_NOON
    """14 numbers in the order of `carla.WeatherParameters`."""
    time_s: float = 0.0
    """Simulation time: indicators blink, clouds drift and rain falls with it."""

    def __post_init__(self) -> None:
        count = len(self.shape_class)
        for name, width in (("transform", 6), ("extent", 3), ("box_center", 3), ("color", 3)):
            if getattr(self, name).shape != (count, width):
                raise InputError(f"SceneFrame.{name} must be [{count}, {width}], not {list(getattr(self, name).shape)}")
        for name in OPTIONAL:
            if len(getattr(self, name)) not in (0, count):
                raise InputError(f"SceneFrame.{name} must hold {count} values or none, not {len(getattr(self, name))}")
        if len(self.weather) != 14:
            raise InputError(f"SceneFrame.weather must hold 14 numbers, not {len(self.weather)}")

    def __len__(self) -> int:
        return len(self.shape_class)
