"""Noisy actions and the flow time as inputs of the action expert: Fourier features and a small network per waypoint.

Layer for layer what Alpamayo publishes as `PerWaypointActionInProjV2`, whose tensor names the modules here carry.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from alpamayo_sim.model.config import ActionEmbeddingConfig

ACTION_SIZE = 2
"""Acceleration and curvature, both normalised."""
_NORM_EPSILON = 1e-5


def fourier_frequencies(config: ActionEmbeddingConfig) -> Tensor:
    """Return the frequencies [1, features / 2], spaced evenly in their logarithm from 1 to the largest."""
    steps = config.fourier_features // 2
    frequencies = torch.logspace(0.0, math.log10(config.max_frequency), steps, dtype=torch.float32)
    if config.frequency_dtype == "bfloat16":
        frequencies = frequencies.to(torch.bfloat16).float()
    return frequencies[None]


class FourierFeatures(nn.Module):
    """sqrt(2) sin and sqrt(2) cos of 2 pi f x, computed in float32 whatever the model's type."""

    freqs: Tensor

    def __init__(self, config: ActionEmbeddingConfig) -> None:
        super().__init__()
        self._config = config
        self.register_buffer("freqs", fourier_frequencies(config), persistent=False)

    def reset_frequencies(self, device: torch.device) -> None:
        """Compute the frequencies anew, for a module that was built without memory or was cast to a shorter type."""
        self.freqs = fourier_frequencies(self._config).to(device)

    def forward(self, x: Tensor) -> Tensor:
        """Return [..., features] of numbers [...]."""
        angle = 2.0 * math.pi * x.float()[..., None] * self.freqs.float()
        return torch.cat([angle.sin(), angle.cos()], dim=-1) * math.sqrt(2.0)


class RootMeanSquareNorm(nn.Module):
    """Division by the root of the mean square, computed in float32, and a learned scale."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """Return x [..., size], normalised."""
        wide = x.float()
        scaled = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + _NORM_EPSILON)
        return scaled.type_as(x) * self.weight


class FeatureNetwork(nn.Module):
    """The layers between the features and the expert's width."""

    def __init__(self, inputs: int, hidden: int, outputs: int, layers: int) -> None:
        super().__init__()
        first = nn.Linear(inputs, hidden)
        parts: list[nn.Module] = [first, nn.SiLU()]
        for _ in range(layers - 1):
            parts += [RootMeanSquareNorm(hidden), nn.Linear(hidden, hidden), nn.SiLU()]
        parts += [RootMeanSquareNorm(hidden), nn.Linear(hidden, outputs)]
        self.trunk = nn.Sequential(*parts)

    @property
    def first(self) -> nn.Linear:
        """The layer that reads the features."""
        return cast("nn.Linear", self.trunk[0])

    def forward(self, features: Tensor) -> Tensor:
        """Return [..., outputs]."""
        return self.trunk(features)


class ActionEmbedding(nn.Module):
    """One embedding per waypoint of its noisy action and of the flow time, which all waypoints share."""

    def __init__(self, config: ActionEmbeddingConfig, outputs: int) -> None:
        super().__init__()
        self.sinus = nn.ModuleList(FourierFeatures(config) for _ in range(ACTION_SIZE))
        self.timestep_fourier_encoder = FourierFeatures(config)
        inputs = config.fourier_features * (ACTION_SIZE + 1)
        self.encoder = FeatureNetwork(inputs, config.hidden_size, outputs, config.layers)
        self.norm = nn.LayerNorm(outputs)
        self._calm(config)

    def _calm(self, config: ActionEmbeddingConfig) -> None:
        """Weigh every feature by one over its frequency at the start.

        With equal weights the untrained network turns round within a hundredth of a unit of action, so that Euler's steps
        multiply every rounding error tenfold and training begins with a function that is noise to it.
        """
        weight = self.encoder.first.weight
        frequencies = fourier_frequencies(config)[0].repeat(2 * (ACTION_SIZE + 1))
        with torch.no_grad():
            weight.div_(frequencies.to(weight))

    def forward(self, actions: Tensor, time: Tensor) -> Tensor:
        """Return [batch, waypoints, outputs] for noisy actions [batch, waypoints, 2] at flow times [batch]."""
        of_actions = [encode(actions[..., index]) for index, encode in enumerate(self.sinus)]
        of_time = self.timestep_fourier_encoder(time)[:, None].expand(-1, actions.shape[1], -1)
        features = torch.cat([*of_actions, of_time], dim=-1)
        return self.norm(self.encoder(features.to(self.norm.weight.dtype)))
