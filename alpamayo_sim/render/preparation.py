"""From cameras and a scene frame to batches: culling, level of detail and instance rows; no OpenGL here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.batch import MOST_CAMERAS, Batch, Group, Pass, WindowKey
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.camera_block import CameraBlocks, camera_blocks
from alpamayo_sim.render.camera_kind import LABELLED, CameraKind, Paper
from alpamayo_sim.render.culling import FRUSTUM_PLANES, Culler
from alpamayo_sim.render.glows import Glows, headlight_beams
from alpamayo_sim.render.instance_numbers import static_numbers
from alpamayo_sim.render.instances import DynamicInstances, Instances, ground_quads
from alpamayo_sim.render.light_window import window_key, window_uniform
from alpamayo_sim.render.motion import indexed, motion
from alpamayo_sim.render.scene import Scene, TiledMesh
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.render.sky import Lighting, lighting

Floats = NDArray[np.floating]
STATE_COLUMN, NUMBER_COLUMN = 16, 21
LIGHT_OFF = 3
DROPS = 1600
"""Rain drops round each camera in the heaviest rain."""
GLOW_REACH = 4.0
"""A halo is at most this many times its lamp's radius."""
NIGHT_FROM, WET_FROM, MIRRORED_FROM = 0.05, 0.02, 0.05
SHAPES = (Pass.OBJECTS, Pass.FACADES, Pass.GROUND, Pass.KERBS, Pass.SKY)
"""What cameras draw that see no light."""


