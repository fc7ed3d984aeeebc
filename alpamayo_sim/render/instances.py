"""Instances: one row of 23 floats per drawn object, as the object shader takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.car_doors import LID_DEG, OPEN_DEG
from alpamayo_sim.render.instance_kernels import Models, Moving, body_rows, shadow_rows
from alpamayo_sim.render.library import MeshLibrary, bodies
from alpamayo_sim.render.scene_frame import IS_WALKER, SceneFrame, ShapeClass, is_walker
from alpamayo_sim.render.sky import Lighting

Floats = NDArray[np.floating]
ROW = 23
"""Floats per instance: three matrix rows, paint, state, semantic tag and actor id, and the camera that sees it."""
LOW_OR_HIGH_BEAM = 2 | 4


@dataclass(frozen=True)
class Instances:
    """N drawn objects: `rows` [N, 23] float32, `mesh` [N] number in the library, `radius_m` [N] round the row's position."""

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
    owner: Floats,
) -> Instances:
    """Return instances from rotation matrices [N, 3, 3], scales [N, 3], positions [N, 3], paint [N, 4], state [N, 4] and
    semantic tag and actor id [N, 2].
    """
    count = len(mesh)
    rows = np.zeros((count, ROW), dtype=np.float32)
    matrix = rows[:, :12].reshape(count, 3, 4)
    matrix[:, :, :3] = axes * scale[:, None, :]
    matrix[:, :, 3] = position
    rows[:, 12:16] = paint
    rows[:, 16:20] = state
    rows[:, 20:22] = owner
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
    """Turns scene frames into instances of bodies, wheels and open doors."""

    def __init__(self, library: MeshLibrary) -> None:
        self.library = library
        models = bodies()
        count = max(models) + 1
        mesh = np.zeros(count, dtype=np.int32)
        half = np.ones((count, 3))
        wheels = {
            k: [(x, s) for x in b.wheel_x for s in ((0.0,) if b.two_wheeler else (-1.0, 1.0))]
            for k, b in models.items()
        }
        slots = max(len(w) for w in wheels.values())
        wheel_x, wheel_side, wheel_steers = (np.zeros((count, slots)) for _ in range(3))
        has_wheel = np.zeros((count, slots), dtype=np.bool_)
        wheel_mesh = np.zeros(count, dtype=np.int32)
        wheel_radius, wheel_width = np.zeros(count), np.zeros(count)
        for k, body in models.items():
            mesh[k] = library.index(body.mesh)
            half[k] = body.half_size
            wheel_mesh[k] = library.index(body.wheel_mesh)
            wheel_radius[k], wheel_width[k] = body.wheel_radius_m, body.wheel_width_m
            for j, (x, side) in enumerate(wheels[k]):
                has_wheel[k, j] = True
                wheel_x[k, j], wheel_side[k, j] = x, side
                wheel_steers[k, j] = float(x == max(body.wheel_x))
        kinds = np.arange(count)
        self._models = Models(
            mesh, half, kinds >= int(ShapeClass.PROP), is_walker(kinds), has_wheel, wheel_x, wheel_side, wheel_steers,
            wheel_mesh, wheel_radius, wheel_width, np.asarray(library.radius_m, dtype=np.float64),
        )  # fmt: skip

    def bodies(self, frame: SceneFrame) -> tuple[Instances, Floats, Floats]:
        """Return bodies, wheels and open doors, the matrices [N, 3, 3] and the middles of the boxes' undersides [N, 3]."""
        count = len(frame)
        moving = _moving(frame)
        most = count * (1 + self._models.has_wheel.shape[1])
        axes, foot, scale = np.empty((count, 3, 3)), np.empty((count, 3)), np.empty((count, 3))
        rows = np.empty((most, ROW), dtype=np.float32)
        mesh, radius = np.empty(most, dtype=np.int32), np.empty(most, dtype=np.float32)
        placed = body_rows(moving, self._models, axes, foot, scale, rows, mesh, radius)
        found = Instances(rows[:placed], mesh[:placed], radius[:placed])
        if len(frame.open_doors) and np.any(frame.open_doors):
            found = joined([found, self._doors(frame, moving.shape, axes, scale, foot, found)])
        return found, axes, foot

    def _doors(
        self,
        frame: SceneFrame,
        shape: NDArray[np.integer],
        axes: Floats,
        scale: Floats,
        foot: Floats,
        body: Instances,
    ) -> Instances:
        """Return the open doors at their hinges, and what one sees behind them."""
        models = bodies()
        mesh: list[int] = []
        owners: list[int] = []
        matrices: list[Floats] = []
        places: list[Floats] = []
        for k in np.flatnonzero(frame.open_doors):
            model = models[int(shape[k])]
            open_now = [door for door in model.doors if int(frame.open_doors[k]) >> door[0] & 1]
            if open_now:
                mesh.append(self.library.index(f"{model.mesh}_interior"))
                matrices.append(axes[k] * scale[k])
                places.append(foot[k])
                owners.append(int(k))
            for number, name, hinge in open_now:
                mesh.append(self.library.index(name))
                matrices.append(axes[k] @ _hinge_turn(number) * scale[k])
                places.append(foot[k] + axes[k] @ (np.array(hinge) * scale[k]))
                owners.append(int(k))
        rows = body.rows[owners].reshape(len(owners), ROW).copy()
        state = rows[:, 16:20]
        state[:, 1] = 0.0
        found = make_instances(
            self.library, np.array(mesh, dtype=np.int32), np.array(matrices).reshape(-1, 3, 3), np.ones((len(mesh), 3)),
            np.array(places).reshape(-1, 3), rows[:, 12:16], state, rows[:, 20:22],
        )  # fmt: skip
        return found


