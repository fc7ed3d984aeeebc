"""A folder that programs take for a CARLA installation: its CarlaUE4.sh takes CARLA's flags and starts our server.

Bench2Drive's evaluator, supervisors and many scripts launch CARLA themselves, from `$CARLA_ROOT/CarlaUE4.sh`.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alpamayo_sim.errors import InputError
from alpamayo_sim.server.config import ServerConfig
from alpamayo_sim.server.main import run

SETTINGS_FILE = "alpamayo-sim.json"
LAUNCHER = "CarlaUE4.sh"
VERSION = "0.9.16"
_PORT_FLAGS = ("carla-rpc-port", "carla-port", "carla-world-port", "world-port")
_MAPS_PREFIX = "/game/carla/maps/"
_NO_PYTHON_API = """CARLA's Python API is not here, since it is CARLA's and not ours.

The leaderboard, ScenarioRunner and Bench2Drive import CARLA's package `agents` from $CARLA_ROOT/PythonAPI/carla. Take it from
a CARLA of yours or from a checkout of its sources (https://github.com/carla-simulator/carla, branch 0.9.16):

    alpamayo sim --carla-root {root} --python-api /path/to/carla/PythonAPI

makes this folder a link to yours; or put /path/to/carla/PythonAPI/carla on PYTHONPATH and leave this one alone. The package
`carla` itself comes from `pip install carla==0.9.16`.
"""


@dataclass(frozen=True)
class LaunchFlags:
    """What matters to us of CarlaUE4.sh's flags."""

    port: int | None
    town: str | None
    notes: tuple[str, ...]
    """What was asked for and is done otherwise here."""


def read_flags(arguments: Sequence[str]) -> LaunchFlags:
    """Return what CarlaUE4.sh's flags ask for; those without a meaning here (windows, graphics, sound) are passed over.

    Raises InputError for a port that is none.
    """
    port: int | None = None
    streaming: int | None = None
    town: str | None = None
    notes: list[str] = []
    for argument in arguments:
        if not argument.startswith("-"):
            town = argument.split("?", 1)[0]
            town = town[len(_MAPS_PREFIX) :] if town.lower().startswith(_MAPS_PREFIX) else town
            continue
        name, _, value = argument.lstrip("-").partition("=")
        if name.lower() in _PORT_FLAGS:
            port = _port(argument, value)
        elif name.lower() == "carla-streaming-port":
            streaming = _port(argument, value)
        elif name.lower() == "fps":
            notes.append(f"{argument} is not taken: clients set the step with fixed_delta_seconds")
    if streaming not in (None, 0, (2000 if port is None else port) + 1):
        notes.append(f"streams use the port after the RPC port, not {streaming}; clients are told which")
    return LaunchFlags(port, town, tuple(notes))


def _port(argument: str, value: str) -> int:
    if not value.isdigit() or int(value) > 65535:
        raise InputError(f"expected a port, 0 to 65535, in {argument!r}")
    return int(value)


def write_carla_root(root: Path, config: ServerConfig, python_api: Path | None) -> Path:
    """Write (or write again) the folder and return its launcher, which starts servers as `config` says.

    `python_api` is the user's own PythonAPI folder, which the root's points to. Raises InputError for a folder that holds
    something else, and for a PythonAPI without CARLA's package `agents`.
    """
    root = root.absolute()
    if root.exists() and (not root.is_dir() or (any(root.iterdir()) and not (root / SETTINGS_FILE).is_file())):
        raise InputError(f"--carla-root takes a new folder or one that it has written; {root} holds something else")
    if python_api is not None and not (python_api / "carla" / "agents" / "navigation").is_dir():
        raise InputError(f"--python-api takes CARLA's PythonAPI folder; there is no carla/agents in {python_api}")
    root.mkdir(parents=True, exist_ok=True)
    settings = {
        "town": str(Path(config.town).absolute()) if config.town.endswith(".xodr") else config.town,
        "port": config.port,
        "max_rate": config.max_rate,
        "lock_step_s": config.lock_step_s,
        "seed": config.seed,
        "maps": [str(folder.absolute()) for folder in config.maps],
        "cache_dir": None if config.cache_dir is None else str(config.cache_dir.absolute()),
        "recordings": None if config.recordings is None else str(config.recordings.absolute()),
    }
    (root / SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    (root / "VERSION").write_text(VERSION + "\n", encoding="ascii")
    python, file = shlex.quote(sys.executable), shlex.quote(str(root / SETTINGS_FILE))
    launcher = root / LAUNCHER
    launcher.write_text(
        "#!/bin/sh\n"
        "# Takes CarlaUE4.sh's flags and starts alpamayo-sim's embedded server, which is not CARLA.\n"
        "# The program that starts this may run in another Python, with packages for that one on its path.\n"
        "unset PYTHONPATH PYTHONHOME\n"
        f'exec {python} -m alpamayo_sim.server.carla_root {file} "$@"\n',
        encoding="utf-8",
    )
    launcher.chmod(0o755)
    _place_python_api(root, python_api)
    return launcher


def _place_python_api(root: Path, python_api: Path | None) -> None:
    place = root / "PythonAPI"
    if place.is_symlink():
        place.unlink()
    if python_api is not None:
        if place.is_dir():
            (place / "README.txt").unlink(missing_ok=True)
            place.rmdir()
        place.symlink_to(python_api.absolute(), target_is_directory=True)
        return
    place.mkdir(exist_ok=True)
    (place / "README.txt").write_text(_NO_PYTHON_API.format(root=root), encoding="utf-8")


def read_settings(path: Path) -> ServerConfig:
    """Return what a root's servers are started with. Raises InputError for a file that does not say."""
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        cache, recordings = values.pop("cache_dir"), values.pop("recordings")
        return ServerConfig(
            maps=tuple(Path(folder) for folder in values.pop("maps")),
            cache_dir=None if cache is None else Path(cache),
            recordings=None if recordings is None else Path(recordings),
            **values,
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"expected the settings that `alpamayo sim --carla-root` writes in {path} ({error})"
        ) from error


def main(arguments: Sequence[str]) -> int:
    """Start the server that CarlaUE4.sh's flags ask for; returns the exit code."""
    try:
        config, flags = read_settings(Path(arguments[0])), read_flags(arguments[1:])
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for note in flags.notes:
        print(f"note: {note}", file=sys.stderr)
    config = replace(
        config,
        port=config.port if flags.port is None else flags.port,
        town=config.town if flags.town is None else flags.town,
    )
    return run(config)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
