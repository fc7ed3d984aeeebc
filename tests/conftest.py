"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time: `make test` is deterministic. HYPOTHESIS_PROFILE=search looks for new ones (`make test-full`).
settings.register_profile("fixed", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

# Every server waits ten seconds where half a second is enough, for clients that get no turn on the machine.
os.environ.setdefault("ALPAMAYO_PATIENCE", "20")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real maps, routes and recordings (`ALPAMAYO_SHARED/data`, or `shared/data` beside the checkout)."""
    base = Path(os.environ.get("ALPAMAYO_SHARED", ROOT.parent / "shared"))
    data = base / "data"
    if not data.is_dir():
        pytest.skip(f"no shared test data: {data} is not there (set ALPAMAYO_SHARED)")
    return data
