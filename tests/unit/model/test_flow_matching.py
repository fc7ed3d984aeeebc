"""The flow: its times, its integration, the likelihood of its stochastic step."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from alpamayo_sim.errors import InputError  # noqa: E402
from alpamayo_sim.model.action_embedding import ActionEmbedding, fourier_frequencies  # noqa: E402
from alpamayo_sim.model.config import ActionEmbeddingConfig  # noqa: E402
from alpamayo_sim.model.flow import (  # noqa: E402
    initial_noise,
    integrate,
    integrate_with_noise,
    step_log_density,
    training_times,
)

CPU = torch.device("cpu")


def _towards(target: torch.Tensor):
    """The exact velocity of a flow whose data are one point."""

    def velocity(actions: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        return (target - actions) / (1.0 - time)[:, None, None]

    return velocity


def _own(rows: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(index) for index in range(rows)]


def test_training_times_have_the_published_distribution() -> None:
    times = training_times(200_000, torch.Generator().manual_seed(0), CPU)
    assert times.min() >= 0.0
    assert times.max() <= 0.999
    # t = 0.999 (1 - b), b ~ Beta(1.5, 1): mean 0.6, P(b < x) = x^1.5.
    assert abs(float(times.mean()) - 0.999 * 0.4) < 2e-3
    below = float((times < 0.999 * 0.5).float().mean())
    assert abs(below - (1.0 - 0.5**1.5)) < 5e-3


@pytest.mark.parametrize("steps", [1, 5, 10])
def test_euler_reaches_the_point_that_the_flow_leads_to(steps: int) -> None:
    target = torch.randn(3, 64, 2, generator=torch.Generator().manual_seed(9))
    noise = initial_noise(_own(3), 64, CPU)
    assert torch.allclose(integrate(_towards(target), noise, steps).actions, target, atol=1e-5)


def test_a_stochastic_step_has_the_density_it_reports() -> None:
    target = torch.zeros(4, 64, 2)
    steps = torch.tensor([0, 1, 3, 2])
    sample = integrate_with_noise(_towards(target), initial_noise(_own(4), 64, CPU), 5, 0.3, steps, _own(4))
    again = step_log_density(_towards(target), sample, steps, 0.3)
    own = sample.log_probs[torch.arange(4), steps]
    assert torch.allclose(own, again, atol=1e-3)
    assert (sample.log_probs != 0).sum() == 4
    assert torch.allclose(sample.actions, target, atol=1e-5)


def test_a_stochastic_step_keeps_the_spread_of_the_flow() -> None:
    # Data N(0, 0.5^2): the exact velocity is (t s^2 - (1 - t)) / (t^2 s^2 + (1 - t)^2) x.
    spread = 0.5

    def velocity(actions: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        t = time[:, None, None]
        return (t * spread**2 - (1 - t)) / ((t * spread) ** 2 + (1 - t) ** 2) * actions

    rows = 300
    own = _own(rows)
    noise = initial_noise(own, 64, CPU)
    plain = float(integrate(velocity, noise, 50).actions.std())
    jolted = integrate_with_noise(velocity, noise, 50, 0.5, torch.full((rows,), 25), own)
    assert abs(float(jolted.actions.std()) - plain) < 0.01


def test_the_last_step_is_never_stochastic() -> None:
    with pytest.raises(InputError, match="not its last"):
        integrate_with_noise(_towards(torch.zeros(1, 64, 2)), torch.zeros(1, 64, 2), 5, 0.2, torch.tensor([4]), _own(1))


def test_fourier_features_are_the_published_ones() -> None:
    frequencies = fourier_frequencies(ActionEmbeddingConfig())[0]
    assert frequencies.shape == (10,)
    assert math.isclose(float(frequencies[0]), 1.0)
    assert math.isclose(float(frequencies[-1]), 100.0, rel_tol=1e-6)
    assert torch.allclose(frequencies[1:] / frequencies[:-1], torch.tensor(100.0 ** (1 / 9)), rtol=1e-5)
    short = fourier_frequencies(ActionEmbeddingConfig(frequency_dtype="bfloat16"))[0]
    assert torch.equal(short, frequencies.bfloat16().float())
    module = ActionEmbedding(ActionEmbeddingConfig(), 32)
    value = torch.tensor([0.37])
    expected = torch.cat([(2 * math.pi * 0.37 * frequencies).sin(), (2 * math.pi * 0.37 * frequencies).cos()]) * 2**0.5
    assert torch.allclose(module.timestep_fourier_encoder(value)[0], expected, atol=1e-4)
