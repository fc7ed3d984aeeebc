"""The bird's-eye view: a small map around the ego with everything that moves, heading up."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, rig_to_world
from alpamayo_sim.metrics.tick import ActorState, TickRecord
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.record.road_raster import TERRAIN, Image, RoadRaster
from alpamayo_sim.record.road_shapes import Color
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

_SHIFT = 4
_ROUTE: Color = (74, 144, 226)
_EGO: Color = (64, 224, 160)
_OUTLINE: Color = (18, 20, 24)
_GLASS: Color = (30, 36, 46)
_LIGHTS: dict[int, Color] = {0: (255, 72, 66), 1: (255, 196, 48), 2: (64, 214, 110)}
_LIGHT_OFF: Color = (130, 134, 140)
_KIND_COLORS: dict[str, Color] = {
    "car": (122, 162, 214),
    "heavy": (226, 150, 84),
    "two_wheeler": (196, 138, 220),
    "emergency": (236, 96, 104),
    "walker": (255, 214, 92),
    "prop": (150, 152, 150),
}
PLAN_START = np.array([255.0, 236.0, 120.0])
PLAN_END = np.array([255.0, 88.0, 150.0])


class BirdsEye:
    """Draws ticks of one map as RGB images [size, size, 3]; the ego sits in the middle of the width, a little below
    that of the height, and looks up.
    """

    def __init__(
        self,
        road_map: RoadMap,
        route: Route | None = None,
        *,
        size_px: int = 540,
        span_m: float = 90.0,
        ego_at: float = 0.62,
    ) -> None:
        """Prepare the view: `span_m` metres across, the ego at the share `ego_at` of the height from above."""
        self._size = size_px
        self._scale = size_px / span_m
        self._center = np.array([size_px / 2.0, size_px * ego_at]) - 0.5
        self._raster = RoadRaster(road_map, self._scale)
        self._reach_m = 1.02 * math.hypot(size_px / 2.0, size_px * max(ego_at, 1.0 - ego_at)) / self._scale
        lights = road_map.signals.lights
        self._light_ids = [light.signal_id for light in lights]
        self._stop_lines = np.array([light.stop_line[:, :2] for light in lights]).reshape(-1, 2, 2)
        self._route_xy = np.zeros((0, 2)) if route is None else route.points[:, :2]
        self._pose = Transform(0.0, 0.0, 0.0)
        self._matrix = np.zeros((2, 3))

    def draw(self, tick: TickRecord) -> Image:
        """Return the view at one tick."""
        self._pose = tick.ego.transform
        self._matrix = self._world_to_pixels()
        image = self._background()
        self._draw_route(image)
        self._draw_lights(image, tick.light_states)
        for actor in sorted(tick.actors, key=lambda a: a.type_id.startswith("vehicle.")):
            self._draw_actor(image, actor)
        if tick.plan is not None:
            self._draw_plan(image, tick.plan)
        self._draw_vehicle(image, tick.ego, _EGO)
        self._draw_scale(image)
        return image

    def _world_to_pixels(self) -> NDArray[np.float64]:
        """The matrix [2, 3] from world (x, y) to pixels."""
        yaw = math.radians(self._pose.yaw)
        forward, right = np.array([math.cos(yaw), math.sin(yaw)]), np.array([-math.sin(yaw), math.cos(yaw)])
        linear = self._scale * np.stack([right, -forward])
        return np.column_stack([linear, self._center - linear @ np.array(self._pose[:2])])

    def _pixels(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return xy @ self._matrix[:, :2].T + self._matrix[:, 2]

    def _background(self) -> Image:
        mosaic, corner = self._raster.region((self._pose.x, self._pose.y), self._reach_m)
        from_mosaic = self._matrix.copy()
        from_mosaic[:, :2] /= self._scale
        from_mosaic[:, 2] += self._matrix[:, :2] @ (np.array(corner) + 0.5 / self._scale)
        size = (self._size, self._size)
        return cv2.warpAffine(
            mosaic, from_mosaic, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=TERRAIN
        ).astype(np.uint8, copy=False)

    def _draw_route(self, image: Image) -> None:
        near = np.hypot(*(self._route_xy - np.array(self._pose[:2])).T) < self._reach_m
        if not near.any():
            return
        overlay = image.copy()
        pixels = self._pixels(self._route_xy)
        for first, stop in _runs(near):
            _polyline(overlay, pixels[first:stop], _ROUTE, round(1.3 * self._scale))
        cv2.addWeighted(overlay, 0.45, image, 0.55, 0.0, dst=image)

    def _draw_lights(self, image: Image, states: dict[str, int]) -> None:
        if len(self._stop_lines) == 0:
            return
        middles = self._stop_lines.mean(axis=1) - np.array(self._pose[:2])
        for k in np.flatnonzero(np.hypot(middles[:, 0], middles[:, 1]) < self._reach_m):
            state = states.get(self._light_ids[k])
            color = _LIGHT_OFF if state is None else _LIGHTS.get(state, _LIGHT_OFF)
            line = self._pixels(self._stop_lines[k])
            _polyline(image, line, color, max(2, round(0.55 * self._scale)))
            outward = (line[1] - line[0]) / max(1.0, float(np.linalg.norm(line[1] - line[0])))
            lamp = _fixed(line[1] + outward * 0.9 * self._scale)
            radius = round(0.75 * self._scale * (1 << _SHIFT))
            cv2.circle(image, lamp, radius + (2 << _SHIFT), _OUTLINE, -1, cv2.LINE_AA, _SHIFT)
            cv2.circle(image, lamp, radius, color, -1, cv2.LINE_AA, _SHIFT)

    def _draw_actor(self, image: Image, actor: ActorState) -> None:
        pose = actor.transform
        if math.hypot(pose.x - self._pose.x, pose.y - self._pose.y) > self._reach_m + 8.0:
            return
        if actor.type_id.startswith("walker."):
            self._draw_walker(image, actor)
        elif actor.type_id.startswith("vehicle."):
            self._draw_vehicle(image, actor, _KIND_COLORS[vehicle_kind(actor)])
        elif max(actor.extent_m) > 0.05:
            corners = _corners(actor, np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]))
            _fill(image, self._pixels(corners), _KIND_COLORS["prop"])

    def _draw_vehicle(self, image: Image, actor: ActorState, color: Color) -> None:
        if vehicle_kind(actor) == "two_wheeler":
            frame, handlebar = self._pixels(_corners(actor, _TWO_WHEELER)), self._pixels(_corners(actor, _HANDLEBAR))
            for tone, wider in ((_OUTLINE, 2), (color, 0)):
                _polyline(image, frame, tone, 3 + wider)
                _polyline(image, handlebar, tone, 2 + wider)
            return
        body = self._pixels(_corners(actor, _BODY))
        _fill(image, body, color)
        _polyline(image, np.concatenate([body, body[:1]]), _OUTLINE, 1)
        _fill(image, self._pixels(_corners(actor, _WINDSHIELD)), _GLASS)

    def _draw_walker(self, image: Image, actor: ActorState) -> None:
        yaw = math.radians(actor.transform.yaw)
        here = np.array(actor.transform[:2])
        ahead = here + 0.75 * np.array([math.cos(yaw), math.sin(yaw)])
        start, tip = self._pixels(np.array([here, ahead]))
        _polyline(image, np.array([start, tip]), _KIND_COLORS["walker"], 2)
        radius = round(0.48 * self._scale * (1 << _SHIFT))
        cv2.circle(image, _fixed(start), radius + (1 << _SHIFT), _OUTLINE, -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(image, _fixed(start), radius, _KIND_COLORS["walker"], -1, cv2.LINE_AA, _SHIFT)

    def _draw_plan(self, image: Image, plan: Plan) -> None:
        world = rig_to_world(plan.rig_pose_t0, plan.waypoints_rig)
        pixels = self._pixels(np.concatenate([[plan.rig_pose_t0[:2]], world[:, :2]]))
        _polyline(image, pixels, _OUTLINE, 6)
        for k in range(0, len(pixels) - 1, 4):
            color = PLAN_START + (PLAN_END - PLAN_START) * k / len(pixels)
            _polyline(image, pixels[k : k + 5], (int(color[0]), int(color[1]), int(color[2])), 3)

    def _draw_scale(self, image: Image) -> None:
        """A bar of 10 m in the lower left corner."""
        left, y = 14, self._size - 14
        right = left + round(10.0 * self._scale)
        for color, thickness in ((_OUTLINE, 4), ((225, 228, 232), 2)):
            cv2.line(image, (left, y), (right, y), color, thickness, cv2.LINE_AA)
            cv2.putText(
                image, "10 m", (right + 7, y + 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, color, thickness // 2, cv2.LINE_AA
            )


_BODY = np.array(
    [[1.0, 0.62], [1.0, -0.62], [0.84, -1.0], [-0.92, -1.0], [-1.0, -0.8], [-1.0, 0.8], [-0.92, 1.0], [0.84, 1.0]]
)
_WINDSHIELD = np.array([[0.5, 0.78], [0.5, -0.78], [0.22, -0.66], [0.22, 0.66]])
_TWO_WHEELER = np.array([[1.0, 0.0], [-1.0, 0.0]])
_HANDLEBAR = np.array([[0.5, -1.0], [0.5, 1.0]])
"""Shapes in half lengths and half widths, forward and right."""


def vehicle_kind(actor: ActorState) -> str:
    """Return car, heavy, two_wheeler or emergency, by name and size."""
    if any(word in actor.type_id for word in ("police", "ambulance", "firetruck")):
        return "emergency"
    if actor.extent_m[1] < 0.55:
        return "two_wheeler"
    return "heavy" if actor.extent_m[0] > 2.75 else "car"


def _corners(actor: ActorState, shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points [K, 2] of a shape, given in halves of the actor's box, in the world."""
    yaw = math.radians(actor.transform.yaw)
    forward, right = np.array([math.cos(yaw), math.sin(yaw)]), np.array([-math.sin(yaw), math.cos(yaw)])
    local = shape * np.array(actor.extent_m[:2]) + np.array(actor.box_center_m[:2])
    return local @ np.stack([forward, right]) + np.array(actor.transform[:2])


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, stop) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _fixed(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0]) * (1 << _SHIFT)), round(float(point[1]) * (1 << _SHIFT))


def _fill(image: Image, pixels: NDArray[np.float64], color: Color) -> None:
    cv2.fillConvexPoly(image, np.round(pixels * (1 << _SHIFT)).astype(np.int32), color, cv2.LINE_AA, _SHIFT)


def _polyline(image: Image, pixels: NDArray[np.float64], color: Color, thickness: int) -> None:
    points = np.round(pixels * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(image, [points], False, color, thickness, cv2.LINE_AA, _SHIFT)
