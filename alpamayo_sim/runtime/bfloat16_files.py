"""ONNX files of bfloat16 run where nothing computes in bfloat16: on ONNX Runtime's CPU, every operation rounded to that type.

The files are executed as they are, operation by operation: each one computes in float32 on values that bfloat16 holds, and what
comes out is rounded to bfloat16, as hardware with float32 sums does. numpy has no bfloat16 either, so values cross the graphs'
borders as float32.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.runtime.manifest import GRAPHS, Manifest
from alpamayo_sim.runtime.onnx_engine import OnnxEngine

EXECUTED = (
    "the ONNX files by ONNX Runtime on the CPU against torch in float32; it does not compute in bfloat16, so every operation was "
    "computed in float32 and rounded to bfloat16"
)
_WIDE = "__before_rounding"


@contextmanager
def rounding_engine(folder: Path) -> Generator[OnnxEngine]:
    """Open an engine on an export folder of bfloat16; InfrastructureError where a file is not well formed."""
    import onnxruntime

    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    # Optimisers may join operations and drop the rounding between them.
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with tempfile.TemporaryDirectory(prefix="rounding-") as place:
        sessions: dict[str, Any] = {}
        for name in GRAPHS:
            path = Path(place) / f"{name}.onnx"
            _write_rounding(folder / f"{name}.onnx", path)
            sessions[name] = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        yield OnnxEngine(Manifest.load(folder), **sessions)


def _write_rounding(source: Path, target: Path) -> None:
    """Write a graph that computes in float32 what `source` computes in bfloat16, and rounds as it does."""
    import onnx

    try:
        onnx.checker.check_model(str(source), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise InfrastructureError(f"{source} is not well formed: {error}") from error
    # From file to file: a model of over two gigabytes does not fit into one message.
    inferred = target.with_suffix(".inferred")
    onnx.shape_inference.infer_shapes_path(str(source), str(inferred))
    model: Any = onnx.load(str(inferred), load_external_data=False)
    onnx.load_external_data_for_model(model, str(source.parent))
    graph = model.graph
    short = onnx.TensorProto.BFLOAT16
    values = [*graph.input, *graph.output, *graph.value_info]
    narrow = {value.name for value in values if value.type.tensor_type.elem_type == short}
    for value in values:
        if value.name in narrow:
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    for tensor in graph.initializer:
        _widen(tensor)
    rounded = {value.name: f"{value.name}__rounded" for value in graph.input if value.name in narrow}
    nodes: list[Any] = []
    for name, after in rounded.items():
        nodes += _rounding(name, after)
    for node in graph.node:
        _widen_attributes(node)
        node.input[:] = [rounded.get(name, name) for name in node.input]
        again = [name for name in node.output if name in narrow]
        node.output[:] = [name + _WIDE if name in narrow else name for name in node.output]
        nodes.append(node)
        for name in again:
            nodes += _rounding(name + _WIDE, name)
    kept = [_copied(node) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    onnx.save_model(model, str(target), save_as_external_data=model.ByteSize() > onnx.checker.MAXIMUM_PROTOBUF // 2)


def _copied(node: Any) -> Any:
    import onnx

    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    return copy


def _rounding(name: str, after: str) -> Iterable[Any]:
    from onnx import TensorProto, helper

    between = f"{after}__bfloat16"
    return (
        helper.make_node("Cast", [name], [between], to=TensorProto.BFLOAT16),
        helper.make_node("Cast", [between], [after], to=TensorProto.FLOAT),
    )


def _widen(tensor: Any) -> None:
    """Turn a bfloat16 tensor into a float32 one of the same values."""
    from onnx import TensorProto, numpy_helper

    if tensor.data_type != TensorProto.BFLOAT16:
        return
    halves = np.frombuffer(tensor.raw_data, np.uint16) if tensor.raw_data else np.array(tensor.int32_data, np.uint16)
    wide = (halves.astype(np.uint32) << 16).view(np.float32).reshape(tuple(tensor.dims))
    tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))


def _widen_attributes(node: Any) -> None:
    from onnx import AttributeProto, TensorProto

    for attribute in node.attribute:
        if attribute.type == AttributeProto.TENSOR:
            _widen(attribute.t)
        elif attribute.name in ("to", "dtype") and attribute.i == TensorProto.BFLOAT16:
            attribute.i = TensorProto.FLOAT
