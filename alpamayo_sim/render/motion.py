"""Where everything was when a flow camera took its last picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.batch import Motion
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.camera_block import camera_blocks
from alpamayo_sim.render.instances import DynamicInstances, Instances
from alpamayo_sim.render.scene_frame import SceneFrame

Floats = NDArray[np.floating]
INDEX_COLUMN = 20
"""Where a row says which of the moving instances it is: flow pictures have no use for the semantic tag that is there else."""
STILL = -1.0
MATRIX_AND_STATE = np.r_[0:12, 16:20]


def indexed(instances: Instances, *, moving: bool) -> Instances:
    """Return the instances with their numbers, or STILL, in place of their semantic tags."""
    rows = instances.rows.copy()
    rows[:, INDEX_COLUMN] = np.arange(len(rows)) if moving else STILL
    return Instances(rows, instances.mesh, instances.radius_m)


def earlier(frame: SceneFrame, last: SceneFrame) -> SceneFrame:
    """Return the instances of `frame` as they were in `last`; those that were not there yet are where they are now.

    Doors are as they are now: they open from one tick to the next, and what they are made of has no place before.
    """
    if not (len(frame.actor_id) and len(last.actor_id)):
        return frame
    order = np.argsort(last.actor_id, kind="stable")
    place = np.minimum(np.searchsorted(last.actor_id, frame.actor_id, sorter=order), len(order) - 1)
    source = order[place]
    known = last.actor_id[source] == frame.actor_id

    def then(now: Floats, before: Floats) -> Floats:
        if len(now) != len(frame) or len(before) != len(last):
            return now
        return np.where(known.reshape(-1, *[1] * (now.ndim - 1)), before[source], now)

    names = ("transform", "steer_deg", "speed_mps", "stride_phase_rad", "wheel_turn_deg")
    return replace(frame, **{name: then(getattr(frame, name), getattr(last, name)) for name in names})


def motion(
    views: Sequence[CameraView], frame: SceneFrame, dynamic: DynamicInstances, rows: NDArray[np.float32]
) -> Motion:
    """Return where cameras that took their last pictures at the same tick, and the rows that they see now, were then.

    `rows` [R, 23] are culled from `indexed` instances.
    """
    last = views[0].last
    then = [replace(view, transform=view.last.transform) if view.last else view for view in views]
    before = rows[:, MATRIX_AND_STATE].copy()
    index = rows[:, INDEX_COLUMN].astype(np.int64)
    moving = index >= 0
    if last is not None and moving.any():
        bodies, _, _ = dynamic.bodies(earlier(frame, last.frame))
        before[moving] = bodies.rows[index[moving]][:, MATRIX_AND_STATE]
    return Motion(np.ascontiguousarray(camera_blocks(then).blocks[:, :16]), before)
