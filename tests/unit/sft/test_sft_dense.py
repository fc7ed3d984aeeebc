"""The dense loss of pretraining beside that of driving."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from sft_miniature import small_config  # noqa: E402

from alpamayo_sim.errors import InputError  # noqa: E402
from alpamayo_sim.model.driving_model import new_model  # noqa: E402
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer  # noqa: E402
from alpamayo_training.sft.dense_task import DenseChoice, DenseTask  # noqa: E402
from alpamayo_training.sft.objective import Objective, Trained  # noqa: E402

CPU = torch.device("cpu")


def made_up_views() -> Any:
    """The made-up pairs of the tests of pretraining."""
    path = Path(__file__).parents[1] / "pretraining" / "pretraining_miniature.py"
    spec = importlib.util.spec_from_file_location("pretraining_miniature", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("pretraining_miniature", module)
    spec.loader.exec_module(module)
    return module


def test_labelled_views_train_the_tower_and_the_heads_alone(tmp_path: Path) -> None:
    views = made_up_views()
    views.write_pairs(tmp_path, "train", "Gridvale", 12)
    model = views.miniature()
    task = DenseTask(model, DenseChoice(tmp_path, 4), CPU, seed=0)
    loss = task.loss(model, 3, 0)
    again, later, other = (task.loss(model, step, rank).item() for step, rank in ((3, 0), (4, 0), (4, 1)))
    assert loss.item() == again
    assert len({again, later, other}) == 3
    loss.backward()
    assert model.vlm.model.visual.blocks[0].attn.qkv.weight.grad is not None
    assert model.vlm.lm_head.weight.grad is None
    assert all(value.grad is not None for value in task.dense.parameters())
    own = {id(value) for value in model.parameters()}
    assert not any(id(value) in own for value in task.parameters())
    names = [name for name, _ in Trained(Objective(model, None, "joint", None), task).named_parameters()]  # type: ignore[arg-type]
    assert len(names) == len(set(names)) == len(own) + len(list(task.parameters()))


def test_views_of_another_size_are_refused(tmp_path: Path) -> None:
    made_up_views().write_pairs(tmp_path, "train", "Gridvale", 4)
    tokenizer = tiny_tokenizer()
    from dataclasses import replace

    from alpamayo_sim.model.config import ImageConfig

    model = new_model(replace(small_config(tokenizer), images=ImageConfig(96, 32, 2, 2)), 0)
    with pytest.raises(InputError, match="96 x 32"):
        DenseTask(model, DenseChoice(tmp_path, 2), CPU, seed=0)
