"""Drawing tokens: frequencies, the nucleus, the masks."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from alpamayo_sim.errors import InputError  # noqa: E402
from alpamayo_sim.model.sampling import distribution, draw  # noqa: E402
from alpamayo_sim.policy.sampling import SamplingConfig  # noqa: E402


def test_draws_follow_the_distribution() -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    log_probs = distribution(logits, 0.7, 1.0)
    own = torch.Generator().manual_seed(0)
    drawn = torch.cat([draw(log_probs[None], 0.7, [own]) for _ in range(4000)])
    found = torch.bincount(drawn, minlength=4) / len(drawn)
    assert torch.allclose(found, torch.softmax(logits / 0.7, 0), atol=0.03)


def test_the_nucleus_is_the_smallest_set_that_reaches_its_share() -> None:
    logits = torch.log(torch.tensor([[0.05, 0.5, 0.15, 0.3], [0.97, 0.01, 0.01, 0.01]]))
    found = distribution(logits, 1.0, 0.75).exp()
    assert torch.allclose(found, torch.tensor([[0.0, 0.625, 0.0, 0.375], [1.0, 0.0, 0.0, 0.0]]), atol=1e-6)


@pytest.mark.parametrize("wrong", [{"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.1}, {"max_reasoning_tokens": 0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        SamplingConfig(**wrong)  # pyright: ignore[reportArgumentType]
