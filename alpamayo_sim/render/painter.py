"""Draws batches with OpenGL: all cameras of a batch in one target, one call for each pass of a group of cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.baked_light import BakedLight
from alpamayo_sim.render.batch import CAMERA_FLOATS, MOST_CAMERAS, Batch, Group, Pass
from alpamayo_sim.render.camera_block import PLACE
from alpamayo_sim.render.camera_kind import Paper
from alpamayo_sim.render.context import CAMERAS_BINDING, LIGHT_BINDING, is_software, set_uniform
from alpamayo_sim.render.geometry import GeometryPasses
from alpamayo_sim.render.noise import atlas_texture, noise_texture
from alpamayo_sim.render.programs import ATLAS_UNIT, BAKED_UNIT, NOISE_UNIT, Programs, variant
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.scene_buffers import DrawList, SceneBuffers
from alpamayo_sim.render.target import Target, most_rows

LIGHT_STRIDE_BYTES = 512
"""Uniform blocks begin at multiples of 256 on every driver."""
CLIP_DISTANCES = tuple(0x3000 + k for k in range(4))
"""GL_CLIP_DISTANCE0 and on: pictures end at their edges in the atlas."""
WINDOWS_KEPT, WINDOWS_KEPT_IN_SOFTWARE = 64, 12
ROW_PASSES = (Pass.OBJECTS, Pass.QUADS, Pass.GLOWS)


@dataclass(frozen=True)
class Drawing:
    """A batch that is drawn, or being drawn."""

    sizes: NDArray[np.integer]
    paper: Paper
    target: Target


class Painter:
    """Draws batches of one scene; belongs to the thread and the context that made it."""

    def __init__(self, context: moderngl.Context, scene: Scene, *, samples: int = 0) -> None:
        self._context = context
        self._programs = Programs(context)
        self._noise = noise_texture(context)
        self._atlas = atlas_texture(context, scene.speed_limits)
        self._samples, self._hardware = samples, not is_software(context)
        self._free: dict[Paper, list[Target]] = {paper: [] for paper in Paper}
        self._baked = BakedLight(
            context, scene.statics, kept=WINDOWS_KEPT_IN_SOFTWARE if is_software(context) else WINDOWS_KEPT
        )
        self._camera_blocks = context.buffer(reserve=MOST_CAMERAS * CAMERA_FLOATS * 4)
        self._light_blocks = context.buffer(reserve=LIGHT_STRIDE_BYTES)
        self._draws = DrawList(context)
        self._buffers = SceneBuffers(context, scene, self._draws)
        self._geometry = GeometryPasses(context, scene, self._buffers, self._draws)
        self._arrays: dict[tuple[Pass, str], moderngl.VertexArray] = {}
        self._make_arrays(tuple(Pass))

    @property
    def device(self) -> str:
        """The name of the graphics device, as its driver tells it."""
        return str(self._context.info["GL_RENDERER"])

    @property
    def most_rows(self) -> int:
        """How many rows of pixels a batch can have."""
        return most_rows(self._context)

    def paint(self, batch: Batch) -> list[NDArray[Any]]:
        """Return the pictures of a batch in its order, top row first; nothing else writes to them.

        They are BGRA bytes [height, width, 4], those of flow cameras float32 [height, width, 2].
        """
        return self.collect(self.submit(batch))

    def submit(self, batch: Batch) -> Drawing:
        """Draw a batch without waiting for its pictures; every drawing must be collected."""
        free = self._free[batch.paper]
        target = free.pop() if free else Target(self._context, batch.paper, self._samples, hardware=self._hardware)
        self._draw_batch(batch, target)
        target.end()
        return Drawing(batch.sizes.copy(), batch.paper, target)

    def collect(self, drawing: Drawing, pictures: Sequence[NDArray[Any]] | None = None) -> list[NDArray[Any]]:
        """Return the pictures of a drawing, or write them to arrays of theirs."""
        atlas = drawing.target.pixels()
        bottoms = np.cumsum(drawing.sizes[:, 1])
        parts = [atlas[y - h : y, :w] for y, (w, h) in zip(bottoms.tolist(), drawing.sizes.tolist(), strict=True)]
        self._free[drawing.paper].append(drawing.target)
        if pictures is None:
            return [part.copy() for part in parts]
        for there, here in zip(pictures, parts, strict=True):
            there[...] = here
        return list(pictures)

    def release(self) -> None:
        """Free everything; other painters of the context go on."""
        for array in self._arrays.values():
            array.release()
        for target in (target for free in self._free.values() for target in free):
            target.release()
        self._buffers.release()
        self._baked.release()
        self._geometry.release()
        self._draws.release()
        self._programs.release()
        for thing in (self._noise, self._atlas, self._camera_blocks, self._light_blocks):
            thing.release()

    def _draw_batch(self, batch: Batch, target: Target) -> None:
        windows = [group.window for group in batch.groups if group.window]
        self._baked.make_room(len(set(windows)))
        textures = [self._baked.texture(group.window) if group.window else None for group in batch.groups]
        new_rows = self._draws.upload(batch.rows, batch.commands)
        if new_rows:
            self._make_arrays(ROW_PASSES)
        self._geometry.upload(batch, new_rows=new_rows)
        batch.cameras[:, PLACE] = target.begin(batch.sizes)
        self._camera_blocks.write(batch.cameras)
        self._camera_blocks.bind_to_uniform_block(CAMERAS_BINDING)
        self._write_lights(batch.groups)
        self._noise.use(NOISE_UNIT)
        self._atlas.use(ATLAS_UNIT)
        self._cut_at_edges(True)
        for k, (group, texture) in enumerate(zip(batch.groups, textures, strict=True)):
            self._light_blocks.bind_to_uniform_block(
                LIGHT_BINDING, offset=k * LIGHT_STRIDE_BYTES, size=LIGHT_STRIDE_BYTES
            )
            if texture is None:
                self._geometry.draw(group)
            else:
                texture.use(BAKED_UNIT)
                self._draw(group, target)
        self._cut_at_edges(False)

    def _draw(self, group: Group, target: Target) -> None:
        context = self._context
        context.front_face = "ccw"
        context.depth_func = "<="
        context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._pass(Pass.OBJECTS, group)
        self._pass(Pass.FACADES, group)
        context.enable_only(moderngl.DEPTH_TEST)
        self._pass(Pass.GROUND, group)
        self._pass(Pass.KERBS, group)
        self._pass(Pass.SKY, group)
        context.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND | moderngl.CULL_FACE)
        context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        target.write_depth(False)
        self._pass(Pass.MARKINGS, group)
        self._pass(Pass.QUADS, group)
        context.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
        for mirrored in (0, 1) if group.mirrored else (0,):
            set_uniform(self._programs.program(Pass.GLOWS), "mirrored", mirrored)
            self._pass(Pass.GLOWS, group)
        self._pass(Pass.RAIN, group)
        target.write_depth(True)

    def _cut_at_edges(self, enabled: bool) -> None:
        """Let shaders cut pictures at their edges, where viewports do not."""
        if not self._hardware:
            for clip_distance in CLIP_DISTANCES:
                (self._context.enable_direct if enabled else self._context.disable_direct)(clip_distance)

    def _pass(self, part: Pass, group: Group) -> None:
        first, count = group.spans[part]
        if count:
            self._arrays[part, variant(part, group)].render_indirect(
                self._draws.commands, moderngl.TRIANGLES, count=int(count), first=int(first)
            )

    def _write_lights(self, groups: tuple[Group, ...]) -> None:
        blocks = b"".join(group.light.ljust(LIGHT_STRIDE_BYTES, b"\0") for group in groups)
        if len(blocks) > self._light_blocks.size:
            self._light_blocks.release()
            self._light_blocks = self._context.buffer(reserve=len(blocks))
        self._light_blocks.write(blocks)

    def _make_arrays(self, parts: tuple[Pass, ...]) -> None:
        for part in parts:
            for name in self._programs.variants(part):
                old = self._arrays.get((part, name))
                if old is not None:
                    old.release()
                self._arrays[part, name] = self._buffers.array(part, self._programs.program(part, name))
