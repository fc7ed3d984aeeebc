"""Pictures of a scene: all cameras of a tick in one target, a handful of indirect draw calls each, one read-back."""

from __future__ import annotations

from collections.abc import Sequence

import moderngl
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.baked_light import BakedLight
from alpamayo_sim.render.camera import CameraView, far_plane, frustum_planes, world_to_clip
from alpamayo_sim.render.context import create_context, load_program, set_uniform
from alpamayo_sim.render.culling import Commands, InstanceCuller, TileCuller
from alpamayo_sim.render.glows import Glows, headlight_beams
from alpamayo_sim.render.instances import ROW, DynamicInstances, Instances, ground_quads
from alpamayo_sim.render.noise import atlas_texture, noise_texture
from alpamayo_sim.render.scene import Scene, TiledMesh
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.render.sky import MOST_BEAMS, Lighting, lighting
from alpamayo_sim.render.target import Target

CAMERA_BLOCK_BYTES = 96
CAMERA_STRIDE_BYTES = 256
"""Uniform blocks begin at multiples of this on every driver."""
LIGHT_BLOCK_BYTES = 16 * (8 + 2 * MOST_BEAMS)
STATE_COLUMN = 16
LIGHT_OFF = 3
NEAR_M_PER_PX, NEAR_REACH_M = 1.2, 600.0
"""Paint, kerbs and verges are drawn up to this many metres per pixel of focal length: a line is an eighth of a pixel there."""
QUAD = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=np.float32)
INSTANCE_FORMAT = "4f4 4f4 4f4 4f4 4f4 2f4/i"
INSTANCE_NAMES = ("in_row0", "in_row1", "in_row2", "in_paint", "in_state", "in_object")
DROPS = 1600
"""Rain drops round each camera in the heaviest rain."""


NIGHT, WET = ("NIGHT",), ("WET",)
"""Variants of programs."""


