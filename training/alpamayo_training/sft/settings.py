"""How a model is trained: frozen settings with the presets' defaults, stored with every run and checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from alpamayo_sim.errors import InputError

Stage = Literal["vlm", "expert", "joint"]
Precision = Literal["bf16", "fp32"]
Parallel = Literal["auto", "single", "ddp", "fsdp"]


@dataclass(frozen=True)
class LossWeights:
    """Weight of each loss's mean over a step."""

    reasoning: float = 1.0
    """Cross-entropy of the words, nats a token."""
    trajectory: float = 1.0
    """Cross-entropy of the bins, nats a token."""
    flow: float = 1.0
    """Mean squared error of the velocity."""
    auxiliary: float = 0.0
    """Of an auxiliary task's loss, where one is given."""
    stop_gradient: bool = True
    """Whether the flow's gradient ends at the expert, as published."""


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adapters in the backbone, in the place of training it whole."""

    rank: int = 0
    """0 trains the weights themselves."""
    alpha: float = 32.0
    vision: bool = False
    """Whether the vision tower gets adapters too; without it stays as it is."""


@dataclass(frozen=True)
class Settings:
    """All that decides what training does, given data and a model to begin with."""

    stage: Stage = "joint"
    """vlm (words and bins), expert (the flow over a frozen backbone), or joint."""
    steps: int = 1000
    """Updates of the weights."""
    batch: int = 32
    """Samples a process takes at once."""
    accumulate: int = 1
    """Such parts that make up one update."""
    rate: float = 1e-3
    """Highest learning rate."""
    least_rate: float = 0.1
    """Share of it that is left at the end of the cosine."""
    warm_up: int = 50
    """Updates until the highest rate."""
    vision_rate: float = 1.0
    """Factor on the vision tower's rate."""
    expert_rate: float = 1.0
    """Factor on the expert's rate."""
    weight_decay: float = 0.05
    clip: float = 1.0
    """Largest norm of the gradient."""
    loss: LossWeights = field(default_factory=LossWeights)
    lora: LoraSettings = field(default_factory=LoraSettings)
    flow_draws: int = 4
    """Noises and times a sample, over one pass of the backbone."""
    precision: Precision = "bf16"
    """bf16 computes matrix products in bfloat16 (autocast); the weights that train are float32 either way."""
    recompute: bool = False
    """Compute every layer anew in the backward pass instead of remembering it."""
    disturb_pictures: float = 1.0
    """Factor on the changes of light and place; 0 trains on the pictures as they are."""
    drop_reasoning: float = 0.0
    """Share of samples whose answer begins with the trajectory; their words are not learned."""
    disturb_bins: float = 0.3
    """Share of samples whose bins are read with errors while the right ones are to be said, so that they are not merely
    continued: what teacher forcing alone teaches."""
    keyframe_weight: float = 4.0
    """How much oftener a sample with a label of its own is drawn."""
    rarity: float = 0.5
    """Samples are drawn as often as their decision's share to the power of minus this: 0 as they come, 1 all decisions alike."""
    seed: int = 0
    deterministic: bool = False
    """Only algorithms that give the same bits every time, where the device has such; a CPU's are so anyway."""

    def __post_init__(self) -> None:
        counts = {
            "steps": self.steps,
            "batch": self.batch,
            "accumulate": self.accumulate,
            "flow_draws": self.flow_draws,
        }
        for name, value in counts.items():
            if value < 1:
                raise InputError(f"{name} is 1 or more; found {value}")
        for name in ("drop_reasoning", "disturb_bins", "least_rate"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"{name} lies between 0 and 1; found {getattr(self, name):g}")
        if self.rate <= 0.0 or self.clip <= 0.0 or self.warm_up < 0:
            raise InputError(
                f"rate and clip are positive and warm_up is 0 or more; found {self.rate:g}, {self.clip:g}, {self.warm_up}"
            )
        if self.lora.rank and self.stage == "expert":
            raise InputError("stage expert leaves the backbone as it is, so it takes no --lora-rank")


PRESET_SETTINGS: Mapping[str, Settings] = {
    "tiny": Settings(),
    "2b": Settings(batch=2, accumulate=8, rate=1e-5, vision_rate=0.1, expert_rate=10.0, warm_up=500, flow_draws=2),
    "8b": Settings(
        batch=1, accumulate=8, rate=1e-5, vision_rate=0.1, expert_rate=10.0, warm_up=500, flow_draws=2, recompute=True
    ),
}
"""What the presets begin with. The large ones have the published rates: 1e-5 for the backbone, a tenth of it for the vision
tower, 1e-4 for the expert."""
LORA_RATE = 1e-4
"""Adapters take a higher rate than whole weights."""


def settings_from(stored: Mapping[str, Any]) -> Settings:
    """Return settings as `as_plain` wrote them; InputError for others."""
    try:
        content = dict(stored)
        loss, lora = LossWeights(**content.pop("loss")), LoraSettings(**content.pop("lora"))
        return Settings(loss=loss, lora=lora, **content)
    except (KeyError, TypeError) as error:
        known = ", ".join(one.name for one in fields(Settings))
        raise InputError(f"these are no settings of `alpamayo sft` ({error}); they are: {known}") from error


def as_plain(settings: Settings) -> dict[str, Any]:
    """Return settings as plain values."""
    return asdict(settings)
