"""A labelling process that is killed in the middle asks nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

from chat_server import ChatServer, Request, Say, Stall, serving
from labelled_dataset import make_dataset
from recorded_drives import NAMES

from alpamayo_training.coc.label import labels_path, read_labels

KEEP = {
    "components": [],
    "scenario": "other",
    "longitudinal": "set_speed_tracking",
    "lateral": "lane_keeping",
    "trace": "Keep the speed because the lane ahead is free.",
}
GENEROUS_S = 240.0
HELD = 4


def command(folder: Path, server: ChatServer) -> list[str]:
    start = "import sys; from alpamayo_training.cli import main; sys.exit(main(sys.argv[1:]))"
    options = ("--teacher", "openai", "--critic", "none", "--model", "m", "--version", "v", "--concurrency", "1")
    return [sys.executable, "-c", start, "label", str(folder), *options, "--base-url", server.base_url, "--json"]


def test_a_killed_process_asks_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "recorded"
    make_dataset(folder, NAMES[:3])
    is_held, is_second_run = threading.Event(), threading.Event()

    def script(number: int, _: Request) -> Say | Stall:
        if number == HELD and not is_second_run.is_set():
            is_held.set()
            return Stall()
        return Say(json.dumps(KEEP))

    with serving(script) as server:
        process = subprocess.Popen(command(folder, server), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            assert is_held.wait(GENEROUS_S), "the process never asked"
        finally:
            process.kill()
            process.communicate()
        # The requests before the held one were answered, and with one at a time each was kept before the next.
        answered = [json.dumps(request.body) for request in server.requests[:HELD]]
        before = len(server.requests)
        is_second_run.set()
        again = subprocess.run(
            command(folder, server), capture_output=True, text=True, check=False, timeout=2 * GENEROUS_S
        )
        assert again.returncode in (0, 1), again.stderr
        asked = [json.dumps(request.body) for request in server.requests[before:]]
    assert len(set(answered)) == HELD
    assert not set(answered) & set(asked)
    labels = read_labels(labels_path(folder, "v"))
    assert len(labels) == HELD + len(asked) == json.loads(again.stdout)["labels"]
    assert json.loads(again.stdout)["teacher"]["cache_hits"] == HELD
