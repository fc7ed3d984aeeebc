"""An export folder on ONNX Runtime, without torch: the three graphs and the cache between them.

Caches are buffers of a fixed capacity that the graphs read and this file writes, so nothing is copied from step to step.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InfrastructureError, InputError, MissingExtraError
from alpamayo_sim.runtime.manifest import GRAPHS, Manifest

Array = NDArray[Any]
CPU = ("CPUExecutionProvider",)
NUMPY_TYPES = {"fp32": np.float32, "fp16": np.float16}


@dataclass
class Cache:
    """What the model has read: buffers [rows, heads, capacity, head width] and which of their places count."""

    past: list[Array]
    """Keys of all layers, then values of all layers."""
    visible: NDArray[np.bool_]
    """[rows, capacity]"""
    length: int
    """Places taken, whether they count or not."""
    position: NDArray[np.int64]
    """[rows]: where the next token stands."""

    def repeated(self, rows: int, counted: int) -> Cache:
        """Return a cache whose every row is repeated side by side, with room for `counted` more places."""

        def spread(buffer: Array) -> Array:
            shape = (buffer.shape[0] * rows, buffer.shape[1], self.length + counted, buffer.shape[3])
            wide = np.zeros(shape, buffer.dtype)
            wide[:, :, : self.length] = np.repeat(buffer[:, :, : self.length], rows, axis=0)
            return wide

        visible = np.zeros((len(self.visible) * rows, self.length + counted), dtype=np.bool_)
        visible[:, : self.length] = np.repeat(self.visible[:, : self.length], rows, axis=0)
        return Cache([spread(own) for own in self.past], visible, self.length, np.repeat(self.position, rows))


@dataclass
class OnnxEngine:
    """The three graphs of an export, ready to run."""

    manifest: Manifest
    vision: Any
    language: Any
    action: Any

    @classmethod
    def load(
        cls, folder: Path, *, threads: int | None = None, providers: tuple[str, ...] = ("CPUExecutionProvider",)
    ) -> OnnxEngine:
        """Return the engine of an export folder; InputError for a folder that is none, MissingExtraError without ONNX Runtime.

        `threads` is how many cores a graph may use, None what ONNX Runtime thinks right.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError("onnx", "onnxruntime") from error
        manifest = Manifest.load(folder)
        if manifest.dtype not in NUMPY_TYPES:
            raise InputError(f"ONNX Runtime takes exports of fp32 or fp16; {folder} is of {manifest.dtype}")
        runtime = cast("Any", onnxruntime)
        missing = [name for name in providers if name not in runtime.get_available_providers()]
        if missing:
            raise InputError(
                f"this ONNX Runtime has no {', '.join(missing)}; it has {', '.join(runtime.get_available_providers())}"
            )
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        sessions: dict[str, Any] = {}
        for name in GRAPHS:
            path = folder / f"{name}.onnx"
            try:
                # It would go on with another provider, and say so on a line of its own.
                session = runtime.InferenceSession(str(path), options, providers=list(providers), enable_fallback=0)
            except runtime.capi.onnxruntime_pybind11_state.OnnxRuntimeException as error:
                raise InputError(f"{path} cannot be loaded: {error}") from error
            if session.get_providers()[0] != providers[0]:
                raise InfrastructureError(
                    f"ONNX Runtime takes {session.get_providers()[0]} for {name} here, not {providers[0]}: is the GPU's driver "
                    "there, with the CUDA and cuDNN that this ONNX Runtime was built for?"
                )
            sessions[name] = session
        return cls(manifest, **sessions)

    @property
    def dtype(self) -> Any:
        """The type of pixels, features and caches; float32 for bfloat16, which numpy lacks."""
        return NUMPY_TYPES.get(self.manifest.dtype, np.float32)

    def see(self, pixels: NDArray[np.float32]) -> tuple[Array, Array]:
        """Return features and deepstack features of images [images, patches, patch size]."""
        features, deepstack = self.vision.run(None, {"pixels": pixels.astype(self.dtype, copy=False)})
        return features, deepstack

    def empty_cache(self, rows: int, capacity: int) -> Cache:
        """Return a cache that holds nothing."""
        own = self.manifest
        shape = (rows, own.key_value_heads, capacity, own.head_dim)
        past = [np.zeros(shape, self.dtype) for _ in range(2 * own.layers)]
        return Cache(past, np.zeros((rows, capacity), np.bool_), 0, np.zeros(rows, np.int64))

    def read_prompts(
        self,
        ids: NDArray[np.int64],
        counted: NDArray[np.bool_],
        positions: NDArray[np.int64],
        seen: tuple[Array, Array],
    ) -> tuple[NDArray[np.float32], Cache]:
        """Return the logits [rows, vocabulary] after prompts [rows, S] padded on the left, and the cache of them.

        `positions` [3, rows, S]; `seen` are the features of the prompts' images, in order.
        """
        is_image = (ids == self.manifest.image_id) & counted
        places = np.full(ids.shape, len(seen[0]), dtype=np.int64)
        places[is_image] = np.arange(int(is_image.sum()))
        if int(is_image.sum()) != len(seen[0]):
            raise InputError(
                f"the prompts have {int(is_image.sum())} places for image tokens; the pictures make {len(seen[0])}"
            )
        cache = self.empty_cache(len(ids), 1)
        last = np.full(len(ids), ids.shape[1] - 1, dtype=np.int64)
        logits, fresh = self._run_language(ids, places, seen, positions, counted, cache, last)
        shown = np.where(counted[None], positions, -1)
        return logits, Cache(fresh, counted.copy(), ids.shape[1], shown.max((0, 2)) + 1)

    def read_token(self, ids: NDArray[np.int64], counted: NDArray[np.bool_], cache: Cache) -> NDArray[np.float32]:
        """Return the logits [rows, vocabulary] after one token of every row [rows], and take it into the cache.

        Rows where `counted` is false have ended: their place in the cache stays hidden.
        """
        own = self.manifest
        positions = np.broadcast_to(cache.position[None, :, None], (3, len(ids), 1))
        places = np.ones((len(ids), 1), dtype=np.int64)
        none = (np.zeros((1, own.width), self.dtype), np.zeros((own.deepstack_layers, 1, own.width), self.dtype))
        zeros = np.zeros(len(ids), dtype=np.int64)
        logits, fresh = self._run_language(
            ids[:, None], places, none, np.ascontiguousarray(positions), counted[:, None], cache, zeros
        )
        at = cache.length
        for buffer, new in zip(cache.past, fresh, strict=True):
            buffer[:, :, at] = new[:, :, 0]
        cache.visible[:, at] = counted
        cache.length = at + 1
        cache.position = cache.position + counted
        return logits

    def _run_language(
        self,
        ids: NDArray[np.int64],
        places: NDArray[np.int64],
        seen: tuple[Array, Array],
        positions: NDArray[np.int64],
        counted: NDArray[np.bool_],
        cache: Cache,
        last: NDArray[np.int64],
    ) -> tuple[NDArray[np.float32], list[Array]]:
        values = [ids, places, *seen, positions, counted, cache.visible, last, *cache.past]
        logits, *fresh = self.language.run(None, dict(zip(self._names(self.language), values, strict=True)))
        return logits, fresh

    @staticmethod
    def _names(session: Any) -> list[str]:
        return [own.name for own in session.get_inputs()]

    def velocity(self, actions: NDArray[np.float32], time: float, cache: Cache) -> NDArray[np.float32]:
        """Return the flow's velocity [rows, waypoints, 2] at noisy actions of that shape and one time."""
        values = [actions, np.full(len(actions), time, np.float32), cache.visible, cache.position, *cache.past]
        (velocity,) = self.action.run(None, dict(zip(self._names(self.action), values, strict=True)))
        return velocity
