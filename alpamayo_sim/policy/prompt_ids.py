"""A prompt's text as ids: images take as many places as they have tokens, and past motion replaces its placeholders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.tokenizer import DrivingTokenizer

IMAGE_PLACE = "<|image_pad|>"
HISTORY_PLACE = "<|traj_history|>"


def prompt_ids(
    text: str, tokenizer: DrivingTokenizer, tokens_per_image: int, history_bins: NDArray[np.integer] | Sequence[int]
) -> NDArray[np.int64]:
    """Return the ids [S] of a prompt in which every image stands once as `<|image_pad|>`.

    `history_bins` are the bins of past displacements, as many as the text has `<|traj_history|>`; InputError otherwise.
    """
    ids = np.array(tokenizer.encode(text), dtype=np.int64)
    places = ids == tokenizer.id(HISTORY_PLACE)
    bins = np.asarray(history_bins, dtype=np.int64)
    if int(places.sum()) != len(bins):
        raise InputError(
            f"the prompt has {int(places.sum())} places {HISTORY_PLACE} for past motion; found {len(bins)} tokens of it"
        )
    ids[places] = tokenizer.history_start + bins
    return np.repeat(ids, np.where(ids == tokenizer.id(IMAGE_PLACE), tokens_per_image, 1))


def pad_left(rows: Sequence[NDArray[np.int64]], pad: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return prompts [B, S] of the longest one's length, padded on the left, and what of them is no padding."""
    length = max(len(row) for row in rows)
    ids = np.full((len(rows), length), pad, dtype=np.int64)
    counted = np.zeros((len(rows), length), dtype=np.bool_)
    for index, row in enumerate(rows):
        ids[index, length - len(row) :] = row
        counted[index, length - len(row) :] = True
    return ids, counted
