"""The launcher gives older evaluators back what later Pythons have removed, in their process only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).resolve().parents[3] / "agents" / "alpamayo_evaluator.py"
PROGRAM = """
import sys
import beside
from distutils.version import LooseVersion
from distutils.util import strtobool
import pkg_resources
import xml.etree.ElementTree as ET
from xml.etree import ElementTree

tree = ET.fromstring("<a><b x='1'>text</b><c/></a>")
assert [child.tag for child in tree.getchildren()] == ["b", "c"]
assert ET is ElementTree and tree.find("b").attrib == {"x": "1"} and tree.getchildren()[0].text == "text"
assert ET.tostring(tree) == b'<a><b x="1">text</b><c /></a>'
assert LooseVersion(pkg_resources.get_distribution("carla").version) > LooseVersion("0.9.10")
assert not LooseVersion("0.9.9") >= LooseVersion("0.9.10") and strtobool("yes") == 1
assert __name__ == "__main__" and sys.argv[1:] == ["--routes", "x.xml"], sys.argv
print("ran", beside.HERE)
sys.exit(7)
"""


def run(tmp_path: Path, *before: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "beside.py").write_text("HERE = 'beside it'")
    program = tmp_path / "leaderboard_evaluator.py"
    program.write_text(PROGRAM)
    return subprocess.run(
        [sys.executable, *before, str(LAUNCHER), str(program), "--routes", "x.xml"],
        capture_output=True, text=True, timeout=240.0, check=False,
    )  # fmt: skip


def test_an_old_program_runs_as_if_it_had_been_started_by_itself(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert ended.returncode == 7 and "ran beside it" in ended.stdout, ended.stderr


def test_distutils_and_pkg_resources_are_stood_in_for_where_there_are_none(tmp_path: Path) -> None:
    """As in Python 3.12 without setuptools."""
    hide = (
        "import importlib.util as u, runpy, sys; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name in ('distutils', 'pkg_resources') else find(name, *a)\n"
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    ended = run(tmp_path, "-c", hide)
    assert ended.returncode == 7 and "ran beside it" in ended.stdout, ended.stderr


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--help"], 0), (["no_such_file.py"], 1)])
def test_it_says_how_it_is_used(arguments: list[str], code: int) -> None:
    ended = subprocess.run(
        [sys.executable, str(LAUNCHER), *arguments], capture_output=True, text=True, timeout=240.0, check=False
    )
    assert ended.returncode == code and "evaluator" in ended.stdout + ended.stderr
