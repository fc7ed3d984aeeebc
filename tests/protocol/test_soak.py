"""Memory stays flat under churn, see `soak_server.py`: 200,000 ticks here, as many as ALPAMAYO_SOAK_TICKS says otherwise.

`ALPAMAYO_SOAK_TICKS=1000000 pytest -m full tests/protocol/test_soak.py` is the long proof; it takes half an hour or so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DEFAULT_TICKS = 200_000
CLIENTS = 20
"""As many at least take turns; none lives longer than 20,000 ticks."""


@pytest.mark.full
@pytest.mark.timeout(14_400)
def test_memory_is_flat_under_churn(tmp_path: Path) -> None:
    ticks = int(os.environ.get("ALPAMAYO_SOAK_TICKS", DEFAULT_TICKS))
    command = [sys.executable, str(Path(__file__).with_name("soak_server.py")), "--log", str(tmp_path / "soak.jsonl")]
    command += ["--ticks", str(ticks), "--ticks-per-client", str(min(20_000, ticks // CLIENTS))]
    command += ["--block-ticks", str(min(2000, ticks // 100))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["server_alive"]
    assert report["ticks"] >= ticks
    assert report["killed_clients"] > 0
    assert report["episodes"] > 1
    assert report["rss_mb"]["last"] - report["rss_mb"]["least"] < 300.0
