"""The examples of CARLA's PythonAPI, unmodified and without a window, watched by a second client."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import carla
import cv2
import numpy as np
import pytest
from programs import Program, free_port

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

HERE = Path(__file__).parent
PATIENCE_S = 90.0
FRAMES = 200
"""Watched: 10 s of simulation."""

pytestmark = [pytest.mark.full, pytest.mark.timeout(400)]

Starter = Callable[..., Program]


@pytest.fixture
def server(start_server: Callable[..., EmbeddedServer], shared_data: Path) -> EmbeddedServer:
    return start_server("Town01", maps=[shared_data / "maps"])


@pytest.fixture
def world(server: EmbeddedServer) -> carla.World:
    """What the second client sees."""
    return connect(server.address).get_world()


@pytest.fixture
def example(start_program: Starter, carla_source: Path, server: EmbeddedServer, tmp_path: Path) -> Starter:
    """Starts an example by name; the ports that it takes for granted are other ones here."""
    ports = f"2000:{server.address.port},8000:{free_port()}"

    def start(name: str, *arguments: str) -> Program:
        return start_program(
            [carla_source / "PythonAPI" / "examples" / name, *arguments],
            python_path=[HERE / "other_ports", carla_source / "PythonAPI" / "carla"],
            environment={"OTHER_PORTS": ports},
            cwd=tmp_path,
        )

    return start


def wait_until(condition: Callable[[], bool], program: Program) -> None:
    """Wait for a condition; fail when the program ends or the patience does."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert program.running, program.output()
        assert time.monotonic() < deadline_s, program.output()
        time.sleep(0.1)


def frames_pass(world: carla.World, count: int, program: Program) -> None:
    """Wait until the world has advanced."""
    last = world.get_snapshot().frame + count
    wait_until(lambda: world.get_snapshot().frame >= last, program)


def stop(program: Program) -> str:
    """What Ctrl-C does; what the program has printed."""
    program.interrupt()
    outcome = program.wait(PATIENCE_S)
    assert outcome.exit_code is not None, f"it did not end: {outcome.output}"
    return outcome.output


def moved_m(world: carla.World, kind: str, program: Program) -> list[float]:
    """How far the actors of a kind get, as the crow flies."""
    before = {actor.id: actor.get_location() for actor in world.get_actors().filter(kind)}
    frames_pass(world, FRAMES, program)
    actors = world.get_actors(list(before))
    return [actor.get_location().distance(before[actor.id]) for actor in actors]


@pytest.mark.parametrize("mode", ["synchronous", "asynchronous"])
def test_generate_traffic(example: Starter, world: carla.World, mode: str) -> None:
    """30 vehicles drive and 20 pedestrians with AI controllers walk; Ctrl-C removes them all."""
    program = example(
        "generate_traffic.py", "-n", "30", "-w", "20", "-s", "1", *(["--asynch"] if mode == "asynchronous" else [])
    )
    assert program.wait_for("press Ctrl+C to exit", PATIENCE_S), program.output()
    assert "spawned 30 vehicles and" in program.output()
    assert world.get_settings().synchronous_mode == (mode == "synchronous")
    walkers = len(world.get_actors().filter("walker.pedestrian.*"))
    assert walkers >= 15, program.output()
    assert len(world.get_actors().filter("controller.ai.walker")) == walkers
    frames_pass(world, FRAMES, program)
    driven_m = moved_m(world, "vehicle.*", program)
    assert sum(distance > 2.0 for distance in driven_m) >= 10, driven_m
    walked_m = moved_m(world, "walker.pedestrian.*", program)
    assert sum(distance > 2.0 for distance in walked_m) >= 0.6 * walkers, walked_m
    assert "done." in stop(program)
    assert not world.get_actors().filter("vehicle.*")
    assert not world.get_actors().filter("walker.*")
    assert not world.get_settings().synchronous_mode


@pytest.mark.parametrize(("agent", "mode"), [("Behavior", "--sync"), ("Basic", "--sync"), ("Constant", "--sync")])
def test_automatic_control(
    example: Starter, world: carla.World, needs_modules: Callable[..., None], agent: str, mode: str
) -> None:
    """Each of CARLA's agents drives; the camera, the sensors and the display that the example has run along."""
    needs_modules("pygame", "numpy", "shapely", "networkx")
    program = example("automatic_control.py", mode, "--res", "160x90", "-s", "3", "-a", agent)
    wait_until(lambda: len(world.get_actors().filter("vehicle.*")) == 1, program)
    driven_m = moved_m(world, "vehicle.*", program)
    assert driven_m[0] > 5.0, program.output()
    assert world.get_actors().filter("sensor.camera.rgb")
    output = stop(program)
    assert "Traceback" not in output, output


def test_dynamic_weather(example: Starter, world: carla.World) -> None:
    before = world.get_weather()
    program = example("dynamic_weather.py", "--speed", "10")
    wait_until(lambda: world.get_weather() != before, program)
    stop(program)


def test_vehicle_gallery(example: Starter, world: carla.World) -> None:
    """Every vehicle of the catalogue is spawned in turn, and the spectator goes round it."""
    program = example("vehicle_gallery.py")
    seen: set[str] = set()

    def look() -> bool:
        seen.update(actor.type_id for actor in world.get_actors().filter("vehicle.*"))
        return len(seen) >= 2

    wait_until(look, program)
    assert "Spawn failed" not in stop(program)


def test_vehicle_physics(example: Starter) -> None:
    """It pushes a vehicle by an impulse and then by a force, and compares the two."""
    outcome = example("vehicle_physics.py").wait(PATIENCE_S)
    assert outcome.exit_code == 0, outcome.output
    assert "# Adding an Impulse" in outcome.output
    assert "# Adding a Force" in outcome.output


def test_tutorial(example: Starter, tmp_path: Path) -> None:
    """A depth camera on a car in autopilot; the client writes its pictures in shades of the logarithm."""
    outcome = example("tutorial.py").wait(PATIENCE_S)
    assert "created sensor.camera.depth" in outcome.output and "done." in outcome.output
    # It ends with its own TrafficManager running, whose threads the client library does not wait for at exit.
    assert outcome.exit_code in (0, -signal.SIGABRT) and "Traceback" not in outcome.output, outcome.output
    pictures = sorted((tmp_path / "_out").glob("*.png"))
    assert len(pictures) >= 3
    depth = cv2.imread(str(pictures[-1]), cv2.IMREAD_UNCHANGED)
    assert depth is not None and depth.shape[:2] == (600, 800)
    assert np.ptp(depth[..., 0]) > 80, "near is dark, far is bright"


def test_synchronous_mode(example: Starter, world: carla.World, needs_modules: Callable[..., None]) -> None:
    """A colour and a segmentation camera in lock-step, one blended over the other."""
    needs_modules("pygame", "numpy")
    program = example("synchronous_mode.py")
    wait_until(lambda: len(world.get_actors().filter("sensor.camera.semantic_segmentation")) == 1, program)
    driven_m = moved_m(world, "vehicle.*", program)
    assert driven_m[0] > 20.0, program.output()
    output = stop(program)
    assert "AssertionError" not in output and "queue.Empty" not in output, output
