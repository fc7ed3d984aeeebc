"""Patches are those of Qwen's own image processor."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.patches import image_patches, resize_frames


def _by_hand(image: np.ndarray) -> np.ndarray:
    """Patches of one image of two frames [2, height, width, 3], one number at a time as Qwen's processor orders them."""
    _, height, width, _ = image.shape
    rows: list[list[float]] = []
    for block_row in range(height // 32):
        for block_column in range(width // 32):
            for merge_row in range(2):
                for merge_column in range(2):
                    top, left = block_row * 32 + merge_row * 16, block_column * 32 + merge_column * 16
                    patch = image[:, top : top + 16, left : left + 16]
                    rows.append((patch.transpose(3, 0, 1, 2).reshape(-1) / 255.0 - 0.5) / 0.5)
    return np.array(rows)


def test_patches_in_order() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 4, 64, 96, 3), dtype=np.uint8)
    folded = image_patches(frames, 2)
    assert folded.shape == (4, 24, 1536)
    assert np.allclose(folded[1], _by_hand(frames[0, 2:]), atol=1e-6)
    assert np.allclose(folded[2], _by_hand(frames[1, :2]), atol=1e-6)
    single = image_patches(frames, 1)
    assert single.shape == (8, 24, 1536)
    assert np.allclose(single[5], _by_hand(np.repeat(frames[1, 1:2], 2, axis=0)), atol=1e-6)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((1, 2, 32, 40, 3), np.uint8),
        np.zeros((1, 2, 32, 32, 3), np.float32),
        np.zeros((1, 3, 32, 32, 3), np.uint8),
    ],
)
def test_other_frames_are_refused(frames: np.ndarray) -> None:
    with pytest.raises(InputError):
        image_patches(frames, 2)


def test_resizing_keeps_plain_colours_and_the_right_size() -> None:
    frames = np.full((2, 1, 108, 192, 3), (10, 200, 90), dtype=np.uint8)
    small = resize_frames(frames, 96, 64)
    assert small.shape == (2, 1, 64, 96, 3)
    assert (small == (10, 200, 90)).all()
    assert resize_frames(frames, 192, 108) is frames
