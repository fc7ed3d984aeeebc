"""Where other people's code lies: paths come from environment variables, and a test skips without the one it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from programs import Program

from alpamayo_sim.client.embedded import EmbeddedServer

HERE = Path(__file__).parent


def _checkout(variable: str, what: str, contains: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set: it must name {what} (see tests/third_party/README.md)")
    path = Path(value).expanduser().resolve()
    if not (path / contains).exists():
        pytest.fail(f"{variable} must name {what}: {path / contains} is not there")
    return path


@pytest.fixture(scope="session")
def carla_source() -> Path:
    """A checkout of CARLA's repository."""
    return _checkout("CARLA_SOURCE", "a checkout of CARLA 0.9.16", "PythonAPI/carla/agents")


@pytest.fixture(scope="session")
def scenario_runner_root() -> Path:
    """A checkout of ScenarioRunner."""
    return _checkout("SCENARIO_RUNNER_ROOT", "a checkout of ScenarioRunner 0.9.16", "scenario_runner.py")


@pytest.fixture(scope="session")
def leaderboard_root() -> Path:
    """A checkout of the leaderboard."""
    return _checkout(
        "LEADERBOARD_ROOT", "a checkout of the leaderboard (master)", "leaderboard/leaderboard_evaluator.py"
    )


@pytest.fixture(scope="session")
def third_party_python() -> str:
    """The interpreter that runs other people's code: `THIRD_PARTY_PYTHON`, or this one."""
    python = os.environ.get("THIRD_PARTY_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import carla"], capture_output=True, check=False).returncode != 0:
        pytest.fail(f"THIRD_PARTY_PYTHON must name an interpreter that has carla 0.9.16; {python} cannot import it")
    return python


@pytest.fixture
def needs_modules(third_party_python: str) -> Callable[..., None]:
    """Skips the test unless the interpreter has the named modules."""

    def check(*modules: str) -> None:
        statement = f"import {', '.join(modules)}"
        result = subprocess.run([third_party_python, "-c", statement], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            reason = result.stderr.strip().splitlines()[-1]
            pytest.skip(f"{third_party_python} lacks what this program needs: {reason} (set THIRD_PARTY_PYTHON)")

    return check


@pytest.fixture(scope="session")
def map_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers of this session keep what maps cost to compute."""
    return tmp_path_factory.mktemp("map_cache")


@pytest.fixture
def start_server(map_cache: Path) -> Iterator[Callable[..., EmbeddedServer]]:
    """Starts our server on a free port; it ends with the test."""
    with ExitStack() as stack:

        def start(town: str, *, maps: Sequence[Path] = (), extra_args: Sequence[str] = ()) -> EmbeddedServer:
            server = EmbeddedServer(town, seed=1, maps_dirs=maps, cache_dir=map_cache, extra_args=extra_args)
            return stack.enter_context(server)

        yield start


@pytest.fixture
def start_program(third_party_python: str, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts a Python program of somebody else, in an empty folder, without a window; it ends with the test."""
    with ExitStack() as stack:

        def start(
            arguments: Sequence[str | Path],
            *,
            python_path: Sequence[Path] = (),
            environment: dict[str, str] | None = None,
            cwd: Path | None = None,
        ) -> Program:
            variables = {
                "PYTHONPATH": os.pathsep.join(str(path) for path in python_path),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONUNBUFFERED": "1",
                "SDL_VIDEODRIVER": "dummy",
                "SDL_AUDIODRIVER": "dummy",
                "MPLBACKEND": "Agg",
                **(environment or {}),
            }
            log = tmp_path / f"program_{len(list(tmp_path.glob('program_*.log')))}.log"
            command = [third_party_python, *map(str, arguments)]
            return stack.enter_context(Program(command, cwd=cwd or tmp_path, environment=variables, log=log))

        yield start
