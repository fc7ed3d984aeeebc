"""TensorRT engines from an export's graphs, built ahead of time: with TensorRT-RTX on any computer, without a GPU.

One code path serves `tensorrt_rtx` and `tensorrt`, whichever is installed: networks are strongly typed, so the types are those of
the ONNX graphs and the builder has no say in them.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alpamayo_sim.errors import InfrastructureError, InputError, MissingExtraError
from alpamayo_sim.runtime.manifest import GRAPHS, Manifest

ENGINES_FILE = "engines.json"
TARGETS: Mapping[str, str] = {"rtx30": "SM86", "rtx40": "SM89", "rtx50": "SM120"}
"""Graphics cards by series and the compute capability that TensorRT-RTX calls them by."""
HERE = "here"
"""The target of engines for the GPU at hand, which `tensorrt` builds."""
NOT_EXECUTED = "built, not executed"


@dataclass(frozen=True)
class Limits:
    """Smallest, usual and largest sizes that engines are made for."""

    images: tuple[int, int, int] = (1, 8, 64)
    rows: tuple[int, int, int] = (1, 1, 8)
    new: tuple[int, int, int] = (1, 1, 4096)
    features: tuple[int, int, int] = (1, 480, 16_384)
    capacity: tuple[int, int, int] = (1, 768, 8192)


@dataclass(frozen=True)
class Engine:
    """One engine on disk."""

    graph: str
    target: str
    file: str
    size_bytes: int
    status: str = NOT_EXECUTED


SIZES: Mapping[str, tuple[str | None, ...]] = {
    "pixels": ("images", None, None),
    "ids": ("rows", "new"),
    "place": ("rows", "new"),
    "features": ("features", None),
    "deepstack": (None, "features", None),
    "positions": (None, "rows", "new"),
    "counted": ("rows", "new"),
    "visible": ("rows", "capacity"),
    "last": ("rows",),
    "actions": ("rows", None, None),
    "time": ("rows",),
    "start": ("rows",),
}
"""Which of the `Limits` every size of an input obeys; None where the graph has a fixed one."""
CACHE_SIZES: tuple[str | None, ...] = ("rows", None, "capacity", None)


def load_tensorrt() -> Any:
    """Return TensorRT-RTX or TensorRT, whichever is installed; MissingExtraError with neither."""
    for name in ("tensorrt_rtx", "tensorrt"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise MissingExtraError("tensorrt", "tensorrt_rtx (or tensorrt)")


def build_engines(folder: Path, targets: Sequence[str] = tuple(TARGETS), limits: Limits | None = None) -> list[Engine]:
    """Build engines of all three graphs for every target and write them and a list of them into the export's folder.

    InputError for an unknown target, a graph that the parser refuses, or a TensorRT that builds for the GPU at hand only;
    InfrastructureError if a build fails.
    """
    Manifest.load(folder)
    unknown = [name for name in targets if name not in (*TARGETS, HERE)]
    if unknown:
        raise InputError(f"engines are built for {', '.join((*TARGETS, HERE))}; found {', '.join(unknown)}")
    tensorrt = load_tensorrt()
    if tuple(targets) != (HERE,) and not hasattr(tensorrt, "ComputeCapability"):
        raise InputError(
            "this TensorRT builds for the GPU at hand only: give --targets here; tensorrt_rtx builds for named ones"
        )
    engines = [_build(tensorrt, folder, graph, target, limits or Limits()) for graph in GRAPHS for target in targets]
    content = {"engines": [asdict(engine) for engine in engines], "tensorrt": tensorrt.__version__}
    (folder / ENGINES_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return engines


def note_status(folder: Path, target: str, status: str) -> None:
    """Write into an export's list of engines what became of those for one target; the others stay as they were."""
    path = folder / ENGINES_FILE
    content = json.loads(path.read_text(encoding="utf-8"))
    content["engines"] = [
        {**engine, "status": status} if engine["target"] == target else engine for engine in content["engines"]
    ]
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _build(tensorrt: Any, folder: Path, graph: str, target: str, limits: Limits) -> Engine:
    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    network = builder.create_network(1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(folder / f"{graph}.onnx")):
        problems = "; ".join(str(parser.get_error(index)) for index in range(parser.num_errors))
        raise InputError(f"TensorRT does not take {folder / graph}.onnx: {problems}")
    config = builder.create_builder_config()
    if target != HERE:
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(tensorrt.ComputeCapability, TARGETS[target]), 0)
    config.add_optimization_profile(_profile(builder, network, limits))
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise InfrastructureError(f"TensorRT could not build {graph} for {target}; its messages stand above")
    file = f"{graph}.{target}.engine"
    (folder / file).write_bytes(bytes(engine))
    return Engine(graph, target, file, (folder / file).stat().st_size)


def _profile(builder: Any, network: Any, limits: Limits) -> Any:
    """Return the sizes that an engine is made for: the smallest, the usual and the largest of every input."""
    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        entry = network.get_input(index)
        names = SIZES.get(entry.name, CACHE_SIZES)
        shapes: list[tuple[int, ...]] = []
        for which in range(3):
            shapes.append(
                tuple(
                    int(fixed) if name is None else getattr(limits, name)[which]
                    for name, fixed in zip(names, tuple(entry.shape), strict=True)
                )
            )
        profile.set_shape(entry.name, *shapes)
    return profile
