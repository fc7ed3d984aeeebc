"""The top folders must never shadow CARLA's `agents` package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("folder", ["agents", "scenarios", "training"])
def test_top_folders_are_not_packages(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()


def test_carlas_agents_package_wins_from_the_repository_root(tmp_path: Path) -> None:
    package = tmp_path / "agents" / "navigation"
    package.mkdir(parents=True)
    (tmp_path / "agents" / "__init__.py").touch()
    (package / "__init__.py").write_text("ORIGIN = 'carla'\n")
    code = "import agents.navigation as n, alpamayo_agents; print(n.ORIGIN)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.strip() == "carla", result.stderr


def test_base_install_brings_no_torch() -> None:
    code = (
        "import sys, alpamayo_training.cli, alpamayo_scenarios.episode, alpamayo_agents.registry, alpamayo_sim.server.main\n"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "False", result.stderr
