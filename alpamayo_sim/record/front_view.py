"""The picture of the front camera with the plan on the road and the reasoning below."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from alpamayo_sim.frames import Transform, compose, rig_to_world, to_local
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.policy.plan import PLAN_STEP_S, Plan
from alpamayo_sim.record.birds_eye import PLAN_END, PLAN_START
from alpamayo_sim.record.text import font_for, printable, wrap

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

FRONT_MOUNT = Transform(1.4, 0.0, 1.6)
"""Behind the windscreen, relative to the vehicle's origin, CARLA's local frame."""
FRONT_FOV_DEG = 90.0
_HALF_WIDTH_M = 0.9
_NEAREST_M = 1.5
"""What lies nearer to the camera's plane is not drawn."""
_STRENGTH = 0.5
_STILL_M = 0.3
"""A plan that leads no further has nothing to show on the road."""
_CAPTION_LINES = 2


def front_view(tick: TickRecord) -> Picture | None:
    """Return the front camera's picture [height, width, 3] RGB at a tick with plan and caption; None where there is none."""
    if tick.front_image is None or tick.plan is None:
        return tick.front_image
    picture = draw_plan(tick.front_image, tick.plan, tick.ego.transform)
    return _captioned(picture, tick.plan.reasoning)


def draw_plan(image: Picture, plan: Plan, ego: Transform) -> Picture:
    """Return a copy of the picture with the plan as a carpet as wide as a car, yellow where it begins to pink 6.4 s ahead.

    `ego` is the vehicle's pose when the picture was taken, CARLA world frame; the plan lies where it was made.
    """
    left, right = _edges(plan, compose(ego, FRONT_MOUNT))
    if left is None or right is None:
        return image.copy()
    height, width = image.shape[:2]
    carpet = image.copy()
    focal = 0.5 * width / np.tan(np.radians(FRONT_FOV_DEG) / 2.0)
    middle = np.array([width / 2.0, height / 2.0])
    for row in range(len(left) - 2, -1, -1):
        corners = np.stack([left[row], right[row], right[row + 1], left[row + 1]])
        if corners[:, 0].max() < _NEAREST_M:
            continue
        corners = _in_front(corners)
        pixels = focal * np.stack([corners[:, 1], -corners[:, 2]], axis=1) / corners[:, :1] + middle
        share = row / max(1, len(left) - 2)
        red, green, blue = (float(v) for v in PLAN_START + share * (PLAN_END - PLAN_START))
        points = np.round(np.clip(pixels, -1e4, 1e4) * 16.0).astype(np.int32)
        cv2.fillConvexPoly(carpet, points, (red, green, blue), cv2.LINE_AA, 4)
    return cv2.addWeighted(carpet, _STRENGTH, image, 1.0 - _STRENGTH, 0.0).astype(np.uint8, copy=False)


def _edges(plan: Plan, camera: Transform) -> tuple[Array | None, Array | None]:
    """The carpet's left and right edge [N, 3] in the camera's frame: x ahead, y right, z up; None for a plan that stands."""
    line = np.concatenate([np.zeros((1, 3)), plan.waypoints_rig])
    steps = np.diff(line[:, :2], axis=0)
    if np.hypot(steps[:, 0], steps[:, 1]).sum() < _STILL_M:
        return None, None
    ahead = np.gradient(line[:, :2], PLAN_STEP_S, axis=0)
    length = np.hypot(ahead[:, 0], ahead[:, 1])
    moving = length > 0.1
    if not moving.any():
        return None, None
    # Where the plan stands still the carpet keeps the direction of the last step.
    last = np.maximum.accumulate(np.where(moving, np.arange(len(line)), int(np.argmax(moving))))
    unit = ahead[last] / length[last][:, None]
    side = np.stack([-unit[:, 1], unit[:, 0], np.zeros(len(line))], axis=1) * _HALF_WIDTH_M
    left, right = (to_local(camera, rig_to_world(plan.rig_pose_t0, line + sign * side)) for sign in (1.0, -1.0))
    return left, right


def _in_front(corners: Array) -> Array:
    """A polygon [N, 3] cut at the nearest plane that is drawn."""
    kept: list[Array] = []
    for one, other in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if one[0] >= _NEAREST_M:
            kept.append(one)
        if (one[0] >= _NEAREST_M) != (other[0] >= _NEAREST_M):
            kept.append(one + (other - one) * (_NEAREST_M - one[0]) / (other[0] - one[0]))
    return np.stack(kept)


def _captioned(picture: Picture, words: str) -> Picture:
    """The picture with words at its lower edge, as films have them."""
    text = printable(words)
    if not text:
        return picture
    height, width = picture.shape[:2]
    size = max(10, height // 27)
    face = font_for(text, size)
    lines = wrap(text, face, int(0.9 * width), _CAPTION_LINES)
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    y = height - int(1.3 * size * len(lines)) - size // 2
    for line in lines:
        pen.text(
            (width / 2, y),
            line,
            (255, 255, 255),
            face,
            anchor="ma",
            stroke_width=max(1, size // 9),
            stroke_fill=(0, 0, 0),
        )
        y += int(1.3 * size)
    return np.asarray(image, dtype=np.uint8)
