"""TensorRT engines of an export at work: on `tensorrt` or `tensorrt_rtx`, whichever is there, without torch.

A session takes and gives numpy arrays like one of ONNX Runtime, so the rest of the runtime is the same for both. Device memory is
kept from call to call and grows with what is asked; values of bfloat16, which numpy lacks, cross as float32.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InfrastructureError, InputError, MissingExtraError
from alpamayo_sim.runtime.manifest import GRAPHS, Manifest
from alpamayo_sim.runtime.onnx_engine import OnnxEngine
from alpamayo_sim.runtime.tensorrt_engines import HERE, TARGETS, load_tensorrt

_ORDER = (
    "pixels", "ids", "place", "features", "deepstack", "positions", "counted", "actions", "time", "visible", "last", "start",
    "logits", "velocity",
)  # fmt: skip
"""Of the graphs' inputs and outputs, in each of which some of these come in this order, before the cache."""
_ROUND = np.uint32(0x7FFF)


@dataclass(frozen=True)
class _Value:
    name: str


class Cuda:
    """The few calls of CUDA's runtime that a session needs; every failure is an InfrastructureError with CUDA's own words."""

    def __init__(self, runtime: Any) -> None:
        """Take `cuda.bindings.runtime`."""
        self._runtime = runtime

    @classmethod
    def load(cls) -> Cuda:
        """Return the calls; MissingExtraError without the package, InfrastructureError without a GPU and its driver."""
        try:
            runtime = importlib.import_module("cuda.bindings.runtime")
        except ImportError as error:
            raise MissingExtraError("tensorrt", "cuda-bindings") from error
        found = cls(runtime)
        count = found.call("cudaGetDeviceCount")
        if not count:
            raise InfrastructureError("TensorRT engines run on an NVIDIA GPU; the driver shows none")
        return found

    def call(self, name: str, *arguments: Any) -> Any:
        """Return what a call gives besides its status."""
        status, *values = getattr(self._runtime, name)(*arguments)
        if int(status) != 0:
            raise InfrastructureError(
                f"TensorRT engines run on an NVIDIA GPU with a driver of its age: {name} says {status!r}"
            )
        return values[0] if values else None

    def capability(self) -> str:
        """Return the compute capability of the first GPU as TensorRT writes it: SM89."""
        kinds = self._runtime.cudaDeviceAttr
        major = self.call("cudaDeviceGetAttribute", kinds.cudaDevAttrComputeCapabilityMajor, 0)
        minor = self.call("cudaDeviceGetAttribute", kinds.cudaDevAttrComputeCapabilityMinor, 0)
        return f"SM{major}{minor}"

    def copy(self, target: int, source: int, size: int, *, up: bool, stream: Any) -> None:
        """Copy bytes to the GPU, or from it."""
        kinds = self._runtime.cudaMemcpyKind
        kind = kinds.cudaMemcpyHostToDevice if up else kinds.cudaMemcpyDeviceToHost
        self.call("cudaMemcpyAsync", target, source, size, kind, stream)


