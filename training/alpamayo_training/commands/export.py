"""`alpamayo export`: a checkpoint as graphs for a runtime without torch, let through by parity gates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from alpamayo_sim.errors import InputError, MissingExtraError


@dataclass(frozen=True)
class Arguments:
    """Export a model and compare the export with it."""

    checkpoint: Annotated[str, tyro.conf.Positional]
    """A checkpoint folder, or `tiny` for a random model of that preset to try things out with."""
    out: Path
    """The folder to write; one that is there is replaced."""
    to: Literal["onnx", "tensorrt"] = "onnx"
    """What to export to; TensorRT engines come besides the ONNX graphs, and are compared, too, where a GPU takes them."""
    targets: tuple[str, ...] = ("rtx30", "rtx40", "rtx50")
    """Graphics cards that TensorRT engines are built for."""
    dtype: Literal["fp32", "fp16", "bf16"] = "fp32"
    """Type of weights and caches."""
    prompts: int = 3
    """Made-up moments that the gates compare."""
    tokens: int = 40
    """Reasoning tokens per moment that the gates compare."""
    seed: int = 0
    """Of the gates' moments, and of a random model's weights."""
    no_gates: bool = False
    """Write the export without comparing it."""
    json: bool = False
    """Print the gates as the last line, one JSON object."""

    def run(self) -> int:
        """Write the export; return 0, or 1 if a gate does not hold: the export stays, with what was found in `parity.json`."""
        if self.prompts < 1 or self.tokens < 1:
            raise InputError(f"gates compare one moment and one token or more; found {self.prompts} and {self.tokens}")
        try:
            from alpamayo_sim.runtime.exporting import export_and_check
        except ImportError as error:
            raise MissingExtraError("export", str(error.name)) from error
        print(f"exporting {self.checkpoint} as {self.dtype} to {self.out} (three graphs; a minute for a small model)")
        gates = 0 if self.no_gates else self.prompts
        parity = export_and_check(
            self.checkpoint, self.out, dtype=self.dtype, prompts=gates, tokens=self.tokens, seed=self.seed
        )
        engines_hold = self._build_engines(gates) if self.to == "tensorrt" else True
        if parity is None:
            print(f"written without gates: {self.out}")
            return 0
        print(f"gates: {parity.executed}")
        print(parity.describe())
        print(f"{'every gate holds' if parity.passed else 'a gate does not hold'}: {self.out}")
        if self.json:
            print(json.dumps({gate.name: gate.found for gate in parity.gates} | {"passed": parity.passed}))
        return 0 if parity.passed and engines_hold else 1

    def _build_engines(self, gates: int) -> bool:
        """Build the engines; where they can run, compare them too. Return whether every gate that could be run holds."""
        from alpamayo_sim.runtime.exporting import check_engines
        from alpamayo_sim.runtime.tensorrt_engines import build_engines

        for engine in build_engines(self.out, self.targets):
            print(f"{engine.file}: {engine.size_bytes / 1e6:.1f} MB")
        if gates == 0:
            return True
        parity, reason = check_engines(self.checkpoint, self.out, prompts=gates, tokens=self.tokens, seed=self.seed)
        if parity is None:
            print(f"engines: built, not executed: {reason}")
            return True
        print(f"gates of the engines: {parity.executed}")
        print(parity.describe())
        return parity.passed
