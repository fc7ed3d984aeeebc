"""Instances: one row of 23 floats per drawn object, as the object shader takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import rotation_matrices
from alpamayo_sim.render.car_doors import LID_DEG, OPEN_DEG
from alpamayo_sim.render.library import MeshLibrary, bodies
from alpamayo_sim.render.scene_frame import SceneFrame, ShapeClass, is_walker
from alpamayo_sim.render.sky import Lighting

Floats = NDArray[np.floating]
ROW = 23
"""Floats per instance: three matrix rows, paint, state, semantic tag and actor id, and the camera that sees it."""
LOW_OR_HIGH_BEAM = 2 | 4
TURNED_FROM = 1.4
"""Props whose box is this much longer along y than along x are drawn with a quarter turn."""


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
        self._mesh = np.zeros(count, dtype=np.int32)
        self._half = np.ones((count, 3))
        wheels = {
            k: [(x, s) for x in b.wheel_x for s in ((0.0,) if b.two_wheeler else (-1.0, 1.0))]
            for k, b in models.items()
        }
        slots = max(len(w) for w in wheels.values())
        self._wheel_x, self._wheel_side, self._wheel_steers = (np.zeros((count, slots)) for _ in range(3))
        self._has_wheel = np.zeros((count, slots), dtype=np.bool_)
        self._wheel_mesh = np.zeros(count, dtype=np.int32)
        self._wheel_radius, self._wheel_width = np.zeros(count), np.zeros(count)
        for k, body in models.items():
            self._mesh[k] = library.index(body.mesh)
            self._half[k] = body.half_size
            self._wheel_mesh[k] = library.index(body.wheel_mesh)
            self._wheel_radius[k], self._wheel_width[k] = body.wheel_radius_m, body.wheel_width_m
            for j, (x, side) in enumerate(wheels[k]):
                self._has_wheel[k, j] = True
                self._wheel_x[k, j], self._wheel_side[k, j] = x, side
                self._wheel_steers[k, j] = float(x == max(body.wheel_x))
        self._is_prop = np.arange(count) >= int(ShapeClass.PROP)

    def bodies(self, frame: SceneFrame) -> tuple[Instances, Floats, Floats]:
        """Return bodies, wheels and open doors, the matrices [N, 3, 3] and the middles of the boxes' undersides [N, 3]."""
        count = len(frame)
        axes = rotation_matrices(np.asarray(frame.transform[:, 3:6], dtype=np.float64))
        below = frame.box_center - np.array([0.0, 0.0, 1.0]) * frame.extent
        foot = frame.transform[:, :3] + np.einsum("nij,nj->ni", axes, below)
        shape = np.asarray(frame.shape_class, dtype=np.intp)
        extent = np.maximum(frame.extent, 0.005)
        turned = axes
        across = self._is_prop[shape] & (extent[:, 1] > TURNED_FROM * extent[:, 0])
        if across.any():
            # Props' meshes are long along x; a quarter turn to the left keeps their axes right-angled.
            turned = axes.copy()
            turned[across] = np.stack([axes[across, :, 1], -axes[across, :, 0], axes[across, :, 2]], axis=2)
            extent[across] = extent[across][:, [1, 0, 2]]
        scale = extent / self._half[shape]
        walker = is_walker(shape)
        # A capsule is narrower than the person in it: people keep their proportions.
        scale[walker, :2] = scale[walker, 2:3]
        paint = np.ones((count, 4))
        paint[:, :3] = np.asarray(frame.color, dtype=np.float64) / 255.0
        paint[:, 3] = frame.look if len(frame.look) else np.modf(np.arange(count) * 0.6180339887 + 0.13)[0]
        state = self._states(frame, walker)
        owner = np.zeros((count, 2))
        for column, values in enumerate((frame.semantic_tag, frame.actor_id)):
            if len(values):
                owner[:, column] = values
        body = make_instances(self.library, self._mesh[shape], turned, scale, foot, paint, state, owner)
        parts = [body, self._wheels(frame, shape, axes, scale, foot, body)]
        if len(frame.open_doors) and np.any(frame.open_doors):
            parts.append(self._doors(frame, shape, axes, scale, foot, body))
        return joined(parts), axes, foot

    def _states(self, frame: SceneFrame, walker: NDArray[np.bool_]) -> Floats:
        state = np.zeros((len(frame), 4))
        state[:, 3] = 1.0
        if len(frame.light_flags):
            state[:, 0] = np.asarray(frame.light_flags) & 0x7FF
        if len(frame.open_doors):
            state[:, 1] = np.asarray(frame.open_doors) * ~walker
        if len(frame.stride_phase_rad):
            state[walker, 1] = np.asarray(frame.stride_phase_rad)[walker]
        if len(frame.speed_mps):
            state[walker, 2] = np.asarray(frame.speed_mps)[walker]
        return state

    def _wheels(
        self,
        frame: SceneFrame,
        shape: NDArray[np.integer],
        axes: Floats,
        scale: Floats,
        foot: Floats,
        body: Instances,
    ) -> Instances:
        owner, slot = np.nonzero(self._has_wheel[shape])
        kind = shape[owner]
        side = self._wheel_side[kind, slot]
        radius = self._wheel_radius[kind] * scale[owner, 2]
        width = self._wheel_width[kind]
        steer = np.asarray(frame.steer_deg)[owner] if len(frame.steer_deg) else np.zeros(len(owner))
        roll = (
            np.radians(np.asarray(frame.wheel_turn_deg)[owner]) if len(frame.wheel_turn_deg) else np.zeros(len(owner))
        )
        yaw = np.radians(steer * self._wheel_steers[kind, slot])
        # The mesh shows its outer side at +y: wheels on the left are turned about.
        about = np.where(side < 0.0, -1.0, 1.0)
        c, s = np.cos(yaw) * about, np.sin(yaw) * about
        hub_y = side * (frame.extent[owner, 1] * 0.985 - 0.5 * width)
        hub = np.stack([self._wheel_x[kind, slot] * scale[owner, 0], hub_y, radius], axis=1)
        base = axes[owner]
        turned = np.empty_like(base)
        forward = base[:, :, 0] * c[:, None] + base[:, :, 1] * s[:, None]
        turned[:, :, 1] = base[:, :, 1] * c[:, None] - base[:, :, 0] * s[:, None]
        up = base[:, :, 2]
        # Rolling forward takes the top ahead; a wheel that was turned about rolls the other way in its own frame.
        cr, sr = np.cos(roll)[:, None], (np.sin(roll) * about)[:, None]
        turned[:, :, 0] = forward * cr - up * sr
        turned[:, :, 2] = up * cr + forward * sr
        position = foot[owner] + np.einsum("nij,nj->ni", base, hub)
        size = np.stack([radius, width, radius], axis=1)
        rows = body.rows[owner]
        return make_instances(
            self.library, self._wheel_mesh[kind], turned, size, position, rows[:, 12:16], rows[:, 16:20], rows[:, 20:22]
        )

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
    walker = is_walker(frame.shape_class)
    half_x = np.where(walker, 0.30, frame.extent[:, 0] * 1.06)
    half_y = np.where(walker, 0.30, frame.extent[:, 1] * 1.14)
    lift = foot + axes[:, :, 2] * 0.03
    quads = [_quads(axes, lift, half_x, half_y, 0.0, np.where(walker, 0.40, 0.62))]
    strength = min(1.0, float(light.sun_color.max()) / 1.6) * 0.55
    if strength > 0.03:
        quads.append(_sun_shadows(frame, axes, lift, light, strength))
    if light.night > 0.05 and len(frame.light_flags):
        beam = np.nonzero(np.asarray(frame.light_flags) & LOW_OR_HIGH_BEAM)[0]
        ahead = lift[beam] + axes[beam, :, 0] * (frame.extent[beam, :1] + 12.5)
        strengths = np.full(len(beam), light.night)
        quads.append(_quads(axes[beam], ahead, np.full(len(beam), 13.0), np.full(len(beam), 5.5), 1.0, strengths))
    return np.concatenate(quads)


