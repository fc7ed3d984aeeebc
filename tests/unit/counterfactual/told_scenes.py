"""Scenes of an ego on a straight road, told by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alpamayo_sim.frames import Transform
from alpamayo_sim.record.scene_state import NOWHERE_M, ExpertReason, SceneActor, SceneLane, SceneSignal, SceneState
from alpamayo_training.coc.label import CocLabel, Component

FRAMES = 100
KEYFRAME = 30
FIRST_WORLD_FRAME = 23
LANE = SceneLane(1, -1, 3.5, 0.0, 0.0, False, NOWHERE_M, False, False)


def actor(
    actor_id: int, ahead_m: float, *, left_m: float = 0.0, kind: str = "vehicle", pixels: int = 500, ego_x: float = 0.0
) -> SceneActor:
    """Somebody so far ahead of the ego and left of the route's line, which runs along the x axis."""
    type_id = {"vehicle": "vehicle.audi.a2", "pedestrian": "walker.pedestrian.0001", "prop": "static.prop.barrel"}[kind]
    return SceneActor(
        actor_id=actor_id,
        type_id=type_id,
        kind=kind,
        role="background",
        transform=Transform(ego_x + ahead_m, -left_m, 0.0),
        velocity_mps=(0.0, 0.0, 0.0),
        extent_m=(2.0, 1.0, 0.8),
        box_center_m=(0.0, 0.0, 0.8),
        light_state=0,
        gap_m=ahead_m - 4.0,
        lateral_m=left_m,
        in_ego_lane=abs(left_m) < 1.5,
        visible_px={"front": pixels},
    )


def scenes(
    speeds_mps: Sequence[float],
    actors: Callable[[int, float], tuple[SceneActor, ...]] = lambda frame, ego_x: (),
    signals: tuple[SceneSignal, ...] = (),
    heeded: tuple[int, ...] = (),
) -> tuple[SceneState, ...]:
    """One scene per speed, 0.1 s apart, two world frames each; `actors` is asked for (frame, the ego's x)."""
    found: list[SceneState] = []
    x = 0.0
    for frame, speed in enumerate(speeds_mps):
        pose = Transform(x, 0.0, 0.0)
        found.append(
            SceneState(
                frame_index=frame,
                time_s=0.1 * frame,
                world_frame=FIRST_WORLD_FRAME + 2 * frame,
                ego=pose,
                rig_pose=pose,
                speed_mps=speed,
                acceleration_mps2=0.0,
                yaw_rate_rps=0.0,
                throttle=0.0,
                brake=0.0,
                steer=0.0,
                speed_limit_mps=13.9,
                lane=LANE,
                route_option="lane_follow",
                route_option_m=NOWHERE_M,
                actors=actors(frame, x),
                signals=signals,
                expert=ExpertReason("follow", "keep_lane", "", heeded),
            )
        )
        x += 0.1 * speed
    return tuple(found)


def label(*components: Component, lateral: str = "lane_keeping", episode_index: int = 0) -> CocLabel:
    """A label of the keyframe that names these components."""
    return CocLabel(
        episode_index=episode_index,
        frame_index=KEYFRAME,
        kind="reactive",
        scenario="other",
        longitudinal="lead_obstacle_following",
        lateral=lateral,
        trace="Slow down for the car ahead.",
        components=components,
    )


def vehicle(actor_id: int, *, is_cause: bool = True) -> Component:
    """A named vehicle."""
    return Component("critical_object", f"vehicle {actor_id}", actor_id, is_cause=is_cause)
