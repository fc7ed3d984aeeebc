"""The probe: a small residual network over all cameras, with learned queries that look for what each task needs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

TASKS = {"light": 4, "lead": 2, "lateral": 2, "pedestrian": 1, "stop_sign": 1}
"""Outputs a task: light state logits; lead logit and distance; offset and heading; logit; logit."""
LEAD_SCALE_M = 10.0
"""The network's unit of distance."""
PIXEL_MEAN, PIXEL_SCALE = 0.45, 0.25


@dataclass(frozen=True)
class ProbeSize:
    """Widths of the network; the default has 2.4 million parameters."""

    stem: int = 32
    stages: tuple[int, int, int] = (64, 96, 128)
    token: int = 96
    queries: int = 4
    """A task."""
    heads: int = 4
    layout: int = 8
    """Channels of the coarse picture that keeps its layout."""
    hidden: int = 128


@dataclass(frozen=True)
class Answers:
    """What the probe says of a batch, all [B] but for `light` [B, 4]: logits of classes, metres, radians."""

    light: Tensor
    lead: Tensor
    lead_distance_m: Tensor
    lateral_offset_m: Tensor
    heading_error_rad: Tensor
    pedestrian: Tensor
    stop_sign: Tensor


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
        self.cameras = cameras
        self.stem = nn.Sequential(
            nn.Conv2d(3, size.stem, 5, 2, 2, bias=False),
            nn.BatchNorm2d(size.stem),
            nn.ReLU(),
            _Block(size.stem, size.stem),
        )
        self.fine = nn.Sequential(_Block(size.stem, a, 2), _Block(a, a))
        self.middle = nn.Sequential(_Block(a, b, 2), _Block(b, b))
        self.coarse = nn.Sequential(_Block(b, c, 2), _Block(c, c))
        rows, columns = height_px // 16, width_px // 16
        self.middle_tokens = _Tokens(b, size.token, cameras, rows * 2, columns * 2)
        self.coarse_tokens = _Tokens(c, size.token, cameras, rows, columns)
        self.norm = nn.LayerNorm(size.token)
        self.queries = nn.Parameter(torch.randn(len(TASKS) * size.queries, size.token) * 0.1)
        self.look = nn.MultiheadAttention(size.token, size.heads, batch_first=True)
        self.layout = nn.Sequential(
            nn.Conv2d(c, size.layout, 1), nn.ReLU(), nn.Flatten(),
        )  # fmt: skip
        self.layout_out = nn.Linear(cameras * size.layout * rows * columns, size.hidden)
        seen = size.queries * size.token + size.hidden
        self.answers = nn.ModuleDict(
            {
                task: nn.Sequential(nn.Linear(seen, size.hidden), nn.ReLU(), nn.Linear(size.hidden, count))
                for task, count in TASKS.items()
            }
        )

    def forward(self, pictures: Tensor) -> Answers:
        """Return the answers for pictures uint8 [B, cameras, height, width, 3]."""
        batch = len(pictures)
        x = pictures.flatten(0, 1).permute(0, 3, 1, 2)
        x = (x.to(self.queries.dtype) / 255.0 - PIXEL_MEAN) / PIXEL_SCALE
        return self.answer(x, batch)

    def answer(self, x: Tensor, batch: int) -> Answers:
        """Return the answers for normalised pictures [B x cameras, 3, height, width]."""
        middle = self.middle(self.fine(self.stem(x.contiguous(memory_format=torch.channels_last))))
        coarse = self.coarse(middle)
        tokens = torch.cat([self.middle_tokens(middle, batch), self.coarse_tokens(coarse, batch)], dim=1)
        tokens = self.norm(tokens)
        looked, _ = self.look(self.queries.expand(batch, -1, -1), tokens, tokens, need_weights=False)
        layout = torch.relu(self.layout_out(self.layout(coarse).unflatten(0, (batch, -1)).flatten(1)))
        groups = looked.unflatten(1, (len(TASKS), -1)).flatten(2)
        out = {
            task: head(torch.cat([groups[:, k], layout], dim=1)).float()
            for k, (task, head) in enumerate(self.answers.items())
        }
        return Answers(
            light=out["light"],
            lead=out["lead"][:, 0],
            lead_distance_m=(1.0 + out["lead"][:, 1]) * LEAD_SCALE_M,
            lateral_offset_m=out["lateral"][:, 0],
            heading_error_rad=out["lateral"][:, 1] * 0.1,
            pedestrian=out["pedestrian"][:, 0],
            stop_sign=out["stop_sign"][:, 0],
        )


def parameter_count(model: nn.Module) -> int:
    """Return how many numbers are learned."""
    return sum(parameter.numel() for parameter in model.parameters())
