"""TensorRT engines at work, as far as a machine without a GPU allows.

Here no engine can run. So the calls go to a device of host memory, whose engine is the same graph on ONNX Runtime: what it is
not told by the calls that TensorRT has, it does not know. Names and types are checked against the real package.
"""

from __future__ import annotations

import ctypes
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
tensorrt = pytest.importorskip("tensorrt_rtx")
onnxruntime = pytest.importorskip("onnxruntime")

from miniature import miniature_model, prompts  # noqa: E402

from alpamayo_sim.errors import InfrastructureError, InputError  # noqa: E402
from alpamayo_sim.model.sampling import TokenIds  # noqa: E402
from alpamayo_sim.runtime import tensorrt_session  # noqa: E402
from alpamayo_sim.runtime.exporting import check_engines  # noqa: E402
from alpamayo_sim.runtime.manifest import GRAPHS, Manifest  # noqa: E402
from alpamayo_sim.runtime.onnx_engine import OnnxEngine  # noqa: E402
from alpamayo_sim.runtime.open_policy import open_policy  # noqa: E402
from alpamayo_sim.runtime.parity import check_parity  # noqa: E402
from alpamayo_sim.runtime.tensorrt_engines import build_engines, note_status  # noqa: E402
from alpamayo_sim.runtime.tensorrt_session import (  # noqa: E402
    Cuda,
    TensorrtSession,
    bfloat16_bits,
    from_bfloat16_bits,
)

KINDS = {
    "tensor(float)": tensorrt.DataType.FLOAT,
    "tensor(int64)": tensorrt.DataType.INT64,
    "tensor(bool)": tensorrt.DataType.BOOL,
}


class HostDevice:
    """CUDA's runtime with host memory in the place of a GPU's."""

    def __init__(self) -> None:
        self.memory: dict[int, Any] = {}
        self.cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)
        self.cudaDeviceAttr = SimpleNamespace(
            cudaDevAttrComputeCapabilityMajor="major", cudaDevAttrComputeCapabilityMinor="minor"
        )
        self.capability = {"major": 8, "minor": 9}

    def cudaGetDeviceCount(self) -> tuple[int, int]:
        return 0, 1

    def cudaDeviceGetAttribute(self, kind: str, device: int) -> tuple[int, int]:
        return 0, self.capability[kind]

    def cudaStreamCreate(self) -> tuple[int, int]:
        return 0, 77

    def cudaStreamSynchronize(self, stream: int) -> tuple[int]:
        return (0 if stream == 77 else 1,)

    def cudaStreamDestroy(self, stream: int) -> tuple[int]:
        return (0,)

    def cudaMalloc(self, size: int) -> tuple[int, int]:
        block = ctypes.create_string_buffer(size)
        self.memory[ctypes.addressof(block)] = block
        return 0, ctypes.addressof(block)

    def cudaFree(self, address: int) -> tuple[int]:
        del self.memory[address]
        return (0,)

    def cudaMemcpyAsync(self, target: int, source: int, size: int, kind: int, stream: int) -> tuple[int]:
        near = target if kind == 1 else source
        assert near in self.memory and size <= len(self.memory[near]), "a copy stays within memory of the device"
        ctypes.memmove(target, source, size)
        return (0,)


class HostContext:
    """An execution context that knows its inputs by address and shape only."""

    def __init__(self, engine: HostEngine) -> None:
        self.engine = engine
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shapes[name] = tuple(shape)
        return max(shape) <= self.engine.most

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._answers()[name].shape

    def execute_async_v3(self, stream: int) -> bool:
        for name, value in self._answers().items():
            ctypes.memmove(self.addresses[name], np.ascontiguousarray(value).ctypes.data, value.nbytes)
        return stream == 77

    def _answers(self) -> dict[str, np.ndarray]:
        feeds: dict[str, np.ndarray] = {}
        for own in self.engine.session.get_inputs():
            value = np.empty(self.shapes[own.name], tensorrt.nptype(KINDS[own.type]))
            ctypes.memmove(value.ctypes.data, self.addresses[own.name], value.nbytes)
            feeds[own.name] = value
        names = [own.name for own in self.engine.session.get_outputs()]
        return dict(zip(names, self.engine.session.run(None, feeds), strict=True))


class HostEngine:
    """A deserialised engine; its tensors come in another order than the graph's, as nothing promises that one."""

    def __init__(self, path: Path) -> None:
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self.inputs = {own.name: KINDS[own.type] for own in self.session.get_inputs()}
        self.outputs = {own.name: KINDS[own.type] for own in self.session.get_outputs()}
        self.names = sorted({**self.inputs, **self.outputs}, reverse=True)
        self.num_io_tensors = len(self.names)
        self.most = 1 << 16

    def get_tensor_name(self, index: int) -> str:
        return self.names[index]

    def get_tensor_mode(self, name: str) -> Any:
        return tensorrt.TensorIOMode.INPUT if name in self.inputs else tensorrt.TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name: str) -> Any:
        return self.inputs.get(name) or self.outputs[name]

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        return [(1,), (2,), (3,)]


