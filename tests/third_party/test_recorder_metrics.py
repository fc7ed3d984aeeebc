"""Programs around recordings, unmodified: ScenarioRunner's metrics, and CARLA's examples that record, show and replay."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import carla
import numpy as np
import pytest
from programs import Program

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

pytestmark = pytest.mark.timeout(300)
LOG, EGO = "DistanceToLaneCenter.log", 234
MAX_S = 120.0
PARSER_CHECK = """
import sys
from srunner.metrics.tools.metrics_parser import MetricsParser
simulation, actors, frames = MetricsParser(open(sys.argv[1]).read()).parse_recorder_info()
ego = frames[300]["actors"][234]
print(simulation["map"], simulation["total_frames"], len(frames), actors[234]["type_id"], actors[234]["destroyed"])
print(ego["transform"].location.x, ego["velocity"].y, ego["control"].throttle)
print(len(frames[0]["events"]["physics_control"][234].wheels), len(frames[0]["events"]["traffic_light_state_time"]))
"""


@pytest.fixture
def recordings(shared_data: Path, tmp_path: Path) -> Path:
    """A folder with CARLA's recording in it."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    shutil.copy(shared_data / "recordings" / LOG, folder / LOG)
    return folder


@pytest.fixture
def server(start_server: Callable[..., EmbeddedServer], recordings: Path, shared_data: Path) -> EmbeddedServer:
    """A server of that folder."""
    return start_server("Town01", maps=[shared_data / "maps"], extra_args=("--recordings", str(recordings)))


def distances_to_lane_center(xodr: Path, recording: Path) -> list[float]:
    """Return the ego's signed distance to its lane's centre in every frame, computed without any of the programs."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "protocol"))
    from test_recorder import independent_frames

    town = carla.Map("Town01", xodr.read_text())
    found: list[float] = []
    for _, poses in independent_frames(recording.read_bytes()):
        if EGO in poses:
            place = np.array(poses[EGO][:3]) / 100.0
            lane = town.get_waypoint(carla.Location(*place.tolist())).transform
            away = place - np.array([lane.location.x, lane.location.y, lane.location.z])
            right = lane.get_right_vector()
            found.append(float(away @ np.array([right.x, right.y, right.z])))
    return found


def test_scenario_runners_metric_on_carlas_recording(
    scenario_runner_root: Path,
    needs_modules: Callable[..., None],
    server: EmbeddedServer,
    start_program: Callable[..., Program],
    recordings: Path,
    shared_data: Path,
    tmp_path: Path,
) -> None:
    needs_modules("carla", "numpy")
    results = tmp_path / "srunner" / "metrics" / "data"
    results.mkdir(parents=True)
    metric = scenario_runner_root / "srunner" / "metrics" / "examples" / "distance_to_lane_center.py"
    program = start_program(
        [
            scenario_runner_root / "metrics_manager.py", "--port", str(server.address.port), "--metric", metric,
            "--log", LOG,
        ],
        python_path=[scenario_runner_root],
        environment={"SCENARIO_RUNNER_ROOT": str(recordings)},
        cwd=tmp_path,
    )  # fmt: skip
    outcome = program.wait(MAX_S)
    assert outcome.exit_code == 0, outcome.output
    result = json.loads((results / "DistanceToLaneCenter_results.json").read_text())
    expected = distances_to_lane_center(shared_data / "maps" / "Town01.xodr", recordings / LOG)
    measured = [abs(value) for value in result["distance"]]
    assert len(measured) >= 430
    assert np.allclose(measured, np.abs(expected[: len(measured)]), atol=0.01)
    assert max(measured) > 0.3, "the ego leaves the centre of its lane somewhere"


def test_scenario_runners_parser_reads_our_text(
    scenario_runner_root: Path,
    needs_modules: Callable[..., None],
    server: EmbeddedServer,
    start_program: Callable[..., Program],
    tmp_path: Path,
) -> None:
    needs_modules("carla")
    text = connect(server.address).show_recorder_file_info(LOG, True)
    (tmp_path / "info.txt").write_text(text)
    program = start_program(["-c", PARSER_CHECK, tmp_path / "info.txt"], python_path=[scenario_runner_root])
    outcome = program.wait(MAX_S)
    assert outcome.exit_code == 0, outcome.output
    first, second, third = outcome.output.strip().splitlines()
    assert first == "Town01 432 432 vehicle.lincoln.mkz_2017 432"
    x_m, speed_mps, throttle = map(float, second.split())
    assert 391.0 < x_m < 394.0 and abs(speed_mps) > 1.0 and 0.0 <= throttle <= 1.0
    assert third == "4 36"


@pytest.mark.parametrize(
    ("script", "arguments", "expected"),
    [
        ("show_recorder_file_info.py", (), "Frames: 432\nDuration: 12.5282 seconds"),
        ("show_recorder_file_info.py", ("-a",), "  Id: 234 Steering: "),
        ("show_recorder_collisions.py", ("-t", "av"), "    Time  Types     Id Actor 1"),
        ("show_recorder_actors_blocked.py", ("-t", "3", "-d", "100"), "    234 vehicle.lincoln.mkz_2017 "),
        (
            "start_replaying.py",
            ("-s", "5", "-d", "2", "-x", "1.5", "-i"),
            "Replaying from 5 s - 7 s (12.5282 s) at 1.5x",
        ),
    ],
)
def test_carlas_examples_on_carlas_recording(
    carla_source: Path,
    server: EmbeddedServer,
    start_program: Callable[..., Program],
    script: str,
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    example = carla_source / "PythonAPI" / "examples" / script
    program = start_program([example, "-p", str(server.address.port), "-f", LOG, *arguments])
    outcome = program.wait(MAX_S)
    assert outcome.exit_code == 0, outcome.output
    assert expected in outcome.output


def test_carlas_example_records(
    carla_source: Path, server: EmbeddedServer, start_program: Callable[..., Program], recordings: Path
) -> None:
    example = carla_source / "PythonAPI" / "examples" / "start_recording.py"
    program = start_program([example, "-p", str(server.address.port), "-f", "made.log", "-n", "5", "-t", "3"])
    outcome = program.wait(MAX_S)
    assert f"Recording on file: {recordings.resolve() / 'made.log'}" in outcome.output
    assert "spawned 5 vehicles" in outcome.output and "Stop recording" in outcome.output
    text = connect(server.address).show_recorder_file_info("made.log", False)
    assert text.count(" (1) at (") == 5 and "\nDuration: " in text
