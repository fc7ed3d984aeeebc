"""Running `alpamayo` as a user does, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = (sys.executable, "-m", "alpamayo_training.cli")


def alpamayo(
    *arguments: str | Path, timeout_s: float = 800.0, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False, env=env)


def drive_arguments(out: Path, *arguments: str | Path) -> list[str | Path]:
    return ["drive", "--out", out, "--length-m", "120", "--vehicles", "8", "--walkers", "4", "--json", *arguments]


def drive(out: Path, *arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return alpamayo(*drive_arguments(out, *arguments), env=env)
