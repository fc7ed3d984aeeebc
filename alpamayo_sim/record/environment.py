"""What a run ran on: versions and platform, so that a result can be repeated; nothing personal, no environment
variables.
"""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import alpamayo_sim

_PACKAGES = (
    "alpamayo-sim", "carla", "numpy", "scipy", "numba", "networkx", "shapely", "moderngl", "opencv-python-headless",
    "av", "torch", "transformers", "onnxruntime", "tensorrt",
)  # fmt: skip


def describe_environment() -> dict[str, Any]:
    """Return versions, platform, processor count, memory, GPU names and the git commit (None outside a checkout)."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": _lines("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"),
        "packages": {name: version for name in _PACKAGES if (version := _version(name)) is not None},
        "git_commit": _commit(),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout that this package lies in, with "-dirty" if tracked files differ from it."""
    root = Path(alpamayo_sim.__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    commit = _lines("git", "-C", str(root), "rev-parse", "HEAD")
    if not commit:
        return None
    changed = _lines("git", "-C", str(root), "status", "--porcelain", "--untracked-files=no")
    return f"{commit[0]}-dirty" if changed else commit[0]


def _lines(*command: str) -> list[str]:
    """The output lines of a short command; none if it is not there, fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (FileNotFoundError, PermissionError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []
