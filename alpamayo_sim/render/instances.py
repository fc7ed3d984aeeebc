"""Instances: one row of 20 floats per drawn object, as the object shader takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import rotation_matrices
from alpamayo_sim.render.library import BODIES, MeshLibrary
from alpamayo_sim.render.scene_frame import SceneFrame, ShapeClass
from alpamayo_sim.render.sky import Lighting

Floats = NDArray[np.floating]
ROW = 20
"""Floats per instance: three matrix rows, paint, state."""
STRIDE_M = 1.5
LOW_OR_HIGH_BEAM = 2 | 4


@dataclass(frozen=True)
class Instances:
    """N drawn objects: `rows` [N, 20] float32, `mesh` [N] number in the library, `radius_m` [N] round the row's position."""

    rows: NDArray[np.float32]
    mesh: NDArray[np.integer]
    radius_m: NDArray[np.float32]


def make_instances(
    library: MeshLibrary,
    mesh: NDArray[np.integer],
    axes: Floats,
    scale: Floats,
    position: Floats,
    paint: Floats,
    state: Floats,
) -> Instances:
    """Return instances from rotation matrices [N, 3, 3], scales [N, 3], positions [N, 3], paint [N, 4] and state [N, 4]."""
    count = len(mesh)
    rows = np.zeros((count, ROW), dtype=np.float32)
    matrix = rows[:, :12].reshape(count, 3, 4)
    matrix[:, :, :3] = axes * scale[:, None, :]
    matrix[:, :, 3] = position
    rows[:, 12:16] = paint
    rows[:, 16:20] = state
    radius = library.radius_m[mesh] * scale.max(axis=1, initial=0.0)
    return Instances(rows, np.asarray(mesh, dtype=np.int32), radius.astype(np.float32))


def joined(parts: list[Instances]) -> Instances:
    """Return the instances of all parts in order."""
    return Instances(
        np.concatenate([np.zeros((0, ROW), np.float32), *(p.rows for p in parts)]),
        np.concatenate([np.zeros(0, np.int32), *(p.mesh for p in parts)]),
        np.concatenate([np.zeros(0, np.float32), *(p.radius_m for p in parts)]),
    )


class DynamicInstances:
    """Turns scene frames into instances of bodies, wheels, shadows and pools of headlight."""

    def __init__(self, library: MeshLibrary) -> None:
        self.library = library
        shapes = list(ShapeClass)
        self._mesh = np.array([library.index(BODIES[s].mesh) for s in shapes], dtype=np.int32)
        self._half = np.array([BODIES[s].half_size for s in shapes])
        self._wheel = library.index("wheel")
        wheels = [[(x, side) for x in BODIES[k].wheel_x for side in (-1.0, 1.0)] for k in shapes]
        slots = max(len(w) for w in wheels)
        self._wheel_x, self._wheel_side, self._wheel_steers = (np.zeros((len(shapes), slots)) for _ in range(3))
        for k, row in enumerate(wheels):
            for j, (x, side) in enumerate(row):
                self._wheel_x[k, j], self._wheel_side[k, j] = x, side
                self._wheel_steers[k, j] = float(x == max(BODIES[shapes[k]].wheel_x))
        self._wheel_radius = np.array([BODIES[s].wheel_radius_m for s in shapes])
        self._wheel_width = np.array([BODIES[s].wheel_width_m for s in shapes])

    def bodies(self, frame: SceneFrame) -> tuple[Instances, Floats, Floats]:
        """Return the bodies with wheels, the matrices [N, 3, 3] and the middles of the boxes' undersides [N, 3]."""
        count = len(frame)
        axes = rotation_matrices(np.asarray(frame.transform[:, 3:6], dtype=np.float64))
        below = frame.box_center - np.array([0.0, 0.0, 1.0]) * frame.extent
        foot = frame.transform[:, :3] + np.einsum("nij,nj->ni", axes, below)
        shape = np.asarray(frame.shape_class, dtype=np.intp)
        extent = np.maximum(frame.extent, 0.01)
        turned = axes
        lengthwise = (shape == int(ShapeClass.BARRIER)) & (extent[:, 0] > extent[:, 1])
        if lengthwise.any():
            # The barrier's mesh lies across; a quarter turn to the left keeps its axes right-angled.
            turned = axes.copy()
            turned[lengthwise] = np.stack(
                [axes[lengthwise, :, 1], -axes[lengthwise, :, 0], axes[lengthwise, :, 2]], axis=2
            )
            extent[lengthwise] = extent[lengthwise][:, [1, 0, 2]]
        scale = extent / self._half[shape]
        walker = shape == int(ShapeClass.WALKER)
        # A capsule is narrower than the person in it: people keep their proportions.
        scale[walker, :2] = scale[walker, 2:3]
        paint = np.ones((count, 4))
        paint[:, :3] = np.asarray(frame.color, dtype=np.float64) / 255.0
        paint[:, 3] = np.modf(np.arange(count) * 0.6180339887 + 0.13)[0]
        state = np.zeros((count, 4))
        state[:, 3] = 1.0
        if len(frame.light_flags):
            state[:, 0] = np.asarray(frame.light_flags) & 0x7FF
        yaw = np.radians(frame.transform[:, 4])
        travelled = frame.transform[:, 0] * np.cos(yaw) + frame.transform[:, 1] * np.sin(yaw)
        state[:, 1] = travelled * (2.0 * np.pi / STRIDE_M)
        if len(frame.speed_mps):
            state[:, 2] = np.clip(np.asarray(frame.speed_mps) / 1.4, 0.0, 1.3) * walker
        body = make_instances(self.library, self._mesh[shape], turned, scale, foot, paint, state)
        wheels = self._wheel_instances(frame, shape, axes, scale, foot, paint, state)
        return joined([body, wheels]), axes, foot

    def _wheel_instances(
        self,
        frame: SceneFrame,
        shape: NDArray[np.integer],
        axes: Floats,
        scale: Floats,
        foot: Floats,
        paint: Floats,
        state: Floats,
    ) -> Instances:
        owner, slot = np.nonzero(self._wheel_side[shape] != 0.0)
        kind = shape[owner]
        side = self._wheel_side[kind, slot]
        radius = self._wheel_radius[kind] * scale[owner, 2]
        width = self._wheel_width[kind]
        steer = np.asarray(frame.steer_deg)[owner] if len(frame.steer_deg) else np.zeros(len(owner))
        yaw = np.radians(steer * self._wheel_steers[kind, slot])
        # The mesh shows its outer side at +y: wheels on the left are turned about.
        c, s = np.cos(yaw) * side, np.sin(yaw) * side
        hub_y = side * (frame.extent[owner, 1] * 0.985 - 0.5 * width)
        hub = np.stack([self._wheel_x[kind, slot] * scale[owner, 0], hub_y, radius], axis=1)
        base = axes[owner]
        turned = np.empty_like(base)
        turned[:, :, 0] = base[:, :, 0] * c[:, None] + base[:, :, 1] * s[:, None]
        turned[:, :, 1] = base[:, :, 1] * c[:, None] - base[:, :, 0] * s[:, None]
        turned[:, :, 2] = base[:, :, 2]
        position = foot[owner] + np.einsum("nij,nj->ni", base, hub)
        size = np.stack([radius, width, radius], axis=1)
        mesh = np.full(len(owner), self._wheel, dtype=np.int32)
        return make_instances(self.library, mesh, turned, size, position, paint[owner], state[owner])


