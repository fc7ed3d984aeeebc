"""What shaders and culling need to know of cameras, for all cameras of a batch in one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alpamayo_sim.render.batch import CAMERA_FLOATS
from alpamayo_sim.render.camera import FAR_M, NEAR_M, CameraView

Floats = NDArray[np.floating]
PLANES = 6
NEAR_M_PER_PX, NEAR_REACH_M = 1.2, 600.0
"""Paint, kerbs and verges are drawn up to this many metres per pixel of focal length: a line is an eighth of a pixel there."""
PLACE = slice(20, 24)
"""Where a block holds the picture's place in the atlas, which the painter fills in: scale and offset in clip space."""


@dataclass(frozen=True)
class CameraBlocks:
    """K cameras: `blocks` [K, 36] as in `shaders/common.glsl`, `planes` [K, 6, 4] (inside is positive, unit normals: left,
    right, top, bottom, near, and where small things on the ground end), `eyes` [K, 3], `focal_px` [K].
    """

    blocks: NDArray[np.float32]
    planes: Floats
    eyes: Floats
    focal_px: Floats


@njit(cache=True)
def _fill(
    pose: NDArray[Any], size: NDArray[Any], focal: NDArray[Any], blocks: NDArray[Any], planes: NDArray[Any]
) -> None:
    depth_scale = (FAR_M + NEAR_M) / (FAR_M - NEAR_M)
    depth_shift = -2.0 * FAR_M * NEAR_M / (FAR_M - NEAR_M)
    clip = np.empty((4, 4))
    axes = np.empty((3, 3))
    for k in range(len(pose)):
        cp, cy, cr = np.cos(np.radians(pose[k, 3])), np.cos(np.radians(pose[k, 4])), np.cos(np.radians(pose[k, 5]))
        sp, sy, sr = np.sin(np.radians(pose[k, 3])), np.sin(np.radians(pose[k, 4])), np.sin(np.radians(pose[k, 5]))
        # Right, down, forward.
        axes[0, 0], axes[0, 1], axes[0, 2] = cy * sp * sr - sy * cr, sy * sp * sr + cy * cr, -cp * sr
        axes[1, 0], axes[1, 1], axes[1, 2] = cy * sp * cr + sy * sr, sy * sp * cr - cy * sr, -cp * cr
        axes[2, 0], axes[2, 1], axes[2, 2] = cp * cy, cp * sy, sp
        across, down = 2.0 * focal[k] / size[k, 0], 2.0 * focal[k] / size[k, 1]
        for c in range(3):
            clip[0, c], clip[1, c] = across * axes[0, c], down * axes[1, c]
            clip[2, c], clip[3, c] = depth_scale * axes[2, c], axes[2, c]
        for r in range(4):
            clip[r, 3] = -(clip[r, 0] * pose[k, 0] + clip[r, 1] * pose[k, 1] + clip[r, 2] * pose[k, 2])
        clip[2, 3] += depth_shift
        for r in range(4):
            for c in range(4):
                blocks[k, 4 * c + r] = clip[r, c]
        for c in range(3):
            blocks[k, 16 + c] = pose[k, c]
            blocks[k, 24 + c], blocks[k, 28 + c], blocks[k, 32 + c] = axes[0, c] / across, axes[1, c] / down, axes[2, c]
        blocks[k, 19] = 1.0 / focal[k]
        for p in range(5):
            row, sign = (
                (0, 1.0)
                if p == 0
                else (0, -1.0)
                if p == 1
                else (1, 1.0)
                if p == 2
                else (1, -1.0)
                if p == 3
                else (2, 1.0)
            )
            norm = 0.0
            for c in range(4):
                planes[k, p, c] = clip[3, c] + sign * clip[row, c]
                if c < 3:
                    norm += planes[k, p, c] ** 2
            for c in range(4):
                planes[k, p, c] /= np.sqrt(norm)
        reach = min(NEAR_M_PER_PX * focal[k], NEAR_REACH_M)
        ahead = 0.0
        for c in range(3):
            planes[k, 5, c] = -axes[2, c]
            ahead += axes[2, c] * pose[k, c]
        planes[k, 5, 3] = ahead + reach


def camera_blocks(cameras: Sequence[CameraView]) -> CameraBlocks:
    """Return the blocks of cameras; their places in the atlas are left open."""
    pose = np.array([c.transform for c in cameras], dtype=np.float64)
    size = np.array([(c.width, c.height) for c in cameras], dtype=np.float64)
    focal = np.array([c.focal_px for c in cameras], dtype=np.float64)
    blocks = np.zeros((len(cameras), CAMERA_FLOATS), dtype=np.float32)
    planes = np.empty((len(cameras), PLANES, 4))
    _fill(pose, size, focal, blocks, planes)
    return CameraBlocks(blocks, planes, pose[:, :3], focal)
