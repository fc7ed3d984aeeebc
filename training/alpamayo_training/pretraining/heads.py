"""The heads that are thrown away: one that reads every token for itself, one that reads a whole moment for the probe's labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from alpamayo_sim.policy.patches import MERGE
from alpamayo_training.learnability.labels import THINGS
from alpamayo_training.learnability.model import LEAD_SCALE_M, TASKS, Answers
from alpamayo_training.pretraining.cells import GROUPS

Kind = Literal["class", "focal", "yes_no", "number"]


@dataclass(frozen=True)
class Output:
    """What the dense head says of a cell under one name."""

    name: str
    kind: Kind
    width: int


OUTPUTS = (
    Output("group", "class", len(GROUPS)),
    Output("present", "yes_no", len(GROUPS)),
    Output("depth", "number", 1),
    Output("center", "number", 2),
    Output("flow", "number", 2),
    Output("velocity", "number", 2),
    Output("light", "focal", 3),
    Output("light_own", "yes_no", 1),
    Output("brake", "yes_no", 1),
    Output("indicator", "yes_no", 2),
    Output("person_in_lane", "focal", 1),
    Output("lead", "focal", 1),
    Output("lane", "class", 3),
    Output("lane_offset", "number", 1),
    Output("stop_sign", "focal", 2),
)
"""`light` are red, yellow, green; `stop_sign` any and the ego's; focal ones are rare, each its own yes or no."""
SIZES = [output.width for output in OUTPUTS]
RARE_PRIOR_LOGIT = -4.6
"""Rare things begin with a chance of one in a hundred."""
CELLS_A_TOKEN = MERGE * MERGE


class DenseHead(nn.Module):
    """One linear layer: what it tells lies open in the token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, CELLS_A_TOKEN * sum(SIZES))
        with torch.no_grad():
            bias = self.out.bias.zero_().view(CELLS_A_TOKEN, -1)
            for output, part in zip(OUTPUTS, bias.split(SIZES, dim=-1), strict=True):
                if output.kind == "focal":
                    part.fill_(RARE_PRIOR_LOGIT)

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        """Return of tokens [I, N, width] the outputs [I, N x CELLS_A_TOKEN, width] by name, in the order of the patches."""
        parts = self.out(self.norm(tokens)).unflatten(-1, (CELLS_A_TOKEN, -1)).flatten(1, 2).float()
        return {output.name: part for output, part in zip(OUTPUTS, parts.split(SIZES, dim=-1), strict=True)}


@dataclass(frozen=True)
class HeadSize:
    """Widths of the head over a moment."""

    width: int = 192
    layers: int = 2
    heads: int = 4
    looks: int = 4
    """Weighted means of all tokens that a task takes."""
    hidden: int = 128
    dropout: float = 0.1


class MomentHead(nn.Module):
    """A small transformer over the tokens of all cameras that answers what the learnability probe is asked."""

    def __init__(self, token_width: int, depths: int, cameras: int, tokens: int, size: HeadSize | None = None) -> None:
        super().__init__()
        size = size or HeadSize()
        self.looks = size.looks
        self.join = nn.Linear(token_width * (1 + depths), size.width)
        self.place = nn.Parameter(torch.randn(cameras * tokens, size.width) * 0.05)
        layer = nn.TransformerEncoderLayer(
            size.width, size.heads, 3 * size.width, size.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.mix = nn.TransformerEncoder(layer, size.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(size.width)
        self.look = nn.Linear(size.width, len(TASKS) * size.looks)
        self.aim = nn.Linear(size.width, len(THINGS))
        self.motion = nn.Linear(size.width, 2)
        self.answers = nn.ModuleDict()
        for task, count in TASKS.items():
            seen = size.looks * size.width + (size.width + 1) * (task in THINGS)
            self.answers[task] = nn.Sequential(nn.Linear(seen, size.hidden), nn.GELU(), nn.Linear(size.hidden, count))

    def forward(self, tokens: Tensor, deeper: list[Tensor], batch: int) -> tuple[Answers, Tensor]:
        """Return the answers to images [batch x cameras, N, width], and the ego's motion [B, 2].

        The motion is its speed in 10 m/s and its yaw rate in 0.1 rad/s.
        """
        joined = self.join(torch.cat([tokens, *deeper], dim=-1)).unflatten(0, (batch, -1)).flatten(1, 2)
        mixed = self.norm(self.mix(joined + self.place))
        share = self.look(mixed).float().softmax(dim=1).to(mixed.dtype)
        looked = (share.transpose(1, 2) @ mixed).unflatten(1, (len(TASKS), self.looks)).flatten(2)
        aim = self.aim(mixed).float()
        aimed = aim.softmax(dim=1).to(mixed.dtype).transpose(1, 2) @ mixed
        surest = aim.amax(dim=1).to(mixed.dtype)
        out: dict[str, Tensor] = {}
        for k, (task, head) in enumerate(self.answers.items()):
            seen = [looked[:, k]]
            if task in THINGS:
                thing = THINGS.index(task)
                seen += [aimed[:, thing], surest[:, thing : thing + 1]]
            out[task] = head(torch.cat(seen, dim=1)).float()
        answers = Answers(
            light=out["light"], lead=out["lead"][:, 0], lead_distance_m=(1.0 + out["lead"][:, 1]) * LEAD_SCALE_M,
            lateral_offset_m=out["lateral"][:, 0], heading_error_rad=out["lateral"][:, 1] * 0.1,
            pedestrian=out["pedestrian"][:, 0], stop_sign=out["stop_sign"][:, 0], aim=aim,
        )  # fmt: skip
        return answers, self.motion(mixed.mean(dim=1)).float()
