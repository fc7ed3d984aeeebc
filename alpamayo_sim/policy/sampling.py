"""How a policy samples, on any runtime."""

from __future__ import annotations

from dataclasses import dataclass

from alpamayo_sim.errors import InputError


@dataclass(frozen=True)
class SamplingConfig:
    """How to sample; the defaults are the published ones."""

    temperature: float = 0.6
    """0 takes the likeliest token; training by reward wants 1 and top_p 1."""
    top_p: float = 0.98
    max_reasoning_tokens: int = 256
    flow_steps: int | None = None
    """None takes the model's own number."""
    noise_scale: float = 1.0
    """Factor on the flow's initial noise."""
    flow_noise_level: float = 0.0
    """Above 0 one step of the flow is stochastic, so that the action has a likelihood; 0.2 is a sound value."""
    use_flow: bool = True
    use_tokens: bool = False
    """Write the trajectory as 128 tokens too."""

    def __post_init__(self) -> None:
        if self.temperature < 0.0 or not 0.0 < self.top_p <= 1.0 or self.max_reasoning_tokens < 1:
            raise InputError(
                "sampling takes a temperature of 0 or more, 0 < top_p <= 1 and one reasoning token or more; found "
                f"{self.temperature:g}, {self.top_p:g}, {self.max_reasoning_tokens}"
            )
