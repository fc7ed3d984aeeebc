"""A driving policy on torch: the model as it was trained, on whatever device it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alpamayo_sim.model.driving_model import DrivingModel, ModelInputs
from alpamayo_sim.model.folders import from_folder
from alpamayo_sim.model.generation import generate
from alpamayo_sim.model.sampling import TokenIds
from alpamayo_sim.policy.observation import Observation
from alpamayo_sim.policy.patches import PATCH_PX
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.policy.sampling import SamplingConfig
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_sim.policy.trajectory_tokens import actions_of_bins
from alpamayo_sim.runtime.fast.model import FastModel
from alpamayo_sim.runtime.policy import Drawn, Prepared, mean_score, plans, prepare

MOST_CLOSING_TOKENS = 2


@dataclass
class TorchPolicy:
    """Plans by a model in torch; every plan draws on from the policy's own generator."""

    model: DrivingModel
    tokenizer: DrivingTokenizer
    sampling: SamplingConfig
    random: np.random.Generator
    samples: int = 1
    fast: bool | None = None
    """By the fast runtime (`runtime.fast`), or by transformers' own code; None: the former on a GPU."""
    _writer: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        fast = self.model.device.type == "cuda" if self.fast is None else self.fast
        waypoints = self.model.config.waypoints
        room = self.sampling.max_reasoning_tokens + MOST_CLOSING_TOKENS + waypoints
        room += 2 * waypoints if self.sampling.use_tokens else 0
        self._writer = FastModel(self.model, room=room) if fast else self.model

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        seed: int = 0,
        sampling: SamplingConfig | None = None,
        samples: int = 1,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        fast: bool | None = None,
    ) -> TorchPolicy:
        """Return the policy of a checkpoint folder; InputError for a folder that is none."""
        model, tokenizer = from_folder(folder, dtype=dtype)
        own = np.random.default_rng(seed)
        return cls(model.to(device), tokenizer, sampling or SamplingConfig(), own, samples, fast)

    def plan(self, observation: Observation) -> Plan:
        """Return the plan for one observation."""
        return self.plan_many([observation])[0]

    def plan_many(self, observations: Sequence[Observation]) -> list[Plan]:
        """Return the plans for several observations, computed together."""
        config = self.model.config
        prepared = prepare(observations, config, self.tokenizer)
        device = self.model.device
        seeds = self.random.integers(0, 2**63, len(observations) * self.samples)
        own = [torch.Generator(device).manual_seed(int(seed)) for seed in seeds]
        inputs = model_inputs(prepared, config.images.height_px, config.images.width_px).to(device)
        found = generate(self._writer, inputs, TokenIds.of(self.tokenizer), self.sampling, own)
        if found.flow is not None:
            actions = found.flow.actions.cpu().numpy()
        else:
            assert found.trajectory_bins is not None
            actions = actions_of_bins(found.trajectory_bins.cpu().numpy())
        drawn = Drawn(
            actions,
            found.token_ids.cpu().numpy(),
            mean_score(found.log_probs.cpu().numpy()),
            found.latency,
        )
        return plans(observations, drawn, prepared, config, self.tokenizer)


def model_inputs(prepared: Prepared, height_px: int, width_px: int) -> ModelInputs:
    """Return prepared observations as the model's tensors, on the CPU."""
    return ModelInputs(
        torch.from_numpy(prepared.ids),
        torch.from_numpy(prepared.counted),
        torch.from_numpy(prepared.pixels),
        (height_px // PATCH_PX, width_px // PATCH_PX),
    )
