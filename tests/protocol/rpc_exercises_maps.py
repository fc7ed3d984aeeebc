"""Exercises of the calls on maps, files, TrafficManagers and the recorder. The last ones change the episode."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import carla
import pytest
from rpc_scene import Scene, exercise, make_scene
from waits import LONG_S, until

XODR = files("alpamayo_sim.roads").joinpath("towns/data/Gridvale.xodr").read_text(encoding="utf-8")
OWN_MANAGER = """
import os, sys, carla
from alpamayo_sim.client.port_lease import lease_ports
client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(120.0)
lease = lease_ports(1)
manager = client.get_trafficmanager(lease.port)
print(manager.get_port(), flush=True)
sys.stdin.readline()
os._exit(0)
"""


@exercise("get_map_info", "get_map_data")
def map_(scene: Scene) -> None:
    map_ = scene.another_client().get_world().get_map()
    assert map_.name == "Carla/Maps/Gridvale"
    assert len(map_.get_spawn_points()) > 20
    assert map_.to_opendrive() == XODR


@exercise("get_required_files")
def required_files(scene: Scene) -> None:
    (mesh,) = scene.client.get_required_files("Nav", False)
    assert "Gridvale" in mesh or mesh.endswith(".bin")
    assert scene.client.get_required_files("", False) == []


@exercise("get_available_maps")
def maps(scene: Scene) -> None:
    assert {"/Game/Carla/Maps/Gridvale", "/Game/Carla/Maps/Oldwick"} <= set(scene.client.get_available_maps())


@exercise("get_navigation_mesh")
def navigation_mesh(scene: Scene) -> None:
    mesh = scene.raw.value("get_navigation_mesh")
    name = scene.raw.value("get_required_files", "Nav")[0]
    assert len(mesh) > 1000 and mesh == scene.raw.value("request_file", name)


@exercise("request_file", refused=True)
def request_file(scene: Scene) -> None:
    scene.client.set_files_base_folder(str(scene.folder))
    try:
        for outside in ("/etc/passwd", "../../etc/passwd", "alpamayo_sim/__init__.py", ""):
            with pytest.raises(RuntimeError):
                scene.client.request_file(outside)
    finally:
        scene.client.set_files_base_folder(str(Path.home() / "carlaCache"))


@exercise("add_traffic_manager_running", "is_traffic_manager_running", "get_traffic_manager_running")
def traffic_manager(scene: Scene) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWN_MANAGER, str(scene.tap.port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert owner.stdin is not None and owner.stdout is not None
    port = int(owner.stdout.readline())
    assert scene.raw.value("is_traffic_manager_running", port) is True
    assert scene.raw.value("get_traffic_manager_running", port)[1] == port
    owner.stdin.write("\n")
    owner.stdin.close()
    assert owner.wait(timeout=LONG_S) == 0
    until(lambda: scene.raw.value("is_traffic_manager_running", port) is False)


@exercise("destroy_traffic_manager")
def destroy_traffic_manager(scene: Scene) -> None:
    assert scene.raw.value("add_traffic_manager_running", ["127.0.0.1", 64999]) is True
    assert scene.raw.call("destroy_traffic_manager", 64999) == [[False]]
    assert scene.raw.value("is_traffic_manager_running", 64999) is False


def record(scene: Scene) -> None:
    """Make a recording of one and a half seconds."""
    assert scene.client.start_recorder("every_call.log", True)
    scene.car.apply_control(carla.VehicleControl(throttle=0.5))
    scene.tick(30)
    scene.client.stop_recorder()


@exercise("start_recorder", "stop_recorder", "show_recorder_file_info", last=True)
def recorder(scene: Scene) -> None:
    record(scene)
    info = scene.client.show_recorder_file_info("every_call.log", True)
    assert "Gridvale" in info and "vehicle.lincoln.mkz_2020" in info


@exercise("show_recorder_collisions", "show_recorder_actors_blocked", last=True)
def recorder_queries(scene: Scene) -> None:
    record(scene)
    assert "Gridvale" in scene.client.show_recorder_collisions("every_call.log", "v", "a")
    assert "Gridvale" in scene.client.show_recorder_actors_blocked("every_call.log", 0.1, 1000.0)


@exercise("replay_file", "stop_replayer", "set_replayer_time_factor", "set_replayer_ignore_hero",
          "set_replayer_ignore_spectator", last=True)  # fmt: skip
def replay(scene: Scene) -> None:
    record(scene)
    scene.client.set_replayer_time_factor(1.0)
    scene.client.set_replayer_ignore_hero(False)
    scene.client.set_replayer_ignore_spectator(True)
    assert scene.client.replay_file("every_call.log", 0.0, 0.0, 0, False)
    scene.tick(10)
    scene.client.stop_replayer(False)
    scene.tick(2)


def renew(scene: Scene) -> None:
    """Let the scene be that of the world as it is now."""
    fresh = make_scene(scene.tap, scene.client, scene.raw, scene.folder)
    scene.__dict__.update(fresh.__dict__)


@exercise("load_new_episode", last=True)
def reload(scene: Scene) -> None:
    before = scene.world.id
    scene.client.load_world("Gridvale", True, carla.MapLayer(0xFFFE))
    renew(scene)
    assert scene.world.id > before
    labels = {thing.type for thing in scene.world.get_environment_objects(carla.CityObjectLabel.Any)}
    assert carla.CityObjectLabel.Buildings not in labels and carla.CityObjectLabel.Vegetation in labels
    scene.client.reload_world()
    renew(scene)
    assert scene.world.get_environment_objects(carla.CityObjectLabel.Buildings)


@exercise("copy_opendrive_to_file", refused=["copy_opendrive_to_file"], last=True)
def generated(scene: Scene) -> None:
    scene.client.generate_opendrive_world(XODR, carla.OpendriveGenerationParameters(2.0, 50.0, 1.0, 0.6, True, True))
    renew(scene)
    assert scene.world.get_map().name == "Carla/Maps/OpenDriveMap"
    with pytest.raises(RuntimeError):
        scene.client.generate_opendrive_world("<OpenDRIVE/>")
    scene.client.load_world("Gridvale")
    renew(scene)