def _hinge_turn(number: int) -> Floats:
    """Return the matrix of an open door: doors turn about z, bonnet and boot about y."""
    angle = np.radians(OPEN_DEG.get(number, LID_DEG.get(number, 0.0)))
    c, s = np.cos(angle), np.sin(angle)
    if number in OPEN_DEG:
        return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def ground_quads(frame: SceneFrame, axes: Floats, foot: Floats, light: Lighting) -> NDArray[np.float32]:
    """Return rows [M, 23] of the quads on the ground: contact shadows, sun shadows and pools of headlight."""
    count = len(frame)
    if not count:
        return np.zeros((0, ROW), dtype=np.float32)
    strength = min(1.0, float(light.sun_color.max()) / 1.6) * 0.55
    rows = np.empty((2 * count, ROW), dtype=np.float32)
    shape = np.asarray(frame.shape_class, dtype=np.int64)
    extent = np.asarray(frame.extent, dtype=np.float64)
    placed = shadow_rows(
        shape, extent, axes, foot, IS_WALKER, int(ShapeClass.TRUCK), np.asarray(light.sun_direction, dtype=np.float64),
        strength if strength > 0.03 else 0.0, rows,
    )  # fmt: skip
    if light.night <= 0.05 or not len(frame.light_flags):
        return rows[:placed]
    beam = np.nonzero(np.asarray(frame.light_flags) & LOW_OR_HIGH_BEAM)[0]
    ahead = foot[beam] + axes[beam, :, 2] * 0.03 + axes[beam, :, 0] * (extent[beam, :1] + 12.5)
    strengths = np.full(len(beam), light.night)
    pools = _quads(axes[beam], ahead, np.full(len(beam), 13.0), np.full(len(beam), 5.5), 1.0, strengths)
    return np.concatenate([rows[:placed], pools])


def _moving(frame: SceneFrame) -> Moving:
    count = len(frame)
    paint, owner = np.ones((count, 4)), np.zeros((count, 2))
    paint[:, :3] = frame.color
    paint[:, :3] /= 255.0
    paint[:, 3] = frame.look if len(frame.look) else np.modf(np.arange(count) * 0.6180339887 + 0.13)[0]
    for column, values in enumerate((frame.semantic_tag, frame.actor_id)):
        if len(values):
            owner[:, column] = values

    def numbers(values: NDArray[Any], dtype: type) -> NDArray[Any]:
        return np.asarray(values, dtype=dtype) if len(values) else np.zeros(count, dtype=dtype)

    return Moving(
        np.ascontiguousarray(frame.transform, dtype=np.float64), np.ascontiguousarray(frame.extent, dtype=np.float64),
        np.ascontiguousarray(frame.box_center, dtype=np.float64), np.asarray(frame.shape_class, dtype=np.int64), paint,
        numbers(frame.light_flags, np.int64), numbers(frame.open_doors, np.int64),
        numbers(frame.stride_phase_rad, np.float64), numbers(frame.speed_mps, np.float64),
        numbers(frame.steer_deg, np.float64), numbers(frame.wheel_turn_deg, np.float64), owner,
    )  # fmt: skip


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