@dataclass
class TensorrtSession:
    """One engine with its context, stream and buffers."""

    tensorrt: Any
    cuda: Cuda
    engine: Any
    context: Any
    stream: Any
    _room: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Address and size of each tensor's memory on the GPU."""

    @classmethod
    def load(cls, tensorrt: Any, cuda: Cuda, path: Path) -> TensorrtSession:
        """Return the session of an engine's file; InfrastructureError where this GPU or this TensorRT does not take it."""
        engine = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.ERROR)).deserialize_cuda_engine(path.read_bytes())
        context = None if engine is None else engine.create_execution_context()
        if context is None:
            raise InfrastructureError(
                f"{path} cannot run here: it was built by another TensorRT or for another GPU; its messages stand above. "
                "`alpamayo export ... --to tensorrt` builds it anew"
            )
        return cls(tensorrt, cuda, engine, context, cuda.call("cudaStreamCreate"))

    def get_inputs(self) -> list[_Value]:
        """Return the inputs in the order of the graph."""
        return [_Value(name) for name in self._names(self.tensorrt.TensorIOMode.INPUT)]

    def run(self, outputs: None, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Return all outputs for all inputs."""
        del outputs
        for name, value in feeds.items():
            given = self._to_engine(name, value)
            if not self.context.set_input_shape(name, given.shape):
                raise InputError(
                    f"the engine was not built for {name} of {list(given.shape)}; it takes "
                    f"{[list(shape) for shape in self.engine.get_tensor_profile_shape(name, 0)]} (least, usual, most)"
                )
            at = self._memory(name, given.nbytes)
            self.cuda.copy(at, given.ctypes.data, given.nbytes, up=True, stream=self.stream)
        found: dict[str, NDArray[Any]] = {}
        for name in self._names(self.tensorrt.TensorIOMode.OUTPUT):
            shape = tuple(int(size) for size in self.context.get_tensor_shape(name))
            found[name] = np.empty(shape, self._host_type(name))
            self._memory(name, found[name].nbytes)
        if not self.context.execute_async_v3(int(self.stream)):
            raise InfrastructureError("TensorRT could not run an engine; its messages stand above")
        for name, value in found.items():
            self.cuda.copy(value.ctypes.data, self._room[name][0], value.nbytes, up=False, stream=self.stream)
        self.cuda.call("cudaStreamSynchronize", self.stream)
        return [self._from_engine(name, value) for name, value in found.items()]

    def close(self) -> None:
        """Give the GPU's memory back."""
        for address, _ in self._room.values():
            self.cuda.call("cudaFree", address)
        self._room.clear()
        self.cuda.call("cudaStreamDestroy", self.stream)

    def _names(self, mode: Any) -> list[str]:
        names = [self.engine.get_tensor_name(index) for index in range(self.engine.num_io_tensors)]
        return sorted((name for name in names if self.engine.get_tensor_mode(name) == mode), key=_place)

    def _memory(self, name: str, size: int) -> int:
        """Return memory of a tensor that holds so many bytes, and tell the engine where it is."""
        address, room = self._room.get(name, (0, 0))
        if room < size:
            if room:
                self.cuda.call("cudaFree", address)
            address = int(self.cuda.call("cudaMalloc", size))
            self._room[name] = (address, size)
            self.context.set_tensor_address(name, address)
        return address

    def _host_type(self, name: str) -> Any:
        kind = self.engine.get_tensor_dtype(name)
        return np.uint16 if kind == self.tensorrt.DataType.BF16 else self.tensorrt.nptype(kind)

    def _to_engine(self, name: str, value: NDArray[Any]) -> NDArray[Any]:
        if self.engine.get_tensor_dtype(name) == self.tensorrt.DataType.BF16:
            return bfloat16_bits(value)
        return np.ascontiguousarray(value, dtype=self._host_type(name))

    def _from_engine(self, name: str, value: NDArray[Any]) -> NDArray[Any]:
        is_short = self.engine.get_tensor_dtype(name) == self.tensorrt.DataType.BF16
        return from_bfloat16_bits(value) if is_short else value


def target_here(cuda: Cuda) -> str:
    """Return which target's engines are for the GPU at hand."""
    capability = cuda.capability()
    return next((name for name, own in TARGETS.items() if own == capability), HERE)


def tensorrt_engine(folder: Path, cuda: Cuda | None = None) -> OnnxEngine:
    """Return an export's engines for the GPU at hand, behind the same calls as ONNX Runtime's.

    MissingExtraError without TensorRT; InfrastructureError without a GPU, or for engines that it does not take; InputError where
    the export has none for it.
    """
    manifest = Manifest.load(folder)
    tensorrt = load_tensorrt()
    cuda = cuda or Cuda.load()
    target = target_here(cuda)
    paths = {graph: folder / f"{graph}.{target}.engine" for graph in GRAPHS}
    missing = [path.name for path in paths.values() if not path.is_file()]
    if missing:
        raise InputError(
            f"{folder} has no {', '.join(missing)} for this GPU ({cuda.capability()}); "
            f"`alpamayo export CHECKPOINT --out {folder} --to tensorrt --targets {target}` builds them"
        )
    return OnnxEngine(manifest, **{name: TensorrtSession.load(tensorrt, cuda, path) for name, path in paths.items()})


def bfloat16_bits(values: NDArray[Any]) -> NDArray[np.uint16]:
    """Return float values as bfloat16, rounded to the nearest, ties to even, in the bits of unsigned integers."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    return ((bits + _ROUND + odd) >> np.uint32(16)).astype(np.uint16)


def from_bfloat16_bits(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return float32 of the same values as bfloat16's bits."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def _place(name: str) -> tuple[int, str, int]:
    """Where a tensor stands among its like: the graph's own in their order, then keys, then values, by layer."""
    if name in _ORDER:
        return _ORDER.index(name), "", 0
    part, _, layer = name.rpartition("_")
    return len(_ORDER), part, int(layer)
