"""The agent of a driving model in closed loop: real servers, real cameras, real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest
from bench_runs import only_run, summary_of, write_suite
from command_line import alpamayo, drive

from alpamayo_sim.record.run_folder import read_json_lines
from alpamayo_sim.record.tick_log import read_plans, read_ticks

HERE = Path(__file__).parent
OWN_AGENTS = {**os.environ, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
RECORD = ("ticks.jsonl.gz", "plans.jsonl.gz", "timeline.jsonl")

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def miniature_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of ten thousand parameters as ONNX graphs: quickly made, and all of the way to the wheel is the same."""
    pytest.importorskip("onnxscript")
    folder = tmp_path_factory.mktemp("model") / "miniature"
    script = (
        "import sys; from pathlib import Path; from miniature import miniature_model; "
        "from alpamayo_sim.runtime.export import export_onnx; export_onnx(*miniature_model(), Path(sys.argv[1]))"
    )
    paths = {**os.environ, "PYTHONPATH": str(HERE.parent / "unit" / "model")}
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, env=paths)
    return folder


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of 7 million parameters as ONNX graphs."""
    pytest.importorskip("onnxscript")
    folder = tmp_path_factory.mktemp("model") / "tiny"
    result = alpamayo("export", "tiny", "--out", folder, "--no-gates")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_suite(tmp_path_factory.mktemp("suites"), "one", {"Gridvale": 1}, shortest_m=60.0, longest_m=90.0)


def bench_of(out: Path, suite: Path, agent: str, *arguments: str | Path) -> tuple[Path, dict[str, Any], int]:
    result = alpamayo(
        "bench", suite, "--agent", agent, "--jobs", "1", "--out", out, "--json", *arguments, env=OWN_AGENTS
    )
    assert result.returncode in (0, 1), result.stderr
    return only_run(out), summary_of(result), result.returncode


@pytest.mark.parametrize("model", ["miniature", pytest.param("tiny", marks=pytest.mark.full)])
def test_a_random_model_on_onnx_runtime_drives_with_video_and_without_torch(
    model: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(f"{model}_folder")
    result = drive(
        tmp_path, "--agent", "soon_over:SoonOver", "--checkpoint", folder, "--latency", "0.3", "--reasoning-tokens", "4",
        "--camera", "320", "180", env=OWN_AGENTS,
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    (run,) = tmp_path.glob("*-drive")
    episode = run / "episodes" / "drive"
    assert "over, having loaded ['onnxruntime']" in (episode / "agent_error.txt").read_text()
    plans = list(read_plans(episode))
    assert len(plans) == 4
    assert {plan.latency_s for plan in plans} == {0.3}
    assert all({"longitudinal", "lateral"} <= plan.decisions.keys() for plan in plans)
    assert [b.t0_s - a.t0_s for a, b in zip(plans, plans[1:], strict=False)] == pytest.approx([0.5] * 3, abs=1e-4)
    ticks = list(read_ticks(episode))
    first = next(tick for tick in ticks if tick.plan is not None)
    assert first.time_s == pytest.approx(ticks[0].time_s + 1.5 + 0.3, abs=0.11), (
        "after 1.5 s of history and the latency"
    )
    assert all(tick.control.brake == 1.0 for tick in ticks if tick.plan is None)
    with av.open(str(run / "videos" / "drive.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) >= 35
    lines = read_json_lines(episode / "timeline.jsonl")
    assert sum("plan" in line for line in lines) == len(plans), "the report has every plan"
    assert any(line["thought"]["text"] for line in lines if "thought" in line)
    notes = json.loads((episode / "agent.json").read_text())
    assert len(notes["latency_s"]) == notes["plans"]["asked"] >= 4
    assert min(notes["latency_s"]) > 0.0
    assert notes["settings"]["latency"] == "0.3"


def test_two_drives_with_emulated_latency_are_equal(miniature_folder: Path, suite: Path, tmp_path: Path) -> None:
    samples = tmp_path / "latency.json"
    samples.write_text("[0.1, 0.25, null, 0.4]")
    options = ("--checkpoint", miniature_folder, "--latency", samples, "--reasoning-tokens", "4", "--seed", "3")
    records: list[list[bytes]] = []
    for number in range(2):
        run, _, code = bench_of(tmp_path / str(number), suite, "soon_over:SoonOver", *options)
        assert code == 1
        episode = run / "episodes" / "Gridvale-0_rep0"
        assert sum(1 for _ in read_plans(episode)) >= 2
        records.append([(episode / name).read_bytes() for name in RECORD])
    assert records[0] == records[1]


def test_the_truth_drives_through_the_agent_and_latency_costs_score(suite: Path, tmp_path: Path) -> None:
    """`alpamayo latency`: at once the expert's plans come through unharmed; plans of two seconds ago are no way to drive."""
    result = alpamayo(
        "latency", suite, "--agent", "truth_vla:TruthVla", "--latencies", "0", "5", "--late", "brake", "--jobs", "1",
        "--out", tmp_path, "--json", env=OWN_AGENTS,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    fresh, stale = json.loads(result.stdout.splitlines()[-1])
    assert (fresh["latency_s"], stale["latency_s"]) == (0.0, 5.0)
    assert fresh["driving_score"] == 100.0 and fresh["infractions_total"] == 0
    assert stale["route_completion_percent"] < 50.0, "who brakes for late plans does not arrive when all of them are"
    (folder,) = tmp_path.glob("*-latency")
    assert (folder / "score_against_latency.png").stat().st_size > 5_000
    assert len(json.loads((folder / "latency.json").read_text())["rows"]) == 2


BAD_INPUTS = {
    "no checkpoint": (("--agent", "vla"), "--checkpoint"),
    "no such folder": (("--agent", "vla", "--checkpoint", "nowhere"), "nowhere"),
    "a folder that is no checkpoint": (("--agent", "vla", "--checkpoint", str(HERE)), "neither a checkpoint"),
    "negative latency": (("--agent", "vla", "--checkpoint", "tiny", "--latency=-0.3"), "-0.3"),
    "latency of nothing": (("--agent", "vla", "--checkpoint", "tiny", "--latency", "fast"), "fast"),
    "plan rate of nothing": (("--agent", "vla", "--checkpoint", "tiny", "--plan-rate", "0"), "--plan-rate"),
    "a checkpoint for an agent without": (("--agent", "expert", "--checkpoint", "tiny"), "--agent vla"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_input_is_named_and_leaves_nothing(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from alpamayo_training.cli import main

    arguments, named = BAD_INPUTS[case]
    for command in (["drive", "--no-video"], ["bench", "smoke"], ["latency", "smoke", "--latencies", "0"]):
        if command[0] == "latency" and "--latency" in " ".join(arguments):
            continue
        assert main([*command, "--out", str(tmp_path / "runs"), *arguments]) == 2
        assert named in capsys.readouterr().err
    assert main(["serve", "--port", "0", *arguments]) == 2
    assert named in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/[!.]*"))


def test_a_sweep_over_wrong_latencies_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from alpamayo_training.cli import main

    for latencies, named in ((("0", "-1"), "-1"), (("0", "0"), "different"), (("0", "none.json"), "none.json")):
        assert (
            main(["latency", "smoke", "--checkpoint", "tiny", "--out", str(tmp_path), "--latencies", *latencies]) == 2
        )
        assert named in capsys.readouterr().err
    assert main(["latency", "smoke", "--agent", "expert", "--out", str(tmp_path)]) == 2
    assert "derive from it; found expert" in capsys.readouterr().err
