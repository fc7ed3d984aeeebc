"""Numbers by which instance segmentation tells the things of a map apart.

CARLA gives things that are no actors the number of their engine object; here the things beside the roads count from 0x8000 up,
out of the way of actors' ids. Traffic lights and signs have the ids of their actors, and ground, paint and sky have 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from alpamayo_sim.render.camera_kind import BUILDING_TAG
from alpamayo_sim.render.instances import Instances
from alpamayo_sim.roads.statics import StaticBoxes, StaticKind

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
FIRST_NUMBER = 0x8000
TRAFFIC_LIGHT_TAG, TRAFFIC_SIGN_TAG, GROUND_TAG = 7, 8, 25
CANDIDATES = 16
"""How many of the nearest boxes are measured: the middle of a long one may be far from what belongs to it."""


def thing_numbers(count: int) -> NDArray[np.int64]:
    """Return the numbers of a map's static boxes."""
    return FIRST_NUMBER + np.arange(count) % FIRST_NUMBER


def static_numbers(
    instances: Instances, statics: StaticBoxes, light_heads: Ints, light_of_head: Ints, light_ids: Ints, sign_ids: Ints
) -> NDArray[np.float32]:
    """Return the number [rows] of what each instance of a scene belongs to.

    `light_heads` [H] are the rows of light heads and `light_of_head` [H] the lights that they show; `light_ids` and `sign_ids`
    are the actors of the map's lights and signs, in its order. Lights and signs without an actor are numbered as things.
    """
    rows = instances.rows
    numbers = np.zeros(len(rows), dtype=np.float32)
    if not len(rows):
        return numbers
    tags = rows[:, 20].astype(np.int64)
    places = rows[:, [3, 7]].astype(np.float64)
    own = _owned(statics, light_ids, sign_ids)
    signs = np.isin(statics.kind, (int(StaticKind.SIGN_POLE), int(StaticKind.BUS_STOP)))
    for tag in np.unique(tags):
        if tag in (TRAFFIC_LIGHT_TAG, GROUND_TAG):
            continue
        boxes = np.flatnonzero(signs if tag == TRAFFIC_SIGN_TAG else statics.label == tag)
        chosen = np.flatnonzero(tags == tag)
        if len(boxes):
            numbers[chosen] = own[boxes[_nearest(places[chosen], statics, boxes)]]
    for light in np.unique(light_of_head):
        heads = light_heads[light_of_head == light]
        pole = np.flatnonzero((statics.kind == int(StaticKind.LIGHT_POLE)) & (statics.source == light))
        if light < len(light_ids) and light_ids[light] > 0:
            numbers[heads] = light_ids[light]
        elif len(pole):
            numbers[heads] = own[pole[0]]
    return numbers


def building_numbers(places: Floats, statics: StaticBoxes) -> NDArray[np.float32]:
    """Return the number [V] of the building that each of some places [V, 2] is a part of."""
    boxes = np.flatnonzero(statics.label == BUILDING_TAG)
    if not len(boxes):
        return np.zeros(len(places), dtype=np.float32)
    return thing_numbers(len(statics))[boxes[_nearest(places, statics, boxes)]].astype(np.float32)


def _owned(statics: StaticBoxes, light_ids: Ints, sign_ids: Ints) -> NDArray[np.int64]:
    """Return the number of each static box, that of its actor for the poles of lights and signs."""
    numbers = thing_numbers(len(statics))
    for kind, ids in ((StaticKind.LIGHT_POLE, light_ids), (StaticKind.SIGN_POLE, sign_ids)):
        chosen = np.flatnonzero((statics.kind == int(kind)) & (statics.source >= 0) & (statics.source < len(ids)))
        actors = ids[statics.source[chosen]]
        numbers[chosen] = np.where(actors > 0, actors, numbers[chosen])
    return numbers


def _nearest(places: Floats, statics: StaticBoxes, boxes: Ints) -> Ints:
    """Return for each place [N, 2] which of the chosen boxes is nearest, seen from above."""
    centers = statics.center[boxes, :2].astype(np.float64)
    count = min(CANDIDATES, len(boxes))
    _, candidate = KDTree(centers).query(places, k=count)
    candidate = np.asarray(candidate).reshape(len(places), count)
    best, found = np.full(len(places), np.inf), np.zeros(len(places), dtype=np.int64)
    yaw = np.radians(statics.yaw_deg[boxes])
    for column in candidate.T:
        cos, sin = np.cos(yaw[column]), np.sin(yaw[column])
        dx, dy = (places - centers[column]).T
        half = statics.extent[boxes[column], :2]
        outside_x = np.maximum(np.abs(cos * dx + sin * dy) - half[:, 0], 0.0)
        outside_y = np.maximum(np.abs(cos * dy - sin * dx) - half[:, 1], 0.0)
        apart = np.hypot(outside_x, outside_y)
        closer = apart < best - 1e-9
        best[closer], found[closer] = apart[closer], column[closer]
    return found
