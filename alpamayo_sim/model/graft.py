"""A driving model grown on Qwen3-VL: its weights as they are, rows for the new tokens, and an untrained expert beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from alpamayo_sim.errors import InputError, MissingExtraError
from alpamayo_sim.model.action_embedding import ActionEmbedding
from alpamayo_sim.model.checkpoint import empty_model, fill, read_weights
from alpamayo_sim.model.config import ImageConfig, read_json
from alpamayo_sim.model.driving_model import DrivingModel, action_output
from alpamayo_sim.model.expert import build_expert
from alpamayo_sim.model.presets import from_backbone
from alpamayo_sim.policy.tokenizer import TOKENIZER_FILE, DrivingTokenizer, read_tokenizer

EMBEDDING = "vlm.model.language_model.embed_tokens.weight"
OUTPUT = "vlm.lm_head.weight"
_KEPT = ("*.json", "*.safetensors")


def from_qwen(
    origin: str | Path, *, seed: int, dtype: torch.dtype = torch.bfloat16, images: ImageConfig | None = None
) -> tuple[DrivingModel, DrivingTokenizer]:
    """Return a driving model over the Qwen3-VL in a folder or under a hub id, and its tokenizer.

    The backbone's weights are those of `origin`; the new tokens' rows are the mean of the old ones with a little noise, and the
    expert is random, both from `seed`. InputError if `origin` holds no Qwen3-VL.
    """
    folder = qwen_folder(origin, *_KEPT)
    settings = qwen_settings(folder)
    text_tokens = qwen_tokenizer(folder)
    known = text_tokens.get_vocab_size(with_added_tokens=True)
    tokenizer = DrivingTokenizer.extend(text_tokens)
    config = from_backbone("qwen3-vl", settings, len(tokenizer), tokenizer.backbone_ids)
    config = replace(config, images=images or config.images)
    model = empty_model(config)
    generator = torch.Generator().manual_seed(seed)
    state = {f"vlm.{name}": value for name, value in read_weights(folder)}
    tied = bool(model.vlm.config.tie_word_embeddings)
    if tied:
        state.pop(OUTPUT, None)
    for name in (EMBEDDING,) if tied else (EMBEDDING, OUTPUT):
        if name not in state:
            raise InputError(f"{folder} holds no Qwen3-VL: it has no weight {name.removeprefix('vlm.')}")
        state[name] = with_new_rows(state[name], known, len(tokenizer), generator)
    state |= _untrained_expert(model, seed)
    fill(model, state, dtype, folder)
    return model.eval(), tokenizer


def with_new_rows(table: Tensor, known: int, wanted: int, generator: torch.Generator) -> Tensor:
    """Return a table of embeddings [wanted, width] whose rows from `known` on are the mean of the known ones and a little noise.

    Qwen's table has more rows than its tokenizer has tokens; those beyond were never trained and are replaced too.
    """
    old = table[:known].float()
    noise = torch.randn(wanted - known, table.shape[1], generator=generator)
    new = old.mean(0) + noise * old.std(0) * 0.1
    return torch.cat([old, new]).to(table.dtype)


def _untrained_expert(empty: DrivingModel, seed: int) -> dict[str, Tensor]:
    """Return random weights of all that Qwen3-VL does not bring, without building the backbone a second time."""
    config = empty.config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = {
            "expert": build_expert(empty.text_config, config.expert),
            "action_in_proj": ActionEmbedding(config.action_embedding, config.expert.hidden_size),
            "action_out_proj": action_output(config.expert.hidden_size),
        }
    return {f"{part}.{name}": value for part, module in parts.items() for name, value in module.state_dict().items()}


def qwen_folder(origin: str | Path, *patterns: str) -> Path:
    """Return the folder of a Qwen3-VL: the one given, or what the hub has under that id, fetched once.

    InputError if it is neither; MissingExtraError without the package that asks the hub.
    """
    if Path(origin).is_dir():
        return Path(origin)
    if not str(origin) or str(origin).count("/") != 1:
        raise InputError(f"{str(origin)!r} is neither a folder nor a hub id such as Qwen/Qwen3-VL-2B-Instruct")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise MissingExtraError("model", "huggingface_hub") from error
    try:
        return Path(snapshot_download(str(origin), allow_patterns=list(patterns)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise InputError(f"{origin} is no folder here and could not be fetched from the hub: {error}") from error


def qwen_settings(origin: str | Path) -> dict[str, Any]:
    """Return the settings of a Qwen3-VL in the form that transformers' `Qwen3VLConfig` takes; InputError for another model."""
    folder = qwen_folder(origin, "config.json")
    settings = read_json(folder / "config.json")
    if settings.get("model_type") != "qwen3_vl":
        raise InputError(
            f"{folder} holds no Qwen3-VL: expected model_type qwen3_vl, found {settings.get('model_type')!r}"
        )
    tied = bool(settings.get("tie_word_embeddings", settings["text_config"].get("tie_word_embeddings", False)))
    text = {**settings["text_config"], "tie_word_embeddings": tied}
    return {"text_config": text, "vision_config": settings["vision_config"], "tie_word_embeddings": tied}


def qwen_tokenizer(origin: str | Path) -> Tokenizer:
    """Return the tokenizer of a Qwen3-VL."""
    return read_tokenizer(qwen_folder(origin, TOKENIZER_FILE))