class Preparation:
    """Makes the batches of one scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._glows = Glows(scene)
        self._static = Instances(scene.instances.rows.copy(), scene.instances.mesh, scene.instances.radius_m)
        self._dynamic = DynamicInstances(scene.library)
        self._culler = Culler(scene.library)
        self._numbered_for: tuple[bytes, bytes] | None = None

    def batches(self, cameras: Sequence[CameraView], frame: SceneFrame, most_rows: int) -> Iterator[Batch]:
        """Yield the cameras in batches of at most `most_rows` rows of pixels; a batch is valid until the next one."""
        light = lighting(frame.weather)
        self._show_lights(frame)
        moving = self._dynamic.bodies(frame)
        if any(camera.kind is CameraKind.INSTANCE for camera in cameras):
            self._number_things(frame)
        for numbers in _papers(cameras):
            chosen: list[int] = []
            for k in numbers:
                full = (
                    sum(cameras[c].height for c in chosen) + cameras[k].height > most_rows
                    or len(chosen) == MOST_CAMERAS
                )
                if chosen and full:
                    yield self._batch(chosen, cameras, frame, light, moving)
                    chosen = []
                chosen.append(k)
            yield self._batch(chosen, cameras, frame, light, moving)

    def _batch(
        self,
        chosen: list[int],
        cameras: Sequence[CameraView],
        frame: SceneFrame,
        light: Lighting,
        moving: tuple[Instances, Floats, Floats],
    ) -> Batch:
        alike: dict[tuple[CameraKind, WindowKey | None], list[int]] = {}
        for k in chosen:
            place, kind = cameras[k].transform, cameras[k].kind
            window = window_key(place.x, place.y, light) if kind is CameraKind.RGB else None
            alike.setdefault((kind, window), []).append(k)
        order = tuple(k for numbers in alike.values() for k in numbers)
        views = [cameras[k] for k in order]
        flow = Paper.of(views[0].kind) is Paper.FLOAT
        still, bodies = self._static, moving[0]
        if flow:
            still, bodies = indexed(still, moving=False), indexed(bodies, moving=True)
        blocks = camera_blocks(views)
        self._culler.clear()
        groups: list[Group] = []
        first = 0
        for (kind, window), numbers in alike.items():
            members = np.arange(first, first + len(numbers))
            first += len(numbers)
            if window is None:
                groups.append(self._shapes(members, kind, blocks, frame, light, [still, bodies]))
            else:
                groups.append(self._group(members, window, blocks, frame, light, moving))
        sizes = np.array([(view.width, view.height) for view in views], dtype=np.int32)
        then = motion(views, frame, self._dynamic, self._culler.rows) if flow else None
        return Batch(order, sizes, blocks.blocks, self._culler.rows, self._culler.commands, tuple(groups), then)

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
        culler = self._culler
        starts = np.zeros(len(Pass) + 1, dtype=np.int64)
        frustum = blocks.planes[:, :FRUSTUM_PLANES]
        mirrored = max(light.wetness, light.puddles) > MIRRORED_FROM
        for k in Pass:
            starts[k] = culler.placed
            if k in SHAPES or k is Pass.MARKINGS:
                self._cull(k, members, blocks, [self._static, bodies])
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
            CameraKind.RGB,
            light.block(frame.time_s, beams, window_uniform(window)),
            window,
            light.night > NIGHT_FROM,
            max(light.wetness, light.puddles) > WET_FROM,
            mirrored,
            np.stack([starts[:-1], np.diff(starts)], axis=1),
        )

    def _shapes(
        self,
        members: NDArray[np.integer],
        kind: CameraKind,
        blocks: CameraBlocks,
        frame: SceneFrame,
        light: Lighting,
        groups: list[Instances],
    ) -> Group:
        """Return a group of cameras that see no light, shadows, glows nor rain."""
        starts = np.zeros(len(Pass) + 1, dtype=np.int64)
        for k in Pass:
            starts[k] = self._culler.placed
            if k in SHAPES or (k is Pass.MARKINGS and kind in LABELLED):
                self._cull(k, members, blocks, groups)
        starts[-1] = self._culler.placed
        # The clock moves leaves.
        uniform = light.block(frame.time_s)
        return Group(kind, uniform, None, False, False, False, np.stack([starts[:-1], np.diff(starts)], axis=1))

    def _cull(self, part: Pass, members: NDArray[np.integer], blocks: CameraBlocks, groups: list[Instances]) -> None:
        culler, scene = self._culler, self.scene
        frustum = blocks.planes[:, :FRUSTUM_PLANES]
        if part is Pass.OBJECTS:
            for group in groups:
                culler.instances(group, frustum, blocks.eyes, blocks.focal_px, members)
        elif part is Pass.SKY:
            culler.each(3, members)
        elif part in (Pass.FACADES, Pass.GROUND):
            culler.tiles(_of(scene.facades if part is Pass.FACADES else scene.ground), frustum, members)
        else:
            culler.tiles(_of(scene.kerbs if part is Pass.KERBS else scene.markings), blocks.planes, members)

    def _number_things(self, frame: SceneFrame) -> None:
        """Write the numbers of what stands still to its rows, once for the actors of lights and signs."""
        actors = (frame.traffic_light_id.tobytes(), frame.traffic_sign_id.tobytes())
        if actors != self._numbered_for:
            self._numbered_for = actors
            scene = self.scene
            self._static.rows[:, NUMBER_COLUMN] = static_numbers(
                scene.instances, scene.statics, scene.light_heads, scene.light_of_head,
                frame.traffic_light_id, frame.traffic_sign_id,
            )  # fmt: skip

    def _show_lights(self, frame: SceneFrame) -> None:
        states = np.full(
            max(len(frame.traffic_light_state), int(self.scene.light_of_head.max(initial=-1)) + 1), LIGHT_OFF
        )
        states[: len(frame.traffic_light_state)] = frame.traffic_light_state
        self._static.rows[self.scene.light_heads, STATE_COLUMN] = states[self.scene.light_of_head]


def _of(mesh: TiledMesh) -> tuple[NDArray[np.integer], NDArray[np.integer], Floats]:
    return mesh.first, mesh.count, mesh.sphere


def _papers(cameras: Sequence[CameraView]) -> list[list[int]]:
    """Return the numbers of the cameras that may share a batch; flow cameras must have taken their last pictures together."""
    found: dict[tuple[Paper, int], list[int]] = {}
    for k, camera in enumerate(cameras):
        paper = Paper.of(camera.kind)
        last = id(camera.last.frame) if paper is Paper.FLOAT and camera.last is not None else 0
        found.setdefault((paper, last), []).append(k)
    return list(found.values())
