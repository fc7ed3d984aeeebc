"""A folder that is taken for CARLA: the flags of its launcher, what it is written from, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.server.carla_root import SETTINGS_FILE, read_flags, read_settings, write_carla_root
from alpamayo_sim.server.config import ServerConfig


@pytest.mark.parametrize(
    ("arguments", "port", "town"),
    [
        ("-RenderOffScreen -nosound -carla-rpc-port=31000 -graphicsadapter=0", 31000, None),
        ("-carla-port=2002 -quality-level=Low -windowed -ResX=800 -ResY=600 -prefernvidia", 2002, None),
        ("--carla-rpc-port=2004", 2004, None),
        ("-CARLA-RPC-PORT=2006", 2006, None),
        ("/Game/Carla/Maps/Town02 -benchmark", None, "Town02"),
        ("/game/carla/maps/Oldwick?listen -carla-world-port=2008", 2008, "Oldwick"),
        ("Gridvale", None, "Gridvale"),
        ("", None, None),
    ],
)
def test_carlas_flags(arguments: str, port: int | None, town: str | None) -> None:
    flags = read_flags(arguments.split())
    assert (flags.port, flags.town, flags.notes) == (port, town, ())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [("-carla-streaming-port=2500 -carla-rpc-port=2000", "2500"), ("-fps=20", "fixed_delta_seconds")],
)
def test_what_is_done_otherwise_is_said(arguments: str, says: str) -> None:
    (note,) = read_flags(arguments.split()).notes
    assert says in note


@pytest.mark.parametrize("arguments", ["-carla-streaming-port=0", "-carla-streaming-port=2001", "-carla-rpc-port=0"])
def test_nothing_is_said_about_what_is_done_as_asked(arguments: str) -> None:
    assert read_flags([arguments]).notes == ()


@pytest.mark.parametrize("argument", ["-carla-rpc-port=", "-carla-rpc-port=two", "-carla-port=-1", "-carla-port=70000"])
def test_a_port_that_is_none_is_refused(argument: str) -> None:
    with pytest.raises(InputError, match="port"):
        read_flags([argument])


def test_what_is_written_is_what_servers_are_started_with(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.mkdir()
    config = ServerConfig(
        town="Oldwick", port=2100, max_rate=40.0, lock_step_s=0.1, seed=7, maps=(maps,), cache_dir=tmp_path / "cache"
    )
    root = tmp_path / "carla root"
    launcher = write_carla_root(root, config, None)
    assert read_settings(root / SETTINGS_FILE) == config
    assert os.access(launcher, os.X_OK) and (root / "VERSION").read_text() == "0.9.16\n"
    assert "PythonAPI" in (root / "PythonAPI" / "README.txt").read_text()


def test_relative_folders_are_written_as_they_were_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_carla_root(Path("root"), ServerConfig(town="x.xodr", maps=(Path("m"),), recordings=Path("r")), None)
    settings = read_settings(tmp_path / "root" / SETTINGS_FILE)
    assert (settings.town, settings.maps, settings.recordings) == (
        str(tmp_path / "x.xodr"), (tmp_path / "m",), tmp_path / "r",
    )  # fmt: skip


def test_the_users_python_api_is_pointed_to_and_can_be_changed(tmp_path: Path) -> None:
    api = tmp_path / "PythonAPI"
    (api / "carla" / "agents" / "navigation").mkdir(parents=True)
    root, config = tmp_path / "root", ServerConfig(town="Gridvale")
    for wanted in (None, api, api, None):
        write_carla_root(root, config, wanted)
        assert (root / "PythonAPI").is_symlink() == (wanted is not None)
        assert ((root / "PythonAPI" / "carla" / "agents").is_dir()) == (wanted is not None)
    assert (api / "carla" / "agents" / "navigation").is_dir()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "CarlaUE4.sh").write_text("theirs")
    with pytest.raises(InputError, match="something else"):
        write_carla_root(tmp_path, ServerConfig(town="Gridvale"), None)
    assert (tmp_path / "CarlaUE4.sh").read_text() == "theirs"
    with pytest.raises(InputError, match="no carla/agents"):
        write_carla_root(tmp_path / "new", ServerConfig(town="Gridvale"), tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"town": "Gridvale"}', '{"maps": 3, "cache_dir": null, "recordings": null}']
)
def test_settings_that_say_nothing_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / SETTINGS_FILE
    path.write_text(text)
    with pytest.raises(InputError, match="--carla-root"):
        read_settings(path)
