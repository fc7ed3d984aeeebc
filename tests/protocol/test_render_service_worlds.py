"""Worlds whose cameras a render service draws: real clients get the frames that they would get without one."""

from __future__ import annotations

import queue
import re
import signal
import subprocess
import sys

import carla
import numpy as np
import psutil
import pytest
from waits import LONG_S, until

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.render_service import RenderService
from alpamayo_sim.client.worlds import Worlds
from alpamayo_sim.errors import InputError

TOWN = "Gridvale"
KINDS = ("rgb", "depth", "semantic_segmentation", "optical_flow")


def frames(address: object, ticks: int, meanwhile: dict[int, object] | None = None) -> list[bytes]:
    """Return the pictures of cameras on a car that drives off, tick by tick; `meanwhile` says what is done before a tick."""
    client = connect(address)  # pyright: ignore[reportArgumentType]
    settings = client.get_world().get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    client.get_world().apply_settings(settings)
    client.reload_world(False)  # so that nothing depends on when we came
    world = client.get_world()
    library = world.get_blueprint_library()
    points = world.get_map().get_spawn_points()
    car = world.spawn_actor(library.find("vehicle.lincoln.mkz_2020"), points[0])
    other = world.spawn_actor(library.find("vehicle.audi.tt"), points[1])
    car.apply_control(carla.VehicleControl(throttle=0.7))
    other.apply_control(carla.VehicleControl(throttle=0.4, steer=0.1))
    images: list[queue.SimpleQueue[carla.Image]] = []
    cameras = []
    for k, kind in enumerate(KINDS):
        blueprint = library.find(f"sensor.camera.{kind}")
        blueprint.set_attribute("image_size_x", str(96 + 16 * k))
        blueprint.set_attribute("image_size_y", "64")
        camera = world.spawn_actor(
            blueprint, carla.Transform(carla.Location(x=1.5, z=1.6), carla.Rotation(yaw=60.0 * k)), attach_to=car
        )
        images.append(queue.SimpleQueue())
        camera.listen(images[-1].put)
        cameras.append(camera)
    found: list[bytes] = []
    for k in range(ticks):
        act = (meanwhile or {}).get(k)
        if callable(act):
            act()
        number = world.tick()
        for waiting in images:
            image = waiting.get(timeout=LONG_S)
            while image.frame < number:
                image = waiting.get(timeout=LONG_S)
            found.append(bytes(image.raw_data))
    for camera in cameras:
        camera.stop()
        camera.destroy()
    return found


def test_frames_are_those_of_a_server_that_draws_by_itself() -> None:
    with EmbeddedServer(TOWN, seed=4) as alone, RenderService() as service:
        with EmbeddedServer(TOWN, seed=4, extra_args=["--render-service", service.address]) as served:
            ours, theirs = frames(alone.address, 8), frames(served.address, 8)
        assert service.running
    assert len(ours) == 8 * len(KINDS)
    assert [a == b for a, b in zip(ours, theirs, strict=True)] == [True] * len(ours)
    assert all(np.ptp(np.frombuffer(image, np.uint8)) > 0 for image in ours)
    assert ours[0] != ours[-len(KINDS)], "the car drives"


def test_a_service_that_dies_costs_no_frame() -> None:
    with EmbeddedServer(TOWN, seed=4) as alone, RenderService() as service:
        with EmbeddedServer(TOWN, seed=4, extra_args=["--render-service", service.address]) as served:
            theirs = frames(served.address, 6, {3: service.kill})
            assert re.search("WARNING.*rendered in this process from now on", served.log())
        assert theirs == frames(alone.address, 6)


def test_several_worlds_with_one_command() -> None:
    command = [sys.executable, "-m", "alpamayo_training.cli"]
    command += ["sim", "--town", TOWN, "--worlds", "2", "--port", "0", "--render-services", "1", "--seed", "7"]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        lines = [started.stdout.readline() for _ in range(3)]
        ports = [int(re.match(r"127\.0\.0\.1:(\d+) +cameras drawn by .*process \d+", line)[1]) for line in lines[:2]]  # pyright: ignore
        assert lines[2].startswith("2 worlds of Gridvale are ready")
        for port in ports:
            client = carla.Client("127.0.0.1", port)
            client.set_timeout(LONG_S)
            assert client.get_world().get_map().name.endswith(TOWN)
        children = psutil.Process(started.pid).children(recursive=True)
        assert len(children) >= 3, "two servers and a service"
    finally:
        started.send_signal(signal.SIGINT)
        started.communicate(timeout=LONG_S)
    assert psutil.wait_procs(children, timeout=LONG_S)[1] == [], "nothing is left"


def test_worlds_share_a_service_and_end_together() -> None:
    with Worlds(TOWN, 2, render_services=1) as worlds:
        assert len({server.address.port for server in worlds.servers}) == 2
        first, second = (frames(server.address, 2) for server in worlds.servers)
        assert len(first) == len(second) == 2 * len(KINDS)
        assert worlds.services[0].log().count("INFO scene") == 1
        servers, services = worlds.servers, worlds.services
    until(lambda: not any(process.running for process in (*servers, *services)))


@pytest.mark.parametrize(("count", "options"), [(0, {}), (300, {}), (2, {"port": 65530}), (2, {"render_services": 3})])
def test_numbers_of_worlds_that_make_no_sense(count: int, options: dict[str, int]) -> None:
    with pytest.raises(InputError):
        Worlds(TOWN, count, **options)  # pyright: ignore[reportArgumentType]
