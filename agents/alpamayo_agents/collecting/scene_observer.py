"""The privileged state of the scene at a tick, read through CARLA's client API."""

from __future__ import annotations

import math
from dataclasses import dataclass

import carla
import numpy as np

from alpamayo_agents.base import EpisodeContext
from alpamayo_agents.collecting.along_route import PlacesAlong, places_along
from alpamayo_agents.collecting.signals_ahead import SignalsAhead
from alpamayo_agents.ego import EgoModel, EgoState, transform_of
from alpamayo_agents.reference_path import ReferencePath
from alpamayo_sim.frames import Transform
from alpamayo_sim.record.scene_state import NOWHERE_M, ExpertReason, SceneActor, SceneLane, SceneState
from alpamayo_sim.roads.road_options import RoadOption

REACH_M = 80.0
JUNCTION_REACH_M = 100.0
BICYCLES = ("vehicle.bh.crossbike", "vehicle.diamondback.century", "vehicle.gazelle.omafiets")
OPTION_NAMES = {
    RoadOption.LEFT: "left",
    RoadOption.RIGHT: "right",
    RoadOption.STRAIGHT: "straight",
    RoadOption.CHANGELANELEFT: "change_lane_left",
    RoadOption.CHANGELANERIGHT: "change_lane_right",
}
Pixels = dict[int, dict[str, int]]
"""Pixels by actor and camera."""


@dataclass(frozen=True)
class _Known:
    type_id: str
    kind: str
    role: str
    extent: tuple[float, float, float]
    middle: tuple[float, float, float]


