"""Where tokens stand for Qwen3-VL's rotary embedding: words in a row, an image's tokens in its rows and columns. Numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError


def prompt_positions(ids: NDArray[np.int64], image_id: int, rows: int, columns: int) -> NDArray[np.int64]:
    """Return positions [3, S] (time, row, column) of a prompt's tokens.

    An image of `rows` x `columns` tokens begins where the text before it ends and takes as much of the line as its longer
    side. InputError if the runs of `image_id` are no whole images.
    """
    positions = np.empty((3, len(ids)), dtype=np.int64)
    is_image = ids == image_id
    tokens = rows * columns
    row, column = np.divmod(np.arange(tokens), columns)
    at = begin = 0
    while at < len(ids):
        if not is_image[at]:
            positions[:, at] = begin
            at, begin = at + 1, begin + 1
            continue
        if at + tokens > len(ids) or not is_image[at : at + tokens].all():
            raise InputError(f"an image takes {tokens} places in the prompt; found fewer at place {at}")
        positions[:, at : at + tokens] = begin + np.stack([np.zeros_like(row), row, column])
        at, begin = at + tokens, begin + max(rows, columns)
    return positions


def next_position(positions: NDArray[np.int64]) -> int:
    """Return where the token after a prompt stands."""
    return int(positions.max()) + 1