def _session(path: Path, device: HostDevice) -> TensorrtSession:
    engine = HostEngine(path)
    cuda = Cuda(device)
    return TensorrtSession(tensorrt, cuda, engine, HostContext(engine), cuda.call("cudaStreamCreate"))


def test_what_stands_in_for_tensorrt_has_nothing_that_it_lacks() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(HostEngine) <= set(dir(tensorrt.ICudaEngine))
    assert public(HostContext) <= set(dir(tensorrt.IExecutionContext))
    runtime = pytest.importorskip("cuda.bindings.runtime")
    assert public(HostDevice) <= set(dir(runtime))
    assert hasattr(runtime.cudaMemcpyKind, "cudaMemcpyHostToDevice")
    assert hasattr(runtime.cudaDeviceAttr, "cudaDevAttrComputeCapabilityMinor")


def test_every_gate_holds_through_the_sessions_and_all_memory_is_given_back(miniature_export: Path) -> None:
    model, tokenizer = miniature_model()
    device = HostDevice()
    sessions = {name: _session(miniature_export / f"{name}.onnx", device) for name in GRAPHS}
    engine = OnnxEngine(Manifest.load(miniature_export), **sessions)
    parity = check_parity(model, TokenIds.of(tokenizer), engine, [prompts(tokenizer)], reasoning_tokens=4)
    assert parity.passed, parity.describe()
    assert device.memory
    for session in sessions.values():
        session.close()
    assert not device.memory


def test_sizes_that_an_engine_was_not_built_for_are_told(miniature_export: Path) -> None:
    session = _session(miniature_export / "vision.onnx", HostDevice())
    session.engine.most = 1
    with pytest.raises(InputError, match=r"not built for pixels of \[1, 8, 1536\]"):
        session.run(None, {"pixels": np.zeros((1, 8, 1536), np.float32)})


def test_a_failed_call_says_what_cuda_said() -> None:
    device = HostDevice()
    device.cudaMalloc = lambda size: (2, 0)  # type: ignore[method-assign]
    with pytest.raises(InfrastructureError, match="cudaMalloc says 2"):
        Cuda(device).call("cudaMalloc", 8)


def test_without_a_gpu_engines_are_refused_by_name(
    miniature_export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(miniature_export, tmp_path / "export")
    build_engines(folder, ("rtx40",))
    if not torch.cuda.is_available():
        with pytest.raises(InfrastructureError, match="run on an NVIDIA GPU"):
            open_policy(str(folder), seed=0, device="tensorrt")
    # A GPU of the 50 series, for which nothing was built.
    device = HostDevice()
    device.capability = {"major": 12, "minor": 0}
    monkeypatch.setattr(tensorrt_session.Cuda, "load", lambda: Cuda(device))
    with pytest.raises(InputError, match=r"no vision\.rtx50\.engine.*SM120.*--targets rtx50"):
        open_policy(str(folder), seed=0, device="tensorrt")


def test_engines_that_a_machine_does_not_take_are_refused(miniature_export: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(miniature_export, tmp_path / "export")
    build_engines(folder, ("rtx40",))
    whole = folder / "vision.rtx40.engine"
    cut = tmp_path / "cut.engine"
    cut.write_bytes(whole.read_bytes()[:5000])
    for path in (cut,) if torch.cuda.is_available() else (whole, cut):
        with pytest.raises(InfrastructureError, match="cannot run here"):
            TensorrtSession.load(tensorrt, Cuda(HostDevice()), path)
    build_engines(folder, ("rtx40", "rtx50"))
    note_status(folder, "rtx40", "built, executed, every gate holds")
    engines = json.loads((folder / "engines.json").read_text())["engines"]
    assert {(own["target"], own["status"]) for own in engines} == {
        ("rtx40", "built, executed, every gate holds"),
        ("rtx50", "built, not executed"),
    }


def test_without_a_gpu_the_engines_gates_are_left_out_and_say_why(miniature_export: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("a GPU is here")
    parity, reason = check_engines("tiny", miniature_export, prompts=1, tokens=1, seed=0)
    assert parity is None and "NVIDIA GPU" in reason


def test_checkpoints_of_torch_are_not_for_tensorrt() -> None:
    with pytest.raises(InputError, match="TensorRT runs exports with engines"):
        open_policy("tiny", seed=0, device="tensorrt")


def test_bfloat16_crosses_as_float32() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate(
        [random.standard_normal(5000) * 10.0 ** random.uniform(-20, 20, 5000), [0.0, -0.0, 1.0, np.inf]]
    )
    values = values.astype(np.float32)
    theirs = torch.from_numpy(values).bfloat16().float().numpy()
    ours = from_bfloat16_bits(bfloat16_bits(values))
    assert np.array_equal(ours, theirs)
    assert bfloat16_bits(values).dtype == np.uint16
