"""Memory of a fixed size and place for a number of rows, which CUDA graphs can be recorded over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass
class Slot:
    """Cache, masks and the inputs and outputs of one step, for R rows and C columns; one context lives in it at a time.

    Columns from `used` on are free. The flow writes the keys and values of its waypoints there, and the next token does too.
    """

    keys: Tensor
    """[layers, R, key-value heads, C, head size]"""
    values: Tensor
    visible: Tensor
    """[R, C] bool: which of the used columns count."""
    used: Tensor
    """[1] int64: how many columns are in use, padding included."""
    position: Tensor
    """[R] int64: rotary position of the next token."""
    token: Tensor
    """[R] int64: the token to be read."""
    counted: Tensor
    """[R] bool: whether it counts; a row that has ended reads padding."""
    logits: Tensor
    """[R, vocabulary] float32: what follows the last token that counted."""
    actions: Tensor
    """[R, waypoints, 2] float32: noisy actions."""
    time: Tensor
    """[R] float32: their flow times."""
    velocity: Tensor
    """[R, waypoints, 2] float32"""
    graphs: dict[str, Any] = field(default_factory=dict[str, Any])
    owner: int = 0
    """Number of the context that the slot holds."""

    @property
    def rows(self) -> int:
        """R."""
        return self.visible.shape[0]

    @property
    def columns(self) -> int:
        """C."""
        return self.visible.shape[1]


def new_slot(
    *,
    rows: int,
    columns: int,
    layers: int,
    kv_heads: int,
    head_size: int,
    vocabulary: int,
    waypoints: int,
    device: torch.device,
    dtype: torch.dtype,
) -> Slot:
    """Return an empty slot."""
    shape = (layers, rows, kv_heads, columns, head_size)
    return Slot(
        torch.zeros(shape, device=device, dtype=dtype),
        torch.zeros(shape, device=device, dtype=dtype),
        torch.zeros(rows, columns, device=device, dtype=torch.bool),
        torch.zeros(1, device=device, dtype=torch.int64),
        torch.zeros(rows, device=device, dtype=torch.int64),
        torch.zeros(rows, device=device, dtype=torch.int64),
        torch.zeros(rows, device=device, dtype=torch.bool),
        torch.zeros(rows, vocabulary, device=device),
        torch.zeros(rows, waypoints, 2, device=device),
        torch.zeros(rows, device=device),
        torch.zeros(rows, waypoints, 2, device=device),
    )
