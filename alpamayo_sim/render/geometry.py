"""Draws what cameras other than colour ones see: a batch's shapes, with programs that tell depth, labels, normals or motion."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np

from alpamayo_sim.render.batch import MOST_CAMERAS, Batch, Group, Pass
from alpamayo_sim.render.camera_kind import (
    BUILDING_TAG,
    DEPTH_RANGE_M,
    DEPTH_STEPS,
    DEPTH_STEPS_LESS,
    RIDER_TAG,
    ROAD_LINE_TAG,
    SKY_TAG,
    CameraKind,
)
from alpamayo_sim.render.context import BEFORE_BINDING, load_program, set_uniform
from alpamayo_sim.render.instance_numbers import building_numbers
from alpamayo_sim.render.programs import ATLAS_UNIT, FILES
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.scene_buffers import DrawList, SceneBuffers
from alpamayo_sim.roads.surface import Surface
from alpamayo_sim.roads.surface_tags import TAG_OF_SURFACE

SHAPE = {
    Pass.OBJECTS: "OBJECT",
    Pass.FACADES: "FACADE",
    Pass.GROUND: "GROUND",
    Pass.KERBS: "GROUND",
    Pass.SKY: "SKY",
    Pass.MARKINGS: "MARKING",
}
CONSTANTS = (
    f"DEPTH_RANGE_M {DEPTH_RANGE_M}", f"DEPTH_STEPS {float(DEPTH_STEPS)}", f"DEPTH_STEPS_LESS {float(DEPTH_STEPS_LESS)}",
    f"SKY_TAG {float(SKY_TAG)}", f"ROAD_LINE_TAG {float(ROAD_LINE_TAG)}", f"BUILDING_TAG {float(BUILDING_TAG)}",
    f"RIDER_TAG {float(RIDER_TAG)}",
)  # fmt: skip
BEFORE = ("4f4 4f4 4f4 4f4/i", ("in_before0", "in_before1", "in_before2", "in_state_before"))


class GeometryPasses:
    """Programs and vertex arrays of one scene for all cameras but colour ones; a kind's are made when it is first drawn."""

    def __init__(self, context: moderngl.Context, scene: Scene, buffers: SceneBuffers, draws: DrawList) -> None:
        self._context, self._scene, self._buffers, self._draws = context, scene, buffers, draws
        self._programs: dict[tuple[str, CameraKind], moderngl.Program] = {}
        self._arrays: dict[tuple[Pass, CameraKind], moderngl.VertexArray] = {}
        self._before = context.buffer(reserve=64)
        self._clip_before = context.buffer(reserve=MOST_CAMERAS * 64)
        self._owners: moderngl.Buffer | None = None

    def upload(self, batch: Batch, *, new_rows: bool) -> None:
        """Take over a batch's motion; `new_rows` says that the draw list has a new row buffer."""
        if batch.motion is not None:
            rows = batch.motion.rows
            if rows.nbytes > self._before.size:
                self._before.release()
                self._before = self._context.buffer(reserve=2 * rows.nbytes)
                self._forget(CameraKind.FLOW)
            if rows.nbytes:
                self._before.write(rows)
            self._clip_before.write(batch.motion.clip)
            self._clip_before.bind_to_uniform_block(BEFORE_BINDING)
        if new_rows:
            for kind in CameraKind:
                self._forget(kind)

    def draw(self, group: Group) -> None:
        """Draw a group of cameras into the present target."""
        context = self._context
        context.front_face = "ccw"
        context.depth_func = "<="
        context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._pass(Pass.OBJECTS, group)
        self._pass(Pass.FACADES, group)
        context.enable_only(moderngl.DEPTH_TEST)
        for part in (Pass.GROUND, Pass.KERBS, Pass.SKY, Pass.MARKINGS):
            self._pass(part, group)

    def release(self) -> None:
        """Free programs, vertex arrays and buffers."""
        for thing in (*self._arrays.values(), *self._programs.values(), self._before, self._clip_before):
            thing.release()
        if self._owners is not None:
            self._owners.release()

    def _pass(self, part: Pass, group: Group) -> None:
        first, count = group.spans[part]
        if count:
            array = self._arrays.get((part, group.kind)) or self._array(part, group.kind)
            array.render_indirect(self._draws.commands, moderngl.TRIANGLES, count=int(count), first=int(first))

    def _array(self, part: Pass, kind: CameraKind) -> moderngl.VertexArray:
        more: list[Any] = []
        if kind is CameraKind.FLOW and part is Pass.OBJECTS:
            more = [(self._before, BEFORE[0], *BEFORE[1])]
        elif kind is CameraKind.INSTANCE and part is Pass.FACADES:
            more = [(self._building_numbers(), "1f4", "in_owner")]
        array = self._buffers.array(part, self._program(part, kind), *more)
        self._arrays[part, kind] = array
        return array

    def _program(self, part: Pass, kind: CameraKind) -> moderngl.Program:
        shape = SHAPE[part]
        program = self._programs.get((shape, kind))
        if program is None:
            defines = ("GEOMETRY", shape, kind.name, *CONSTANTS)
            program = load_program(self._context, f"{FILES[part]}.vert", "geometry.frag", *defines)
            set_uniform(program, "atlas", ATLAS_UNIT)
            set_uniform(program, "tag_of_surface", [TAG_OF_SURFACE[surface] for surface in Surface])
            self._programs[shape, kind] = program
        return program

    def _building_numbers(self) -> moderngl.Buffer:
        if self._owners is None:
            places = self._scene.facades.vertices["position"][:, :2].astype(np.float64)
            numbers = building_numbers(places, self._scene.statics)
            self._owners = self._context.buffer(numbers.tobytes() or bytes(4))
        return self._owners

    def _forget(self, kind: CameraKind) -> None:
        array = self._arrays.pop((Pass.OBJECTS, kind), None)
        if array is not None:
            array.release()
