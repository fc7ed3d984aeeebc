"""Checkpoints: folders with settings, tokenizer and safetensors, written under a temporary name and renamed when whole."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.config import ModelConfig, read_json
from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_sim.policy.tokenizer import DrivingTokenizer

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
SHARD_BYTES = 4_000_000_000


def save_pretrained(
    model: DrivingModel,
    tokenizer: DrivingTokenizer,
    folder: Path,
    *,
    dtype: torch.dtype = torch.float16,
    shard_bytes: int = SHARD_BYTES,
) -> None:
    """Write a checkpoint folder; one that is there already is replaced as a whole, never half.

    Weights are stored as `dtype`, in files of `shard_bytes` at most; tied ones are stored once. InputError for a weight that
    `dtype` cannot hold.
    """
    with new_folder(folder) as unfinished:
        model.config.save(unfinished)
        tokenizer.save(unfinished)
        write_weights(own_tensors(model), unfinished, dtype, shard_bytes)


def from_pretrained(folder: Path, *, dtype: torch.dtype = torch.float32) -> tuple[DrivingModel, DrivingTokenizer]:
    """Return the model of a checkpoint folder, on the CPU and ready to answer, and its tokenizer.

    InputError says what is missing or does not fit.
    """
    config = ModelConfig.load(folder)
    tokenizer = DrivingTokenizer.load(folder)
    model = empty_model(config)
    fill(model, dict(read_weights(folder)), dtype, folder)
    return model.eval(), tokenizer


@contextmanager
def new_folder(folder: Path) -> Generator[Path]:
    """Give out a folder beside `folder` to write into, and put it in its place when all went well."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield unfinished
        unfinished.chmod(0o755)
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
            os.replace(folder, old / "replaced")
            os.replace(unfinished, folder)
            shutil.rmtree(old)
        else:
            os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def own_tensors(model: DrivingModel) -> dict[str, Tensor]:
    """Return the weights by name without the output layer where it is the embedding."""
    state = dict(model.state_dict())
    if model.vlm.config.tie_word_embeddings:
        del state["vlm.lm_head.weight"]
    return state


def write_weights(
    state: Mapping[str, Tensor], folder: Path, dtype: torch.dtype, shard_bytes: int = SHARD_BYTES
) -> None:
    """Write weights as safetensors: one file, or numbered ones with an index in the way of transformers."""
    shards: list[dict[str, Tensor]] = [{}]
    filled = 0
    total = 0
    for name, value in state.items():
        stored = value.detach().to("cpu", dtype).contiguous()
        if not torch.isfinite(stored).all():
            raise InputError(f"the weight {name} has numbers that {dtype} cannot hold; store it as another type")
        size = stored.numel() * stored.element_size()
        if filled + size > shard_bytes and shards[-1]:
            shards.append({})
            filled = 0
        shards[-1][name] = stored
        filled += size
        total += size
    if len(shards) == 1:
        save_file(shards[0], folder / WEIGHTS_FILE, metadata={"format": "pt"})
        return
    places: dict[str, str] = {}
    for index, shard in enumerate(shards, start=1):
        name = f"model-{index:05d}-of-{len(shards):05d}.safetensors"
        save_file(shard, folder / name, metadata={"format": "pt"})
        places |= dict.fromkeys(shard, name)
    content = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / INDEX_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_weights(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """Yield the weights of a folder by name; InputError for a missing or damaged file."""
    if (folder / INDEX_FILE).is_file():
        places = read_json(folder / INDEX_FILE).get("weight_map")
        if not isinstance(places, dict):
            raise InputError(f"{folder / INDEX_FILE} has no weight_map")
        files = sorted({Path(str(name)).name for name in cast("dict[str, str]", places).values()})
    else:
        files = [WEIGHTS_FILE]
    for name in files:
        path = folder / name
        try:
            with safe_open(path, framework="pt") as stored:
                for key in stored.keys():  # noqa: SIM118 - the handle is no mapping
                    yield key, stored.get_tensor(key)
        except (OSError, SafetensorError) as error:
            raise InputError(f"{path} cannot be read as safetensors: {error}") from error


def empty_model(config: ModelConfig) -> DrivingModel:
    """Return a model without memory for its weights; InputError if the settings make no model."""
    try:
        with torch.device("meta"):
            return DrivingModel(config)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the settings describe no Qwen3-VL with an expert: {error}") from error


def fill(model: DrivingModel, state: Mapping[str, Tensor], dtype: torch.dtype, origin: Path) -> None:
    """Give an empty model its weights; InputError that names what is missing, unknown or of another shape."""
    wanted = {name: tuple(value.shape) for name, value in own_tensors(model).items()}
    missing = sorted(set(wanted) - set(state))
    unknown = sorted(set(state) - set(wanted))
    wrong = sorted(name for name in set(wanted) & set(state) if tuple(state[name].shape) != wanted[name])
    if missing or unknown or wrong:
        raise InputError(
            f"the weights in {origin} do not fit the model: "
            + "; ".join(
                f"{len(names)} {kind} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
                for kind, names in (("missing", missing), ("unknown", unknown), ("of another shape", wrong))
                if names
            )
        )
    model.load_state_dict({name: value.to(dtype) for name, value in state.items()}, strict=False, assign=True)
    if model.vlm.config.tie_word_embeddings:
        model.vlm.lm_head.weight = model.vlm.model.language_model.embed_tokens.weight
    model.restore_buffers()
    for parameter in model.parameters():
        parameter.requires_grad_(True)
