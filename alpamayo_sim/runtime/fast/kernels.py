"""Triton kernels for what torch leaves slow on a GPU: one row through a large matrix, and few queries over a long cache.

A token's cost is the reading of all weights once. Matrix-vector kernels here read them at the memory's speed and do the norm
before and the sum or the gate after in the same pass; attention over the cache is split among the processors along the cache.
bfloat16 only; sums are float32, and results are rounded where transformers' own code rounds them.
"""

# pyright: basic, reportMissingImports=false, reportIndexIssue=false, reportCallIssue=false
from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from alpamayo_sim.runtime.fast.slot import Slot

STEP = 512
"""Weights of a row that are read at a time; the matrices' widths are multiples of it."""
SPLITS = 16
KEYS = 64


def _shapes() -> list[Any]:
    return [
        triton.Config({"ROWS": rows}, num_warps=warps) for rows, warps in ((4, 4), (8, 4), (8, 8), (16, 8))
    ]  # fmt: skip


@triton.jit
def _inverse_root(x, WIDTH: tl.constexpr, STEP: tl.constexpr, epsilon):
    total = tl.zeros([STEP], dtype=tl.float32)
    for start in range(0, WIDTH, STEP):
        part = tl.load(x + start + tl.arange(0, STEP)).to(tl.float32)
        total += part * part
    return tl.rsqrt(tl.sum(total, axis=0) / WIDTH + epsilon)


@triton.jit
def _part(x, norm, start, scale, NORM: tl.constexpr, STEP: tl.constexpr):
    at = start + tl.arange(0, STEP)
    part = tl.load(x + at).to(tl.float32)
    if NORM:
        part = (part * scale).to(tl.bfloat16).to(tl.float32)
        part = (part * tl.load(norm + at).to(tl.float32)).to(tl.bfloat16).to(tl.float32)
    return part


