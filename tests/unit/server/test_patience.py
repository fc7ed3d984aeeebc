"""The factor for waits on slow machines."""

from __future__ import annotations

import subprocess
import sys

import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.patience import VARIABLE, patience_factor


def test_it_is_one_unless_the_environment_says_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert patience_factor() == 1.0
    monkeypatch.setenv(VARIABLE, "2.5")
    assert patience_factor() == 2.5


@pytest.mark.parametrize("text", ["", "long", "0.5", "nan", "inf", "1e9"])
def test_what_is_no_factor_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(InputError, match=VARIABLE):
        patience_factor()


def test_a_server_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "soon")
    command = [sys.executable, "-m", "alpamayo_sim.server", "--town", "Gridvale", "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and VARIABLE in ended.stderr and "Traceback" not in ended.stderr
