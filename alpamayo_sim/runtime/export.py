"""A checkpoint as three ONNX graphs: `vision.onnx`, `language.onnx`, `action.onnx`, with settings and tokenizer beside them."""

from __future__ import annotations

import copy
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from alpamayo_sim.errors import InputError, MissingExtraError
from alpamayo_sim.model.checkpoint import new_folder
from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_sim.policy.patches import PATCH_PX, PATCH_SIZE
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_sim.runtime.graphs import ActionGraph, LanguageGraph, VisionGraph
from alpamayo_sim.runtime.manifest import DTYPES, GRAPHS, Manifest

OPSET = 20
EXTERNAL_DATA_BYTES = 2_000_000_000
"""A protocol buffer ends here; larger weights go into a file beside the graph."""


def export_onnx(model: DrivingModel, tokenizer: DrivingTokenizer, folder: Path, *, dtype: str = "fp32") -> Manifest:
    """Write a model's export folder and return what it says of itself; one that is there is replaced as a whole.

    `dtype` is fp32, fp16 or bf16: weights and caches are of that type, rotary and Fourier angles, softmax, logits and velocity
    stay float32. InputError for another; MissingExtraError without the exporter.
    """
    with new_folder(folder) as unfinished:
        return write_graphs(model, tokenizer, unfinished, dtype=dtype)


def write_graphs(model: DrivingModel, tokenizer: DrivingTokenizer, folder: Path, *, dtype: str) -> Manifest:
    """Write what `export_onnx` writes into a folder that is there, and return what it says of itself."""
    if dtype not in DTYPES:
        raise InputError(f"an export is of type {', '.join(DTYPES)}; found {dtype!r}")
    try:
        import onnxscript  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError as error:
        raise MissingExtraError("export", "onnxscript") from error
    kind: torch.dtype = getattr(torch, DTYPES[dtype])
    if model.dtype != kind or model.device.type != "cpu":
        model = copy.deepcopy(model).to("cpu", kind)
        model.restore_buffers()
    model.eval()
    manifest = Manifest.of(model.config, tokenizer, dtype)
    for name, make in zip(GRAPHS, (_vision, _language, _action), strict=True):
        _write(make(model, kind), folder / f"{name}.onnx")
    tokenizer.save(folder)
    model.config.save(folder)
    manifest.save(folder)
    return manifest


@dataclass(frozen=True)
class _Graph:
    """One graph with an example of its inputs; `dynamic` names the sizes that may vary, by input."""

    module: nn.Module
    inputs: tuple[Any, ...]
    dynamic: tuple[Any, ...]
    input_names: list[str]
    output_names: list[str]


def _write(graph: _Graph, path: Path) -> None:
    size = sum(value.numel() * value.element_size() for value in graph.module.state_dict().values())
    graph.module.eval()
    # It also logs that torchvision, which nothing here uses, is not there.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings():
        # The exporter warns of names of sizes that it merges and of its own use of torch.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.module,
            graph.inputs,
            str(path),
            input_names=graph.input_names,
            output_names=graph.output_names,
            dynamic_shapes=graph.dynamic,
            opset_version=OPSET,
            dynamo=True,
            external_data=size > EXTERNAL_DATA_BYTES,
            verbose=False,
        )


def image_grid(model: DrivingModel) -> tuple[int, int]:
    """Return rows and columns of patches of a model's pictures."""
    return model.config.images.height_px // PATCH_PX, model.config.images.width_px // PATCH_PX


def _vision(model: DrivingModel, kind: torch.dtype) -> _Graph:
    rows, columns = image_grid(model)
    images = torch.export.Dim("images", min=1, max=4096)
    return _Graph(
        VisionGraph(model, rows, columns),
        (torch.zeros(2, rows * columns, PATCH_SIZE, dtype=kind),),
        ({0: images},),
        ["pixels"],
        ["features", "deepstack"],
    )


def _past(model: DrivingModel, rows: int, capacity: int, kind: torch.dtype) -> tuple[Tensor, ...]:
    text = model.config.text
    shape = (rows, int(text["num_key_value_heads"]), capacity, int(text["head_dim"]))
    return tuple(torch.zeros(shape, dtype=kind) for _ in range(2 * int(text["num_hidden_layers"])))


def _cache_names(model: DrivingModel, prefix: str) -> list[str]:
    layers = range(model.text_config.num_hidden_layers)
    return [f"{prefix}{part}_{index}" for part in ("key", "value") for index in layers]


def _language(model: DrivingModel, kind: torch.dtype) -> _Graph:
    rows, new, capacity, tokens = 2, 3, 5, 7
    width = model.text_config.hidden_size
    deep = len(model.config.vision["deepstack_visual_indexes"])
    row = torch.export.Dim("rows", min=1, max=4096)
    line = torch.export.Dim("new", min=1, max=1 << 20)
    room = torch.export.Dim("capacity", min=1, max=1 << 20)
    seen = torch.export.Dim("features", min=1, max=1 << 20)
    past = _past(model, rows, capacity, kind)
    inputs = (
        torch.zeros(rows, new, dtype=torch.int64),
        torch.zeros(rows, new, dtype=torch.int64),
        torch.zeros(tokens, width, dtype=kind),
        torch.zeros(deep, tokens, width, dtype=kind),
        torch.zeros(3, rows, new, dtype=torch.int64),
        torch.ones(rows, new, dtype=torch.bool),
        torch.ones(rows, capacity, dtype=torch.bool),
        torch.zeros(rows, dtype=torch.int64),
        past,
    )
    dynamic = (
        {0: row, 1: line}, {0: row, 1: line}, {0: seen}, {1: seen}, {1: row, 2: line}, {0: row, 1: line}, {0: row, 1: room},
        {0: row}, tuple({0: row, 2: room} for _ in past),
    )  # fmt: skip
    names = ["ids", "place", "features", "deepstack", "positions", "counted", "visible", "last"]
    return _Graph(
        LanguageGraph(model),
        inputs,
        dynamic,
        [*names, *_cache_names(model, "past_")],
        ["logits", *_cache_names(model, "new_")],
    )


def _action(model: DrivingModel, kind: torch.dtype) -> _Graph:
    rows, capacity = 2, 5
    row = torch.export.Dim("rows", min=1, max=4096)
    room = torch.export.Dim("capacity", min=1, max=1 << 20)
    past = _past(model, rows, capacity, kind)
    inputs = (
        torch.zeros(rows, model.config.waypoints, 2),
        torch.zeros(rows),
        torch.ones(rows, capacity, dtype=torch.bool),
        torch.zeros(rows, dtype=torch.int64),
        past,
    )
    dynamic = ({0: row}, {0: row}, {0: row, 1: room}, {0: row}, tuple({0: row, 2: room} for _ in past))
    return _Graph(
        ActionGraph(model),
        inputs,
        dynamic,
        ["actions", "time", "visible", "start", *_cache_names(model, "past_")],
        ["velocity"],
    )