class Renderer:
    """Renders one scene; belongs to the thread that made it.

    `samples` asks for multisampling (0 for none): cheap on a GPU, twice the time on a CPU. Raises RendererUnavailable.
    """

    def __init__(self, scene: Scene, *, samples: int = 0) -> None:
        self.scene = scene
        self.context = context = create_context()
        self._objects = {n: load_program(context, "object.vert", "object.frag", *n) for n in ((), NIGHT)}
        self._ground = {n: load_program(context, "ground.vert", "ground.frag", *n) for n in ((), WET)}
        self._facades = load_program(context, "facade.vert", "facade.frag")
        self._markings = load_program(context, "marking.vert", "marking.frag")
        self._quads = load_program(context, "shadow.vert", "shadow.frag")
        self._sky = load_program(context, "sky.vert", "sky.frag")
        self._glow = load_program(context, "glow.vert", "glow.frag")
        self._rain = load_program(context, "rain.vert", "rain.frag")
        self._noise = noise_texture(context)
        self._atlas = atlas_texture(context, scene.speed_limits)
        self._glows = Glows(scene)
        self._target = Target(context, samples)
        self._baked = BakedLight(context, scene)
        self._light_block = context.buffer(reserve=LIGHT_BLOCK_BYTES)
        self._camera_blocks = context.buffer(reserve=CAMERA_STRIDE_BYTES)
        self._rows = context.buffer(reserve=4096 * ROW * 4)
        self._commands = context.buffer(reserve=4096 * 20)
        self._static = Instances(scene.instances.rows.copy(), scene.instances.mesh, scene.instances.radius_m)
        self._dynamic = DynamicInstances(scene.library)
        self._culler = InstanceCuller(scene.library)
        self._tiles = [TileCuller(m.first, m.count, m.sphere) for m in (scene.facades, scene.ground)]
        self._near_tiles = [TileCuller(m.first, m.count, m.sphere) for m in (scene.kerbs, scene.markings)]
        self._mesh_buffers = (
            context.buffer(scene.library.vertices.tobytes()),
            context.buffer(scene.library.indices.tobytes()),
        )
        self._quad_buffers = (
            context.buffer(QUAD.tobytes()),
            context.buffer(np.array([0, 1, 2, 0, 2, 3], np.uint32).tobytes()),
        )
        ground, wall = ("in_position", "in_normal"), ("in_position", "in_normal", "in_wall", "in_color")
        self._ground_arrays = self._variants(self._ground, scene.ground, "3f4 4f1", ground)
        self._kerb_arrays = self._variants(self._ground, scene.kerbs, "3f4 4f1", ground)
        self._facade_array = self._tiled_array(self._facades, scene.facades, "3f4 4f1 2f4 4f1", wall)
        self._marking_array = self._tiled_array(
            self._markings, scene.markings, "3f4 2f4 4f1", ("in_center", "in_offset", "in_color")
        )
        self._sky_array = context.vertex_array(self._sky, [])
        self._rain_array = context.vertex_array(self._rain, [])
        self._bind_instances()
        several = (*self._objects.values(), *self._ground.values(), self._facades)
        for program in (*several, self._markings, self._sky):
            set_uniform(program, "noise", 0)
            set_uniform(program, "baked", 1)
            set_uniform(program, "atlas", 2)

    @property
    def device(self) -> str:
        """The name of the graphics device, as its driver tells it."""
        return str(self.context.info["GL_RENDERER"])

    def release(self) -> None:
        """Free the context and everything in it."""
        self.context.release()

    def render(self, cameras: Sequence[CameraView], frame: SceneFrame) -> list[NDArray[np.uint8]]:
        """Return one picture [height, width, 4] per camera, BGRA, top row first, each an array of its own."""
        images: list[NDArray[np.uint8]] = []
        batch: list[CameraView] = []
        for camera in cameras:
            if batch and sum(c.height for c in batch) + camera.height > self._target.most_rows:
                images += self._render_batch(batch, frame)
                batch = []
            batch.append(camera)
        return images + (self._render_batch(batch, frame) if batch else [])

    def _render_batch(self, cameras: Sequence[CameraView], frame: SceneFrame) -> list[NDArray[np.uint8]]:
        with self.context:
            return self._render_current(cameras, frame)

    def _render_current(self, cameras: Sequence[CameraView], frame: SceneFrame) -> list[NDArray[np.uint8]]:
        light = lighting(frame.weather)
        self._show_lights(frame)
        self._culler.clear()
        bodies, axes, foot = self._dynamic.bodies(frame)
        windows = [self._baked.window_at(c.transform.x, c.transform.y, light) for c in cameras]
        blocks = np.zeros((len(cameras), CAMERA_STRIDE_BYTES // 4), dtype=np.float32)
        commands: list[Commands] = []
        plan: list[list[tuple[int, int]]] = []
        clips = [world_to_clip(camera) for camera in cameras]
        groups = [self._static, bodies]
        placed = 0
        for k, (camera, clip) in enumerate(zip(cameras, clips, strict=True)):
            eye = np.array(camera.transform[:3])
            planes = frustum_planes(clip)
            blocks[k, :16] = clip.T.ravel()
            blocks[k, 16:20] = (*eye, 1.0 / camera.focal_px)
            blocks[k, 20:24] = windows[k].uniform
            drawn = [self._culler.commands(groups, planes, eye, camera.focal_px, 1.0)]
            drawn += [culler.commands(planes) for culler in self._tiles]
            near = np.vstack([planes, far_plane(camera, min(NEAR_M_PER_PX * camera.focal_px, NEAR_REACH_M))])
            drawn += [culler.commands(near) for culler in self._near_tiles]
            spans: list[tuple[int, int]] = []
            for part in drawn:
                spans.append((placed, len(part)))
                placed += len(part)
            commands.extend(drawn)
            plan.append(spans)
        quads = ground_quads(frame, axes, foot, light)
        quad_command = np.array([[6, len(quads), 0, 0, self._culler.append(quads)]], dtype=np.uint32)
        glows = self._glows.rows(frame, axes, foot, light)
        glow_command = np.array([[6, len(glows), 0, 0, self._culler.append(glows)]], dtype=np.uint32)
        commands += [quad_command, glow_command]
        middle = np.mean([c.transform[:3] for c in cameras], axis=0)
        beams = headlight_beams(frame, axes, foot, light, middle)
        self._upload(np.concatenate(commands), blocks, light.block(frame.time_s, beams))
        self._target.begin(cameras)
        for k, (camera, spans) in enumerate(zip(cameras, plan, strict=True)):
            self._target.use(k)
            self._camera_blocks.bind_to_uniform_block(0, offset=k * CAMERA_STRIDE_BYTES, size=CAMERA_BLOCK_BYTES)
            windows[k].texture.use(1)
            self._draw(clips[k], camera, light, spans, (placed, 1 if len(quads) else 0))
            self._draw_in_the_air(light, (placed + 1, 1 if len(glows) else 0))
        return self._target.read()

    def _show_lights(self, frame: SceneFrame) -> None:
        states = np.full(
            max(len(frame.traffic_light_state), int(self.scene.light_of_head.max(initial=-1)) + 1), LIGHT_OFF
        )
        states[: len(frame.traffic_light_state)] = frame.traffic_light_state
        self._static.rows[self.scene.light_heads, STATE_COLUMN] = states[self.scene.light_of_head]

    def _draw(
        self,
        clip: NDArray[np.floating],
        camera: CameraView,
        light: Lighting,
        spans: list[tuple[int, int]],
        quads: tuple[int, int],
    ) -> None:
        context = self.context
        context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        context.front_face = "ccw"
        context.depth_func = "<="
        self._noise.use(0)
        self._atlas.use(2)
        night = NIGHT if light.night > 0.05 else ()
        wet = WET if max(light.wetness, light.puddles) > 0.02 else ()
        for array, (first, count) in zip((self._object_arrays[night], self._facade_array), spans[:2], strict=True):
            if count:
                array.render_indirect(self._commands, count=count, first=first)
        context.enable_only(moderngl.DEPTH_TEST)
        for array, (first, count) in zip((self._ground_arrays[wet], self._kerb_arrays[wet]), spans[2:4], strict=True):
            if count:
                array.render_indirect(self._commands, count=count, first=first)
        turned = np.linalg.inv(_without_translation(clip, camera))
        set_uniform(self._sky, "clip_to_direction", tuple(turned.T.ravel()))
        self._sky_array.render(moderngl.TRIANGLES, vertices=3)
        context.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND | moderngl.CULL_FACE)
        context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self._target.write_depth(False)
        for array, (first, count) in ((self._marking_array, spans[4]), (self._quad_array, quads)):
            if count:
                array.render_indirect(self._commands, count=count, first=first)
        self._target.write_depth(True)

    def _draw_in_the_air(self, light: Lighting, glows: tuple[int, int]) -> None:
        """Draw halos of lamps, their images in the wet ground, and rain."""
        context = self.context
        self._target.write_depth(False)
        context.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
        first, count = glows
        for mirrored in (0, 1) if max(light.wetness, light.puddles) > 0.05 else (0,):
            if count:
                set_uniform(self._glow, "mirrored", mirrored)
                self._glow_array.render_indirect(self._commands, count=count, first=first)
        drops = int(DROPS * light.rain)
        if drops:
            wind = np.array([3.0, 1.2, 0.0]) * light.wind
            set_uniform(self._rain, "velocity", (float(wind[0]), float(wind[1]), -8.5))
            self._rain_array.render(moderngl.TRIANGLES, vertices=6 * drops)
        self._target.write_depth(True)

    def _variants(
        self, programs: dict[tuple[str, ...], moderngl.Program], mesh: TiledMesh, layout: str, names: tuple[str, ...]
    ) -> dict[tuple[str, ...], moderngl.VertexArray]:
        return {name: self._tiled_array(program, mesh, layout, names) for name, program in programs.items()}

    def _tiled_array(
        self, program: moderngl.Program, mesh: TiledMesh, layout: str, names: tuple[str, ...]
    ) -> moderngl.VertexArray:
        vertices = self.context.buffer(mesh.vertices.tobytes() or bytes(mesh.vertices.itemsize))
        indices = self.context.buffer(mesh.indices.tobytes() or bytes(12))
        return self.context.vertex_array(program, [(vertices, layout, *names)], indices, skip_errors=True)

    def _bind_instances(self) -> None:
        per_instance = (self._rows, INSTANCE_FORMAT, *INSTANCE_NAMES)
        vertices, indices = self._mesh_buffers
        layout = [(vertices, "3f4 4f1 4f1", "in_position", "in_normal", "in_color"), per_instance]
        self._object_arrays = {
            name: self.context.vertex_array(program, layout, indices, skip_errors=True)
            for name, program in self._objects.items()
        }
        vertices, indices = self._quad_buffers
        layout = [(vertices, "3f4", "in_position"), per_instance]
        self._quad_array = self.context.vertex_array(self._quads, layout, indices, skip_errors=True)
        self._glow_array = self.context.vertex_array(self._glow, layout, indices, skip_errors=True)

    def _upload(self, commands: Commands, blocks: NDArray[np.float32], light: bytes) -> None:
        rows = self._culler.rows[: self._culler.used]
        if rows.nbytes > self._rows.size:
            self._rows.release()
            self._rows = self.context.buffer(reserve=2 * rows.nbytes)
            self._bind_instances()
        if commands.nbytes > self._commands.size:
            self._commands.release()
            self._commands = self.context.buffer(reserve=2 * commands.nbytes)
        if blocks.nbytes > self._camera_blocks.size:
            self._camera_blocks.release()
            self._camera_blocks = self.context.buffer(reserve=blocks.nbytes)
        if rows.nbytes:
            self._rows.write(np.ascontiguousarray(rows))
        self._commands.write(np.ascontiguousarray(commands))
        self._camera_blocks.write(blocks)
        self._light_block.write(light)
        self._light_block.bind_to_uniform_block(1)


def _without_translation(clip: NDArray[np.floating], camera: CameraView) -> NDArray[np.floating]:
    """Return the clip matrix of a camera at the origin."""
    moved = np.eye(4)
    moved[:3, 3] = camera.transform[:3]
    return clip @ moved
