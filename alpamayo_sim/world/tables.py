"""Dense tables of what lives in the world: one NumPy record a row, one row a live actor, rows in ascending actor id.

A column reads as an array (a view: it is valid until the next spawn or destroy). Kernels take the whole record array at once.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar, overload

import numpy as np
from numpy.typing import NDArray

GEAR_SLOTS = 9
"""Reverse, neutral and at most seven forward gears."""
CURVE_SLOTS = 16


class ActorKind(IntEnum):
    """What an actor is; the numbers below 6 are those of CARLA's recorder."""

    OTHER = 0
    VEHICLE = 1
    WALKER = 2
    TRAFFIC_LIGHT = 3
    TRAFFIC_SIGN = 4
    SENSOR = 5
    PROP = 6
    TRIGGER = 7
    SPECTATOR = 8


class ActorState(IntEnum):
    """CARLA's `ActorState`."""

    INVALID = 0
    ACTIVE = 1
    DORMANT = 2
    PENDING_KILL = 3


class LightColor(IntEnum):
    """CARLA's `TrafficLightState`."""

    RED = 0
    YELLOW = 1
    GREEN = 2
    OFF = 3
    UNKNOWN = 4


class Column:
    """One column of a table; on an instance it reads as an array [rows, *shape] and assigns element-wise."""

    def __init__(self, dtype: str, *shape: int) -> None:
        self.dtype = dtype
        self.shape = shape
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, table: None, owner: type) -> Column: ...
    @overload
    def __get__(self, table: Table, owner: type) -> NDArray[Any]: ...
    def __get__(self, table: Table | None, owner: type) -> Column | NDArray[Any]:
        return self if table is None else table.records[self.name]

    def __set__(self, table: Table, value: Any) -> None:
        table.records[self.name] = value


class Table:
    """A record array whose columns are the class's `Column`s."""

    dtype: ClassVar[np.dtype[Any]]

    def __init_subclass__(cls) -> None:
        columns = [column for column in vars(cls).values() if isinstance(column, Column)]
        cls.dtype = np.dtype([(column.name, column.dtype, column.shape) for column in columns], align=True)

    def __init__(self) -> None:
        self.records: NDArray[Any] = np.zeros(0, self.dtype)

    def __len__(self) -> int:
        return len(self.records)

    def append(self, **values: Any) -> int:
        """Add a row of zeros with the given columns set; return its index."""
        record = np.zeros(1, self.dtype)
        for name, value in values.items():
            record[name] = value
        self.records = np.concatenate([self.records, record])
        return len(self.records) - 1

    def delete(self, index: int) -> None:
        """Remove one row; the rows behind it move up."""
        self.records = np.delete(self.records, index)


class ActorTable(Table):
    """Every live actor of every kind."""

    ids = Column("u4")
    parent_ids = Column("u4")
    kind = Column("u1")
    state = Column("u1")
    attachment = Column("u1")
    simulate_physics = Column("?")
    collides = Column("?")
    gravity = Column("?")
    location = Column("f8", 3)
    rotation_deg = Column("f8", 3)
    """Pitch, yaw, roll."""
    velocity_mps = Column("f8", 3)
    angular_velocity_dps = Column("f8", 3)
    acceleration_mps2 = Column("f8", 3)
    previous_velocity_mps = Column("f8", 3)
    relative = Column("f8", 6)
    """Pose in the parent's frame (x, y, z, pitch, yaw, roll); zeros without a parent."""
    extent = Column("f8", 3)
    box_center = Column("f8", 3)
    mass_kg = Column("f8")
    force_n = Column("f8", 3)
    torque_nm = Column("f8", 3)


class VehicleTable(Table):
    """What vehicles have beyond an actor: controls, drivetrain state, lights, and the constants that the kernel needs."""

    row = Column("i8")
    """Index into the actor table."""
    throttle = Column("f8")
    steer = Column("f8")
    brake = Column("f8")
    hand_brake = Column("?")
    reverse = Column("?")
    manual_gear_shift = Column("?")
    gear = Column("i4")
    """Gear asked for (manual) or engaged (automatic); the engaged one is `current_gear`."""
    sticky_control = Column("?")
    speed_limit_kmh = Column("f8")
    light_state = Column("u1")
    has_light = Column("?")
    light_id = Column("u4")
    failure = Column("u1")
    light_flags = Column("u4")
    open_doors = Column("u1")
    dead = Column("?")
    constant_velocity = Column("?")
    constant_velocity_mps = Column("f8", 3)
    throttle_input = Column("f8")
    steer_input = Column("f8")
    brake_input = Column("f8")
    hand_brake_input = Column("f8")
    wheel_angle_deg = Column("f8")
    """Angle of the front wheels as drawn; positive to the right."""
    current_gear = Column("i4")
    target_gear = Column("i4")
    gear_time_s = Column("f8")
    autobox_time_s = Column("f8")
    engine_radps = Column("f8")
    wheel_radps = Column("f8")
    wheel_turn_deg = Column("f8")
    airborne = Column("?")
    two_wheeler = Column("?")


class WalkerTable(Table):
    """What walkers have beyond an actor."""

    row = Column("i8")
    direction = Column("f8", 3)
    speed = Column("f8")
    jump = Column("?")
    jumps = Column("i4")
    falling = Column("?")
    dead = Column("?")


class TrafficLightTable(Table):
    """What traffic lights have beyond an actor."""

    row = Column("i8")
    signal = Column("i8")
    """Index into the map's signals."""
    controller = Column("i8")
    group = Column("i8")
    state = Column("u1")
    elapsed_s = Column("f8")
    green_s = Column("f8")
    yellow_s = Column("f8")
    red_s = Column("f8")
    frozen = Column("?")
    pole_index = Column("u4")
