"""Driving the live course: the ego is carried along a route at set speeds, so the truth does not depend on who is checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.base import EpisodeContext
from alpamayo_agents.contract_drive.integration import LiveIntegration
from alpamayo_agents.contract_drive.recorder import CourseRecorder
from alpamayo_agents.ego import EgoModel
from alpamayo_sim.client.connection import why_no_cameras
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.policy.camera_rig import CameraRig, RigCamera
from alpamayo_sim.policy.contract.drive_course import TARGET_AFTER_S, probe_plan
from alpamayo_sim.policy.contract.log import ContractLog, SeenObservation
from alpamayo_sim.policy.contract.recorded_course import RecordedCourse
from alpamayo_sim.policy.contract.truth import TICK_S
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import RoadOption, Route, RoutePlanner

Array = NDArray[np.float64]
EGO_BLUEPRINT = "vehicle.lincoln.mkz_2020"
TICKS = 131
ASKED_AT = (50, 85, 118)
"""Ticks from which on an observation is asked for until there is one."""
_PATIENCE_TICKS = 4
_WAIT_TICKS = round(TARGET_AFTER_S / TICK_S)
_TURNS_BY_M = 45.0
"""The route turns so far from its start at most."""
_ROUTE_M = (110.0, 220.0)
_TRIES = 200


def drive_live(
    client: carla.Client,
    road_map: RoadMap,
    integration: LiveIntegration,
    rig: CameraRig,
    seed: int,
    weather: carla.WeatherParameters | None = None,
) -> tuple[ContractLog, RecordedCourse]:
    """Return the log of an integration on a live drive, and the truth of it. Without `weather` it is a clear day.

    What the integration raises passes through. InfrastructureError for a server that does not draw; InputError for a town without
    a route that turns.
    """
    reason = why_no_cameras(client)
    if reason is not None:
        raise InfrastructureError(f"the contract is checked on pictures, and the server cannot draw: {reason}")
    route = _route(RoutePlanner(road_map.carla_map), seed)
    with ExitStack() as stack:
        world = stack.enter_context(SynchronousWorld(client, step_s=TICK_S))
        world.world.set_weather(weather or carla.WeatherParameters(cloudiness=10.0, sun_altitude_angle=60.0))
        ego = _spawn(world.world, route)
        stack.callback(ego.destroy)
        world.tick()
        rear_axle = EgoModel.read(ego).rear_axle_x_m
        wanted = [_pose(route, float(at), rear_axle) for at in _along_m(route)]
        _place(ego, wanted[0])
        world.tick()
        recorder = CourseRecorder(world.world, ego, route, rig, asked=len(ASKED_AT))
        stack.callback(recorder.destroy)
        stack.callback(integration.destroy)
        integration.setup(EpisodeContext(world.world, ego, road_map, route, seed))
        cameras: tuple[RigCamera, ...] = ()
        observations: list[SeenObservation] = []
        course = recorder.course
        observed_at = course.observed_ticks
        for number in range(TICKS):
            _place(ego, wanted[number])
            snapshot = world.tick()
            recorder.see(snapshot)
            integration.see(snapshot)
            if number == ASKED_AT[0]:
                cameras = recorder.mounted()
            if _is_asked(number, observed_at):
                seen = integration.observe()
                if seen is not None:
                    observations.append(seen)
                    recorder.observed()
            if observed_at and number == observed_at[-1] + _WAIT_TICKS:
                target = integration.target(probe_plan(course, observed_at[-1]), snapshot)
                observations[-1] = replace(observations[-1], plan_target_world=np.asarray(target, dtype=np.float64))
    statistics = {name: float(value) for name, value in integration.statistics.items()}
    return ContractLog(integration.style, cameras, statistics, tuple(observations)), course


def _is_asked(number: int, observed_at: Sequence[int]) -> bool:
    nth = len(observed_at)
    return nth < len(ASKED_AT) and ASKED_AT[nth] <= number < ASKED_AT[nth] + _PATIENCE_TICKS


def _route(planner: RoutePlanner, seed: int) -> Route:
    """Return a route that turns left or right soon; InputError for a town without one."""
    random = np.random.default_rng((seed, 41))
    for _ in range(_TRIES):
        route = planner.random_route(random, *_ROUTE_M)
        soon = route.road_option[route.arc_length_m < _TURNS_BY_M]
        if np.isin(soon, (RoadOption.LEFT, RoadOption.RIGHT)).any() and soon[0] == RoadOption.LANEFOLLOW:
            return route
    raise InputError(f"found no route that turns within {_TURNS_BY_M:.0f} m in {_TRIES} tries; choose another --town")


def _along_m(route: Route) -> Array:
    """Return how far along the route the rear axle is at each tick: 4 to 9 m/s, never standing."""
    time = TICK_S * np.arange(TICKS)
    speed = np.interp(time, [0.0, 2.0, 4.0, 6.5], [4.0, 6.0, 9.0, 5.0])
    along = 2.0 + np.concatenate([[0.0], np.cumsum(TICK_S * speed)])[:-1]
    return np.minimum(along, route.length_m - 1.0)


def _pose(route: Route, along_m: float, rear_axle_x_m: float) -> Transform:
    """Return the vehicle's pose with its rear axle so far along the route."""
    x, y, z = (float(np.interp(along_m, route.arc_length_m, route.points[:, k])) for k in range(3))
    yaw = np.interp(along_m, route.arc_length_m, np.unwrap(np.radians(route.yaw_deg)))
    return compose(Transform(x, y, z, yaw=math.degrees(float(yaw))), Transform(-rear_axle_x_m, 0.0, 0.0))


def _spawn(world: carla.World, route: Route) -> carla.Vehicle:
    blueprint = world.get_blueprint_library().find(EGO_BLUEPRINT)
    blueprint.set_attribute("role_name", "hero")
    x, y, z = (float(v) for v in route.points[0])
    at = carla.Transform(carla.Location(x, y, z + 0.5), carla.Rotation(yaw=float(route.yaw_deg[0])))
    ego = world.try_spawn_actor(blueprint, at)
    if ego is None:
        raise InfrastructureError(f"no room for the ego at ({x:.1f}, {y:.1f}): is this world empty?")
    assert isinstance(ego, carla.Vehicle)
    ego.set_simulate_physics(False)
    return ego


def _place(ego: carla.Vehicle, pose: Transform) -> None:
    ego.set_transform(
        carla.Transform(carla.Location(pose.x, pose.y, pose.z), carla.Rotation(pose.pitch, pose.yaw, pose.roll))
    )
