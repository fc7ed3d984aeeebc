"""Halos: what lamps spill in eye and camera, and the headlights that light up what stands ahead of them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.instances import ROW
from alpamayo_sim.render.library import bodies
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.scene_frame import PROP_NAMES, SceneFrame, ShapeClass
from alpamayo_sim.render.sky import Lighting
from alpamayo_sim.roads.static_boxes import SWITCHED_OFF, StaticKind

Floats = NDArray[np.floating]
POSITION, LOW_BEAM, HIGH_BEAM, BRAKE, RIGHT_BLINKER, LEFT_BLINKER, REVERSE, SPECIAL = 1, 2, 4, 8, 16, 32, 64, 512
LENS_COLORS = np.array([(2.4, 0.10, 0.05), (2.1, 1.5, 0.08), (0.08, 2.0, 0.75)])
LENS_Z = np.array([0.33, 0.0, -0.33])
LAMP_COLOR = np.array([1.5, 1.12, 0.66])
LAMP_AT = (2.1, 7.2)
"""Reach and height of a street lamp's light."""
BLINK_HZ, BLINK_ON = 1.5, 0.55
BEACON_HZ = 2.2
SHAPES = np.arange(int(ShapeClass.PROP) + len(PROP_NAMES))
NARROW = np.isin(SHAPES, [int(ShapeClass.MOTORCYCLE), int(ShapeClass.BICYCLE), int(ShapeClass.SCOOTER)])
"""[classes] vehicles with their lamps in the middle."""
FLASHING = np.isin(SHAPES, [int(ShapeClass.POLICE), int(ShapeClass.AMBULANCE), int(ShapeClass.FIRE_TRUCK)])
"""[classes] vehicles with beacons."""
BEAM_LOW_M, BEAM_HIGH_M, BEAM_COS = 60.0, 95.0, 0.80


def _rows(place: Floats, radius_m: float, color: Floats, least_px: float, aim: Floats, height_m: Floats) -> Floats:
    rows = np.zeros((len(place), ROW), dtype=np.float32)
    rows[:, 0:3], rows[:, 3] = place, radius_m
    rows[:, 4:7], rows[:, 7] = color, least_px
    rows[:, 8:11], rows[:, 11] = aim, height_m
    return rows


class Glows:
    """Collects the halos of a tick."""

    def __init__(self, scene: Scene) -> None:
        statics = scene.statics
        lamps = (statics.kind == int(StaticKind.LAMP)) & (statics.source != SWITCHED_OFF)
        yaw = np.radians(statics.yaw_deg[lamps])
        foot = statics.center[lamps] - statics.extent[lamps] * np.array([0.0, 0.0, 1.0])
        reach, high = LAMP_AT
        ahead = np.column_stack([np.cos(yaw), np.sin(yaw), np.zeros(len(yaw))])
        self._lamps = foot + ahead * reach + np.array([0.0, 0.0, high])
        heads = scene.instances.rows[scene.light_heads]
        self._head_place = heads[:, [3, 7, 11]].astype(np.float64)
        self._head_facing = heads[:, [0, 4, 8]].astype(np.float64)
        self._light_of_head = scene.light_of_head
        self._head_height_m = scene.head_height_m

    def rows(self, frame: SceneFrame, axes: Floats, foot: Floats, light: Lighting) -> NDArray[np.float32]:
        """Return rows [M, 23] for the glow shader; by day there are fewer and fainter ones."""
        dark = max(light.night, min(1.0, 60.0 * light.fog_extinction_per_m) * 0.5, 0.35 * light.rain)
        parts = [np.zeros((0, ROW), dtype=np.float32)]
        if light.night > 0.05:
            color = LAMP_COLOR * (0.55 * light.night)
            parts.append(_rows(self._lamps, 1.5, color, 2.0, np.zeros(3), np.full(len(self._lamps), LAMP_AT[1])))
        parts.append(self._heads(frame, dark))
        parts.append(_vehicle_glows(frame, axes, foot, dark))
        return np.concatenate(parts).astype(np.float32)

    def _heads(self, frame: SceneFrame, dark: float) -> Floats:
        states = frame.traffic_light_state
        light = self._light_of_head
        known = np.flatnonzero(light < len(states))
        state = np.asarray(states)[light[known]] if len(known) else np.zeros(0, dtype=np.intp)
        lit = known[state < 3]
        state = np.asarray(states)[light[lit]] if len(lit) else np.zeros(0, dtype=np.intp)
        place = self._head_place[lit] + self._head_facing[lit] * 0.13
        place[:, 2] += LENS_Z[state]
        height_m = self._head_height_m[lit] + LENS_Z[state]
        color = LENS_COLORS[state] * (0.12 + 0.40 * dark)
        return _rows(place, 0.55, color, 2.2, self._head_facing[lit], height_m)