def _sun_shadows(
    frame: SceneFrame, axes: Floats, lift: Floats, light: Lighting, strength: float
) -> NDArray[np.float32]:
    """Return quads that hold the shadows of the boxes; the shader finds which points the sun does not reach."""
    walker = is_walker(frame.shape_class)
    sun = light.sun_direction.copy()
    sun[2] = max(sun[2], 0.22)
    local = np.einsum("nji,j->ni", axes, sun / np.linalg.norm(sun))
    height = 2.0 * frame.extent[:, 2]
    reach = -local[:, :2] / np.maximum(local[:, 2:3], 0.15) * height[:, None]
    half = np.where(walker[:, None], 0.22, frame.extent[:, :2])
    low, high = np.minimum(-half, -half + reach) - 0.15, np.maximum(half, half + reach) + 0.15
    middle, size = 0.5 * (low + high), 0.5 * (high - low)
    place = lift + axes[:, :, 0] * middle[:, :1] + axes[:, :, 1] * middle[:, 1:2]
    rows = _quads(axes, place, size[:, 0], size[:, 1], 2.0, np.full(len(place), strength))
    rows[walker, 16] = 3.0
    rows[:, 12:14] = half
    rows[:, 14] = height
    car = np.asarray(frame.shape_class) < int(ShapeClass.TRUCK)
    rows[:, 15] = np.where(car, 0.58 * height, height)
    rows[:, 18:20] = -middle
    return rows


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
