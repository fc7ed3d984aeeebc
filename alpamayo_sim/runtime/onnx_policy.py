"""A driving policy on ONNX Runtime, from an export folder, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpamayo_sim.model.config import ModelConfig
from alpamayo_sim.policy.observation import Observation
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.policy.sampling import SamplingConfig
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_sim.policy.trajectory_tokens import actions_of_bins
from alpamayo_sim.runtime.numpy_generation import generate
from alpamayo_sim.runtime.onnx_engine import CPU, OnnxEngine
from alpamayo_sim.runtime.policy import Drawn, mean_score, plans, prepare


@dataclass
class OnnxPolicy:
    """Plans by an exported model; every plan draws on from the policy's own generator."""

    engine: OnnxEngine
    config: ModelConfig
    tokenizer: DrivingTokenizer
    sampling: SamplingConfig
    random: np.random.Generator
    samples: int = 1

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        seed: int = 0,
        sampling: SamplingConfig | None = None,
        samples: int = 1,
        threads: int | None = None,
        providers: tuple[str, ...] = CPU,
    ) -> OnnxPolicy:
        """Return the policy of an export folder; InputError for a folder that is none."""
        engine = OnnxEngine.load(folder, threads=threads, providers=providers)
        return cls.on(engine, folder, seed=seed, sampling=sampling, samples=samples)

    @classmethod
    def on(
        cls,
        engine: OnnxEngine,
        folder: Path,
        *,
        seed: int = 0,
        sampling: SamplingConfig | None = None,
        samples: int = 1,
    ) -> OnnxPolicy:
        """Return the policy of an export folder whose graphs run on an engine that is there already."""
        return cls(
            engine,
            ModelConfig.load(folder),
            DrivingTokenizer.load(folder),
            sampling or SamplingConfig(),
            np.random.default_rng(seed),
            samples,
        )

    def plan(self, observation: Observation) -> Plan:
        """Return the plan for one observation."""
        return self.plan_many([observation])[0]

    def plan_many(self, observations: Sequence[Observation]) -> list[Plan]:
        """Return the plans for several observations, computed together."""
        prepared = prepare(observations, self.config, self.tokenizer)
        own = self.random.spawn(len(observations) * self.samples)
        found = generate(self.engine, prepared.pixels, prepared.ids, prepared.counted, self.sampling, own)
        actions = found.actions
        if actions is None:
            assert found.trajectory_bins is not None
            actions = actions_of_bins(found.trajectory_bins)
        drawn = Drawn(actions, found.text.token_ids, mean_score(found.text.log_probs), found.latency)
        return plans(observations, drawn, prepared, self.config, self.tokenizer)
