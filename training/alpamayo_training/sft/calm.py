"""The flow kept calm while it is trained: how fast it may come to turn on tiny changes of an action.

The expert reads an action by waves of up to 100 periods a unit. Adam moves every weight by about the rate, whatever it
belongs to, so that the shortest waves would soon outweigh all others: the velocity then turns within hundredths of a unit, ten
Euler steps multiply a rounding error a hundred times and more, and an export cannot answer as the model does. Here the weights
of a wave move by the rate over its frequency, as if they had been stored times their frequency: what `ActionEmbedding` begins
with, kept up.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch

from alpamayo_sim.model.action_embedding import ACTION_SIZE, fourier_frequencies
from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_training.sft.distribution import local


@contextmanager
def calm_step(model: DrivingModel) -> Generator[None]:
    """Divide what an optimiser's step within changes of the first layer's weights [hidden, features] by their frequencies."""
    weight = model.action_in_proj.encoder.first.weight
    if not weight.requires_grad:
        yield
        return
    before = local(weight.detach()).clone()
    yield
    frequencies = fourier_frequencies(model.config.action_embedding)[0].repeat(2 * (ACTION_SIZE + 1))
    with torch.no_grad():
        now = local(weight.detach())
        now.copy_(before + (now - before) / frequencies.to(now))
