"""The probe: a small residual network over all cameras that looks for what each task needs and for where things are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from alpamayo_training.learnability.labels import THINGS

TASKS = {"light": 4, "lead": 2, "lateral": 2, "pedestrian": 1, "stop_sign": 1}
"""Outputs a task: light state logits; lead logit and distance; offset and heading; logit; logit."""
PLACED = ("lead", "lateral")
"""Tasks that also see the coarse layout of all pictures."""
CELL_PX = 8
LEAD_SCALE_M = 10.0
"""The network's unit of distance."""
PIXEL_MEAN, PIXEL_SCALE = 0.45, 0.25


@dataclass(frozen=True)
class ProbeSize:
    """Widths of the network; the default has 2 million parameters."""

    stem: int = 32
    stages: tuple[int, int, int] = (64, 96, 128)
    token: int = 96
    heads: int = 4
    """Looks a task."""
    layout: int = 8
    """Channels of the coarse picture that keeps its layout."""
    hidden: int = 128
    dropout: float = 0.2


@dataclass(frozen=True)
class Answers:
    """What the probe says of a batch, all [B] but for `light` [B, 4] and `aim`: logits of classes, metres, radians."""

    light: Tensor
    lead: Tensor
    lead_distance_m: Tensor
    lateral_offset_m: Tensor
    heading_error_rad: Tensor
    pedestrian: Tensor
    stop_sign: Tensor
    aim: Tensor
    """[B, cameras x rows x columns, THINGS] logits of where each thing is, in cells of CELL_PX; trained where it is known."""


class _Block(nn.Module):
    """Two 3 x 3 convolutions and a shortcut; the first may halve the picture."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.one = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.norm_one = nn.BatchNorm2d(after)
        self.two = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm_two = nn.BatchNorm2d(after)
        self.short = (
            nn.Conv2d(before, after, 1, stride, bias=False) if stride != 1 or before != after else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, after, H / stride, W / stride]."""
        inside = torch.relu(self.norm_one(self.one(x)))
        return torch.relu(self.norm_two(self.two(inside)) + self.short(x))


class _Tokens(nn.Module):
    """A feature map of every camera as tokens that know their camera, row and column."""

    def __init__(self, channels: int, token: int, cameras: int, rows: int, columns: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, token, 1)
        self.row = nn.Parameter(torch.randn(cameras, token, rows, 1) * 0.1)
        self.column = nn.Parameter(torch.randn(cameras, token, 1, columns) * 0.1)

    def forward(self, x: Tensor, batch: int) -> Tensor:
        """Return [B, cameras x rows x columns, token] of a map [B x cameras, channels, rows, columns]."""
        maps = self.project(x).unflatten(0, (batch, -1)) + self.row + self.column
        return maps.permute(0, 1, 3, 4, 2).flatten(1, 3)


class Probe(nn.Module):
    """See `forward`."""

    def __init__(self, cameras: int, height_px: int, width_px: int, size: ProbeSize | None = None) -> None:
        """Pictures' sides must be multiples of 16."""
        super().__init__()
        size = size or ProbeSize()
        a, b, c = size.stages
        self.cameras, self.heads = cameras, size.heads
        self.stem = nn.Sequential(
            nn.Conv2d(3, size.stem, 5, 2, 2, bias=False), nn.BatchNorm2d(size.stem), nn.ReLU(),
            nn.Conv2d(size.stem, size.stem, 3, 1, 1, bias=False), nn.BatchNorm2d(size.stem), nn.ReLU(),
        )  # fmt: skip
        self.fine = nn.Sequential(_Block(size.stem, a, 2), _Block(a, a))
        self.middle = nn.Sequential(_Block(a, b, 2), _Block(b, b))
        self.coarse = nn.Sequential(_Block(b, c, 2), _Block(c, c))
        rows, columns = height_px // 16, width_px // 16
        self.middle_tokens = _Tokens(b, size.token, cameras, rows * 2, columns * 2)
        self.coarse_tokens = _Tokens(c, size.token, cameras, rows, columns)
        self.norm = nn.LayerNorm(size.token)
        self.look = nn.Linear(size.token, len(TASKS) * size.heads)
        self.aim = nn.Linear(size.token, len(THINGS))
        self.layout = nn.Sequential(nn.Conv2d(c, size.layout, 1), nn.ReLU())
        self.layout_out = nn.Linear(cameras * size.layout * rows * columns, size.hidden)
        self.answers = nn.ModuleDict()
        for task, count in TASKS.items():
            seen = size.heads * size.token + (size.token + 1) * (task in THINGS) + size.hidden * (task in PLACED)
            self.answers[task] = nn.Sequential(
                nn.Dropout(size.dropout), nn.Linear(seen, size.hidden), nn.ReLU(), nn.Linear(size.hidden, count)
            )

    def forward(self, pictures: Tensor) -> Answers:
        """Return the answers for pictures uint8 [B, cameras, height, width, 3]."""
        x = pictures.flatten(0, 1).permute(0, 3, 1, 2)
        x = (x.to(self.look.weight.dtype) / 255.0 - PIXEL_MEAN) / PIXEL_SCALE
        return self.answer(x, len(pictures))

    def answer(self, x: Tensor, batch: int) -> Answers:
        """Return the answers for normalised pictures [B x cameras, 3, height, width]."""
        middle = self.middle(self.fine(self.stem(x.contiguous(memory_format=torch.channels_last))))
        coarse = self.coarse(middle)
        near = self.norm(self.middle_tokens(middle, batch))
        tokens = torch.cat([near, self.norm(self.coarse_tokens(coarse, batch))], dim=1)
        share = self.look(tokens).float().softmax(dim=1).to(tokens.dtype)
        looked = (share.transpose(1, 2) @ tokens).unflatten(1, (len(TASKS), self.heads)).flatten(2)
        aim = self.aim(near).float()
        aimed = aim.softmax(dim=1).to(near.dtype).transpose(1, 2) @ near
        surest = aim.amax(dim=1).to(near.dtype)
        flat = self.layout(coarse).unflatten(0, (batch, -1)).flatten(1)
        layout = torch.relu(self.layout_out(nn.functional.dropout(flat, 0.3, self.training)))
        out: dict[str, Tensor] = {}
        for k, (task, head) in enumerate(self.answers.items()):
            seen = [looked[:, k]]
            if task in THINGS:
                thing = THINGS.index(task)
                seen += [aimed[:, thing], surest[:, thing : thing + 1]]
            if task in PLACED:
                seen.append(layout)
            out[task] = head(torch.cat(seen, dim=1)).float()
        return Answers(
            light=out["light"],
            lead=out["lead"][:, 0],
            lead_distance_m=(1.0 + out["lead"][:, 1]) * LEAD_SCALE_M,
            lateral_offset_m=out["lateral"][:, 0],
            heading_error_rad=out["lateral"][:, 1] * 0.1,
            pedestrian=out["pedestrian"][:, 0],
            stop_sign=out["stop_sign"][:, 0],
            aim=aim,
        )


def parameter_count(model: nn.Module) -> int:
    """Return how many numbers are learned."""
    return sum(parameter.numel() for parameter in model.parameters())
