"""From cameras and a scene frame to batches: culling, level of detail and instance rows; no OpenGL here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.batch import MOST_CAMERAS, Batch, Group, Pass, WindowKey
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.camera_block import CameraBlocks, camera_blocks
from alpamayo_sim.render.culling import FRUSTUM_PLANES, Culler
from alpamayo_sim.render.glows import Glows, headlight_beams
from alpamayo_sim.render.instances import DynamicInstances, Instances, ground_quads
from alpamayo_sim.render.light_window import window_key, window_uniform
from alpamayo_sim.render.scene import Scene, TiledMesh
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.render.sky import Lighting, lighting

Floats = NDArray[np.floating]
STATE_COLUMN = 16
LIGHT_OFF = 3
DROPS = 1600
"""Rain drops round each camera in the heaviest rain."""
GLOW_REACH = 4.0
"""A halo is at most this many times its lamp's radius."""
NIGHT_FROM, WET_FROM, MIRRORED_FROM = 0.05, 0.02, 0.05


class Preparation:
    """Makes the batches of one scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._glows = Glows(scene)
        self._static = Instances(scene.instances.rows.copy(), scene.instances.mesh, scene.instances.radius_m)
        self._dynamic = DynamicInstances(scene.library)
        self._culler = Culler(scene.library)

    def batches(self, cameras: Sequence[CameraView], frame: SceneFrame, most_rows: int) -> Iterator[Batch]:
        """Yield the cameras in batches of at most `most_rows` rows of pixels; a batch is valid until the next one."""
        light = lighting(frame.weather)
        self._show_lights(frame)
        moving = self._dynamic.bodies(frame)
        chosen: list[int] = []
        for k, camera in enumerate(cameras):
            full = sum(cameras[c].height for c in chosen) + camera.height > most_rows or len(chosen) == MOST_CAMERAS
            if chosen and full:
                yield self._batch(chosen, cameras, frame, light, moving)
                chosen = []
            chosen.append(k)
        if chosen:
            yield self._batch(chosen, cameras, frame, light, moving)

    def _batch(
        self,
        chosen: list[int],
        cameras: Sequence[CameraView],
        frame: SceneFrame,
        light: Lighting,
        moving: tuple[Instances, Floats, Floats],
    ) -> Batch:
        windows: dict[WindowKey, list[int]] = {}
        for k in chosen:
            place = cameras[k].transform
            windows.setdefault(window_key(place.x, place.y, light), []).append(k)
        order = tuple(k for numbers in windows.values() for k in numbers)
        views = [cameras[k] for k in order]
        blocks = camera_blocks(views)
        self._culler.clear()
        groups: list[Group] = []
        first = 0
        for window, numbers in windows.items():
            members = np.arange(first, first + len(numbers))
            first += len(numbers)
            groups.append(self._group(members, window, blocks, frame, light, moving))
        sizes = np.array([(view.width, view.height) for view in views], dtype=np.int32)
        return Batch(order, sizes, blocks.blocks, self._culler.rows, self._culler.commands, tuple(groups))

    def _group(
        self,
        members: NDArray[np.integer],
        window: WindowKey,
        blocks: CameraBlocks,
        frame: SceneFrame,
        light: Lighting,
        moving: tuple[Instances, Floats, Floats],
    ) -> Group:
        bodies, axes, foot = moving
        culler, scene = self._culler, self.scene
        starts = np.zeros(len(Pass) + 1, dtype=np.int64)
        frustum = blocks.planes[:, :FRUSTUM_PLANES]
        mirrored = max(light.wetness, light.puddles) > MIRRORED_FROM
        for k in Pass:
            starts[k] = culler.placed
            if k is Pass.OBJECTS:
                for group in (self._static, bodies):
                    culler.instances(group, frustum, blocks.eyes, blocks.focal_px, members)
            elif k is Pass.FACADES:
                culler.tiles(_of(scene.facades), frustum, members)
            elif k is Pass.GROUND:
                culler.tiles(_of(scene.ground), frustum, members)
            elif k is Pass.KERBS:
                culler.tiles(_of(scene.kerbs), blocks.planes, members)
            elif k is Pass.MARKINGS:
                culler.tiles(_of(scene.markings), blocks.planes, members)
            elif k is Pass.SKY:
                culler.each(3, members)
            elif k is Pass.QUADS:
                rows = ground_quads(frame, axes, foot, light)
                reach = np.linalg.norm(rows[:, 0:12:4], axis=1) + np.linalg.norm(rows[:, 1:12:4], axis=1)
                culler.quads(rows, rows[:, 3:12:4], reach, frustum, members)
            elif k is Pass.GLOWS:
                rows = self._glows.rows(frame, axes, foot, light)
                # An image in the ground is seen where its lamp is not.
                reach = np.full(len(rows), np.inf) if mirrored else GLOW_REACH * rows[:, 3] + 0.5
                culler.quads(rows, rows[:, :3], reach, frustum, members)
            elif int(DROPS * light.rain):
                culler.each(6 * int(DROPS * light.rain), members)
        starts[-1] = culler.placed
        beams = headlight_beams(frame, axes, foot, light, blocks.eyes[members].mean(axis=0))
        return Group(
            light.block(frame.time_s, beams, window_uniform(window)),
            window,
            light.night > NIGHT_FROM,
            max(light.wetness, light.puddles) > WET_FROM,
            mirrored,
            np.stack([starts[:-1], np.diff(starts)], axis=1),
        )

    def _show_lights(self, frame: SceneFrame) -> None:
        states = np.full(
            max(len(frame.traffic_light_state), int(self.scene.light_of_head.max(initial=-1)) + 1), LIGHT_OFF
        )
        states[: len(frame.traffic_light_state)] = frame.traffic_light_state
        self._static.rows[self.scene.light_heads, STATE_COLUMN] = states[self.scene.light_of_head]


def _of(mesh: TiledMesh) -> tuple[NDArray[np.integer], NDArray[np.integer], Floats]:
    return mesh.first, mesh.count, mesh.sphere
