"""The losses of training against the model's own reading; sums that do not depend on how they are divided."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sft_miniature import batch_of, maker_for, small_model, small_table, totals_of  # noqa: E402

from alpamayo_sim.model.driving_model import ModelInputs  # noqa: E402
from alpamayo_sim.model.losses import Lesson, before_trajectory, token_losses  # noqa: E402
from alpamayo_sim.model.sampling import TokenIds  # noqa: E402
from alpamayo_sim.policy.patches import image_patches  # noqa: E402
from alpamayo_training.sft.forward import compute_layers_anew, read_whole  # noqa: E402
from alpamayo_training.sft.objective import Objective, Totals  # noqa: E402
from alpamayo_training.sft.pictures import device_patches  # noqa: E402
from alpamayo_training.sft.settings import LossWeights  # noqa: E402

ROWS = [1, 2, 9]


def test_patches_are_those_of_the_runtime() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 64, 96, 3), dtype=np.uint8)
    for per_image in (1, 2):
        wanted = np.concatenate([image_patches(own, per_image) for own in frames])
        assert torch.equal(device_patches(torch.from_numpy(frames), per_image), torch.from_numpy(wanted))


def test_one_pass_gives_what_reading_prompt_and_answer_gives() -> None:
    model, tokenizer = small_model()
    maker = maker_for(small_table(), disturb_bins=0.0, disturb_pictures=0.0)
    batch = batch_of(maker, ROWS)
    length = batch.targets.shape[1]
    inputs = ModelInputs(batch.ids[:, :-length], batch.counted[:, :-length], batch.patches, batch.grid)
    tokens = TokenIds.of(tokenizer)
    lesson = Lesson(batch.targets, batch.counted[:, -length:], batch.actions)
    with torch.no_grad():
        context = model.read_prompts(inputs)
        reasoning, trajectory = token_losses(model, context, lesson, tokens)
        visible, start = before_trajectory(context, lesson, tokens)
        passed = read_whole(model, batch.ids, batch.counted, batch.positions, batch.patches, batch.grid)
        objective = Objective(model, tokens, "joint", LossWeights())
        totals = totals_of(maker, ROWS)
        sums = objective(batch, totals)
    counted = batch.counted[:, None, :, None]
    for one, other in zip(passed.cache.layers, context.cache.layers, strict=True):
        assert torch.allclose(one.keys.where(counted, 0.0), other.keys.where(counted, 0.0), atol=1e-5)
        assert torch.allclose(one.values.where(counted, 0.0), other.values.where(counted, 0.0), atol=1e-5)
    assert sums.reasoning / totals.reasoning == pytest.approx(float(reasoning), rel=1e-5)
    assert sums.trajectory / totals.trajectory == pytest.approx(float(trajectory), rel=1e-5)
    errors = []
    for draw in range(batch.times.shape[1]):
        time, noise = batch.times[:, draw], batch.noise[:, draw]
        mixed = time[:, None, None] * batch.actions + (1.0 - time[:, None, None]) * noise
        with torch.no_grad():
            velocity = model.velocity(type_prefix(context), visible, start, mixed, time)
        errors.append((velocity - (batch.actions - noise)).square().mean())
    assert sums.flow / totals.flow == pytest.approx(float(torch.stack(errors).mean()), rel=1e-5)


def type_prefix(context: object) -> object:
    from alpamayo_sim.model.expert import PrefixCache

    return PrefixCache(context.cache)  # type: ignore[attr-defined]


def test_parts_of_an_update_add_up_to_the_whole() -> None:
    model, tokenizer = small_model()
    maker = maker_for(small_table(), drop_reasoning=0.3, disturb_bins=0.5)
    objective = Objective(model, TokenIds.of(tokenizer), "joint", LossWeights())
    whole = batch_of(maker, [0, 3, 8, 5], step=7)
    totals = totals_of(maker, [0, 3, 8, 5], step=7)
    objective(whole, totals).total.backward()
    wanted = {name: value.grad.clone() for name, value in model.named_parameters()}
    model.zero_grad()
    for rows, places in (([0], [0]), ([3, 8], [1, 2]), ([5], [3])):
        objective(batch_of(maker, rows, step=7, places=places), totals).total.backward()
    for name, value in model.named_parameters():
        assert torch.allclose(value.grad, wanted[name], rtol=1e-3, atol=1e-6), name


@pytest.mark.parametrize("stop_gradient", [True, False])
def test_layers_computed_anew_give_the_same_gradient(stop_gradient: bool) -> None:
    maker = maker_for(small_table())
    gradients = []
    for anew in (False, True):
        model, tokenizer = small_model()
        if anew:
            compute_layers_anew(model)
        objective = Objective(model, TokenIds.of(tokenizer), "joint", LossWeights(stop_gradient=stop_gradient))
        objective(batch_of(maker, ROWS), Totals(1.0, 1.0, 1.0)).total.backward()
        gradients.append({name: value.grad for name, value in model.named_parameters()})
    for name, gradient in gradients[0].items():
        assert torch.allclose(gradient, gradients[1][name], rtol=1e-4, atol=1e-7), name


@pytest.mark.parametrize(
    ("stage", "backbone", "expert"), [("vlm", True, False), ("expert", False, True), ("joint", True, True)]
)
def test_a_stage_reaches_its_own_weights(stage: str, backbone: bool, expert: bool) -> None:
    model, tokenizer = small_model()
    maker = maker_for(small_table(), stage=stage)
    objective = Objective(model, TokenIds.of(tokenizer), stage, LossWeights())  # type: ignore[arg-type]
    objective(batch_of(maker, ROWS), Totals(1.0, 1.0, 1.0)).total.backward()
    assert (model.vlm.model.visual.blocks[0].mlp.linear_fc1.weight.grad is not None) == backbone
    assert (model.expert.layers[0].mlp.up_proj.weight.grad is not None) == expert


def test_the_flow_does_not_reach_the_backbone_unless_asked_to() -> None:
    maker = maker_for(small_table(), stage="joint")
    for stop, reached in ((True, False), (False, True)):
        model, tokenizer = small_model()
        weights = LossWeights(reasoning=0.0, trajectory=0.0, stop_gradient=stop)
        Objective(model, TokenIds.of(tokenizer), "joint", weights)(
            batch_of(maker, ROWS), Totals(1, 1, 1)
        ).total.backward()
        gradient = model.vlm.model.language_model.layers[0].self_attn.k_proj.weight.grad
        assert bool(gradient.abs().sum() > 0) == reached


def test_what_is_drawn_for_a_sample_depends_on_its_place_alone() -> None:
    maker = maker_for(small_table(), disturb_bins=1.0, drop_reasoning=0.5)
    together = batch_of(maker, [4, 6], step=3, places=[10, 11])
    alone = batch_of(maker, [6], step=3, places=[11])
    assert torch.equal(together.noise[1], alone.noise[0])
    assert torch.equal(together.times[1], alone.times[0])
    assert torch.equal(together.patches[2:], alone.patches)
    assert torch.equal(together.ids[1][together.counted[1]], alone.ids[0][alone.counted[0]])
    other = batch_of(replace(maker, settings=replace(maker.settings, seed=1)), [6], step=3, places=[11])
    assert not torch.equal(other.noise, alone.noise)


def test_dropped_reasoning_is_neither_read_nor_learned() -> None:
    model, tokenizer = small_model()
    del model
    maker = maker_for(small_table(), drop_reasoning=1.0, disturb_bins=0.0)
    batch = batch_of(maker, ROWS)
    start = tokenizer.id("<|traj_future_start|>")
    assert (batch.targets[:, 1] == start).all()
    assert (batch.token_weights[:, :2] == 0.0).all()
    assert (batch.token_weights[:, 2:] == 1.0).all()


def test_bins_read_with_errors_are_said_right() -> None:
    table = small_table()
    clean = batch_of(maker_for(table, disturb_bins=0.0), ROWS)
    noisy = batch_of(maker_for(table, disturb_bins=1.0), ROWS)
    assert torch.equal(clean.targets, noisy.targets)
    length = clean.targets.shape[1]
    differing = clean.ids[:, -length:] != noisy.ids[:, -length:]
    first = TokenIds.of(maker_for(table).tokenizer).trajectory_start
    assert differing.float().mean() > 0.3
    assert (clean.targets[differing] >= first).all()
