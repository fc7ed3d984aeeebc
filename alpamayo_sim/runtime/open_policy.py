"""A policy from a checkpoint's folder, on the runtime that the folder is for; torch is imported for torch checkpoints only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from alpamayo_sim.errors import InputError, MissingExtraError
from alpamayo_sim.model.config import CONFIG_FILE, ImageConfig, ModelConfig, is_release
from alpamayo_sim.policy.sampling import SamplingConfig
from alpamayo_sim.runtime.manifest import MANIFEST_FILE, Manifest
from alpamayo_sim.runtime.policy import Policy

if TYPE_CHECKING:
    from alpamayo_sim.runtime.torch_policy import TorchPolicy

RANDOM_MODEL = "tiny"
Kind = Literal["random", "torch", "onnx"]
Device = Literal["auto", "cpu", "cuda", "tensorrt"]


@dataclass(frozen=True)
class OpenedPolicy:
    """A policy that is ready, and the pictures that it wants."""

    policy: Policy
    images: ImageConfig


def checkpoint_kind(checkpoint: str) -> Kind:
    """Return what a checkpoint is, having read its settings only; InputError for what is neither checkpoint nor export."""
    folder = Path(checkpoint)
    if checkpoint == RANDOM_MODEL and not folder.is_dir():
        return "random"
    if not folder.is_dir():
        raise InputError(
            f"--checkpoint takes a folder, of a torch checkpoint or of an ONNX export, or {RANDOM_MODEL!r} for a random model; "
            f"there is no folder {checkpoint!r}"
        )
    if (folder / MANIFEST_FILE).is_file():
        Manifest.load(folder)
        ModelConfig.load(folder)
        return "onnx"
    if (folder / CONFIG_FILE).is_file():
        if not is_release(folder):
            ModelConfig.load(folder)
        return "torch"
    raise InputError(
        f"{checkpoint} is neither a checkpoint (it has no {CONFIG_FILE}) nor an export (no {MANIFEST_FILE}); "
        "`alpamayo export` makes the latter"
    )


def open_policy(
    checkpoint: str, *, seed: int, sampling: SamplingConfig | None = None, device: Device = "auto"
) -> OpenedPolicy:
    """Return the policy of a checkpoint; `seed` is of what it draws. InputError for what is none, or for a missing package.

    On a CPU torch computes in float32, on a GPU in bfloat16; `auto` takes a GPU where torch sees one, and ONNX Runtime a CPU;
    `tensorrt` runs the engines that an export holds for the GPU at hand.
    """
    kind = checkpoint_kind(checkpoint)
    folder = Path(checkpoint)
    if kind == "onnx":
        from alpamayo_sim.runtime.onnx_policy import OnnxPolicy

        if device == "tensorrt":
            from alpamayo_sim.runtime.tensorrt_session import tensorrt_engine

            built = OnnxPolicy.on(tensorrt_engine(folder), folder, seed=seed, sampling=sampling)
            return OpenedPolicy(built, built.config.images)
        providers = ("CUDAExecutionProvider",) if device == "cuda" else ("CPUExecutionProvider",)
        exported = OnnxPolicy.load(folder, seed=seed, sampling=sampling, providers=providers)
        return OpenedPolicy(exported, exported.config.images)
    if device == "tensorrt":
        raise InputError(
            f"TensorRT runs exports with engines; {checkpoint} is none: `alpamayo export --to tensorrt` makes one"
        )
    try:
        import torch

        from alpamayo_sim.runtime.torch_policy import TorchPolicy
    except ImportError as error:
        raise MissingExtraError("model", str(error.name)) from error
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("torch sees no GPU here; leave --device away, or take --device cpu")
    where = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if where == "cuda" else torch.float32
    if kind == "torch":
        policy = TorchPolicy.load(folder, seed=seed, sampling=sampling, device=where, dtype=dtype)
    else:
        policy = _random_policy(seed, sampling or SamplingConfig(), where)
    return OpenedPolicy(policy, policy.model.config.images)


def _random_policy(seed: int, sampling: SamplingConfig, device: str) -> TorchPolicy:
    """A policy of random weights, the same ones whatever the seed of what it draws."""
    import numpy as np

    from alpamayo_sim.model.driving_model import new_model
    from alpamayo_sim.model.presets import preset
    from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer
    from alpamayo_sim.runtime.torch_policy import TorchPolicy

    tokenizer = tiny_tokenizer()
    model = new_model(preset(RANDOM_MODEL, len(tokenizer), tokenizer.backbone_ids), 0).to(device).eval()
    return TorchPolicy(model, tokenizer, sampling, np.random.default_rng(seed))
