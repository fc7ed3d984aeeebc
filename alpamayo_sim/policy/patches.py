"""Camera frames as the flat patches that Qwen3-VL's vision tower reads, in numpy: no torch, no image processor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alpamayo_sim.errors import InputError

PATCH_PX = 16
MERGE = 2
"""Patches are merged two by two into one token."""
TEMPORAL = 2
"""Frames in one patch."""
PATCH_SIZE = 3 * TEMPORAL * PATCH_PX * PATCH_PX


def resize_frames(frames: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Return frames [..., height, width, 3] in another size, by bicubic resampling with antialiasing as Qwen's processor does."""
    if frames.shape[-3:-1] == (height_px, width_px):
        return frames
    flat = frames.reshape(-1, *frames.shape[-3:])
    resized = [
        np.asarray(Image.fromarray(frame).resize((width_px, height_px), Image.Resampling.BICUBIC)) for frame in flat
    ]
    return np.stack(resized).reshape(*frames.shape[:-3], height_px, width_px, 3)


def image_patches(frames: NDArray[np.uint8], frames_per_image: int) -> NDArray[np.float32]:
    """Return the patches [images, rows * columns, PATCH_SIZE] of frames [camera, frame, height, width, 3].

    `frames_per_image` 2 lays two successive frames into one image, 1 repeats each frame in it. Images keep the order of their
    cameras and frames. Values are (x / 255 - 0.5) / 0.5. Patches follow one another in blocks of MERGE x MERGE, and in a patch
    come colour, frame, row, column. InputError for other shapes or types.
    """
    if frames.ndim != 5 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise InputError(
            "camera frames are an array [camera, frame, height, width, 3] of uint8; "
            f"found {list(frames.shape)} of {frames.dtype}"
        )
    _, count, height, width, _ = frames.shape
    block = PATCH_PX * MERGE
    if height % block or width % block or count % frames_per_image or frames_per_image not in (1, TEMPORAL):
        raise InputError(
            f"frames have sides in multiples of {block} pixels and come {frames_per_image} to an image; "
            f"found {count} frames of {width} x {height}"
        )
    images = frames.reshape(-1, frames_per_image, height, width, 3)
    if frames_per_image == 1:
        images = np.repeat(images, TEMPORAL, axis=1)
    blocks = images.reshape(-1, TEMPORAL, height // block, MERGE, PATCH_PX, width // block, MERGE, PATCH_PX, 3)
    ordered = blocks.transpose(0, 2, 5, 3, 6, 8, 1, 4, 7)
    flat = ordered.reshape(len(images), -1, PATCH_SIZE).astype(np.float32)
    flat *= 1.0 / 127.5
    flat -= 1.0
    return flat
