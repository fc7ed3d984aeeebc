"""The parts of training, one by one: order, weights, rates, adapters, targets, cards, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sft_miniature import batch_of, maker_for, small_model, small_table  # noqa: E402

from alpamayo_sim.errors import InputError  # noqa: E402
from alpamayo_sim.model.action_embedding import fourier_frequencies  # noqa: E402
from alpamayo_sim.model.checkpoint import from_pretrained  # noqa: E402
from alpamayo_sim.model.sampling import TokenIds  # noqa: E402
from alpamayo_sim.policy.unicycle import drive  # noqa: E402
from alpamayo_training.sft.calm import calm_step  # noqa: E402
from alpamayo_training.sft.checkpoints import model_folder  # noqa: E402
from alpamayo_training.sft.distribution import Processes  # noqa: E402
from alpamayo_training.sft.frame_store import FrameStore, gather  # noqa: E402
from alpamayo_training.sft.lora import is_adapter, plain_tensors  # noqa: E402
from alpamayo_training.sft.objective import Objective, Totals  # noqa: E402
from alpamayo_training.sft.pictures import Changes, disturbed, shifted  # noqa: E402
from alpamayo_training.sft.preparation import DataChoice, prepared_table  # noqa: E402
from alpamayo_training.sft.sample_table import FRAMES_FILE, load_table, save_arrays  # noqa: E402
from alpamayo_training.sft.sampling_order import SamplingOrder, sample_weights  # noqa: E402
from alpamayo_training.sft.settings import LoraSettings, LossWeights, Settings, as_plain, settings_from  # noqa: E402
from alpamayo_training.sft.stages import Rates, optimizer_for, prepare  # noqa: E402
from alpamayo_training.sft.targets import learnable_actions  # noqa: E402
from alpamayo_training.sft.writing import write_model  # noqa: E402

ALONE = Processes(0, 1, torch.device("cpu"), "single")


def test_equal_weights_show_every_sample_once_a_round() -> None:
    order = SamplingOrder(np.arange(100, 113), np.ones(13), seed=3)
    first, second = order.take(0, 13), order.take(13, 13)
    assert sorted(first) == sorted(second) == list(range(100, 113))
    assert (first != second).any()
    assert np.array_equal(
        SamplingOrder(np.arange(100, 113), np.ones(13), seed=3).take(5, 15), [*first[5:], *second[:7]]
    )


def test_a_weight_says_how_often_a_sample_comes() -> None:
    weights = np.array([1.0, 1.0, 4.0, 2.0])
    drawn = SamplingOrder(np.arange(4), weights, seed=0).take(0, 4000)
    assert np.bincount(drawn) / 4000 == pytest.approx(weights / 8.0, abs=0.02)


def test_keyframes_and_rare_decisions_come_oftener() -> None:
    table = small_table(24)
    rare = [("yield", "turn") if row == 3 else ("set_speed_tracking", "lane_keeping") for row in range(24)]
    table = replace(table, decisions=tuple(rare), is_key=np.arange(24) == 5)
    weights = sample_weights(table, np.arange(24), Settings(keyframe_weight=4.0, rarity=0.5))
    assert weights[5] == pytest.approx(4.0 * weights[6])
    assert weights[3] == pytest.approx(weights[6] * np.sqrt(23.0))
    assert np.ptp(sample_weights(table, np.arange(24), Settings(keyframe_weight=1.0, rarity=0.0))) == 0.0


def test_rates_rise_and_fall_and_time_may_end_them() -> None:
    rates = Rates(1e-3, 0.1, 10, 100)
    values = [rates.at(step) for step in range(101)]
    assert int(np.argmax(values)) in range(8, 12)
    assert values[0] < 2e-4
    assert values[100] == pytest.approx(1e-4)
    assert rates.at(20, share=1.0) == pytest.approx(1e-4)


def test_parts_have_their_own_rates_and_vectors_do_not_decay() -> None:
    model, _ = small_model()
    settings = Settings(vision_rate=0.1, expert_rate=10.0)
    prepare(model, settings)
    groups = optimizer_for(model, settings).param_groups
    factors = {id(value): group["factor"] for group in groups for value in group["params"]}
    decays = {id(value): group["weight_decay"] for group in groups for value in group["params"]}
    assert factors[id(model.vlm.model.visual.blocks[0].attn.qkv.weight)] == 0.1
    assert factors[id(model.expert.layers[0].mlp.up_proj.weight)] == 10.0
    assert factors[id(model.vlm.model.language_model.norm.weight)] == 1.0
    assert decays[id(model.vlm.model.language_model.norm.weight)] == 0.0
    assert decays[id(model.vlm.model.language_model.layers[0].mlp.up_proj.weight)] == 0.05


def test_adapters_train_alone_and_are_written_as_plain_weights(tmp_path: Path) -> None:
    pytest.importorskip("peft")
    model, tokenizer = small_model()
    before = {name: value.clone() for name, value in model.named_parameters()}
    settings = Settings(stage="vlm", lora=LoraSettings(rank=4, vision=True), precision="fp32")
    prepare(model, settings)
    maker = maker_for(small_table(), stage="vlm")
    objective = Objective(model, TokenIds.of(tokenizer), "vlm", LossWeights())
    optimizer = optimizer_for(objective, replace(settings, rate=0.05))
    for _ in range(2):
        objective(batch_of(maker, [0, 1]), Totals(1.0, 1.0, 1.0)).total.backward()
        optimizer.step()
        optimizer.zero_grad()
    for name, value in model.named_parameters():
        assert value.requires_grad == is_adapter(name), name
        if not is_adapter(name):
            assert torch.equal(value, before[name.replace(".base_layer.", ".")]), name
    plain = plain_tensors(model)
    assert plain.keys() == {name for name in before}
    assert not torch.equal(
        plain["vlm.model.visual.blocks.0.attn.qkv.weight"], before["vlm.model.visual.blocks.0.attn.qkv.weight"]
    )
    write_model(model, tokenizer, tmp_path / "model", ALONE, torch.float32, "a card")
    again, _ = from_pretrained(tmp_path / "model")
    batch = batch_of(maker, [2, 3])
    with torch.no_grad():
        ours = objective(batch, Totals(1.0, 1.0, 1.0))
        theirs = Objective(again, TokenIds.of(tokenizer), "vlm", LossWeights())(batch, Totals(1.0, 1.0, 1.0))
    assert float(ours.reasoning) == pytest.approx(float(theirs.reasoning), rel=1e-4)
    assert float(ours.trajectory) == pytest.approx(float(theirs.trajectory), rel=1e-4)


def test_short_waves_move_by_as_much_less_as_they_are_shorter() -> None:
    model, _ = small_model()
    weight = model.action_in_proj.encoder.first.weight
    before = weight.detach().clone()
    with calm_step(model), torch.no_grad():
        weight += 1.0
    moved = (weight - before)[0].detach()
    wanted = 1.0 / fourier_frequencies(model.config.action_embedding)[0].repeat(6)
    assert torch.allclose(moved, wanted, atol=1e-5)


def test_targets_follow_the_path_without_ringing() -> None:
    own = np.random.default_rng(0)
    acceleration = np.repeat(own.uniform(-2.0, 2.0, 8), 8)
    curvature = np.repeat(own.uniform(-0.05, 0.05, 4), 16)
    path = drive(acceleration, curvature, 8.0)
    path[:, 2] = 0.0
    # The first speed is never known exactly: an exact inverse would answer with accelerations that alternate.
    found, turned = learnable_actions(path, 8.3)
    reached = drive(found, turned, 8.3)
    assert np.linalg.norm(reached[:, :2] - path[:, :2], axis=1).max() < 0.25
    assert np.abs(np.diff(found, n=2)).max() < 2.0 * np.abs(np.diff(acceleration, n=2)).max()


def test_a_standing_car_has_no_curvature() -> None:
    acceleration, curvature = learnable_actions(np.zeros((64, 3)), 0.0)
    assert np.abs(acceleration).max() < 1e-6
    assert np.abs(curvature).max() < 1e-6


def test_pictures_move_by_whole_pixels_and_change_their_light() -> None:
    frames = torch.arange(2 * 1 * 1 * 4 * 6 * 3, dtype=torch.float32).reshape(2, 1, 1, 4, 6, 3).to(torch.uint8)
    moved = shifted(frames, torch.tensor([[[1, -2]], [[0, 0]]]))
    assert torch.equal(moved[0, 0, 0, 1:, :-2], frames[0, 0, 0, :-1, 2:])
    assert torch.equal(moved[0, 0, 0, 0, :-2], frames[0, 0, 0, 0, 2:])
    assert torch.equal(moved[1], frames[1])
    changes = Changes(
        np.full((2, 1, 3), 0.5, np.float32), np.array([10.0, 0.0], np.float32), np.zeros((2, 1, 2), np.int64)
    )
    assert torch.equal(disturbed(frames, changes)[1], frames[1] * 0.5)
    assert torch.equal(disturbed(frames, changes)[0], (frames[0] * 0.5 + 10.0).clamp(0.0, 255.0))


def test_a_table_comes_back_from_the_disk(tmp_path: Path) -> None:
    table = small_table(12)
    np.save(tmp_path / FRAMES_FILE, table.frames[0:12])
    save_arrays(table, tmp_path)
    again = load_table(tmp_path)
    assert again.reasoning == table.reasoning
    assert again.decisions == table.decisions
    assert np.array_equal(again.future_xyz, table.future_xyz)
    rows = np.array([3, 3, 7])
    assert torch.equal(gather(again, rows), gather(table, rows))
    held = FrameStore.open(again.frames, "device", torch.device("cpu"))
    assert torch.equal(held.gather(table.frame_rows[rows]), gather(table, rows))
    (tmp_path / "samples.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match="damaged"):
        load_table(tmp_path)


def test_settings_come_back_and_wrong_ones_are_refused() -> None:
    settings = Settings(stage="vlm", lora=LoraSettings(rank=8), loss=LossWeights(flow=0.5))
    assert settings_from(as_plain(settings)) == settings
    with pytest.raises(InputError, match="steps"):
        settings_from({**as_plain(settings), "stepz": 3})
    for wrong in (
        {"steps": 0},
        {"drop_reasoning": 1.5},
        {"rate": 0.0},
        {"stage": "expert", "lora": LoraSettings(rank=4)},
    ):
        with pytest.raises(InputError):
            Settings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", ["synthetic:0", "synthetic:many", "nowhere"])
def test_data_that_are_none_are_refused(data: str) -> None:
    _, tokenizer = small_model()
    with pytest.raises(InputError):
        prepared_table(DataChoice(data), maker_for(small_table()).config.images)
    del tokenizer


def test_a_model_is_found_in_a_run_a_checkpoint_or_its_folder(tmp_path: Path) -> None:
    inner = tmp_path / "run" / "checkpoints" / "last" / "model"
    inner.mkdir(parents=True)
    (inner / "config.json").write_text("{}")
    for place in (tmp_path / "run", inner.parent, inner):
        assert model_folder(place) == inner
    with pytest.raises(InputError, match="found none"):
        model_folder(tmp_path)
