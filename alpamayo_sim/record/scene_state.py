"""The privileged state of the scene at one frame of a collected episode: what labels are made of, and no model ever sees.

Positions and angles are in the CARLA world frame unless a name says `rig`; what lies along the route is measured from the ego's
front bumper, in metres, ahead positive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from alpamayo_sim.frames import Transform

NOWHERE_M = float("inf")


@dataclass(frozen=True)
class SceneActor:
    """A vehicle, a person or a thing within 80 m of the ego."""

    actor_id: int
    type_id: str
    kind: str
    """vehicle, cyclist, pedestrian or prop; motorcycles count as vehicles."""
    role: str
    """CARLA's role_name: "background", "scenario" and the like; "" where there is none."""
    transform: Transform
    velocity_mps: tuple[float, float, float]
    extent_m: tuple[float, float, float]
    """Half sizes of its box along its own x, y, z."""
    box_center_m: tuple[float, float, float]
    light_state: int
    """carla.VehicleLightState bits; 0 for what has no lights."""
    gap_m: float
    """From the ego's front bumper to its nearest corner along the route; negative beside or behind, NOWHERE_M off the route."""
    lateral_m: float
    """Of its middle from the route's line, left positive; NOWHERE_M off the route."""
    in_ego_lane: bool
    """Whether its box reaches into the lane that the route follows at its place."""
    visible_px: dict[str, int] = field(default_factory=dict[str, int])
    """Pixels of it by camera, at the last frame that instance masks were taken of (every 0.5 s)."""


@dataclass(frozen=True)
class SceneSignal:
    """A traffic light or a stop or yield sign that the ego's lane leads to."""

    kind: str
    """traffic_light, stop_sign or yield_sign."""
    actor_id: int
    state: str
    """red, yellow, green, off or unknown for a light; "" for a sign."""
    distance_m: float
    """From the ego's front bumper to its stop line along the route; negative behind it."""
    visible_px: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class SceneLane:
    """The lane that the ego is in."""

    road_id: int
    lane_id: int
    width_m: float
    offset_m: float
    """Of the ego's origin from the lane's middle, left positive."""
    heading_error_rad: float
    """Ego's heading less the lane's, counter-clockwise positive."""
    is_junction: bool
    to_junction_m: float
    """Along the route to the next junction; 0 inside of one, NOWHERE_M where there is none within 100 m."""
    left_change: bool
    right_change: bool
    """Whether the markings and the lane beside allow a change."""


@dataclass(frozen=True)
class ExpertReason:
    """What the driver itself says it goes by, where the driver is one that can say so."""

    longitudinal: str
    lateral: str
    rule: str
    """red_light, yellow_light, stop_sign, blocked_junction or "" for none that binds."""
    actor_ids: tuple[int, ...]
    """Whom it follows, yields to or goes around, the binding one first."""
    sentence: str = ""


@dataclass(frozen=True)
class SceneState:
    """One frame, 0.1 s after the one before."""

    frame_index: int
    time_s: float
    """Since the episode's start."""
    world_frame: int
    """carla.WorldSnapshot.frame, by which a replay finds the moment again."""
    ego: Transform
    rig_pose: Transform
    """Of the rear axle's middle on the ground."""
    speed_mps: float
    acceleration_mps2: float
    """Along the vehicle."""
    yaw_rate_rps: float
    """Counter-clockwise positive."""
    throttle: float
    brake: float
    steer: float
    """As carla.VehicleControl has them, the control that was applied after this frame."""
    speed_limit_mps: float
    lane: SceneLane
    route_option: str
    """carla's RoadOption of the next manoeuvre: lane_follow, left, right, straight, change_lane_left, change_lane_right."""
    route_option_m: float
    """How far ahead it begins."""
    actors: tuple[SceneActor, ...] = ()
    signals: tuple[SceneSignal, ...] = ()
    expert: ExpertReason | None = None
    is_perturbed: bool = False
    """Whether noise is on the control at this frame, so that what was driven is not to be learned; plans stay clean."""
