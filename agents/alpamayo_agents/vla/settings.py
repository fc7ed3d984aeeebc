"""What a user can choose about the agent of a driving model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alpamayo_agents.vla.latency import parse_latency
from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.sampling import SamplingConfig
from alpamayo_sim.runtime.open_policy import checkpoint_kind

FASTEST_HZ = 10.0
"""Pictures come at this rate, and a plan begins with one."""


@dataclass(frozen=True)
class VlaSettings:
    """How a driving model drives."""

    checkpoint: str | None = None
    """With --agent vla: folder of a torch checkpoint or of an ONNX export, or `tiny` for a random model to try it with."""
    plan_rate: float = 2.0
    """With --agent vla: plans a second, at most 10; the next one begins when the last one is there, however late that is."""
    latency: str = "0"
    """With --agent vla: seconds of simulation time from a plan's pictures until it can be followed: a number, `measured` for what
    each plan really took, or a JSON file of samples: a list, or {"latency_s": [...]}, in which null is a plan that is lost."""
    late: Literal["hold", "brake"] = "hold"
    """With --agent vla: when plans are late, hold on to the last one as far as it goes, or brake at once."""
    late_after: float = 1.5
    """With --agent vla: seconds since its pictures after which a plan is late."""
    reasoning_tokens: int = 256
    """With --agent vla: tokens of reasoning at most."""
    temperature: float = 0.6
    """With --agent vla: of the sampling of words; 0 takes the likeliest."""
    device: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    """With --agent vla: where the model runs; auto takes a GPU for torch where there is one, tensorrt an export's engines."""

    def check(self) -> None:
        """Raise InputError for settings with which nothing can drive."""
        if self.checkpoint is None:
            raise InputError(
                "--agent vla takes the model from --checkpoint: a checkpoint's folder, an export's, or `tiny` for a random one"
            )
        self.check_numbers()
        checkpoint_kind(self.checkpoint)

    def check_numbers(self) -> None:
        """Raise InputError for settings that are out of their range, whatever the model."""
        if not 0.0 < self.plan_rate <= FASTEST_HZ:
            raise InputError(
                f"--plan-rate is more than 0 and at most {FASTEST_HZ:g} a second; found {self.plan_rate:g}"
            )
        if not 0.0 < self.late_after <= 6.4:
            raise InputError(
                f"--late-after is more than 0 and at most 6.4 s, as long as a plan is; found {self.late_after:g}"
            )
        parse_latency(self.latency)
        _ = self.sampling

    def details(self) -> dict[str, str]:
        """Return what a report says of the driver."""
        return {
            "checkpoint": self.checkpoint or "none",
            "plans": f"{self.plan_rate:g} a second",
            "latency": f"{self.latency} s" if parse_latency(self.latency).is_constant else Path(self.latency).name,
            "late_plans": f"{self.late} after {self.late_after:g} s",
        }

    @property
    def sampling(self) -> SamplingConfig:
        """How the model samples; InputError for numbers out of their range."""
        return SamplingConfig(temperature=self.temperature, max_reasoning_tokens=self.reasoning_tokens)
