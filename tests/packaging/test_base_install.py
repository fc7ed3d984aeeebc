"""Without the optional packages every command starts, and says what is missing where it needs one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from alpamayo_training.cli import COMMANDS

OPTIONAL = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "onnx",
    "onnxscript",
    "onnxruntime",
    "peft",
    "tensorboard",
    "scenariogeneration",
    "openai",
    "httpx2",
)
START = """
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {optional!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Absent())
from alpamayo_training.cli import main
sys.exit(main({arguments!r}))
"""


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process that has none of the optional packages."""
    program = START.format(optional=OPTIONAL, arguments=list(arguments))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_starts(name: str) -> None:
    result = command(name, "--help")
    assert result.returncode == 0, result.stderr


def test_a_driving_model_without_its_packages_names_the_extra() -> None:
    result = command("drive", "--agent", "vla", "--checkpoint", "tiny", "--length-m", "60", "--no-video")
    assert result.returncode == 2
    assert "pip install 'alpamayo-sim[model]'" in result.stderr


def test_a_teacher_behind_an_endpoint_without_its_package_names_the_extra() -> None:
    result = command("label", "nowhere", "--teacher", "openai", "--base-url", "http://localhost:1/v1", "--model", "m")
    assert result.returncode == 2
    assert "pip install 'alpamayo-sim[label]'" in result.stderr
