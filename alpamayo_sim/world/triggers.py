"""The invisible boxes of the map: before traffic lights, at stop and speed limit signs, and friction triggers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alpamayo_sim.roads.signals import Signals
from alpamayo_sim.world.contact import STATIC_CELL_M, StaticGrid, overlap, static_grid, write_box
from alpamayo_sim.world.tables import LightColor

LIGHT, SPEED_LIMIT, STOP = 0, 1, 2
HEIGHT_SLACK_M = 1.0
"""Boxes reach this much farther up and down: they were placed on the lane, not on our ground."""
STOP_WAIT_S, GIVE_WAY_AGAIN_S = 2.0, 1.0
CONFLICT_RADIUS_M = 10.0
CONFLICT_AHEAD_M = 12.0
CONFLICT_SPEED_MPS = 0.3
NO_SIGN = -1


def trigger_grid(
    signals: Signals,
) -> tuple[StaticGrid, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the trigger boxes as a grid, with kind, index (of the light or sign) and value (km/h) of each box."""
    centers: list[tuple[float, float, float]] = []
    extents: list[tuple[float, float, float]] = []
    yaws: list[float] = []
    facts: list[tuple[int, int, float]] = []

    def add(boxes: Any, kind: int, index: int, value: float) -> None:
        for box in boxes:
            centers.append(box.center)
            extents.append((box.extent[0], box.extent[1], box.extent[2] + HEIGHT_SLACK_M))
            yaws.append(box.yaw_deg)
            facts.append((kind, index, value))

    for index, light in enumerate(signals.lights):
        add(light.lane_boxes, LIGHT, index, 0.0)
    for index, sign in enumerate(signals.signs):
        if sign.type_id.startswith("traffic.speed_limit"):
            add(sign.boxes, SPEED_LIMIT, index, sign.value)
        elif sign.type_id == "traffic.stop":
            add(sign.boxes, STOP, index, 0.0)
    grid = static_grid(
        np.array(centers, float).reshape(-1, 3),
        np.array(extents, float).reshape(-1, 3),
        np.array(yaws, float),
        np.arange(len(yaws)),
    )
    kinds = np.array([fact[0] for fact in facts], np.int64)
    indices = np.array([fact[1] for fact in facts], np.int64)
    return grid, kinds, indices, np.array([fact[2] for fact in facts], np.float64)


@njit(cache=True)
def _conflict(actors: Any, vehicles: Any, me: int, box: Any) -> bool:
    """Whether another vehicle moves on the junction behind the stop line."""
    x, y = box[0] + CONFLICT_AHEAD_M * box[6], box[1] + CONFLICT_AHEAD_M * box[7]
    for i in range(len(vehicles)):
        a = actors[vehicles[i].row]
        near = math.hypot(a.location[0] - x, a.location[1] - y) < CONFLICT_RADIUS_M
        if i != me and near and math.hypot(a.velocity_mps[0], a.velocity_mps[1]) > CONFLICT_SPEED_MPS:
            return True
    return False


@njit(cache=True)
def apply_triggers(
    actors: Any, vehicles: Any, lights: Any, grid: Any, kinds: Any, indices: Any, values: Any, dt: float
) -> None:
    """Update speed limit, traffic light and stop sign state of every vehicle from the boxes that it overlaps."""
    box, hit = np.empty(8), np.empty(5)
    for i in range(len(vehicles)):
        v = vehicles[i]
        actor = actors[v.row]
        write_box(actor, box)
        reach = math.hypot(box[3], box[4])
        first_light, current_light, stop, stop_box = -1, False, -1, -1
        if len(grid.boxes) > 0:
            x0 = max(0, int(math.floor((box[0] - reach - grid.origin[0]) / STATIC_CELL_M)))
            x1 = min(grid.shape[0] - 1, int(math.floor((box[0] + reach - grid.origin[0]) / STATIC_CELL_M)))
            y0 = max(0, int(math.floor((box[1] - reach - grid.origin[1]) / STATIC_CELL_M)))
            y1 = min(grid.shape[1] - 1, int(math.floor((box[1] + reach - grid.origin[1]) / STATIC_CELL_M)))
            for cy in range(y0, y1 + 1):
                for cx in range(x0, x1 + 1):
                    cell = cy * grid.shape[0] + cx
                    for n in range(grid.cell_start[cell], grid.cell_start[cell + 1]):
                        m = grid.cell_items[n]
                        if not overlap(box, grid.boxes[m], hit):
                            continue
                        same_way = box[6] * grid.boxes[m, 6] + box[7] * grid.boxes[m, 7] > 0.0
                        if kinds[m] == LIGHT and same_way:
                            id = actors[lights[indices[m]].row].ids
                            if v.has_light and v.light_id == id:
                                current_light = True
                            elif first_light < 0 or indices[m] < first_light:
                                first_light = indices[m]
                        elif kinds[m] == SPEED_LIMIT and same_way:
                            v.speed_limit_kmh = values[m]
                        elif kinds[m] == STOP and same_way:
                            stop, stop_box = indices[m], m
        if current_light:
            pass
        elif first_light >= 0:
            v.has_light = True
            v.light_index = first_light
            v.light_id = actors[lights[first_light].row].ids
        elif v.has_light:
            v.has_light = False
            v.light_id = 0
            v.light_state = LightColor.GREEN
        if v.has_light:
            v.light_state = lights[v.light_index].state
        if stop >= 0 and stop != v.stop_sign:
            v.stop_sign, v.stop_box, v.stop_wait_s = stop, stop_box, STOP_WAIT_S
            if not v.has_light:
                v.light_state = LightColor.RED
        elif v.stop_wait_s > 0.0:
            v.stop_wait_s -= dt
            if v.stop_wait_s <= 0.0:
                if _conflict(actors, vehicles, i, grid.boxes[v.stop_box]):
                    v.stop_wait_s = GIVE_WAY_AGAIN_S
                else:
                    v.stop_wait_s = 0.0
                    if not v.has_light:
                        v.light_state = LightColor.GREEN
        if stop < 0 and v.stop_wait_s <= 0.0:
            v.stop_sign = NO_SIGN
