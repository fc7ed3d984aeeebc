"""What a run leaves on disk, also when it is interrupted or asked for nonsense."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.record.run_folder import RunFolder, append_json_line, read_json_lines, write_json


def test_a_new_run_has_its_configuration_and_environment(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "drive", {"town": "Gridvale", "out": Path("runs"), "camera": (960, 540)})
    assert run.path.parent == tmp_path
    assert run.path.name.endswith("-drive")
    assert run.config == {"town": "Gridvale", "out": "runs", "camera": [960, 540]}
    assert run.environment["packages"]["carla"] == "0.9.16"
    assert RunFolder.open(run.path) == run


def test_secrets_are_recorded_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_API_KEY", "hunter2-env")
    config = {"teacher": {"api_key": "hunter2-config", "max_tokens": 512}, "access_token": "hunter2-token"}
    run = RunFolder.create(tmp_path, "label", config)
    text = "".join(file.read_text() for file in run.path.iterdir() if file.is_file())
    assert "hunter2" not in text
    assert run.config["teacher"]["max_tokens"] == 512


@pytest.mark.parametrize("name", ["", "../evil", "a/b", ".hidden", "x" * 101, "ümlaut"])
def test_bad_names_leave_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        RunFolder.create(tmp_path / "runs", name, {})
    assert not (tmp_path / "runs").exists()


def test_a_configuration_that_is_no_plain_data_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="plain values"):
        RunFolder.create(tmp_path / "runs", "drive", {"agent": object()})
    assert not (tmp_path / "runs").exists()


def test_runs_of_the_same_second_get_different_folders(tmp_path: Path) -> None:
    runs = [RunFolder.create(tmp_path, "drive", {"number": number}) for number in range(4)]
    assert len({run.path for run in runs}) == 4
    assert [run.config["number"] for run in runs] == [0, 1, 2, 3]
    assert sorted(os.listdir(tmp_path)) == sorted(run.path.name for run in runs)


def test_latest_finds_the_newest_of_a_name(tmp_path: Path) -> None:
    drive = RunFolder.create(tmp_path, "drive", {})
    bench = RunFolder.create(tmp_path, "bench", {})
    assert RunFolder.latest(tmp_path) == bench
    assert RunFolder.latest(tmp_path, "drive") == drive
    with pytest.raises(InputError, match="collect"):
        RunFolder.latest(tmp_path, "collect")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"config\.yaml"):
        RunFolder.open(tmp_path)


def test_episode_names_cannot_leave_the_run(run: RunFolder) -> None:
    for name in ("../../x", "a/b", ""):
        with pytest.raises(InputError):
            run.episode_folder(name)


def test_a_line_that_was_cut_off_is_ignored(run: RunFolder) -> None:
    run.append_event("episode_started", episode_id="a", note="\ud800")
    run.append_event("infraction", episode_id="a")
    log = run.path / "events.jsonl"
    log.write_bytes(log.read_bytes()[:-5])
    assert [line["event"] for line in read_json_lines(log)] == ["episode_started"]


def test_writing_json_replaces_whole_files_only(tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    write_json(file, {"score": 1})
    with pytest.raises(ValueError):
        write_json(file, {"score": float("nan")})
    assert json.loads(file.read_text()) == {"score": 1}
    assert os.listdir(tmp_path) == ["summary.json"]
    with pytest.raises(ValueError):
        append_json_line(tmp_path / "log.jsonl", {"value": float("inf")})
    assert not (tmp_path / "log.jsonl").exists()
