"""What a criterion finds, and what every criterion is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol

from alpamayo_sim.metrics.tick import TickRecord


class InfractionKind(str, Enum):
    """The kinds of infraction of the CARLA leaderboard; the value is the name in our files."""

    COLLISION_PEDESTRIAN = "collision_pedestrian"
    COLLISION_VEHICLE = "collision_vehicle"
    COLLISION_STATIC = "collision_static"
    RED_LIGHT = "red_light"
    STOP_SIGN = "stop_sign"
    OUTSIDE_ROUTE_LANES = "outside_route_lanes"
    MIN_SPEED = "min_speed"
    SCENARIO_TIMEOUT = "scenario_timeout"
    YIELD_EMERGENCY_VEHICLE = "yield_emergency_vehicle"
    ROUTE_DEVIATION = "route_deviation"
    BLOCKED = "blocked"
    ROUTE_TIMEOUT = "route_timeout"


COLLISIONS = frozenset(
    {InfractionKind.COLLISION_PEDESTRIAN, InfractionKind.COLLISION_VEHICLE, InfractionKind.COLLISION_STATIC}
)
"""The kinds that are a collision."""

TERMINAL = frozenset({InfractionKind.ROUTE_DEVIATION, InfractionKind.BLOCKED, InfractionKind.ROUTE_TIMEOUT})
"""The kinds that end an episode."""


@dataclass(frozen=True)
class Infraction:
    """One thing that the ego did wrong, where and when."""

    kind: InfractionKind
    frame: int
    time_s: float
    """Simulation time since the start of the episode, seconds."""
    location: tuple[float, float, float]
    """Where the ego was, metres in the CARLA world frame."""
    message: str
    other_id: int = 0
    """Id of the other actor, 0 for the map itself."""
    other_type_id: str = ""
    percentage: float = 0.0
    """For `MIN_SPEED`: the ego's mean speed in percent of the traffic's; 0 for other kinds."""


class Criterion(Protocol):
    """One rule, watched over the ticks of one episode.

    It sees `TickRecord`s only, so that it gives the same verdict live and on a log.
    """

    name: ClassVar[str]

    def update(self, tick: TickRecord) -> list[Infraction]:
        """Return the infractions that this tick brought; ticks come in order, each once."""
        ...

    def finish(self) -> list[Infraction]:
        """Return the infractions that only the end of the episode shows.

        Called after the last tick, and once more when the episode ended by itself and was not stopped.
        """
        ...

    def values(self) -> dict[str, float]:
        """Return the figures measured so far by name, with the unit in the name."""
        ...


def ego_location(tick: TickRecord) -> tuple[float, float, float]:
    """Return where the ego's origin is at a tick, metres in the CARLA world frame."""
    pose = tick.ego.transform
    return pose.x, pose.y, pose.z


def location_text(location: tuple[float, float, float]) -> str:
    """Return a location as the leaderboard writes it in its messages."""
    x, y, z = (round(v, 3) for v in location)
    return f"(x={x}, y={y}, z={z})"
