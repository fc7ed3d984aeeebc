"""Instances: one row of 20 floats per drawn object, as the object shader takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import rotation_matrices
from alpamayo_sim.render.library import BODIES, MeshLibrary
from alpamayo_sim.render.scene_frame import SceneFrame, ShapeClass
from alpamayo_sim.render.sky import Lighting

Floats = NDArray[np.float64]
ROW = 20
"""Floats per instance: three matrix rows, paint, state."""
STRIDE_M = 1.5
LOW_OR_HIGH_BEAM = 2 | 4


@dataclass(frozen=True)
class Instances:
    """N drawn objects: `rows` [N, 20] float32, `mesh` [N] number in the library, `radius_m` [N] round the row's position."""

    rows: NDArray[np.float32]
    mesh: NDArray[np.int32]
    radius_m: NDArray[np.float32]


def make_instances(
    library: MeshLibrary, mesh: NDArray[np.integer], axes: Floats, scale: Floats, position: Floats, paint: Floats, state: Floats
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
        self._wheels = {
            int(s): [(x, side) for x in BODIES[s].wheel_x for side in (-1.0, 1.0)] for s in shapes if BODIES[s].wheel_x
        }

    def bodies(self, frame: SceneFrame) -> tuple[Instances, Floats, Floats]:
        """Return the bodies with wheels, the matrices [N, 3, 3] and the middles of the boxes' undersides [N, 3]."""
        count = len(frame)
        axes = rotation_matrices(frame.transform[:, 3:6])
        below = frame.box_center - np.array([0.0, 0.0, 1.0]) * frame.extent
        foot = frame.transform[:, :3] + np.einsum("nij,nj->ni", axes, below)
        shape = np.asarray(frame.shape_class, dtype=np.intp)
        scale = np.maximum(frame.extent, 0.01) / self._half[shape]
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
        parts = [make_instances(self.library, self._mesh[shape], axes, scale, foot, paint, state)]
        parts.extend(self._wheel_instances(frame, shape, axes, scale, foot, paint, state))
        return joined(parts), axes, foot

    def _wheel_instances(
        self, frame: SceneFrame, shape: NDArray[np.intp], axes: Floats, scale: Floats, foot: Floats, paint: Floats, state: Floats
    ) -> list[Instances]:
        parts: list[Instances] = []
        for s in np.unique(shape):
            if int(s) not in self._wheels:
                continue
            body = BODIES[ShapeClass(int(s))]
            chosen = np.nonzero(shape == s)[0]
            steer = np.radians(np.asarray(frame.steer_deg)[chosen]) if len(frame.steer_deg) else np.zeros(len(chosen))
            radius = body.wheel_radius_m * scale[chosen, 2]
            for x, side in self._wheels[int(s)]:
                angle = (steer if x == max(body.wheel_x) else np.zeros(len(chosen))) + (0.0 if side > 0 else np.pi)
                turn = rotation_matrices(np.stack([np.zeros_like(angle), np.degrees(angle), np.zeros_like(angle)], axis=1))
                y = side * (frame.extent[chosen, 1] * 0.985 - 0.5 * body.wheel_width_m)
                hub = np.stack([x * scale[chosen, 0], y, radius], axis=1)
                position = foot[chosen] + np.einsum("nij,nj->ni", axes[chosen], hub)
                size = np.stack([radius, np.full(len(chosen), body.wheel_width_m), radius], axis=1)
                mesh = np.full(len(chosen), self._wheel, dtype=np.int32)
                turned = axes[chosen] @ turn
                parts.append(make_instances(self.library, mesh, turned, size, position, paint[chosen], state[chosen]))
        return parts


def ground_quads(frame: SceneFrame, axes: Floats, foot: Floats, light: Lighting) -> NDArray[np.float32]:
    """Return rows [M, 20] of the unit quads on the ground: contact shadows, sun shadows and pools of headlight."""
    count = len(frame)
    if not count:
        return np.zeros((0, ROW), dtype=np.float32)
    height = 2.0 * frame.extent[:, 2]
    lift = foot + axes[:, :, 2] * 0.03
    contact = _quads(axes, lift, frame.extent[:, 0] * 1.10, frame.extent[:, 1] * 1.22, 0.0, np.full(count, 0.62))
    quads = [contact]
    sun = light.sun_direction
    strength = min(1.0, float(light.sun_color.max()) / 1.6) * 0.5
    if strength > 0.03:
        reach = np.clip(height * 0.5, 0.0, 2.0) / max(sun[2], 0.25)
        shifted = lift - np.stack([sun[0] * reach, sun[1] * reach, np.zeros(count)], axis=1) * 0.8
        quads.append(
            _quads(axes, shifted, frame.extent[:, 0] * 1.05, frame.extent[:, 1] * 1.1, 0.0, np.full(count, strength))
        )
    if light.night > 0.05 and len(frame.light_flags):
        beam = np.nonzero(np.asarray(frame.light_flags) & LOW_OR_HIGH_BEAM)[0]
        ahead = lift[beam] + axes[beam, :, 0] * (frame.extent[beam, :1] + 10.5)
        quads.append(_quads(axes[beam], ahead, np.full(len(beam), 11.0), np.full(len(beam), 4.5), 1.0, np.full(len(beam), light.night)))
    return np.concatenate(quads)


def _quads(axes: Floats, position: Floats, half_x: Floats, half_y: Floats, kind: float, strength: Floats) -> NDArray[np.float32]:
    rows = np.zeros((len(position), ROW), dtype=np.float32)
    matrix = rows[:, :12].reshape(-1, 3, 4)
    matrix[:, :, 0] = axes[:, :, 0] * half_x[:, None]
    matrix[:, :, 1] = axes[:, :, 1] * half_y[:, None]
    matrix[:, :, 2] = axes[:, :, 2]
    matrix[:, :, 3] = position
    rows[:, 16] = kind
    rows[:, 17] = strength
    return rows