class SceneObserver:
    """Reads scenes of one episode, tick by tick."""

    def __init__(self, context: EpisodeContext, model: EgoModel) -> None:
        self._world, self._ego, self._model = context.world, context.ego, model
        self._map = context.road_map.carla_map
        self._route = context.route
        self._path = ReferencePath(context.route)
        self._signals = SignalsAhead(context.world, self._map, self._path, model)
        self._known: dict[int, _Known | None] = {context.ego.id: None}
        self._station_m = 0.0
        self._lamps: dict[int, int] = {}

    def scene(
        self,
        snapshot: carla.WorldSnapshot,
        state: EgoState,
        control: carla.VehicleControl,
        *,
        frame_index: int,
        time_s: float,
        pixels: Pixels,
        reason: ExpertReason | None,
        is_perturbed: bool,
    ) -> SceneState:
        """Return the scene at a tick; `control` is what is applied after it, `pixels` what the last masks showed."""
        own = snapshot.find(self._ego.id)
        assert own is not None, "the ego lives as long as its episode"
        pose = transform_of(own.get_transform())
        rear = np.array([state.rig_pose.x, state.rig_pose.y])
        self._station_m = self._path.project(rear, self._station_m)
        front_m = self._station_m + self._model.front_m
        acceleration = own.get_acceleration()
        yaw = state.yaw_rad
        option, option_m = self._option()
        return SceneState(
            frame_index=frame_index,
            time_s=time_s,
            world_frame=snapshot.frame,
            ego=pose,
            rig_pose=state.rig_pose,
            speed_mps=state.speed_mps,
            acceleration_mps2=acceleration.x * math.cos(yaw) + acceleration.y * math.sin(yaw),
            yaw_rate_rps=-math.radians(own.get_angular_velocity().z),
            throttle=control.throttle,
            brake=control.brake,
            steer=control.steer,
            speed_limit_mps=self._ego.get_speed_limit() / 3.6,
            lane=self._lane(pose, front_m),
            route_option=option,
            route_option_m=option_m,
            actors=self._actors(snapshot, pose, front_m, pixels),
            signals=self._signals.signals(front_m, pixels),
            expert=reason,
            is_perturbed=is_perturbed,
        )

    def _lane(self, pose: Transform, front_m: float) -> SceneLane:
        waypoint = self._map.get_waypoint(carla.Location(pose.x, pose.y, pose.z))
        middle = waypoint.transform
        yaw = math.radians(middle.rotation.yaw)
        off_x, off_y = pose.x - middle.location.x, pose.y - middle.location.y
        # Of a lane that runs against the ego, left is still the lane's own.
        left = off_x * math.sin(yaw) - off_y * math.cos(yaw)
        change = waypoint.lane_change
        first = int(front_m / 0.5)
        inside = self._path.in_junction[max(0, first) : first + int(JUNCTION_REACH_M / 0.5)]
        return SceneLane(
            road_id=waypoint.road_id,
            lane_id=waypoint.lane_id,
            width_m=waypoint.lane_width,
            offset_m=left,
            heading_error_rad=-math.radians(math.remainder(pose.yaw - middle.rotation.yaw, 360.0)),
            is_junction=waypoint.is_junction,
            to_junction_m=0.5 * float(np.argmax(inside)) if inside.any() else NOWHERE_M,
            left_change=change in (carla.LaneChange.Left, carla.LaneChange.Both)
            and _drivable(waypoint.get_left_lane()),
            right_change=change in (carla.LaneChange.Right, carla.LaneChange.Both)
            and _drivable(waypoint.get_right_lane()),
        )

    def _option(self) -> tuple[str, float]:
        along = self._route.arc_length_m
        first = int(np.searchsorted(along, self._station_m))
        options = self._route.road_option[first:]
        asked = np.flatnonzero(np.isin(options, [int(option) for option in OPTION_NAMES]))
        if not len(asked):
            return "lane_follow", NOWHERE_M
        index = first + int(asked[0])
        name = OPTION_NAMES[RoadOption(int(self._route.road_option[index]))]
        return name, max(0.0, float(along[index]) - self._station_m)

    def _actors(
        self, snapshot: carla.WorldSnapshot, ego: Transform, front_m: float, pixels: Pixels
    ) -> tuple[SceneActor, ...]:
        near: list[tuple[int, _Known, carla.ActorSnapshot, Transform]] = []
        for seen in snapshot:
            known = self._known[seen.id] if seen.id in self._known else self._ask(seen.id)
            if known is None:
                continue
            where = seen.get_transform().location
            if math.hypot(where.x - ego.x, where.y - ego.y) < REACH_M:
                near.append((seen.id, known, seen, transform_of(seen.get_transform())))
        near.sort(key=lambda found: found[0])
        # One question for all: to ask a vehicle by itself takes a call each, and fails for one that has just gone.
        self._lamps = {number: int(state) for number, state in self._world.get_vehicles_light_states().items()}
        places = self._places([(known, pose) for _, known, _, pose in near], front_m)
        return tuple(
            self._actor(actor_id, known, seen, pose, places, row, pixels)
            for row, (actor_id, known, seen, pose) in enumerate(near)
        )

    def _places(self, near: list[tuple[_Known, Transform]], front_m: float) -> PlacesAlong:
        yaw = np.radians(np.array([pose.yaw for _, pose in near], dtype=np.float64))
        center = np.array([pose[:3] for _, pose in near], dtype=np.float64).reshape(-1, 3)
        middle = np.array([known.middle for known, _ in near], dtype=np.float64).reshape(-1, 3)
        half = np.array([known.extent[:2] for known, _ in near], dtype=np.float64).reshape(-1, 2)
        center[:, 0] += np.cos(yaw) * middle[:, 0] - np.sin(yaw) * middle[:, 1]
        center[:, 1] += np.sin(yaw) * middle[:, 0] + np.cos(yaw) * middle[:, 1]
        return places_along(self._path, front_m, center, yaw, half)

    def _actor(
        self,
        actor_id: int,
        known: _Known,
        seen: carla.ActorSnapshot,
        pose: Transform,
        places: PlacesAlong,
        row: int,
        pixels: Pixels,
    ) -> SceneActor:
        velocity = seen.get_velocity()
        return SceneActor(
            actor_id=actor_id,
            type_id=known.type_id,
            kind=known.kind,
            role=known.role,
            transform=pose,
            velocity_mps=(velocity.x, velocity.y, velocity.z),
            extent_m=known.extent,
            box_center_m=known.middle,
            light_state=self._lamps.get(actor_id, 0),
            gap_m=float(places.gap_m[row]),
            lateral_m=float(places.lateral_m[row]),
            in_ego_lane=bool(places.in_lane[row]),
            visible_px=pixels.get(actor_id, {}),
        )

    def _ask(self, actor_id: int) -> _Known | None:
        """Ask once what an actor is; None for what is neither a vehicle nor a person nor a thing."""
        actor = self._world.get_actor(actor_id)
        found: _Known | None = None
        if actor is not None and actor.type_id.startswith(("vehicle.", "walker.", "static.prop")):
            box = actor.bounding_box
            found = _Known(
                type_id=actor.type_id,
                kind=_kind(actor),
                role=actor.attributes.get("role_name", ""),
                extent=(box.extent.x, box.extent.y, box.extent.z),
                middle=(box.location.x, box.location.y, box.location.z),
            )
        self._known[actor_id] = found
        return found


def _kind(actor: carla.Actor) -> str:
    if actor.type_id.startswith("walker."):
        return "pedestrian"
    if actor.type_id.startswith("static."):
        return "prop"
    is_bicycle = actor.attributes.get("base_type") == "bicycle" or actor.type_id in BICYCLES
    return "cyclist" if is_bicycle else "vehicle"


def _drivable(waypoint: carla.Waypoint | None) -> bool:
    return waypoint is not None and waypoint.lane_type == carla.LaneType.Driving
