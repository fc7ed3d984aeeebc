"""The promise of the README: a fresh clone, an empty home, one command."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_make_drive_in_a_fresh_clone_ends_without_an_infraction(tmp_path: Path) -> None:
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    done = subprocess.run(["make", "drive"], cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run = next(clone.glob("runs/*-drive"))
    summary = json.loads((run / "summary.json").read_text())
    assert summary["route_completion_percent"] == 100.0
    assert summary["infractions_total"] == 0
    assert (run / "videos" / "drive.mp4").stat().st_size > 1_000_000
    assert (run / "report.html").is_file()