def ground_quads(frame: SceneFrame, axes: Floats, foot: Floats, light: Lighting) -> NDArray[np.float32]:
    """Return rows [M, 20] of the unit quads on the ground: contact shadows, sun shadows and pools of headlight."""
    count = len(frame)
    if not count:
        return np.zeros((0, ROW), dtype=np.float32)
    height = 2.0 * frame.extent[:, 2]
    walker = np.asarray(frame.shape_class) == int(ShapeClass.WALKER)
    half_x = np.where(walker, 0.34, frame.extent[:, 0] * 1.10)
    half_y = np.where(walker, 0.38, frame.extent[:, 1] * 1.22)
    lift = foot + axes[:, :, 2] * 0.03
    contact = _quads(axes, lift, half_x, half_y, 0.0, np.where(walker, 0.45, 0.62))
    quads = [contact]
    sun = light.sun_direction
    strength = min(1.0, float(light.sun_color.max()) / 1.6) * 0.5
    if strength > 0.03:
        reach = np.clip(height * 0.5, 0.0, 2.0) / max(sun[2], 0.25)
        shifted = lift - np.stack([sun[0] * reach, sun[1] * reach, np.zeros(count)], axis=1) * 0.8
        quads.append(_quads(axes, shifted, half_x * 0.95, half_y * 0.92, 0.0, np.full(count, strength)))
    if light.night > 0.05 and len(frame.light_flags):
        beam = np.nonzero(np.asarray(frame.light_flags) & LOW_OR_HIGH_BEAM)[0]
        ahead = lift[beam] + axes[beam, :, 0] * (frame.extent[beam, :1] + 10.5)
        quads.append(
            _quads(
                axes[beam],
                ahead,
                np.full(len(beam), 11.0),
                np.full(len(beam), 4.5),
                1.0,
                np.full(len(beam), light.night),
            )
        )
    return np.concatenate(quads)


def _quads(
    axes: Floats, position: Floats, half_x: Floats, half_y: Floats, kind: float, strength: Floats
) -> NDArray[np.float32]:
    rows = np.zeros((len(position), ROW), dtype=np.float32)
    matrix = rows[:, :12].reshape(-1, 3, 4)
    matrix[:, :, 0] = axes[:, :, 0] * half_x[:, None]
    matrix[:, :, 1] = axes[:, :, 1] * half_y[:, None]
    matrix[:, :, 2] = axes[:, :, 2]
    matrix[:, :, 3] = position
    rows[:, 16] = kind
    rows[:, 17] = strength
    return rows
