"""The moving part of a scene, taken from the world's tables for the cameras."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.scene_frame import SceneFrame, shape_class
from alpamayo_sim.world.actor_info import ActorInfo
from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world import World

VISIBLE = (ActorKind.VEHICLE, ActorKind.WALKER, ActorKind.PROP)
PROP_COLOR = (150, 140, 125)
CLOTHES = (
    (52, 73, 110), (140, 60, 55), (70, 95, 70), (95, 85, 75), (40, 40, 48), (160, 140, 110), (196, 190, 178), (120, 70, 110),
    (60, 120, 130), (190, 150, 60), (30, 44, 70), (170, 100, 80), (88, 100, 112),
)  # fmt: skip
VEHICLE_COLORS = (
    ("police", (24, 25, 30)), ("ambulance", (225, 225, 222)), ("firetruck", (180, 24, 22)), ("carlacola", (190, 20, 26)),
    ("microlino", (150, 190, 190)), ("hgv", (60, 84, 130)), ("fusorosa", (224, 222, 214)), ("cybertruck", (150, 152, 155)),
    ("sprinter", (210, 212, 214)), ("bike", (40, 60, 120)),
)  # fmt: skip
"""Colours of vehicles whose blueprints have no `color`, by a part of their id."""
OTHER_VEHICLE_COLOR = (110, 116, 124)


def color_of(info: ActorInfo) -> tuple[int, int, int]:
    """Return the colour (RGB, 0 to 255) of an actor: its `color` attribute, or one that goes with its kind."""
    parts = info.attribute_values.get("color", "").split(",")
    if len(parts) == 3 and all(part.strip().isdigit() for part in parts):
        red, green, blue = (min(255, int(part)) for part in parts)
        return red, green, blue
    if info.kind == ActorKind.WALKER:
        return CLOTHES[info.uid * 5 % len(CLOTHES)]
    if info.kind == ActorKind.VEHICLE:
        return next((color for part, color in VEHICLE_COLORS if part in info.type_id), OTHER_VEHICLE_COLOR)
    return PROP_COLOR


class SceneWriter:
    """Builds the frames of one world; what never changes is kept as long as the set of actors stays the same."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids: NDArray[Any] = np.zeros(0, np.uint32)
        self._rows: NDArray[np.int64] = np.zeros(0, np.int64)
        self._shapes: NDArray[np.int32] = np.zeros(0, np.int32)
        self._colors: NDArray[np.uint8] = np.zeros((0, 3), np.uint8)
        self._looks: NDArray[np.float64] = np.zeros(0)
        self._tags: NDArray[np.int32] = np.zeros(0, np.int32)
        self._light_ids: NDArray[np.int64] = np.zeros(0, np.int64)
        self._sign_ids: NDArray[np.int64] = np.zeros(0, np.int64)

    def frame(self) -> SceneFrame:
        """Return the instances, light states and weather of the present tick."""
        world = self._world
        actors = world.actors
        if not np.array_equal(actors.ids, self._ids):
            self._start_over()
        rows = self._rows
        count = len(actors)
        flags, doors = np.zeros(count, np.int64), np.zeros(count, np.int64)
        steer, roll, phase = np.zeros(count), np.zeros(count), np.zeros(count)
        vehicle_rows = world.vehicles.row
        flags[vehicle_rows] = world.vehicles.light_flags
        doors[vehicle_rows] = world.vehicles.open_doors
        steer[vehicle_rows] = world.vehicles.wheel_angle_deg
        roll[vehicle_rows] = world.vehicles.wheel_turn_deg
        phase[world.walkers.row] = world.walkers.stride_phase_rad
        lights = np.full(len(world.road_map.signals.lights), 3, np.int32)
        lights[world.lights.signal] = world.lights.state
        speed = np.linalg.norm(actors.velocity_mps[rows], axis=1)
        return SceneFrame(
            shape_class=self._shapes,
            transform=np.concatenate([actors.location[rows], actors.rotation_deg[rows]], axis=1),
            extent=actors.extent[rows],
            box_center=actors.box_center[rows],
            color=self._colors,
            light_flags=flags[rows],
            steer_deg=steer[rows],
            speed_mps=speed,
            stride_phase_rad=phase[rows],
            wheel_turn_deg=roll[rows],
            open_doors=doors[rows],
            look=self._looks,
            semantic_tag=self._tags,
            actor_id=self._ids[rows].astype(np.int64),
            traffic_light_state=lights,
            traffic_light_id=self._light_ids,
            traffic_sign_id=self._sign_ids,
            weather=astuple(world.weather),
            time_s=world.elapsed_s,
        )

    def _start_over(self) -> None:
        world = self._world
        self._ids = world.actors.ids.copy()
        self._rows = np.flatnonzero(np.isin(world.actors.kind, VISIBLE))
        infos = [world.info(int(actor_id)) for actor_id in self._ids[self._rows]]
        self._shapes = np.array([shape_of(info) for info in infos], np.int32)
        self._colors = np.array([color_of(info) for info in infos], np.uint8).reshape(-1, 3)
        # Two walkers of one blueprint are dressed alike, as in CARLA.
        self._looks = np.modf(np.array([info.uid for info in infos], np.float64) * 0.6180339887 + 0.13)[0]
        self._tags = np.array([info.semantic_tags[0] if info.semantic_tags else 0 for info in infos], np.int32)
        self._light_ids, self._sign_ids = signal_actor_ids(world)


def signal_actor_ids(world: World) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the actors of the map's traffic lights and of its signs, in the map's order; 0 for one without."""
    signals = world.road_map.signals
    light_ids = np.zeros(len(signals.lights), np.int64)
    light_ids[world.lights.signal] = world.actors.ids[world.lights.row]
    signs = world.actors.ids[world.actors.kind == ActorKind.TRAFFIC_SIGN].tolist()
    by_signal = {world.info(actor_id).sign_id: actor_id for actor_id in signs}
    return light_ids, np.array([by_signal.get(sign.signal_id, 0) for sign in signals.signs], np.int64)


def shape_of(info: ActorInfo) -> int:
    """Return the model (`ShapeClass`, or a prop's number) that an actor looks like."""
    blueprint = catalogue()[info.type_id]
    values = info.attribute_values
    return int(
        shape_class(
            info.type_id,
            base_type=blueprint.base_type,
            wheels=blueprint.number_of_wheels,
            extent=info.extent,
            gender=values.get("gender", ""),
            age=values.get("age", "adult"),
        )
    )
