"""The presets: their sizes, and the published model's weights to the last number."""

from __future__ import annotations

import pytest

from alpamayo_sim.errors import InputError

torch = pytest.importorskip("torch")

from alpamayo_sim.model.checkpoint import empty_model, own_tensors  # noqa: E402
from alpamayo_sim.model.presets import preset  # noqa: E402
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer  # noqa: E402

QWEN = {"image": 151655, "video": 151656, "vision_start": 151652, "vision_end": 151653, "pad": 151643, "end": 151645}
VOCABULARY = 155_697


def test_the_published_model_has_the_published_number_of_parameters() -> None:
    model = empty_model(preset("alpamayo-1.5", VOCABULARY, QWEN))
    assert model.parameter_count() == 11_078_526_194
    assert sum(value.numel() for value in model.vlm.model.visual.parameters()) == 576_388_336
    others = [name for name in own_tensors(model) if not name.startswith("vlm.")]
    assert len(others) == 409  # 416 with the seven tables that R1 stores besides


def test_tiny_has_at_most_seven_million_parameters() -> None:
    tokenizer = tiny_tokenizer()
    config = preset("tiny", len(tokenizer), tokenizer.backbone_ids)
    assert 6_000_000 < empty_model(config).parameter_count() <= 7_000_000
    assert config.images.frames_per_camera == 4
    assert config.images.frames_per_image == 2
    assert config.tokens_per_image == 60


def test_the_2b_preset_is_qwens_2b_with_an_expert() -> None:
    model = empty_model(preset("2b", VOCABULARY, QWEN))
    assert model.vlm.config.tie_word_embeddings
    backbone = model.vlm.num_parameters() - VOCABULARY * 2048 + 151_936 * 2048
    assert backbone == 2_127_532_032  # Qwen3-VL-2B-Instruct


def test_an_unknown_preset_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="tiny, 2b, 8b"):
        preset("70b", VOCABULARY, QWEN)
