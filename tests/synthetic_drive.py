"""Ticks of a made-up but plausible drive along a route, for tests of what is recorded, drawn and judged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.tick import ActorState, CollisionEvent, ControlRecord, TickRecord
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

MKZ_EXTENT_M = (2.4462, 0.9184, 0.7451)


def ego_tick(
    frame: int,
    pose: Transform,
    speed_mps: float,
    *,
    step_s: float = 0.05,
    lights: dict[str, int] | None = None,
    collisions: Sequence[CollisionEvent] = (),
    actors: Sequence[ActorState] = (),
    plan: Plan | None = None,
    speed_limit_mps: float = 30.0 / 3.6,
    acceleration_mps2: tuple[float, float, float] = (0.0, 0.0, 0.0),
    control: ControlRecord | None = None,
) -> TickRecord:
    """Return one tick of an ego at a pose that moves straight ahead."""
    yaw = math.radians(pose.yaw)
    velocity = (speed_mps * math.cos(yaw), speed_mps * math.sin(yaw), 0.0)
    ego = ActorState(1, "vehicle.lincoln.mkz_2020", pose, velocity, MKZ_EXTENT_M, (0.0, 0.0, 0.75))
    return TickRecord(
        frame=frame,
        time_s=frame * step_s,
        ego=ego,
        speed_mps=speed_mps,
        acceleration_mps2=acceleration_mps2,
        angular_velocity_dps=(0.0, 0.0, 0.0),
        speed_limit_mps=speed_limit_mps,
        control=control or ControlRecord(0.4, 0.0, 0.0),
        actors=tuple(actors),
        light_states=lights or {},
        collisions=tuple(collisions),
        plan=plan,
    )


def pose_on(route: Route, distance_m: float, lateral_m: float = 0.0) -> Transform:
    """Return the pose at a distance along a route, shifted to the right by `lateral_m`."""
    x, y, z = (float(np.interp(distance_m, route.arc_length_m, route.points[:, k])) for k in range(3))
    yaw = np.unwrap(np.radians(route.yaw_deg))
    heading = float(np.interp(distance_m, route.arc_length_m, yaw))
    return Transform(x - lateral_m * math.sin(heading), y + lateral_m * math.cos(heading), z, yaw=math.degrees(heading))


def plan_on(route: Route, distance_m: float, speed_mps: float, time_s: float, reasoning: str) -> Plan:
    """Return a plan that follows a route at constant speed."""
    from alpamayo_sim.frames import world_to_rig

    pose = pose_on(route, distance_m)
    ahead = [pose_on(route, distance_m + speed_mps * 0.1 * (k + 1))[:3] for k in range(64)]
    return Plan(
        waypoints_rig=world_to_rig(pose, np.array(ahead)),
        t0_s=time_s,
        rig_pose_t0=pose,
        reasoning=reasoning,
        decisions={"longitudinal": "keep_speed", "lateral": "keep_lane"},
        latency_s=0.08,
    )


def others_on(road_map: RoadMap, count: int, seed: int) -> list[ActorState]:
    """Return vehicles of several kinds and a few walkers at random spawn points."""
    rng = np.random.default_rng(seed)
    kinds = (
        ("vehicle.tesla.model3", (2.39, 1.08, 0.74)),
        ("vehicle.mitsubishi.fusorosa", (5.13, 1.97, 2.12)),
        ("vehicle.vespa.zx125", (0.9, 0.43, 0.62)),
        ("vehicle.dodge.charger_police_2020", (2.6, 1.0, 0.81)),
    )
    rows = rng.permutation(len(road_map.spawn_points))[:count]
    actors: list[ActorState] = []
    for k, row in enumerate(rows):
        x, y, z, _, yaw, _ = road_map.spawn_points[row]
        type_id, extent = kinds[k % len(kinds)]
        if k % 5 == 4:
            shift = 6.0
            x, y = x - shift * math.sin(math.radians(yaw)), y + shift * math.cos(math.radians(yaw))
            type_id, extent = "walker.pedestrian.0001", (0.19, 0.19, 0.93)
        pose = Transform(float(x), float(y), float(z), yaw=float(yaw))
        speed = (math.cos(math.radians(yaw)) * 5.0, math.sin(math.radians(yaw)) * 5.0, 0.0)
        actors.append(ActorState(100 + k, type_id, pose, speed, extent, (0.0, 0.0, extent[2])))
    return actors


def drive(
    road_map: RoadMap,
    route: Route,
    *,
    seconds: float | None = None,
    speed_mps: float = 8.0,
    step_s: float = 0.05,
    others: int = 40,
    reasoning: str = "The light ahead is green and the lane is clear, so I keep my speed.",
) -> Iterator[TickRecord]:
    """Yield ticks of an ego that follows the route at a gently changing speed until its end, or for some seconds."""
    actors = others_on(road_map, others, seed=3)
    lights = [light.signal_id for light in road_map.signals.lights]
    distance_m, frame, plan = 0.0, 0, None
    while distance_m < route.length_m - 0.2 and (seconds is None or frame * step_s < seconds):
        time_s = frame * step_s
        speed = speed_mps * (1.0 + 0.3 * math.sin(0.35 * time_s))
        pose = pose_on(route, distance_m)
        if frame % 2 == 0:
            plan = plan_on(route, distance_m, speed, time_s, reasoning)
        moved = [
            ActorState(a.actor_id, a.type_id, _ahead(a, time_s), a.velocity_mps, a.extent_m, a.box_center_m)
            for a in actors
        ]
        phase = int(time_s / 4.0) % 3
        yield ego_tick(
            frame,
            pose,
            speed,
            step_s=step_s,
            lights={signal_id: (phase + k) % 3 for k, signal_id in enumerate(lights)},
            actors=moved,
            plan=plan,
            control=ControlRecord(max(0.0, math.cos(0.35 * time_s)) * 0.7, 0.4 * math.sin(0.5 * time_s), 0.0),
        )
        distance_m += speed * step_s
        frame += 1


def _ahead(actor: ActorState, time_s: float) -> Transform:
    pose = actor.transform
    swing = 4.0 * math.sin(0.4 * time_s)
    yaw = math.radians(pose.yaw)
    return pose._replace(x=pose.x + swing * math.cos(yaw), y=pose.y + swing * math.sin(yaw))
