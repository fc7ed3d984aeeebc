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

    def append_record(self, record: NDArray[np.void]) -> int:
        """Add a row that is already filled; return its index."""
        self.records = np.concatenate([self.records, record.reshape(1)])
        return len(self.records) - 1

    def delete(self, index: int) -> None:
        """Remove one row; the rows behind it move up."""
        self.records = np.delete(self.records, index)


class ActorTable(Table):
    """Every live actor of every kind."""

    ids = Column("u4")
    parent_ids = Column("u4")
    parent_row = Column("i8")
    """Row of the parent; -1 without one."""
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
    contact_half_width = Column("f8")
    """Half width of what collides: the box without the mirrors, which some of CARLA's boxes enclose."""
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
    """The engaged gear, as CARLA reports it: -1 reverse, 0 neutral (also while shifting), 1 first, ..."""
    requested_gear = Column("i4")
    """The gear that a manual control asks for."""
    sticky_control = Column("?")
    speed_limit_kmh = Column("f8")
    light_state = Column("u1")
    has_light = Column("?")
    light_id = Column("u4")
    light_index = Column("i8")
    """Row of the light in the light table, while `has_light`."""
    stop_sign = Column("i8")
    """Index of the stop sign whose box was entered last; -1 for none."""
    stop_box = Column("i8")
    stop_wait_s = Column("f8")
    failure = Column("u1")
    light_flags = Column("u4")
    open_doors = Column("u1")
    door_hinge_m = Column("f8", 2)
    """Hinges of the front and rear doors ahead of the middle of the box."""
    door_length_m = Column("f8", 2)
    """0 where there is no such door."""
    door_deg = Column("f8", 4)
    """How far front left, front right, rear left and rear right door have swung open by now."""
    dead = Column("?")
    constant_velocity = Column("?")
    constant_velocity_mps = Column("f8", 3)
    throttle_input = Column("f8")
    steer_input = Column("f8")
    brake_input = Column("f8")
    hand_brake_input = Column("f8")
    wheel_angle_deg = Column("f8")
    """Angle of the front wheels as drawn; positive to the right."""
    target_gear = Column("i4")
    gear_time_s = Column("f8")
    autobox_time_s = Column("f8")
    overspeed_s = Column("f8")
    falls_back = Column("i4")
    """Shifts from second to first gear near first gear's limit."""
    """How long first gear has been above its limit."""
    engine_radps = Column("f8")
    wheel_turn_deg = Column("f8")
    """Angle of the wheels' rolling, for drawing."""
    ground_z = Column("f8")
    ground_slope = Column("f8", 2)
    """Ground plane under the wheels: height at `ground_xy`, and its gradient along x and y."""
    ground_xy = Column("f8", 2)
    ground_known = Column("?")
    trigger_friction = Column("f8")
    """Tyre friction of the friction triggers around the vehicle; 0 outside of all."""
    wheel_direction_deg = Column("f8", 4)
    wheel_direction_set = Column("u1", 4)


class PhysicsTable(Table):
    """The constants of each vehicle, derived from its `VehiclePhysics`; rows as in the vehicle table. SI units."""

    mass_kg = Column("f8")
    rolling_mass_kg = Column("f8")
    """Mass and the inertia of the turning wheels."""
    yaw_inertia = Column("f8")
    moi = Column("f8")
    max_radps = Column("f8")
    bite_radps = Column("f8")
    """Engine speed at which a standing vehicle gets going."""
    damping_full = Column("f8")
    damping_idle = Column("f8")
    damping_neutral = Column("f8")
    autobox = Column("?")
    switch_time_s = Column("f8")
    clutch = Column("f8")
    gears = Column("i4")
    """Number of forward gears."""
    ratio = Column("f8", GEAR_SLOTS)
    """Engine turns per wheel turn by gear + 1: reverse (negative), neutral, first, ..."""
    down_radps = Column("f8", GEAR_SLOTS)
    up_radps = Column("f8", GEAR_SLOTS)
    torque_points = Column("i4")
    torque_radps = Column("f8", CURVE_SLOTS)
    torque_nm = Column("f8", CURVE_SLOTS)
    steering_points = Column("i4")
    steering_kmh = Column("f8", CURVE_SLOTS)
    steering_factor = Column("f8", CURVE_SLOTS)
    max_steer_deg = Column("f8")
    radius_m = Column("f8")
    wheel_inertia = Column("f8")
    """Of all wheels together."""
    brake_nm = Column("f8")
    hand_brake_nm = Column("f8")
    friction = Column("f8")
    stiffness_n = Column("f8")
    """Longitudinal force of all tyres per unit of slip."""
    drag_n = Column("f8")
    """Air drag at 1 m/s."""
    rolling_n = Column("f8")
    """Rolling resistance per m/s (wheel damping)."""
    front_axle_m = Column("f8")
    rear_axle_m = Column("f8")
    half_track_m = Column("f8")


class WalkerTable(Table):
    """What walkers have beyond an actor."""

    row = Column("i8")
    direction = Column("f8", 3)
    speed = Column("f8")
    jump = Column("?")
    jumps = Column("i4")
    falling = Column("?")
    stride_phase_rad = Column("f8")
    """Where the walker is in its stride, see `skeleton.walking_pose`."""
    floor_z = Column("f8")
    knocked = Column("?")
    """Thrown by a contact: slides to rest before it obeys again."""
    dead = Column("?")
    died_at_s = Column("f8")
    """Simulation time of a dead one's death."""


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
