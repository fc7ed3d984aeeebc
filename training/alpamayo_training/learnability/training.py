"""Training the probe: everything on one device, a fixed number of passes or seconds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig
from alpamayo_training.learnability.dataset import SampleSet
from alpamayo_training.learnability.labels import THINGS
from alpamayo_training.learnability.model import CELL_PX, PIXEL_MEAN, PIXEL_SCALE, Answers, Probe, ProbeSize

_COPY_ROWS = 512
_LATERAL_BETA_M = 0.1
AIM_WEIGHT = 0.2


@dataclass(frozen=True)
class TrainingPlan:
    """How the probe is trained."""

    passes: int = 12
    batch: int = 192
    rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up_share: float = 0.1
    seed: int = 0
    deadline_s: float | None = None
    """Ends a training early, with the rate brought down in time."""


@dataclass(frozen=True)
class Loaded:
    """Samples on a device: `pictures` uint8 [N, camera, height, width, 3], `labels` one float32 [N] per field.

    `cells` int64 [N, THINGS, cameras] say in which cell of each picture a thing is, -1 for none, counted through all cameras.
    """

    pictures: Tensor
    labels: dict[str, Tensor]
    cells: Tensor


def load(sets: Sequence[SampleSet], device: torch.device) -> Loaded:
    """Return the samples of several sets on a device."""
    count = sum(len(one.labels) for one in sets)
    pictures = torch.empty((count, *sets[0].pictures.shape[1:]), dtype=torch.uint8, device=device)
    at = 0
    for one in sets:
        for first in range(0, len(one.labels), _COPY_ROWS):
            rows = np.array(one.pictures[first : first + _COPY_ROWS])
            pictures[at : at + len(rows)].copy_(torch.from_numpy(rows))
            at += len(rows)
    labels = np.concatenate([one.labels for one in sets])
    return Loaded(pictures, _tensors(labels, device), torch.from_numpy(cells_of(labels, rig_of(sets[0]))).to(device))


def rig_of(one: SampleSet) -> CameraRig:
    """Return the rig that a set was taken with; InputError for one that is not known."""
    about = one.about
    if about.rig != ALPAMAYO_RIG.name or about.cameras != ALPAMAYO_RIG.names:
        raise InputError(f"the samples come from the rig {about.rig!r}; expected {ALPAMAYO_RIG.name!r}")
    return replace(ALPAMAYO_RIG, width_px=about.width_px, height_px=about.height_px)


def cells_of(labels: NDArray[np.void], rig: CameraRig, cell_px: int = CELL_PX) -> NDArray[np.int64]:
    """Return the cells [N, THINGS, cameras] that the things' middles are in, -1 outside a picture or without a thing."""
    rows, columns = rig.height_px // cell_px, rig.width_px // cell_px
    cells = np.full((len(labels), len(THINGS), len(rig.cameras)), -1, dtype=np.int64)
    for t, thing in enumerate(THINGS):
        points = labels[f"{thing}_at_rig"].astype(np.float64)
        known = np.isfinite(points).all(axis=1) & (labels[thing] > 0)
        for c, camera in enumerate(rig.cameras):
            pixels, inside = rig.project(camera, np.where(known[:, None], points, 0.0))
            cell = (pixels // cell_px).astype(np.int64)
            index = (c * rows + cell[:, 1]) * columns + cell[:, 0]
            cells[:, t, c] = np.where(known & inside, index, -1)
    return cells


def _tensors(labels: NDArray[np.void], device: torch.device) -> dict[str, Tensor]:
    names = labels.dtype.names or ()
    return {name: torch.from_numpy(labels[name].astype(np.float32)).to(device) for name in names}


def disturb(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return pictures [B, cameras, 3, H, W] in [0, 1] with another brightness, contrast, tint and noise, alike in all cameras."""

    def draw(*shape: int) -> Tensor:
        return torch.rand((len(x), *shape), generator=generator, device=x.device, dtype=torch.float32)

    gain = (0.8 + 0.4 * draw(1, 1, 1, 1)) * (0.95 + 0.1 * draw(1, 3, 1, 1))
    shift = (draw(1, 1, 1, 1) - 0.5) * 0.08
    noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype) * 0.012
    return (x * gain.to(x.dtype) + shift.to(x.dtype) + noise).clamp(0.0, 1.0)


def aim_loss(aim: Tensor, cells: Tensor) -> Tensor:
    """Return how far `aim` [B, P, THINGS] is from pointing at `cells` [B, THINGS, cameras]: minus the log of what is there."""
    there = cells >= 0
    log_share = aim.log_softmax(dim=1).transpose(1, 2).gather(2, cells.clamp(min=0))
    picked = log_share.masked_fill(~there, -torch.inf).logsumexp(dim=2)
    known = there.any(dim=2)
    return _mean(-picked.masked_fill(~known, 0.0), known)


def loss_of(answers: Answers, truth: dict[str, Tensor]) -> Tensor:
    """Return the sum of the tasks' losses over the labels that count."""
    functional = torch.nn.functional
    light = truth["light"]
    total = _mean(functional.cross_entropy(answers.light, light.clamp(min=0).long(), reduction="none"), light >= 0)
    for logit, label in (
        (answers.lead, truth["lead"]), (answers.pedestrian, truth["pedestrian"]), (answers.stop_sign, truth["stop_sign"]),
    ):  # fmt: skip
        loss = functional.binary_cross_entropy_with_logits(logit, label.clamp(min=0.0), reduction="none")
        total = total + _mean(loss, label >= 0)
    gap = functional.smooth_l1_loss(
        answers.lead_distance_m / 10.0, truth["lead_distance_m"].nan_to_num() / 10.0, reduction="none", beta=0.1
    )
    total = total + _mean(gap, truth["lead"] == 1)
    counts = truth["lateral_counts"] == 1
    offset = functional.smooth_l1_loss(
        answers.lateral_offset_m, truth["lateral_offset_m"], reduction="none", beta=_LATERAL_BETA_M
    )
    heading = functional.smooth_l1_loss(
        answers.heading_error_rad * 10.0, truth["heading_error_rad"] * 10.0, reduction="none", beta=_LATERAL_BETA_M
    )
    return total + _mean(2.0 * offset + heading, counts)


def _mean(values: Tensor, counts: Tensor) -> Tensor:
    return (values * counts).sum() / counts.sum().clamp(min=1.0)


def train(data: Loaded, plan: TrainingPlan, size: ProbeSize | None = None) -> Probe:
    """Return a trained probe; prints a line a pass."""
    device = data.pictures.device
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(plan.seed)
    generator = torch.Generator(device=device).manual_seed(plan.seed)
    count, cameras, height, width, _ = data.pictures.shape
    model = Probe(cameras, height, width, size).to(device)
    model = model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.rate, weight_decay=plan.weight_decay)
    batch = min(plan.batch, count)
    steps_a_pass = count // batch
    began = time.monotonic()
    step, share = 0, 0.0
    for number in range(plan.passes):
        order = torch.randperm(count, generator=generator, device=device)
        total = torch.zeros((), device=device)
        for k in range(steps_a_pass):
            share = step / (steps_a_pass * plan.passes)
            if plan.deadline_s is not None:
                share = max(share, (time.monotonic() - began) / plan.deadline_s)
            if share >= 1.0:
                break
            for group in optimizer.param_groups:
                group["lr"] = plan.rate * _rate(share, plan.warm_up_share)
            rows = order[k * batch : (k + 1) * batch]
            loss = _step(model, optimizer, data, rows, generator)
            total += loss
            step += 1
        print(
            f"pass {number + 1} of {plan.passes}: loss {float(total) / max(1, steps_a_pass):.4f}, "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )
        if share >= 1.0:
            break
    return model.eval()


def _rate(share: float, warm_up: float) -> float:
    """Return the share of the highest rate: up in a line, then down in a half cosine."""
    if share < warm_up:
        return max(0.02, share / warm_up)
    return 0.5 * (1.0 + float(np.cos(np.pi * (share - warm_up) / (1.0 - warm_up))))


def _step(
    model: Probe, optimizer: torch.optim.Optimizer, data: Loaded, rows: Tensor, generator: torch.Generator
) -> Tensor:
    on_gpu = data.pictures.device.type == "cuda"
    dtype = torch.bfloat16 if on_gpu else torch.float32
    pictures = data.pictures[rows].permute(0, 1, 4, 2, 3).to(dtype) / 255.0
    x = (disturb(pictures, generator).flatten(0, 1) - PIXEL_MEAN) / PIXEL_SCALE
    model.train()
    with torch.autocast(data.pictures.device.type, dtype=torch.bfloat16, enabled=on_gpu):
        answers = model.answer(x, len(rows))
    loss = loss_of(answers, {name: values[rows] for name, values in data.labels.items()})
    loss = loss + AIM_WEIGHT * aim_loss(answers.aim, data.cells[rows])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.detach()
