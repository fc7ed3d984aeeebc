"""The expert on the 18 longest6 routes of Town01, Town02 and Town04 among 60 vehicles and 20 walkers (an hour on 2 cores)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.full
@pytest.mark.timeout(3 * 3600)
def test_expert_drives_longest6(shared_data: Path) -> None:
    script = Path(__file__).with_name("longest6.py")
    ended = subprocess.run(
        [sys.executable, str(script), "--data", str(shared_data)], capture_output=True, text=True, check=False
    )
    rows = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{"route"')]
    rows = [row for row in rows if "outcome" in row]
    assert len(rows) == 18, ended.stderr[-2000:]
    assert sum(row["completion_percent"] == 100.0 for row in rows) >= 17
    assert sum(row["static"] for row in rows) == 0
    assert sum(row["vehicle"] for row in rows) <= 0.1 * sum(row["km"] for row in rows)
