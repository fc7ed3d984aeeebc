"""Light that stays: shadows of houses and trees under the sun, pools of lamp light, as a texture seen from above.

Red is sunlight on the ground, green lamp light, blue the height up to which the air over a place is in shadow: a wall
or a tree below it gets no sun.

A texture covers a square window round the camera and is drawn anew only when the camera leaves its middle or the sun moves on.
"""

from __future__ import annotations

from collections import OrderedDict

import moderngl
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.batch import WindowKey
from alpamayo_sim.render.context import load_program, set_uniform
from alpamayo_sim.render.light_window import WINDOW_M, window_corner, window_sun
from alpamayo_sim.roads.static_boxes import SWITCHED_OFF, StaticBoxes, StaticKind

Floats = NDArray[np.floating]
PIXELS = 640
LOWEST_SUN = 0.22
"""Sine of the lowest sun that shadows are drawn for; lower suns cast these too."""
CROWN_SIDES = 10
LAMP_REACH_M = 2.1
LAMP_RADIUS_M = 17.0
NO_SHADOW_Z = -1000.0
CASTING = tuple(
    int(kind)
    for kind in (
        StaticKind.BUILDING, StaticKind.PARKED_CAR, StaticKind.BUS_STOP, StaticKind.HEDGE, StaticKind.BENCH, StaticKind.BIN
    )
)  # fmt: skip
"""What casts the shadow of a box on the ground; trees cast their own."""


