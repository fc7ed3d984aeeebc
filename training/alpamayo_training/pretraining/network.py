"""The tower with the heads that are thrown away, and the loss of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_sim.policy.patches import MERGE, PATCH_PX
from alpamayo_training.learnability.model import Answers
from alpamayo_training.learnability.training import aim_loss, disturb, loss_of
from alpamayo_training.pretraining.feed import Batch
from alpamayo_training.pretraining.heads import DenseHead, MomentHead
from alpamayo_training.pretraining.losses import Target, dense_losses, targets_of
from alpamayo_training.pretraining.tower import Tower, patches_of

DEEP_WEIGHT = 0.4
"""Of what the tokens of a deeper layer are asked, beside the last ones'."""
MOMENT_WEIGHT, AIM_WEIGHT, MOTION_WEIGHT = 0.5, 0.1, 0.2


@dataclass(frozen=True)
class Said:
    """What the network says of a batch: dense outputs of the last tokens and of deeper ones, the moment's answers and motion."""

    dense: list[dict[str, Tensor]]
    answers: Answers
    motion: Tensor


class Network(nn.Module):
    """Everything that is trained; `tower` is what remains."""

    def __init__(self, model: DrivingModel, cameras: int, height_px: int, width_px: int) -> None:
        super().__init__()
        self.tower = Tower(model)
        self.grid = (height_px // PATCH_PX, width_px // PATCH_PX)
        tokens = self.grid[0] * self.grid[1] // (MERGE * MERGE)
        self.dense = nn.ModuleList([DenseHead(self.tower.width) for _ in range(1 + self.tower.depths)])
        self.moment = MomentHead(self.tower.width, self.tower.depths, cameras, tokens)

    def forward(self, pictures: Tensor) -> Said:
        """Return what is said of pictures [B, camera, 2, 3, height, width] in [0, 1]."""
        batch = len(pictures)
        tokens, deeper = self.tower(patches_of(pictures.flatten(0, 1)), self.grid)
        dense = [head(one) for head, one in zip(self.dense, [tokens, *deeper], strict=True)]
        answers, motion = self.moment(tokens, deeper, batch)
        return Said(dense, answers, motion)


def pictures_of(frames: Tensor, generator: torch.Generator | None, dtype: torch.dtype) -> Tensor:
    """Return frames uint8 [B, camera, 2, height, width, 3] as pictures [B, camera, 2, 3, height, width] in [0, 1].

    With a generator each moment gets another brightness, contrast, tint and noise.
    """
    x = frames.movedim(-1, 3).to(dtype) / 255.0
    if generator is None:
        return x
    return disturb(x.flatten(1, 2), generator).unflatten(1, x.shape[1:3])


def losses_of(said: Said, batch: Batch) -> dict[str, Tensor]:
    """Return the weighted losses by name; their sum is what is minimised."""
    targets: dict[str, Target] = targets_of(batch.cells.flatten(0, 1))
    losses = {f"dense/{name}": loss for name, loss in dense_losses(said.dense[0], targets).items()}
    for deep in said.dense[1:]:
        loss = torch.stack(list(dense_losses(deep, targets).values())).sum()
        losses["dense_deep"] = losses.get("dense_deep", torch.zeros_like(loss)) + DEEP_WEIGHT * loss
    losses["moment"] = MOMENT_WEIGHT * loss_of(said.answers, batch.labels)
    losses["aim"] = AIM_WEIGHT * aim_loss(said.answers.aim, batch.aims)
    motion = batch.motion / torch.tensor([10.0, 0.1], device=batch.motion.device)
    losses["motion"] = MOTION_WEIGHT * nn.functional.smooth_l1_loss(said.motion, motion, beta=0.1)
    return losses
