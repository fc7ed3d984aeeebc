"""What one tick of an episode looked like: the only input of every criterion, whether it runs live or on a log."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.plan import Plan

CLOCK_SLACK_S = 1e-6
"""The leaderboard's clock adds up CARLA's float32 steps, and 100 of 0.05 s are a little over 5 s. So whatever happens there
after more than so many seconds happens here after as many or more, to within this slack."""


@dataclass(frozen=True)
class ActorState:
    """Another road user (or prop) at one tick, in the CARLA world frame."""

    actor_id: int
    type_id: str
    transform: Transform
    velocity_mps: tuple[float, float, float]
    extent_m: tuple[float, float, float]
    """Half sizes of its bounding box along its own x, y, z."""
    box_center_m: tuple[float, float, float]
    """Centre of its bounding box in its own frame."""


@dataclass(frozen=True)
class CollisionEvent:
    """One message of the ego's collision sensor."""

    frame: int
    time_s: float
    other_id: int
    other_type_id: str
    """Blueprint id of the other actor, or "static.building" and the like for the map itself."""
    impulse_ns: float


@dataclass(frozen=True)
class ControlRecord:
    """The control that was applied, as `carla.VehicleControl` has it."""

    throttle: float
    steer: float
    brake: float
    hand_brake: bool = False
    reverse: bool = False


class ScenarioPhase(str, Enum):
    """What became of a scenario of the route; the value is the name in our files."""

    PLANNED = "planned"
    """The route file has it; told at the first tick."""
    SKIPPED = "skipped"
    """It could not be set up; it will not be triggered."""
    TRIGGERED = "triggered"
    FINISHED = "finished"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True)
class ScenarioEvent:
    """A scenario of the route enters a phase."""

    phase: ScenarioPhase
    name: str
    """Its name, unique within the route."""
    type: str
    """One of the leaderboard's scenario types."""
    reason: str = ""
    """Why it was skipped."""
    emergency_vehicle_id: int = 0
    """With TRIGGERED: the actor that the ego must let pass before the scenario ends; 0 for none."""
    suspends_blocked: bool = False
    """With TRIGGERED: whether standing is no offence until it ends, as where the way is closed by the scenario."""


@dataclass(frozen=True)
class TickRecord:
    """The state right after a world tick, and what the agent answered to it."""

    frame: int
    time_s: float
    """Simulation time since the start of the episode, seconds."""
    ego: ActorState
    speed_mps: float
    acceleration_mps2: tuple[float, float, float]
    angular_velocity_dps: tuple[float, float, float]
    speed_limit_mps: float
    control: ControlRecord
    actors: tuple[ActorState, ...] = ()
    """Vehicles, walkers and props within sight (about 100 m), the ego excluded."""
    light_states: dict[str, int] = field(default_factory=dict[str, int])
    """carla.TrafficLightState (Red 0, Yellow 1, Green 2, Off 3, Unknown 4) by OpenDRIVE signal id."""
    collisions: tuple[CollisionEvent, ...] = ()
    lane_invasions: tuple[str, ...] = ()
    """Lane marking types that the ego crossed at this tick."""
    traffic_speed_mps: float | None = None
    """Mean speed of all background vehicles of the town, near or far; None where there is none or it is not known."""
    scenario_events: tuple[ScenarioEvent, ...] = ()
    """What happened to the route's scenarios at this tick."""
    wrong_way_allowed: bool = False
    """Whether a scenario leaves no way but through a lane of the other direction, so that driving there is no offence."""
    plan: Plan | None = None
    front_image: NDArray[np.uint8] | None = None
    """[height, width, 3] RGB, if a camera ran at this tick; not logged, only drawn."""

    @property
    def planar_speed_mps(self) -> float:
        """The ego's speed in the horizontal plane, which the leaderboard's criteria go by."""
        x, y, _ = self.ego.velocity_mps
        return math.sqrt(x * x + y * y)
