from __future__ import annotations

import pytest
from bench_parts import result, task

from alpamayo_scenarios.benchmark.progress import BenchProgress


def test_every_route_has_its_line_with_the_time_that_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [task(k, "Accident") for k in range(1, 5)]
    with BenchProgress(tasks, tasks[:1]) as progress:
        progress.began(tasks[1])
        progress.advanced(tasks[1], 50.0)
        progress.finished(tasks[1], result(tasks[1], collisions=2))
        progress.began(tasks[2])
        # What a server says is text, whatever it looks like.
        progress.failed(tasks[2], "server_died", "last words:\n[/red] [bold]out of memory", 2)
        progress.failed(tasks[2], "server_died", "", 0)
        progress.finished(tasks[3], result(tasks[3], status="policy_failure(agent_crashed)", outcome="stopped"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("[2/4] 2_rep0") and "score  36.0  (collision_vehicle)  Accident" in lines[0]
    assert lines[0].endswith("left")
    assert lines[1] == "infrastructure: 3_rep0: server_died: [/red] [bold]out of memory; 2 more tries"
    assert lines[2] == "infrastructure: 3_rep0: server_died: server_died; given up for now"
    assert "policy_failure(agent_crashed)" in lines[3]


def test_after_the_last_route_nothing_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [task(1)]
    with BenchProgress(tasks, []) as progress:
        progress.finished(tasks[0], result(tasks[0]))
    assert capsys.readouterr().err.splitlines()[-1].endswith(", done")
