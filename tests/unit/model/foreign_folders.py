"""Randomly initialised folders in the layouts of others: the hub's Qwen3-VL and the release of Alpamayo 1.5."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from miniature import miniature_config
from safetensors.torch import save_file
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextModel

from alpamayo_sim.model.published import DERIVED
from alpamayo_sim.model.tiny_tokenizer import STORED, tiny_tokenizer


def qwen_folder(folder: Path, tied: bool) -> Qwen3VLForConditionalGeneration:
    """A randomly initialised Qwen3-VL in the layout of the hub's, its settings in the older form those have."""
    own = miniature_config(tiny_tokenizer())
    rope = dict(own.text["rope_parameters"])
    text = {name: value for name, value in own.text.items() if name != "rope_parameters"}
    text |= {
        "vocab_size": 1100,
        "rope_theta": rope.pop("rope_theta"),
        "rope_scaling": rope,
        "model_type": "qwen3_vl_text",
    }
    content = {
        "architectures": ["Qwen3VLForConditionalGeneration"],
        "model_type": "qwen3_vl",
        "image_token_id": 1022,
        "video_token_id": 1023,
        "vision_start_token_id": 1020,
        "vision_end_token_id": 1021,
        "text_config": text,
        "vision_config": {**own.vision, "model_type": "qwen3_vl"},
        "tie_word_embeddings": tied,
    }
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "tokenizer.json").write_text(STORED.read_text())
    torch.manual_seed(4)
    plain = {name: value for name, value in content.items() if name not in ("architectures", "model_type")}
    model = Qwen3VLForConditionalGeneration(Qwen3VLConfig(**json.loads(json.dumps(plain))))
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    if tied:
        del state["lm_head.weight"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    return model.eval()


def release_folder(folder: Path, qwen: Qwen3VLForConditionalGeneration, with_derived: bool) -> dict[str, Any]:
    """A randomly initialised release: settings and tensors by the published names, made without our model."""
    text = qwen.config.text_config
    width, hidden = 24, 40
    expert_config = type(text)(
        **{**text.to_dict(), "hidden_size": width, "intermediate_size": 56, "num_attention_heads": 4}
    )
    state = {f"vlm.{name}": value for name, value in qwen.state_dict().items()}
    rows = {}
    for name in ("vlm.model.language_model.embed_tokens.weight", "vlm.lm_head.weight"):
        rows[name] = torch.randn(5052, text.hidden_size, generator=torch.Generator().manual_seed(len(name))) * 0.05
    state |= rows
    expert = Qwen3VLTextModel(expert_config).state_dict()
    state |= {f"expert.{name}": value for name, value in expert.items() if name != "embed_tokens.weight"}
    shapes = {
        "encoder.trunk.0.weight": (hidden, 60), "encoder.trunk.0.bias": (hidden,), "encoder.trunk.2.weight": (hidden,),
        "encoder.trunk.3.weight": (hidden, hidden), "encoder.trunk.3.bias": (hidden,), "encoder.trunk.5.weight": (hidden,),
        "encoder.trunk.6.weight": (width, hidden), "encoder.trunk.6.bias": (width,), "norm.weight": (width,),
        "norm.bias": (width,),
    }  # fmt: skip
    own = torch.Generator().manual_seed(7)
    state |= {f"action_in_proj.{name}": torch.randn(shape, generator=own) * 0.1 for name, shape in shapes.items()}
    state |= {
        "action_out_proj.weight": torch.randn(2, width, generator=own) * 0.01,
        "action_out_proj.bias": torch.zeros(2),
    }
    frequencies = torch.logspace(0, 2, 10)[None]
    if with_derived:
        state |= {name: frequencies.clone() if name.endswith("freqs") else torch.tensor(0.5) for name in DERIVED}
    content = {
        "architectures": ["Alpamayo1_5"], "model_type": "alpamayo1_5", "vlm_name_or_path": str(folder.parent / "qwen"),
        "vocab_size": 5052, "traj_vocab_size": 4000, "traj_token_start_idx": 1024, "add_special_tokens": True,
        "traj_token_ids": {"history": 5039, "future": 5040, "history_start": 5029, "future_start": 5036,
                           "history_end": 5031, "future_end": 5038},
        "tokens_per_future_traj": 128, "tokens_per_history_traj": 48, "expert_non_causal_attention": True,
        "keep_same_dtype": True,
        "expert_cfg": {"hidden_size": width, "intermediate_size": 56, "num_attention_heads": 4, "num_key_value_heads": 2,
                       "head_dim": 16},
        "action_in_proj_cfg": {"_target_": "x", "hidden_size": hidden, "max_freq": 100.0, "num_enc_layers": 2,
                               "num_fourier_feats": 20},
        "action_space_cfg": {"n_waypoints": 64, "dt": 0.1, "accel_mean": 0.03, "accel_std": 0.68, "curvature_mean": 0.0003,
                             "curvature_std": 0.026},
        "diffusion_cfg": {"int_method": "euler", "num_inference_steps": 3},
    }  # fmt: skip
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(content))
    names = sorted(state)
    files = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, own_names in files.items():
        save_file({name: state[name].contiguous() for name in own_names}, folder / file, metadata={"format": "pt"})
    index = {name: file for file, own_names in files.items() for name in own_names}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return state