@cache
def _lamp_heights() -> tuple[Floats, Floats]:
    """Return the heights [classes, 2] of head and tail lights and the half heights [classes] that they belong to."""
    models = bodies()
    heights, half = np.ones((max(models) + 1, 2)), np.ones(max(models) + 1)
    for k, body in models.items():
        heights[k], half[k] = body.lamp_z, body.half_size[2]
    return heights, half


def _vehicle_glows(frame: SceneFrame, axes: Floats, foot: Floats, dark: float) -> Floats:
    if not len(frame.light_flags):
        return np.zeros((0, ROW), dtype=np.float32)
    flags = np.asarray(frame.light_flags)
    shape = np.asarray(frame.shape_class)
    lamp_z, half_z = _lamp_heights()
    vehicle = shape < int(ShapeClass.MAN)
    narrow = NARROW[shape]
    blink = (frame.time_s * BLINK_HZ) % 1.0 < BLINK_ON
    parts: list[Floats] = []

    def add(chosen: NDArray[np.bool_], end: float, side: float, color: Floats, radius_m: float) -> None:
        k = np.flatnonzero(chosen & vehicle & ~(narrow & (side > 0)))
        if not len(k):
            return
        y = np.where(narrow[k], 0.0, side * 0.72)
        height = lamp_z[shape[k], 0 if end > 0 else 1] * frame.extent[k, 2] / half_z[shape[k]]
        local = np.column_stack(
            [end * frame.extent[k, 0] * np.where(narrow[k], 0.88, 1.01), y * frame.extent[k, 1], height]
        )
        place = foot[k] + np.einsum("nij,nj->ni", axes[k], local)
        parts.append(_rows(place, radius_m, color, 1.4, axes[k, :, 0] * end, local[:, 2]))

    front = (flags & (LOW_BEAM | HIGH_BEAM)) != 0
    tail = (flags & (POSITION | LOW_BEAM)) != 0
    brake = (flags & BRAKE) != 0
    for side in (-1.0, 1.0):
        if dark > 0.05:
            add(front, 1.0, side, np.array([1.5, 1.42, 1.2]) * 0.75 * dark, 1.0)
            add(tail & ~brake, -1.0, side, np.array([1.0, 0.04, 0.02]) * 0.45 * dark, 0.5)
        add(brake, -1.0, side, np.array([2.2, 0.09, 0.04]) * (0.14 + 0.5 * dark), 0.65)
        turning = (flags & (RIGHT_BLINKER if side > 0 else LEFT_BLINKER)) != 0
        if blink and turning.any():
            for end in (1.0, -1.0):
                add(turning, end, side, np.array([1.8, 0.75, 0.04]) * (0.15 + 0.4 * dark), 0.45)
        beat = (frame.time_s * BEACON_HZ + (0.5 if side > 0 else 0.0)) % 1.0
        flashing = ((flags & SPECIAL) != 0) & FLASHING[shape]
        if flashing.any() and (beat < 0.16 or 0.24 < beat < 0.40):
            k = np.flatnonzero(flashing)
            local = np.column_stack([np.zeros(len(k)), side * 0.4 * frame.extent[k, 1], 2.0 * frame.extent[k, 2]])
            place = foot[k] + np.einsum("nij,nj->ni", axes[k], local)
            color = np.array([0.1, 0.25, 2.4]) if side > 0 else np.array([2.4, 0.1, 0.1])
            parts.append(_rows(place, 1.5, color * (0.2 + 0.5 * dark), 2.0, np.zeros(3), local[:, 2]))
    return np.concatenate(parts) if parts else np.zeros((0, ROW), dtype=np.float32)


def headlight_beams(frame: SceneFrame, axes: Floats, foot: Floats, light: Lighting, near: Floats) -> Floats:
    """Return the beams [B, 8] of vehicles with low or high beam, nearest to a point first; none by day."""
    if light.night < 0.05 or not len(frame.light_flags):
        return np.zeros((0, 8))
    flags = np.asarray(frame.light_flags)
    lit = np.flatnonzero((flags & (LOW_BEAM | HIGH_BEAM)) != 0)
    lit = lit[np.argsort(np.linalg.norm(foot[lit] - near, axis=1), kind="stable")]
    high = (flags[lit] & HIGH_BEAM) != 0
    rows = np.zeros((len(lit), 8))
    forward, up = axes[lit, :, 0], axes[lit, :, 2]
    rows[:, :3] = foot[lit] + forward * frame.extent[lit, :1] + up * 0.65
    rows[:, 3] = np.where(high, BEAM_HIGH_M, BEAM_LOW_M)
    aim = forward - up * np.where(high, 0.0, 0.03)[:, None]
    rows[:, 4:7] = aim / np.linalg.norm(aim, axis=1, keepdims=True)
    rows[:, 7] = BEAM_COS
    return rows
