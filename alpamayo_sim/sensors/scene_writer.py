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
CLOTHES = ((52, 73, 110), (140, 60, 55), (70, 95, 70), (95, 85, 75), (40, 40, 48), (160, 140, 110))


def color_of(info: ActorInfo) -> tuple[int, int, int]:
    """Return the colour (RGB, 0 to 255) of an actor: its `color` attribute, or one that goes with its kind."""
    parts = info.attribute_values.get("color", "").split(",")
    if len(parts) == 3 and all(part.strip().isdigit() for part in parts):
        red, green, blue = (min(255, int(part)) for part in parts)
        return red, green, blue
    return CLOTHES[info.uid % len(CLOTHES)] if info.kind == ActorKind.WALKER else PROP_COLOR


class SceneWriter:
    """Builds the frames of one world; what never changes is kept as long as the set of actors stays the same."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids: NDArray[Any] = np.zeros(0, np.uint32)
        self._rows: NDArray[np.int64] = np.zeros(0, np.int64)
        self._shapes: NDArray[np.int32] = np.zeros(0, np.int32)
        self._colors: NDArray[np.uint8] = np.zeros((0, 3), np.uint8)

    def frame(self) -> SceneFrame:
        """Return the instances, light states and weather of the present tick."""
        world = self._world
        actors = world.actors
        if not np.array_equal(actors.ids, self._ids):
            self._start_over()
        rows = self._rows
        count = len(actors)
        flags, steer = np.zeros(count, np.int64), np.zeros(count)
        vehicle_rows = world.vehicles.row
        flags[vehicle_rows] = world.vehicles.light_flags
        steer[vehicle_rows] = world.vehicles.wheel_angle_deg
        lights = np.full(len(world.road_map.signals.lights), 3, np.int32)
        lights[world.lights.signal] = world.lights.state
        return SceneFrame(
            shape_class=self._shapes,
            transform=np.concatenate([actors.location[rows], actors.rotation_deg[rows]], axis=1),
            extent=actors.extent[rows],
            box_center=actors.box_center[rows],
            color=self._colors,
            light_flags=flags[rows],
            steer_deg=steer[rows],
            speed_mps=np.linalg.norm(actors.velocity_mps[rows], axis=1),
            traffic_light_state=lights,
            weather=astuple(world.weather),
        )

    def _start_over(self) -> None:
        world = self._world
        self._ids = world.actors.ids.copy()
        self._rows = np.flatnonzero(np.isin(world.actors.kind, VISIBLE))
        infos = [world.info(int(actor_id)) for actor_id in self._ids[self._rows]]
        self._shapes = np.array([_shape(info) for info in infos], np.int32)
        self._colors = np.array([color_of(info) for info in infos], np.uint8).reshape(-1, 3)


def _shape(info: ActorInfo) -> int:
    blueprint = catalogue()[info.type_id]
    return int(
        shape_class(info.type_id, base_type=blueprint.base_type, wheels=blueprint.number_of_wheels, extent=info.extent)
    )
