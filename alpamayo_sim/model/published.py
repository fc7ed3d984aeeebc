"""Alpamayo's own releases: folders with `config.json` and safetensors under the published names, read and written.

The release of Alpamayo 1.5 holds `vlm.*`, `expert.*`, `action_in_proj.*` and `action_out_proj.*`, which are the names of our
modules. R1 stores seven tables besides that follow from its settings (Fourier frequencies, action statistics); 1.5 leaves them
out. Neither holds the backbone's settings or its tokenizer: those come from the Qwen3-VL that `vlm_name_or_path` names, a
folder or a hub id, or another folder in its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.checkpoint import empty_model, fill, new_folder, own_tensors, read_weights, write_weights
from alpamayo_sim.model.config import RELEASES, ActionEmbeddingConfig, ExpertConfig, ModelConfig, read_json
from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_sim.model.graft import qwen_settings, qwen_tokenizer
from alpamayo_sim.model.presets import from_backbone
from alpamayo_sim.policy.tokenizer import FUTURE_TOKENS, TRAJECTORY_TOKENS, DrivingTokenizer

DERIVED = (
    "action_in_proj.sinus.0.freqs", "action_in_proj.sinus.1.freqs", "action_in_proj.timestep_fourier_encoder.freqs",
    "action_space.accel_mean", "action_space.accel_std", "action_space.curvature_mean", "action_space.curvature_std",
)  # fmt: skip
"""Tables that R1 stores and 1.5 does not; they follow from the settings."""
STATISTICS = ("accel_mean", "accel_std", "curvature_mean", "curvature_std")
NAMED_TOKENS = {
    "history": "<|traj_history|>",
    "future": "<|traj_future|>",
    "history_start": "<|traj_history_start|>",
    "future_start": "<|traj_future_start|>",
    "history_end": "<|traj_history_end|>",
    "future_end": "<|traj_future_end|>",
}
"""The release's names for tokens of the trajectory."""


def from_release(
    folder: Path, *, backbone: str | Path | None = None, dtype: torch.dtype = torch.bfloat16
) -> tuple[DrivingModel, DrivingTokenizer]:
    """Return the model in a release's folder and its tokenizer.

    `backbone` is a folder or hub id with Qwen3-VL's `config.json` and `tokenizer.json`; without it the one that the release
    names. InputError says what does not fit: another kind of model, other token ids, missing or unknown weights.
    """
    release = read_json(folder / "config.json")
    if release.get("model_type") not in RELEASES:
        raise InputError(
            f"{folder} holds no release of Alpamayo 1 or 1.5: expected model_type alpamayo1_5 or alpamayo_r1, found "
            f"{release.get('model_type')!r}"
        )
    origin = backbone if backbone is not None else str(release.get("vlm_name_or_path") or "")
    tokenizer = DrivingTokenizer.extend(qwen_tokenizer(origin))
    _check_tokens(release, tokenizer)
    config = release_config(release, qwen_settings(origin), tokenizer)
    state = {name: value for name, value in read_weights(folder) if name not in DERIVED}
    model = empty_model(config)
    fill(model, state, dtype, folder)
    return model.eval(), tokenizer


def release_config(release: Mapping[str, Any], backbone: Mapping[str, Any], tokenizer: DrivingTokenizer) -> ModelConfig:
    """Return our settings for a release's; InputError names a setting that it lacks or that this model does not have."""
    try:
        expert, embedding, space = release["expert_cfg"], release["action_in_proj_cfg"], release["action_space_cfg"]
        text = backbone["text_config"]
        for name in ("num_key_value_heads", "head_dim"):
            if name in expert and expert[name] != text[name]:
                raise InputError(
                    f"the expert reads the backbone's cache, so its {name} is {text[name]}; found {expert[name]}"
                )
        config = from_backbone(
            "alpamayo-1.5",
            backbone,
            int(release["vocab_size"]),
            tokenizer.backbone_ids,
            ExpertConfig(
                hidden_size=int(expert["hidden_size"]),
                intermediate_size=int(expert["intermediate_size"]),
                attention_heads=int(expert["num_attention_heads"]),
            ),
        )
        return replace(
            config,
            action_embedding=ActionEmbeddingConfig(
                fourier_features=int(embedding["num_fourier_feats"]),
                max_frequency=float(embedding["max_freq"]),
                layers=int(embedding["num_enc_layers"]),
                hidden_size=int(embedding["hidden_size"]),
                frequency_dtype="bfloat16" if release.get("keep_same_dtype", True) else "float32",
            ),
            waypoints=int(space["n_waypoints"]),
            flow_steps=int(release["diffusion_cfg"]["num_inference_steps"]),
            prompt_format="alpamayo-1.5" if release["model_type"] == "alpamayo1_5" else "alpamayo-1",
            action_statistics={name: float(space[name]) for name in STATISTICS},
        )
    except KeyError as error:
        raise InputError(f"the release's settings lack {error}") from error


