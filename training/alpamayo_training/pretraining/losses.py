"""What the dense head is asked, and how wrong its answers are; rare things weigh as much as common ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from alpamayo_training.pretraining import cells as c
from alpamayo_training.pretraining.heads import OUTPUTS

WEIGHTS = {
    "group": 0.5, "present": 2.0, "depth": 1.0, "center": 0.5, "flow": 0.5, "velocity": 0.5, "light": 1.0, "light_own": 0.5,
    "brake": 0.3, "indicator": 0.2, "person_in_lane": 0.5, "lead": 0.5, "lane": 0.5, "lane_offset": 0.5, "stop_sign": 0.5,
}  # fmt: skip
FOCUS = 2.0
"""Exponent of the focal loss: what is surely right hardly counts."""
POSITIVE_SHARE = 0.75
"""How much more a rare thing's presence counts than its absence."""
LEAST_SHARE = 1e-3
"""A batch with hardly anything of a kind does not make what it mistakes for it weigh without bounds."""
RARE_PRESENCE_WEIGHT = 4.0
CENTER_UNIT_PX, VELOCITY_UNIT_MPS, OFFSET_UNIT_M = 32.0, 5.0, 3.0
BETA = 0.1


@dataclass(frozen=True)
class Target:
    """What an output should say [I, cells, width], and where that counts (0 or 1, or a weight) [I, cells, width]."""

    value: Tensor
    counts: Tensor


def targets_of(cells: Tensor) -> dict[str, Target]:
    """Return the targets of cells uint8 [I, cells, channel]; a class target is [I, cells] int64."""

    def at(name: str) -> Tensor:
        return cells[..., c.CHANNEL[name]]

    def number(name: str, unit: float) -> Target:
        raw = at(name)
        return Target((raw.float() - 128.0)[..., None] * unit, (raw > 0).float()[..., None])

    def joined(one: Target, other: Target) -> Target:
        return Target(torch.cat([one.value, other.value], -1), torch.cat([one.counts, other.counts], -1))

    bits = at("present_low").int() | at("present_high").int() << 8
    present = torch.stack([bits >> k & 1 for k in range(len(c.GROUPS))], dim=-1).float()
    rare = torch.tensor([name in c.RARE for name in c.GROUPS], device=cells.device)
    light, known = at("light"), (at("light") != c.UNKNOWN).float()[..., None]
    states = torch.stack([light == state for state in (c.LIGHT_RED, c.LIGHT_YELLOW, c.LIGHT_GREEN)], dim=-1).float()
    lamp = ((light > 0) & (light != c.UNKNOWN)).float()[..., None]
    brake, indicator = at("brake"), at("indicator")
    blinks = torch.stack([_is_one_of(indicator, c.INDICATOR_LEFT), _is_one_of(indicator, c.INDICATOR_RIGHT)], -1)
    stop, in_lane, lane = at("stop_sign"), at("in_lane"), at("lane")
    always = torch.ones_like(lamp)
    return {
        "group": Target(at("group").long(), torch.ones_like(light, dtype=torch.float32)),
        "present": Target(present, torch.where(rare & (present > 0), RARE_PRESENCE_WEIGHT, 1.0)),
        "depth": Target(at("log_depth").float()[..., None] / 64.0, always),
        "center": joined(
            number("center_x", c.CENTER_STEP_PX / CENTER_UNIT_PX), number("center_y", c.CENTER_STEP_PX / CENTER_UNIT_PX)
        ),
        "flow": joined(number("flow_x", 1.0 / c.FLOW_STEPS), number("flow_y", 1.0 / c.FLOW_STEPS)),
        "velocity": joined(
            number("velocity_x", c.VELOCITY_STEP_MPS / VELOCITY_UNIT_MPS),
            number("velocity_y", c.VELOCITY_STEP_MPS / VELOCITY_UNIT_MPS),
        ),
        "light": Target(states, known),
        "light_own": Target(at("light_own").float()[..., None], lamp),
        "brake": Target((brake == c.BRAKE_ON).float()[..., None], (brake != c.LAMP_UNKNOWN).float()[..., None]),
        "indicator": Target(blinks.float(), (indicator != c.LAMP_UNKNOWN).float()[..., None]),
        "person_in_lane": Target((in_lane == c.IN_LANE_PERSON).float()[..., None], always),
        "lead": Target((in_lane == c.IN_LANE_LEAD).float()[..., None], always),
        "lane": Target((lane.long() - 1).clamp_min(0), (lane != c.LANE_NO_GROUND).float()),
        "lane_offset": number("lane_offset", c.OFFSET_STEP_M / OFFSET_UNIT_M),
        "stop_sign": Target(torch.stack([stop > 0, stop == c.STOP_OWN], dim=-1).float(), always),
    }


def _is_one_of(indicator: Tensor, side: int) -> Tensor:
    return (indicator == side) | (indicator == c.INDICATOR_BOTH)


def dense_losses(outputs: dict[str, Tensor], targets: dict[str, Target]) -> dict[str, Tensor]:
    """Return the weighted loss of every output, by name."""
    losses: dict[str, Tensor] = {}
    for output in OUTPUTS:
        said, target = outputs[output.name], targets[output.name]
        if output.kind == "class":
            loss = _mean(functional.cross_entropy(said.movedim(-1, 1), target.value, reduction="none"), target.counts)
        elif output.kind == "yes_no":
            loss = _mean(
                functional.binary_cross_entropy_with_logits(said, target.value, reduction="none"), target.counts
            )
        elif output.kind == "number":
            loss = _mean(functional.smooth_l1_loss(said, target.value, reduction="none", beta=BETA), target.counts)
        else:
            loss = focal_loss(said, target.value, target.counts)
        losses[output.name] = WEIGHTS[output.name] * loss
    return losses


def focal_loss(logits: Tensor, value: Tensor, counts: Tensor) -> Tensor:
    """Return the focal loss of rare yes or no questions, divided by the number of yes, at least LEAST_SHARE of all."""
    entropy = functional.binary_cross_entropy_with_logits(logits, value, reduction="none")
    wrong = torch.sigmoid(torch.where(value > 0.5, -logits, logits))
    share = torch.where(value > 0.5, POSITIVE_SHARE, 1.0 - POSITIVE_SHARE)
    yes = torch.maximum((value * counts).sum(), LEAST_SHARE * (counts.expand_as(value)).sum()).clamp_min(1.0)
    return (share * wrong**FOCUS * entropy * counts).sum() / yes


def _mean(values: Tensor, counts: Tensor) -> Tensor:
    return (values * counts).sum() / counts.sum().clamp_min(1.0)


def metres_of(depth: Tensor) -> Tensor:
    """Return what the output `depth` says, in metres."""
    return torch.exp(depth * (64.0 / 255.0) * math.log(c.FARTHEST_M / c.NEAREST_M)) * c.NEAREST_M
