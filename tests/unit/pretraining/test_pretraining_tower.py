"""The tower that trains is the model's: the same patches, the same numbers as transformers', gradients everywhere."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from pretraining_miniature import CELLS, RIG, miniature, miniature_network  # noqa: E402

from alpamayo_sim.policy.patches import image_patches  # noqa: E402
from alpamayo_training.pretraining import cells as c  # noqa: E402
from alpamayo_training.pretraining.heads import OUTPUTS  # noqa: E402
from alpamayo_training.pretraining.losses import dense_losses, focal_loss, targets_of  # noqa: E402
from alpamayo_training.pretraining.network import pictures_of  # noqa: E402
from alpamayo_training.pretraining.tower import Tower, patch_order, patches_of  # noqa: E402


def frames(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (4, 2, RIG.height_px, RIG.width_px, 3), dtype=np.uint8)


def test_patches_are_the_policy_s() -> None:
    taken = frames()
    pictures = pictures_of(torch.from_numpy(taken)[None], None, torch.float32)
    assert patches_of(pictures.flatten(0, 1)).numpy() == pytest.approx(image_patches(taken, 2), abs=1e-6)


def test_tokens_are_those_of_transformers() -> None:
    model = miniature()
    patches = torch.from_numpy(image_patches(frames(), 2))
    grid = torch.tensor([[1, 2, 4]] * 4)
    with torch.no_grad():
        expected = model.vlm.model.visual(patches.flatten(0, 1), grid)
        tokens, deeper = Tower(model)(patches, (2, 4))
    assert torch.allclose(tokens.flatten(0, 1), expected.pooler_output, atol=1e-5)
    assert torch.allclose(deeper[0].flatten(0, 1), expected.deepstack_features[0], atol=1e-5)


def test_order_of_the_patches() -> None:
    """Each cell's own mean colour is found in the patch that the order says."""
    values = np.arange(CELLS, dtype=np.uint8).reshape(2, 4).repeat(16, axis=0).repeat(16, axis=1) * 20
    taken = np.broadcast_to(values[None, None, :, :, None], (1, 2, 32, 64, 3)).copy()
    order = patch_order(2, 4).numpy()
    means = (image_patches(taken, 2)[0].mean(axis=1) + 1.0) * 127.5
    assert means == pytest.approx(order * 20.0, abs=1e-3)


def test_every_weight_of_the_tower_gets_a_gradient() -> None:
    network = miniature_network()
    said = network(pictures_of(torch.from_numpy(frames())[None], None, torch.float32))
    sum(value.square().sum() for one in said.dense for value in one.values()).backward()
    without = [
        name for name, weight in network.tower.named_parameters() if weight.grad is None or not weight.grad.any()
    ]
    assert without == []


def some_cells(seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, 256, (3, CELLS, len(c.CHANNELS)), dtype=np.uint8)
    for name, most in (("group", 13), ("light", 3), ("light_own", 1), ("brake", 2), ("indicator", 4), ("in_lane", 2),
                       ("lane", 3), ("stop_sign", 2)):  # fmt: skip
        cells[..., c.CHANNEL[name]] %= most + 1
    cells[..., c.CHANNEL["present_high"]] &= 63
    return torch.from_numpy(cells)


def test_right_answers_cost_nothing_and_wrong_ones_do() -> None:
    targets = targets_of(some_cells(1))
    right, wrong = {}, {}
    for output in OUTPUTS:
        value = targets[output.name].value
        if output.kind == "class":
            value = torch.nn.functional.one_hot(value, output.width).float()
        sure = value if output.kind == "number" else (value * 2.0 - 1.0) * 30.0
        right[output.name], wrong[output.name] = sure, -sure if output.kind != "number" else sure + 3.0
        assert sure.shape[-1] == output.width, output.name
    assert max(float(loss) for loss in dense_losses(right, targets).values()) < 1e-4
    assert min(float(loss) for loss in dense_losses(wrong, targets).values()) > 0.1


def test_unknown_cells_do_not_count() -> None:
    cells = some_cells(2)
    cells[..., c.CHANNEL["light"]] = c.UNKNOWN
    for name in (
        "flow_x",
        "flow_y",
        "center_x",
        "center_y",
        "velocity_x",
        "velocity_y",
        "brake",
        "indicator",
        "lane",
        "lane_offset",
    ):
        cells[..., c.CHANNEL[name]] = 0
    losses = dense_losses({o.name: torch.randn(3, CELLS, o.width) for o in OUTPUTS}, targets_of(cells))
    silent = ("light", "light_own", "flow", "center", "velocity", "brake", "indicator", "lane", "lane_offset")
    assert {name: float(losses[name]) for name in silent} == dict.fromkeys(silent, 0.0)


def test_focal_loss_forgets_what_is_sure() -> None:
    value, counts = torch.tensor([[1.0, 0.0]]), torch.ones(1, 2)
    sure, unsure = torch.tensor([[6.0, -6.0]]), torch.tensor([[0.0, 0.0]])
    assert float(focal_loss(sure, value, counts)) < 1e-4 * float(focal_loss(unsure, value, counts))