def _check_tokens(release: Mapping[str, Any], tokenizer: DrivingTokenizer) -> None:
    """Refuse a release whose ids are not those that our tokenizer gives."""
    ours: dict[str, object] = {
        "traj_vocab_size": TRAJECTORY_TOKENS,
        "traj_token_start_idx": tokenizer.trajectory_start,
        "traj_token_ids": {name: tokenizer.id(token) for name, token in NAMED_TOKENS.items()},
        "vocab_size": len(tokenizer),
    }
    for name, value in ours.items():
        if release.get(name) != value:
            raise InputError(
                f"the release's {name} is {release.get(name)}, and this backbone's tokenizer makes it {value}; "
                "give the folder of the Qwen3-VL that it was built on"
            )


def save_release(
    model: DrivingModel,
    tokenizer: DrivingTokenizer,
    folder: Path,
    *,
    backbone: str,
    dtype: torch.dtype = torch.bfloat16,
    with_derived: bool = False,
    shard_bytes: int = 5_000_000_000,
) -> None:
    """Write a model as a release's folder, under the published names, for Alpamayo's own code to read.

    `backbone` is what the folder names as its Qwen3-VL; `with_derived` stores R1's seven tables too.
    """
    state: dict[str, Tensor] = own_tensors(model)
    statistics = model.config.action_statistics
    if with_derived:
        named = dict(model.named_buffers())
        state |= {
            name: named[name] if name in named else torch.tensor(statistics[name.rsplit(".", 1)[1]]) for name in DERIVED
        }
    with new_folder(folder) as unfinished:
        content = release_settings(model.config, tokenizer, backbone)
        (unfinished / "config.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        write_weights(state, unfinished, dtype, shard_bytes)


def release_settings(config: ModelConfig, tokenizer: DrivingTokenizer, backbone: str) -> dict[str, Any]:
    """Return a release's `config.json` for our settings."""
    newer = config.prompt_format == "alpamayo-1.5"
    package = "alpamayo1_5" if newer else "alpamayo_r1"
    space = f"{package}.action_space.unicycle_accel_curvature.UnicycleAccelCurvatureActionSpace"
    return {
        "architectures": ["Alpamayo1_5" if newer else "AlpamayoR1"],
        "model_type": package,
        "vlm_name_or_path": backbone,
        "vlm_backend": "qwenvl3",
        "vocab_size": len(tokenizer),
        "traj_vocab_size": TRAJECTORY_TOKENS,
        "traj_token_start_idx": tokenizer.trajectory_start,
        "traj_token_ids": {name: tokenizer.id(token) for name, token in NAMED_TOKENS.items()},
        "tokens_per_history_traj": 48,
        "tokens_per_future_traj": 2 * config.waypoints,
        "add_special_tokens": True,
        "include_camera_ids": newer,
        "include_frame_nums": newer,
        "keep_same_dtype": config.action_embedding.frequency_dtype == "bfloat16",
        "expert_non_causal_attention": True,
        "expert_cfg": {
            "hidden_size": config.expert.hidden_size,
            "intermediate_size": config.expert.intermediate_size,
            "num_attention_heads": config.expert.attention_heads,
            "num_key_value_heads": config.text["num_key_value_heads"],
            "head_dim": config.text["head_dim"],
        },
        "action_in_proj_cfg": {
            "_target_": f"{package}.models.action_in_proj.PerWaypointActionInProjV2",
            "num_fourier_feats": config.action_embedding.fourier_features,
            "max_freq": config.action_embedding.max_frequency,
            "num_enc_layers": config.action_embedding.layers,
            "hidden_size": config.action_embedding.hidden_size,
        },
        "action_out_proj_cfg": {"_target_": "torch.nn.Linear"},
        "action_space_cfg": {
            "_target_": space,
            "n_waypoints": config.waypoints,
            "dt": 0.1,
            **{name: config.action_statistics[name] for name in STATISTICS},
        },
        "diffusion_cfg": {
            "_target_": f"{package}.diffusion.flow_matching.FlowMatching",
            "int_method": "euler",
            "num_inference_steps": config.flow_steps,
        },
        "traj_tokenizer_cfg": {"num_bins": FUTURE_TOKENS, "dims_min": [-10.0, -10.0], "dims_max": [10.0, 10.0]},
    }
