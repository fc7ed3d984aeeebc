"""The embedded simulator: every actor, the commands on them, and the step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from alpamayo_sim.frames import Transform, as_unreal, to_local
from alpamayo_sim.roads.signal_boxes import Box, combined_box
from alpamayo_sim.world.ackermann import AckermannController
from alpamayo_sim.world.actor_info import ActorInfo
from alpamayo_sim.world.blueprints import Blueprint, catalogue
from alpamayo_sim.world.collisions import static_type_ids, step_collisions
from alpamayo_sim.world.constants import vehicle_constants
from alpamayo_sim.world.contact import static_grid
from alpamayo_sim.world.doors import side_doors
from alpamayo_sim.world.errors import SpawnError, UnknownActor
from alpamayo_sim.world.events import StepEvents
from alpamayo_sim.world.friction import FrictionTriggers
from alpamayo_sim.world.kernel import advance, touches_anything
from alpamayo_sim.world.light_commands import LightCommands
from alpamayo_sim.world.light_cycle import LightCycle
from alpamayo_sim.world.physics import VehiclePhysics
from alpamayo_sim.world.scene_objects import SceneObjects
from alpamayo_sim.world.tables import ActorKind, ActorState, LightColor, Table
from alpamayo_sim.world.triggers import NO_SIGN, apply_triggers, trigger_grid
from alpamayo_sim.world.vehicle_commands import VehicleCommands
from alpamayo_sim.world.vehicle_models import physics_template
from alpamayo_sim.world.walker_commands import WalkerCommands
from alpamayo_sim.world.weather import Weather

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap
    from alpamayo_sim.roads.statics import StaticBoxes

WALKER_MASS_KG, PROP_MASS_KG = 80.0, 30.0
MAX_SUBSTEP_S, COARSEST_SUBSTEP_S, MAX_SUBSTEPS = 0.01, 0.02, 10
DEFAULT_SPEED_LIMIT_KMH = 30.0
LANE_REACH_M = 5.0
FIRST_PHASE_RAD = 1.7
"""By which the strides of walkers that are spawned one after the other differ at first."""
HIDDEN_Z_M = -1.0e9
WIDEST_BODY_M = 1.28
"""Half width of the widest vehicle body; boxes of trucks and buses reach around their mirrors."""
KIND_BY_PREFIX = (
    ("vehicle.", ActorKind.VEHICLE),
    ("walker.", ActorKind.WALKER),
    ("sensor.", ActorKind.SENSOR),
    ("static.trigger.", ActorKind.TRIGGER),
    ("static.prop.", ActorKind.PROP),
)
INVALID_DESCRIPTION = "Spawn failed because of invalid actor description"
SPAWN_COLLISION = "Spawn failed because of collision at spawn position"


class World(VehicleCommands, WalkerCommands, LightCommands):
    """A town with its traffic lights and signs, and what clients spawn in it.

    The same map, seed, commands and step lengths give bit-identical states. Ids of actors begin at `first_id`.
    """

    def __init__(self, road_map: RoadMap, statics: StaticBoxes | None, *, seed: int = 0, first_id: int = 1) -> None:
        super().__init__(road_map)
        self.statics = statics
        self.random = np.random.default_rng(seed)
        self.frame = 0
        self.delta_s = 0.0
        self.weather = Weather()
        self.max_substep_s = MAX_SUBSTEP_S
        self.max_substeps = MAX_SUBSTEPS
        self.ackermann: dict[int, AckermannController] = {}
        self.friction_triggers = FrictionTriggers()
        self.wheel_pitch_deg: dict[tuple[int, int], float] = {}
        self.next_id = first_id
        self._ground = road_map.ground.arrays()
        if statics is None:
            nothing = np.zeros((0, 3))
            self._static_grid = static_grid(nothing, nothing, np.zeros(0), np.zeros(0))
        else:
            self._static_grid = static_grid(statics.center, statics.extent, statics.yaw_deg, statics.label)
        self._solid_boxes = self._static_grid.boxes
        self.scene = SceneObjects(road_map, statics)
        self._scene_version = self.scene.version
        self._static_type_ids = static_type_ids(self._static_grid.labels)
        self._triggers = trigger_grid(road_map.signals)
        self.spectator_id = self._add(ActorKind.SPECTATOR, "spectator", (), Transform(0.0, 0.0, 0.0)).id
        self._add_signals()
        self.light_cycle = LightCycle(self.lights, road_map.signals.groups)

    def _add(
        self,
        kind: ActorKind,
        type_id: str,
        attributes: tuple[tuple[str, int, str], ...],
        transform: Transform,
        *,
        uid: int = 0,
        parent_id: int = 0,
        attachment: int = 0,
        relative: Transform | None = None,
        extent: tuple[float, float, float] = (0.0, 0.0, 0.0),
        box_center: tuple[float, float, float] = (0.0, 0.0, 0.0),
        semantic_tags: tuple[int, ...] = (),
        sign_id: str = "",
        mass_kg: float = 1.0,
        physics: bool = False,
    ) -> ActorInfo:
        """Register an actor of any kind and return its info."""
        actor_id = self.next_id
        self.next_id += 1
        info = ActorInfo(
            actor_id,
            parent_id,
            kind,
            uid,
            type_id,
            attributes,
            extent,
            box_center,
            semantic_tags,
            attachment,
            sign_id,
        )
        self.infos[actor_id] = info
        self.row_of[actor_id] = self.actors.append(
            ids=actor_id,
            parent_ids=parent_id,
            parent_row=self.row_of[parent_id] if parent_id else -1,
            kind=kind,
            state=ActorState.ACTIVE,
            attachment=attachment,
            simulate_physics=physics,
            collides=physics or kind == ActorKind.PROP,
            gravity=physics,
            location=transform[:3],
            rotation_deg=transform[3:],
            relative=relative or Transform(0.0, 0.0, 0.0),
            extent=extent,
            contact_half_width=min(extent[1], WIDEST_BODY_M) if kind == ActorKind.VEHICLE else extent[1],
            box_center=box_center,
            mass_kg=mass_kg,
        )
        return info

    def _add_signals(self) -> None:
        """Create the actors of the map's traffic lights (first) and signs."""
        for index, light in enumerate(self.road_map.signals.lights):
            extent, center = _trigger_volume(light.transform, light.lane_boxes)
            info = self._add(
                ActorKind.TRAFFIC_LIGHT, "traffic.traffic_light", (), light.transform, sign_id=light.signal_id,
                semantic_tags=(7,), extent=extent, box_center=center,
            )  # fmt: skip
            self.light_of[info.id] = self.lights.append(row=self.row_of[info.id], signal=index, pole_index=0)
        for sign in self.road_map.signals.signs:
            extent, center = _trigger_volume(sign.transform, sign.boxes)
            self._add(
                ActorKind.TRAFFIC_SIGN, sign.type_id, (), sign.transform, sign_id=sign.signal_id, semantic_tags=(8,),
                extent=extent, box_center=center,
            )  # fmt: skip

    def spawn(
        self,
        type_id: str,
        attributes: Mapping[str, str],
        transform: Transform,
        *,
        parent_id: int = 0,
        attachment: int = 0,
    ) -> ActorInfo:
        """Create an actor and return its info; with a parent, `transform` is relative to it.

        Raises SpawnError (CARLA's messages) for an unknown blueprint, for a pose that is not finite, and for a vehicle or
        walker that would overlap something; UnknownActor for an unknown parent.
        """
        blueprint = catalogue().get(type_id)
        if blueprint is None or not all(math.isfinite(value) for value in transform):
            raise SpawnError(INVALID_DESCRIPTION)
        if parent_id:
            self.row(parent_id, "attach actor")
        pose = self.pose_on_parent(parent_id, transform) if parent_id else as_unreal(transform)
        kind = next((kind for prefix, kind in KIND_BY_PREFIX if type_id.startswith(prefix)), ActorKind.OTHER)
        moving = kind in (ActorKind.VEHICLE, ActorKind.WALKER) and not parent_id
        if moving and self.is_occupied(pose, blueprint):
            raise SpawnError(SPAWN_COLLISION)
        values = blueprint.values(attributes)
        physics = physics_template(blueprint) if kind == ActorKind.VEHICLE else None
        prop_mass = PROP_MASS_KG if kind == ActorKind.PROP else WALKER_MASS_KG
        info = self._add(
            kind,
            type_id,
            tuple((spec.id, spec.type, values[spec.id]) for spec in blueprint.attributes),
            pose,
            uid=blueprint.uid,
            parent_id=parent_id,
            attachment=attachment if 0 <= attachment <= 2 else 0,
            relative=transform if parent_id else None,
            extent=blueprint.extent,
            box_center=blueprint.box_center,
            semantic_tags=blueprint.semantic_tags,
            mass_kg=physics.mass if physics else prop_mass,
            physics=moving,
        )
        if physics is not None:
            self._add_vehicle(info, physics, values)
        elif kind == ActorKind.WALKER:
            # Walkers do not step in time with one another.
            phase = FIRST_PHASE_RAD * info.id % (2.0 * math.pi)
            self.walker_of[info.id] = self.walkers.append(
                row=self.row_of[info.id], direction=(1.0, 0.0, 0.0), stride_phase_rad=phase
            )
        elif kind == ActorKind.TRIGGER:
            self.friction_triggers.add(info.id, pose, values)
        return info

    def _add_vehicle(self, info: ActorInfo, physics: VehiclePhysics, values: Mapping[str, str]) -> None:
        self.physics_of[info.id] = physics
        self.ackermann[info.id] = AckermannController()
        hinges_m, lengths_m = side_doors(info.type_id, info.extent[0])
        self.vehicle_of[info.id] = self.vehicles.append(
            row=self.row_of[info.id],
            sticky_control=values.get("sticky_control", "true").lower() == "true",
            speed_limit_kmh=self._lane_limit_kmh(self.row_of[info.id]),
            light_state=LightColor.GREEN,
            stop_sign=NO_SIGN,
            door_hinge_m=hinges_m,
            door_length_m=lengths_m,
        )
        self.constants.append_record(vehicle_constants(physics, info.extent))

    def _lane_limit_kmh(self, row: int) -> float:
        """Return the speed limit of the driving lane at an actor, CARLA's default away from lanes that have one."""
        location = self.actors.location[row]
        hits = self.road_map.lanes.nearest(location[None, :2], location[2:3])
        if hits.lane_index[0] < 0 or hits.distance[0] > LANE_REACH_M:
            return DEFAULT_SPEED_LIMIT_KMH
        limit_kmh = float(self.road_map.lanes.speed_limit_kmh[hits.lane_index[0]])
        return limit_kmh if limit_kmh > 0.0 else DEFAULT_SPEED_LIMIT_KMH

    def is_occupied(self, pose: Transform, blueprint: Blueprint) -> bool:
        """Whether a box of `blueprint` at `pose` would overlap an actor that collides, or the map."""
        self._show_scene()
        yaw = math.radians(pose.yaw)
        cos, sin = math.cos(yaw), math.sin(yaw)
        cx, cy, cz = blueprint.box_center
        center = (pose.x + cos * cx - sin * cy, pose.y + sin * cx + cos * cy, pose.z + cz)
        half_x, half_y, half_z = blueprint.extent
        half_y = min(half_y, WIDEST_BODY_M) if blueprint.is_vehicle else half_y
        box = np.array([*center, half_x, half_y, half_z, cos, sin])
        return bool(touches_anything(self.actors.records, self.vehicles.records, self._static_grid, box))

    def _show_scene(self) -> None:
        """Let the boxes of hidden objects be solid to nobody: they lie far below everything."""
        if self.scene.version == self._scene_version:
            return
        self._scene_version = self.scene.version
        boxes = self._solid_boxes.copy()
        boxes[~self.scene.present[: len(boxes)], 2] = HIDDEN_Z_M
        self._static_grid = self._static_grid._replace(boxes=boxes)

    def destroy(self, actor_id: int) -> bool:
        """Remove an actor; False if there is none. Its children stay, without a parent."""
        row = self.row_of.pop(actor_id, None)
        if row is None:
            return False
        children = self.actors.parent_ids == actor_id
        self.actors.parent_ids[children] = 0
        self.actors.parent_row[children] = -1
        index = self.vehicle_of.get(actor_id)
        if index is not None:
            self.constants.delete(index)
        tables: tuple[tuple[Table, dict[int, int]], ...] = (
            (self.vehicles, self.vehicle_of),
            (self.walkers, self.walker_of),
            (self.lights, self.light_of),
        )
        for table, index_of in tables:
            index = index_of.pop(actor_id, None)
            if index is not None:
                table.delete(index)
                index_of.update({id: other - 1 for id, other in index_of.items() if other > index})
            rows = table.records["row"]
            rows[rows > row] -= 1
        self.actors.delete(row)
        parents = self.actors.parent_row
        parents[parents > row] -= 1
        self.row_of.update({id: other - 1 for id, other in self.row_of.items() if other > row})
        self.friction_triggers.remove(actor_id)
        for wheel in range(4):
            self.wheel_pitch_deg.pop((actor_id, wheel), None)
        for mapping in (self.infos, self.physics_of, self.ackermann):
            mapping.pop(actor_id, None)
        return True

    def info(self, actor_id: int) -> ActorInfo:
        """Return what does not change about a live actor; raises UnknownActor."""
        info = self.infos.get(actor_id)
        if info is None:
            raise UnknownActor(actor_id)
        return info

    def step(self, dt_s: float) -> StepEvents:
        """Advance by `dt_s` seconds (0 < dt_s <= 10): controls, dynamics, contact, lights; return what happened."""
        if not 0.0 < dt_s <= 10.0:
            raise ValueError(f"a step takes more than 0 and at most 10 s, not {dt_s}")
        self.frame += 1
        self.elapsed_s += dt_s
        self.delta_s = dt_s
        substeps = min(math.ceil(dt_s / self.max_substep_s - 1e-6), self.max_substeps)
        substeps = max(substeps, math.ceil(dt_s / COARSEST_SUBSTEP_S - 1e-6))
        self._show_scene()
        self._run_ackermann(dt_s)
        self.friction_triggers.apply(self)
        touching, impulses = advance(
            self.actors.records, self.vehicles.records, self.constants.records, self.walkers.records,
            self._ground, self._static_grid, dt_s / substeps, substeps, dt_s,
        )  # fmt: skip
        self.light_cycle.advance(dt_s)
        apply_triggers(self.actors.records, self.vehicles.records, self.lights.records, *self._triggers, dt_s)
        self._release_controls()
        return StepEvents(self.frame, step_collisions(self, touching, impulses, self._static_type_ids))

    def _release_controls(self) -> None:
        """Let go of the pedals of vehicles whose `sticky_control` is off."""
        if not self.vehicles.sticky_control.all():
            loose = ~self.vehicles.sticky_control
            for name in ("throttle", "steer", "brake", "hand_brake"):
                self.vehicles.records[name][loose] = 0


def _trigger_volume(
    pose: Transform, boxes: tuple[Box, ...]
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return extent and centre, in the actor's frame, of the box around a light's or sign's triggers.

    CARLA reports it as the bounding box of the actor; the client's `trigger_volume` and stop waypoints come from it.
    """
    if not boxes:
        return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    whole = combined_box(boxes, pose.yaw)
    x, y, z = (float(v) for v in to_local(pose, np.array(whole.center)))
    return whole.extent, (x, y, z)
