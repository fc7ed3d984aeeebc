"""The small operations between matrix products; on a GPU each is one kernel, made by torch.compile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor


def root_mean_square_norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Return x [..., width] divided by the root of its mean square (in float32), times `weight`."""
    wide = x.float()
    return weight * (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon)).to(x.dtype)


def gated(gate_up: Tensor) -> Tensor:
    """Return silu(gate) x up [..., intermediate] of [..., 2 x intermediate]."""
    gate, up = gate_up.chunk(2, dim=-1)
    return torch.nn.functional.silu(gate) * up


def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Return x [..., size] turned by the rotary embedding, halves against each other."""
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat([-second, first], dim=-1) * sine


def normed_and_rotated(x: Tensor, weight: Tensor, cosine: Tensor, sine: Tensor, epsilon: float) -> Tensor:
    """Return heads [R, T, heads, size] normalised each and turned; `cosine` and `sine` are [R, T, size]."""
    return rotated(root_mean_square_norm(x, weight, epsilon), cosine[..., None, :], sine[..., None, :])


def rotated_in_float32(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Return heads [N, P, heads, size] of a vision tower, turned in float32; `cosine` and `sine` are [P, 1, size]."""
    return rotated(x.float(), cosine, sine).to(x.dtype)


def angles(position: Tensor, inverse_frequencies: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return cosines and sines [..., head size] of rotary positions [...] that are the same on all three axes."""
    half = position.float()[..., None] * inverse_frequencies
    whole = torch.cat([half, half], dim=-1)
    return whole.cos().to(dtype), whole.sin().to(dtype)


@dataclass(frozen=True)
class Operations:
    """The operations as they run on a device."""

    norm: Callable[[Tensor, Tensor, float], Tensor]
    gated: Callable[[Tensor], Tensor]
    normed_and_rotated: Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor]
    rotated_in_float32: Callable[[Tensor, Tensor, Tensor], Tensor]


def operations(device: torch.device) -> Operations:
    """Return the operations for a device: compiled on a GPU, plain elsewhere."""
    plain = (root_mean_square_norm, gated, normed_and_rotated, rotated_in_float32)
    if device.type != "cuda":
        return Operations(*plain)
    compiled = [cast("Any", torch.compile(one, dynamic=True)) for one in plain]
    return Operations(*compiled)