class BakedLight:
    """Draws and keeps the windows of a scene, at most `kept` of them."""

    def __init__(self, context: moderngl.Context, statics: StaticBoxes, *, kept: int) -> None:
        self._context = context
        self._program = load_program(context, "baked.vert", "baked.frag")
        self._statics = statics
        self._kept = kept
        self._windows: OrderedDict[WindowKey, moderngl.Texture] = OrderedDict()
        self._free: list[moderngl.Texture] = []

    def make_room(self, count: int) -> None:
        """Let so many windows stay in use together."""
        self._kept = max(self._kept, 2 * count)

    def release(self) -> None:
        """Free all windows."""
        for texture in (*self._windows.values(), *self._free):
            texture.release()
        self._windows.clear()
        self._free.clear()
        self._program.release()

    def texture(self, key: WindowKey) -> moderngl.Texture:
        """Return the texture of a window; it may be another one's after `kept` more calls. Leaves no framebuffer in use."""
        if key in self._windows:
            self._windows.move_to_end(key)
            return self._windows[key]
        if len(self._windows) >= self._kept:
            self._free.append(self._windows.popitem(last=False)[1])
        texture = self._free.pop() if self._free else self._context.texture((PIXELS, PIXELS), 4, dtype="f2")
        texture.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        self._draw(texture, np.array(window_corner(key)), window_sun(key))
        self._windows[key] = texture
        return texture

    def _draw(self, texture: moderngl.Texture, corner: Floats, sun: Floats) -> None:
        statics = self._statics
        middle = corner + 0.5 * WINDOW_M
        near = np.abs(statics.center[:, :2] - middle).max(axis=1) < 0.5 * WINDOW_M + 60.0
        per_metre = -sun[:2] / max(float(sun[2]), LOWEST_SUN)
        layers = (
            (0, [*self._houses(near, per_metre), *self._trees(near, per_metre)]),
            (1, self._lamps(near)),
            (2, [*self._house_tops(near, per_metre), *self._tree_tops(near, per_metre)]),
        )
        target = self._context.framebuffer([texture])
        target.use()
        target.viewport = (0, 0, PIXELS, PIXELS)
        target.clear(1.0, 0.0, NO_SHADOW_Z, 0.0)
        self._context.enable_only(moderngl.BLEND)
        set_uniform(self._program, "corner", (float(corner[0]), float(corner[1])))
        set_uniform(self._program, "per_metre", 1.0 / WINDOW_M)
        for kind, triangles in layers:
            if not triangles:
                continue
            target.color_mask = (kind == 0, kind == 1, kind == 2, False)
            self._context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA if kind == 0 else moderngl.ONE
            self._context.blend_equation = moderngl.MAX if kind == 2 else moderngl.FUNC_ADD  # pyright: ignore
            set_uniform(self._program, "kind", kind)
            vertices = np.concatenate(triangles).astype(np.float32)
            buffer = self._context.buffer(vertices.tobytes())
            array = self._context.vertex_array(
                self._program, [(buffer, "2f4 2f4 1f4", "in_place", "in_disc", "in_value")]
            )
            array.render(moderngl.TRIANGLES)
            array.release()
            buffer.release()
        self._context.blend_equation = moderngl.FUNC_ADD  # pyright: ignore
        target.color_mask = (True, True, True, True)
        target.release()
        texture.build_mipmaps()

    def _houses(self, near: NDArray[np.bool_], per_metre: Floats) -> list[Floats]:
        statics = self._statics
        out: list[Floats] = []
        for k in np.nonzero(near & np.isin(statics.kind, CASTING))[0]:
            foot = _footprint(statics, int(k))
            top = foot + per_metre * 2.0 * statics.extent[k, 2]
            out.append(_solid(np.concatenate([_quad(foot), _quad(top)])))
            for i in range(4):
                j = (i + 1) % 4
                out.append(_solid(_quad(np.stack([foot[i], foot[j], top[j], top[i]]))))
        return out

    def _house_tops(self, near: NDArray[np.bool_], per_metre: Floats) -> list[Floats]:
        """Return the upper faces of the houses' shadow volumes: their roofs, and from each edge down to the shadow's end."""
        statics = self._statics
        out: list[Floats] = []
        for k in np.nonzero(near & (statics.kind == int(StaticKind.BUILDING)))[0]:
            foot = _footprint(statics, int(k))
            low, high = (float(statics.center[k, 2] + sign * statics.extent[k, 2]) for sign in (-1.0, 1.0))
            end = foot + per_metre * 2.0 * statics.extent[k, 2]
            out.append(_at_height(_quad(foot), np.full(6, high)))
            for i in range(4):
                j = (i + 1) % 4
                corners, heights = np.stack([foot[i], foot[j], end[j], end[i]]), np.array([high, high, low, low])
                out.append(_at_height(_quad(corners), _quad(heights)))
        return out

    def _tree_tops(self, near: NDArray[np.bool_], per_metre: Floats) -> list[Floats]:
        statics = self._statics
        chosen = np.nonzero(near & (statics.kind == int(StaticKind.TREE)))[0]
        if not len(chosen):
            return []
        size = (statics.extent[chosen, 2] / 1.6)[:, None]
        foot = statics.center[chosen] - statics.extent[chosen] * np.array([0.0, 0.0, 1.0])
        across = np.array([-per_metre[1], per_metre[0]]) / max(float(np.linalg.norm(per_metre)), 1e-6) * 1.9 * size
        start, end = foot[:, :2], foot[:, :2] + per_metre * 6.4 * size
        corners = np.stack(
            [start - across, start + across, end + across, end - across],
            axis=1,
        )
        high, low = foot[:, 2] + 6.4 * size[:, 0], foot[:, 2]
        heights = np.stack([high, high, low, low], axis=1)
        order = [0, 1, 2, 0, 2, 3]
        return [_at_height(corners[:, order].reshape(-1, 2), heights[:, order].ravel())]

    def _trees(self, near: NDArray[np.bool_], per_metre: Floats) -> list[Floats]:
        statics = self._statics
        chosen = np.nonzero(near & (statics.kind == int(StaticKind.TREE)))[0]
        if not len(chosen):
            return []
        size = statics.extent[chosen, 2] / 1.6
        place = statics.center[chosen, :2] + per_metre * (4.7 * size)[:, None]
        angle = np.arange(CROWN_SIDES) * 2.0 * np.pi / CROWN_SIDES
        direction = per_metre / max(float(np.linalg.norm(per_metre)), 1e-6)
        stretch = np.hypot(1.0, float(np.linalg.norm(per_metre)))
        ring = np.outer(np.cos(angle), direction) * stretch + np.outer(np.sin(angle), [-direction[1], direction[0]])
        rim = place[:, None] + ring * (2.2 * size)[:, None, None]
        hub = np.broadcast_to(place[:, None], rim.shape)
        fans = np.stack([hub, rim, np.roll(rim, -1, axis=1)], axis=2).reshape(-1, 2)
        return [_solid(fans)]

    def _lamps(self, near: NDArray[np.bool_]) -> list[Floats]:
        statics = self._statics
        shining = (statics.kind == int(StaticKind.LAMP)) & (statics.source != SWITCHED_OFF)
        chosen = np.nonzero(near & shining)[0]
        yaw = np.radians(statics.yaw_deg[chosen])
        place = statics.center[chosen, :2] + np.stack([np.cos(yaw), np.sin(yaw)], axis=1) * LAMP_REACH_M
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, -1], [1, 1], [-1, 1]], dtype=np.float64)
        points = place[:, None] + corners * LAMP_RADIUS_M
        disc = np.broadcast_to(corners, points.shape)
        value = np.ones((*points.shape[:2], 1))
        return [np.concatenate([points, disc, value], axis=2).reshape(-1, 5)] if len(chosen) else []


def _footprint(statics: StaticBoxes, k: int) -> Floats:
    yaw = np.radians(statics.yaw_deg[k])
    turn = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
    return np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * statics.extent[k, :2] @ turn + statics.center[k, :2]


def _at_height(points: Floats, heights: Floats) -> Floats:
    """Return vertices [V, 5] that carry heights [V] at points [V, 2]."""
    return np.column_stack([points, np.zeros((len(points), 2)), heights])


def _quad(corners: Floats) -> Floats:
    return corners[[0, 1, 2, 0, 2, 3]]


def _solid(points: Floats) -> Floats:
    """Return vertices [V, 5] of full shadow at points [V, 2]."""
    return np.concatenate([points, np.zeros((len(points), 3))], axis=1)