@triton.autotune(configs=_shapes(), key=["OUTPUTS", "WIDTH", "NORM", "ADD"])
@triton.jit
def _product(
    x, norm, weight, residual, out, epsilon,
    OUTPUTS: tl.constexpr, WIDTH: tl.constexpr, NORM: tl.constexpr, ADD: tl.constexpr,
    STEP: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = rows < OUTPUTS
    scale = 1.0
    if NORM:
        scale = _inverse_root(x, WIDTH, STEP, epsilon)
    total = tl.zeros([ROWS, STEP], dtype=tl.float32)
    for start in range(0, WIDTH, STEP):
        part = _part(x, norm, start, scale, NORM, STEP)
        at = rows[:, None].to(tl.int64) * WIDTH + (start + tl.arange(0, STEP))[None, :]
        tile = tl.load(weight + at, mask=inside[:, None], other=0.0, eviction_policy="evict_first")
        total += tile.to(tl.float32) * part[None, :]
    result = tl.sum(total, axis=1).to(tl.bfloat16)
    if ADD:
        result = (result.to(tl.float32) + tl.load(residual + rows, mask=inside, other=0.0).to(tl.float32)).to(
            tl.bfloat16
        )
    tl.store(out + rows, result.to(out.dtype.element_ty), mask=inside)


@triton.autotune(configs=_shapes(), key=["OUTPUTS", "WIDTH"])
@triton.jit
def _gated_product(
    x, norm, weight, out, epsilon,
    OUTPUTS: tl.constexpr, WIDTH: tl.constexpr, STEP: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = rows < OUTPUTS
    scale = _inverse_root(x, WIDTH, STEP, epsilon)
    gates = tl.zeros([ROWS, STEP], dtype=tl.float32)
    ups = tl.zeros([ROWS, STEP], dtype=tl.float32)
    for start in range(0, WIDTH, STEP):
        part = _part(x, norm, start, scale, True, STEP)
        at = rows[:, None].to(tl.int64) * WIDTH + (start + tl.arange(0, STEP))[None, :]
        gate = tl.load(weight + at, mask=inside[:, None], other=0.0, eviction_policy="evict_first")
        up = tl.load(weight + OUTPUTS * WIDTH + at, mask=inside[:, None], other=0.0, eviction_policy="evict_first")
        gates += gate.to(tl.float32) * part[None, :]
        ups += up.to(tl.float32) * part[None, :]
    gate = tl.sum(gates, axis=1).to(tl.bfloat16).to(tl.float32)
    up = tl.sum(ups, axis=1).to(tl.bfloat16).to(tl.float32)
    opened = (gate * tl.sigmoid(gate)).to(tl.bfloat16).to(tl.float32)
    tl.store(out + rows, (opened * up).to(tl.bfloat16), mask=inside)


@triton.jit
def _place_head(
    qkv, query_norm, key_norm, frequencies, position, used, query, keys, values, epsilon, columns,
    HEADS: tl.constexpr, KV_HEADS: tl.constexpr, SIZE: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(0)
    half = tl.arange(0, SIZE // 2)
    first = tl.load(qkv + head * SIZE + half)
    second = tl.load(qkv + head * SIZE + SIZE // 2 + half)
    column = tl.load(used)
    if head < HEADS + KV_HEADS:
        one, two = first.to(tl.float32), second.to(tl.float32)
        scale = tl.rsqrt((tl.sum(one * one, axis=0) + tl.sum(two * two, axis=0)) / SIZE + epsilon)
        weights = query_norm if head < HEADS else key_norm
        one = (
            ((one * scale).to(tl.bfloat16).to(tl.float32) * tl.load(weights + half).to(tl.float32))
            .to(tl.bfloat16)
            .to(tl.float32)
        )
        two = (
            ((two * scale).to(tl.bfloat16).to(tl.float32) * tl.load(weights + SIZE // 2 + half).to(tl.float32))
            .to(tl.bfloat16)
            .to(tl.float32)
        )
        angle = tl.load(position).to(tl.float32) * tl.load(frequencies + half)
        cosine = tl.cos(angle).to(tl.bfloat16).to(tl.float32)
        sine = tl.sin(angle).to(tl.bfloat16).to(tl.float32)
        first = ((one * cosine).to(tl.bfloat16).to(tl.float32) - (two * sine).to(tl.bfloat16).to(tl.float32)).to(
            tl.bfloat16
        )
        second = ((two * cosine).to(tl.bfloat16).to(tl.float32) + (one * sine).to(tl.bfloat16).to(tl.float32)).to(
            tl.bfloat16
        )
        if head < HEADS:
            tl.store(query + head * SIZE + half, first)
            tl.store(query + head * SIZE + SIZE // 2 + half, second)
        else:
            at = ((head - HEADS) * columns + column) * SIZE
            tl.store(keys + at + half, first)
            tl.store(keys + at + SIZE // 2 + half, second)
    else:
        at = ((head - HEADS - KV_HEADS) * columns + column) * SIZE
        tl.store(values + at + half, first)
        tl.store(values + at + SIZE // 2 + half, second)


@triton.jit
def _attend_split(
    query, keys, values, visible, used, partial, weights, columns, places, queries, factor,
    KV_HEADS: tl.constexpr, SIZE: tl.constexpr, BLOCK: tl.constexpr, KEYS: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    pair, block, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    row = pair // KV_HEADS
    item = block * BLOCK + tl.arange(0, BLOCK)
    size = tl.arange(0, SIZE)
    held = tl.load(used)
    end_of_all = held + places
    share = tl.cdiv(tl.cdiv(end_of_all, SPLITS), KEYS) * KEYS
    begin, end = split * share, tl.minimum((split + 1) * share, end_of_all)
    q = tl.load(
        query + (pair * queries + item)[:, None] * SIZE + size[None, :], mask=(item < queries)[:, None], other=0.0
    )
    largest = tl.full([BLOCK], -1.0e30, dtype=tl.float32)
    total = tl.zeros([BLOCK], dtype=tl.float32)
    result = tl.zeros([BLOCK, SIZE], dtype=tl.float32)
    base = pair.to(tl.int64) * columns
    for start in range(begin, end, KEYS):
        column = start + tl.arange(0, KEYS)
        inside = column < end
        seen = tl.load(visible + row * columns + column, mask=column < held, other=0) != 0
        allowed = inside & (seen | (column >= held))
        k = tl.load(keys + (base + column)[:, None] * SIZE + size[None, :], mask=inside[:, None], other=0.0)
        score = tl.dot(q, tl.trans(k)) * factor
        score = tl.where(allowed[None, :], score, -1.0e30)
        top = tl.maximum(largest, tl.max(score, axis=1))
        shrink = tl.exp(largest - top)
        chance = tl.where(allowed[None, :], tl.exp(score - top[:, None]), 0.0)
        v = tl.load(values + (base + column)[:, None] * SIZE + size[None, :], mask=inside[:, None], other=0.0)
        result = result * shrink[:, None] + tl.dot(chance.to(tl.bfloat16), v)
        total = total * shrink + tl.sum(chance, axis=1)
        largest = top
    at = (pair * queries + item) * SPLITS + split
    tl.store(partial + at[:, None] * SIZE + size[None, :], result, mask=(item < queries)[:, None])
    tl.store(weights + at * 2, largest, mask=item < queries)
    tl.store(weights + at * 2 + 1, total, mask=item < queries)


@triton.jit
def _attend_join(
    partial, weights, out, places, queries,
    KV_HEADS: tl.constexpr, GROUP: tl.constexpr, SIZE: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    pair, item = tl.program_id(0), tl.program_id(1)
    split, size = tl.arange(0, SPLITS), tl.arange(0, SIZE)
    at = (pair * queries + item) * SPLITS + split
    largest = tl.load(weights + at * 2)
    top = tl.max(largest, axis=0)
    share = tl.exp(largest - top)
    total = tl.sum(tl.load(weights + at * 2 + 1) * share, axis=0)
    parts = tl.load(partial + at[:, None] * SIZE + size[None, :])
    result = tl.sum(parts * share[:, None], axis=0) / total
    row, kv_head, member, place = pair // KV_HEADS, pair % KV_HEADS, item // places, item % places
    head = kv_head * GROUP + member
    tl.store(out + ((row * places + place) * KV_HEADS * GROUP + head) * SIZE + size, result.to(tl.bfloat16))


def product(x: Tensor, weight: Tensor, out: Tensor, *, norm: Tensor | None = None, epsilon: float = 0.0,
            residual: Tensor | None = None) -> Tensor:  # fmt: skip
    """Write weight [N, width] times (the norm of) x [width], plus `residual` [N], to `out` [N] and return it."""
    outputs, width = weight.shape
    grid = lambda meta: (triton.cdiv(outputs, meta["ROWS"]),)  # noqa: E731
    _product[grid](
        x, x if norm is None else norm, weight, x if residual is None else residual, out, epsilon,
        OUTPUTS=outputs, WIDTH=width, NORM=norm is not None, ADD=residual is not None, STEP=STEP,
    )  # fmt: skip
    return out


def gated_product(x: Tensor, norm: Tensor, weight: Tensor, out: Tensor, epsilon: float) -> Tensor:
    """Write silu(gate) x up of the norm of x [width] to `out` [N], for gates and ups `weight` [2 N, width]; return it."""
    outputs, width = weight.shape[0] // 2, weight.shape[1]
    grid = lambda meta: (triton.cdiv(outputs, meta["ROWS"]),)  # noqa: E731
    _gated_product[grid](x, norm, weight, out, epsilon, OUTPUTS=outputs, WIDTH=width, STEP=STEP)
    return out


def place_heads(
    qkv: Tensor, query_norm: Tensor, key_norm: Tensor, frequencies: Tensor, slot: Slot, index: int, query: Tensor,
    epsilon: float,
) -> None:  # fmt: skip
    """Turn one row's new heads [H + 2 K, D] and put queries to `query` [H, D], keys and values into the slot's free column."""
    heads, size = query.shape
    kv_heads = slot.keys.shape[2]
    _place_head[(heads + 2 * kv_heads,)](
        qkv, query_norm, key_norm, frequencies, slot.position, slot.used, query, slot.keys[index], slot.values[index],
        epsilon, slot.columns, HEADS=heads, KV_HEADS=kv_heads, SIZE=size, num_warps=1,
    )  # fmt: skip


def attend(slot: Slot, index: int, query: Tensor) -> Tensor:
    """See `text.Attend`; the cache is split among programs, whose parts a second kernel joins."""
    rows, places, heads, size = query.shape
    kv_heads = slot.keys.shape[2]
    group = heads // kv_heads
    queries = group * places
    grouped = query.unflatten(2, (kv_heads, group)).permute(0, 2, 3, 1, 4).contiguous()
    block = 16 if queries <= 16 else 64
    pairs = rows * kv_heads
    partial = torch.empty((pairs, queries, SPLITS, size), device=query.device, dtype=torch.float32)
    weights = torch.empty((pairs, queries, SPLITS, 2), device=query.device, dtype=torch.float32)
    _attend_split[(pairs, triton.cdiv(queries, block), SPLITS)](
        grouped, slot.keys[index], slot.values[index], slot.visible, slot.used, partial, weights, slot.columns, places,
        queries, size**-0.5, KV_HEADS=kv_heads, SIZE=size, BLOCK=block, KEYS=KEYS, SPLITS=SPLITS, num_warps=4,
    )  # fmt: skip
    out = torch.empty((rows, places, heads * size), device=query.device, dtype=query.dtype)
    _attend_join[(pairs, queries)](
        partial, weights, out, places, queries, KV_HEADS=kv_heads, GROUP=group, SIZE=size, SPLITS=SPLITS, num_warps=1
    )
    return out
