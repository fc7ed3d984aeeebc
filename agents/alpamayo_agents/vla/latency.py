"""How long a plan is under way, in simulation time: a constant, drawn from measured samples, or what it really took."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from alpamayo_sim.errors import InputError

MEASURED = "measured"
LONGEST_S = 60.0
_MOST_BYTES = 16_000_000


@dataclass(frozen=True)
class LatencyModel:
    """Latencies to draw from; without any, a plan's own counts."""

    samples_s: tuple[float | None, ...]
    """None among them is a plan that never comes."""

    @property
    def is_measured(self) -> bool:
        """Whether every plan's own wall-clock latency counts, so that two drives differ."""
        return not self.samples_s

    @property
    def is_constant(self) -> bool:
        """Whether every plan takes the same time."""
        return len(self.samples_s) == 1

    def draw(self, measured_s: float, random: np.random.Generator) -> float | None:
        """Return the seconds that the next plan is under way, None if it is lost; `measured_s` is what it took to make."""
        if self.is_measured:
            return measured_s
        if self.is_constant:
            return self.samples_s[0]
        return self.samples_s[int(random.integers(len(self.samples_s)))]


def parse_latency(text: str) -> LatencyModel:
    """Return the latency that a user means: seconds, `measured`, or a JSON file of samples; InputError for anything else."""
    if text == MEASURED:
        return LatencyModel(())
    try:
        seconds = float(text)
    except ValueError:
        return LatencyModel(_read_samples(Path(text)))
    return LatencyModel((_checked(seconds, "--latency"),))


def _read_samples(path: Path) -> tuple[float | None, ...]:
    if not path.is_file():
        raise InputError(
            f"--latency takes seconds, {MEASURED!r}, or a JSON file of samples; there is no file {str(path)!r}"
        )
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(f"{path} has more than {_MOST_BYTES // 1_000_000} MB; a file of latencies is smaller")
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error
    if isinstance(content, dict):
        content = cast("dict[str, Any]", content).get("latency_s")
    if not isinstance(content, list) or not content:
        raise InputError(f'{path}: expected a list of seconds, or {{"latency_s": [...]}}; found none')
    samples = cast("list[Any]", content)
    if all(sample is None for sample in samples):
        raise InputError(f"{path}: expected a latency besides lost plans (null); found {len(samples)} lost ones")
    return tuple(None if sample is None else _checked(sample, str(path)) for sample in samples)


def _checked(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where}: a latency is a finite number of seconds; found {value!r}")
    if not 0.0 <= value <= LONGEST_S:
        raise InputError(f"{where}: a latency is 0 to {LONGEST_S:g} s; found {value:g}")
    return float(value)
