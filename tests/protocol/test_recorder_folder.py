"""Where recordings lie when the server was given no folder, and odd names and files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.server.recorder.names import RecordingsFolder
from alpamayo_sim.server.recorder.writer import RecordingWriter
from alpamayo_sim.server.registry import CallError


def test_questions_make_no_folder_and_recordings_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    pattern = "alpamayo-recordings-*"
    with EmbeddedServer("Gridvale", seed=2) as server:
        client = connect(server.address)
        assert "not found" in client.show_recorder_file_info("none.log", False)
        assert list(tmp_path.glob(pattern)) == []
        path = Path(client.start_recorder("kept.log"))
        client.stop_recorder()
        assert [path.parent] == list(tmp_path.glob(pattern))
    assert path.is_file()


def test_an_empty_temporary_folder_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = RecordingsFolder(None)
    folder.make()
    assert folder.path.is_dir()
    folder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_recording_without_frames_says_so(tmp_path: Path) -> None:
    with EmbeddedServer("Gridvale", seed=2, extra_args=("--recordings", str(tmp_path))) as server:
        client = connect(server.address)
        RecordingWriter(tmp_path / "empty.log", "Gridvale", 0).close()
        said = client.replay_file("empty.log", 0.0, 0.0, 0)
    assert "no frames" in said and "-1 s" not in said


def test_long_names_are_not_echoed_whole(tmp_path: Path) -> None:
    with pytest.raises(CallError) as caught:
        RecordingsFolder(tmp_path).resolve("x" * 900)
    assert "longer than 255 bytes" in str(caught.value) and len(str(caught.value)) < 250
