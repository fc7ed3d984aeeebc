"""Recorder and replayer through the real client: CARLA's own recording, files, settings, ends."""

from __future__ import annotations

import math
import re
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import carla
import pytest
from recorded_traffic import pose_of
from waits import newest_tick, until

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

REAL, OWN = "real.log", "own.log"
CENTIMETRE = 0.01
MKZ, COLLISION = "vehicle.lincoln.mkz_2020", "sensor.other.collision"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server's recordings."""
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[EmbeddedServer]:
    """A server that keeps its recordings in `folder`."""
    with EmbeddedServer("Gridvale", seed=2, extra_args=("--recordings", str(folder))) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: EmbeddedServer) -> carla.Client:
    """A client of it."""
    return connect(server.address)


def synchronous(client: carla.Client) -> carla.World:
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    return world


def independent_frames(data: bytes) -> list[tuple[float, dict[int, tuple[float, ...]]]]:
    """Return (duration, {actor: x, y, z, roll, pitch, yaw in cm and degrees}) a frame, read without the code under test."""
    at = 2
    at += 2 + struct.unpack_from("<H", data, at)[0] + 8
    at += 2 + struct.unpack_from("<H", data, at)[0]
    frames: list[tuple[float, dict[int, tuple[float, ...]]]] = []
    while at < len(data):
        kind, size = struct.unpack_from("<BI", data, at)
        at += 5
        if kind == 0:
            frames.append((struct.unpack_from("<Qdd", data, at)[1], {}))
        elif kind == 6:
            for actor_id, *pose in struct.iter_unpack("<I6f", data[at + 2 : at + size]):
                frames[-1][1][actor_id] = tuple(pose)
        at += size
    return frames


def test_carlas_recording_replays_to_a_centimetre(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "recordings" / "DistanceToLaneCenter.log"
    shutil.copy(source, tmp_path / REAL)
    frames = independent_frames(source.read_bytes())
    extra = ("--recordings", str(tmp_path))
    with EmbeddedServer("Town01", maps_dirs=[shared_data / "maps"], extra_args=extra) as server:
        client = connect(server.address)
        world = synchronous(client)
        client.replay_file(REAL, 0.0, 0.0, 234)
        ego, farthest, turned, way_m = 234, 0.0, 0.0, 0.0
        followed = 0.0
        for duration_s, recorded in frames[:-2]:  # the last frame destroys the ego
            client.set_replayer_time_factor(duration_s / 0.05)  # one tick is one recorded frame
            world.tick()
            snapshot = world.get_snapshot()
            x, y, z, roll, pitch, yaw = recorded[ego]
            shown = pose_of(snapshot.find(ego))
            step = math.dist(shown[:3], (x / 100, y / 100, z / 100))
            farthest = max(farthest, step)
            turn = max(abs((a - b + 180) % 360 - 180) for a, b in zip(shown[3:], (pitch, yaw, roll), strict=True))
            turned = max(turned, turn)
            way_m = max(way_m, math.dist(shown[:2], (frames[0][1][ego][0] / 100, frames[0][1][ego][1] / 100)))
            spectator = pose_of(snapshot.find(world.get_spectator().id))
            followed = max(followed, abs(math.dist(spectator[:3], shown[:3]) - math.hypot(10.0, 5.0)))
        assert farthest < CENTIMETRE and turned < 0.01, (farthest, turned)
        assert way_m > 50.0 and len(frames) == 432
        assert followed < 0.02, "the spectator keeps its place behind the ego"
        assert world.get_actor(ego).type_id == "vehicle.lincoln.mkz_2017"


def test_carlas_recording_loads_its_map(shared_data: Path, tmp_path: Path) -> None:
    shutil.copy(shared_data / "recordings" / "DistanceToLaneCenter.log", tmp_path / REAL)
    extra = ("--recordings", str(tmp_path))
    with EmbeddedServer("Gridvale", maps_dirs=[shared_data / "maps"], extra_args=extra) as server:
        client = connect(server.address)
        client.set_replayer_time_factor(0.1)  # at its own pace it would be over before a slow machine has looked
        text = client.replay_file(REAL, 8.0, 0.0, 0)
        assert "Loading map Town01\nReplayer will start after map is loaded...\n" in text
        world = client.get_world()
        cars: list[carla.Actor] = []

        def come() -> bool:
            newest_tick(world)
            cars[:] = world.get_actors().filter("vehicle.*")
            return bool(cars)

        until(come)
        assert world.get_map().name == "Carla/Maps/Town01"
        (car,) = cars
        assert (car.type_id, car.attributes["role_name"]) == ("vehicle.lincoln.mkz_2017", "hero")
        before = car.get_location()
        until(lambda: car.get_location().distance(before) > 1.0)  # by itself, since a new map is asynchronous


def record_two_cars(client: carla.Client, *, ticks: int = 60) -> tuple[carla.World, list[int]]:
    """Record a hero that hits what stands before it, and return the ids of the two cars; both are gone afterwards."""
    world = synchronous(client)
    library = world.get_blueprint_library()
    point = world.get_map().get_spawn_points()[0]
    ahead = carla.Transform(point.location + 9.0 * point.get_forward_vector(), point.rotation)
    ahead.location.z += 0.3
    blueprint = library.find(MKZ)
    standing = world.spawn_actor(blueprint, ahead)
    blueprint.set_attribute("role_name", "hero")
    hero = world.spawn_actor(blueprint, point)
    world.spawn_actor(library.find(COLLISION), carla.Transform(), attach_to=hero)
    for _ in range(20):
        world.tick()
    client.start_recorder(OWN)
    hero.apply_control(carla.VehicleControl(throttle=1.0))
    for _ in range(ticks):
        world.tick()
    client.stop_recorder()
    ids = [hero.id, standing.id]
    destroy_spawned(client)
    return world, ids


def destroy_spawned(client: carla.Client) -> None:
    world = client.get_world()
    world.tick()
    found = [a.id for a in world.get_actors() if a.type_id.startswith(("vehicle.", "sensor.", "walker."))]
    client.apply_batch_sync([carla.command.DestroyActor(i) for i in found], True)


def test_collisions_are_listed_by_type(client: carla.Client) -> None:
    _, (hero, standing) = record_two_cars(client)
    text = client.show_recorder_collisions(OWN, "h", "v")
    line = next(line for line in text.splitlines() if line.endswith(f"{standing:6d} {MKZ:<35}"))
    assert line[8:17] == "   v v   " and f"{hero:6d} {MKZ:<35}" in line
    assert f" Collision id 0 between {hero} (hero)  with {standing}\n" in client.show_recorder_file_info(OWN, False)
    nobody = client.show_recorder_collisions(OWN, "w", "a")
    assert f"{hero:6d} " not in nobody and nobody.endswith("\nFrames: 60\nDuration: 2.95 seconds\n")


def test_a_replay_may_leave_out_the_hero(client: carla.Client) -> None:
    world, (hero, standing) = record_two_cars(client)
    client.set_replayer_ignore_hero(True)
    try:
        assert "Ignoring Hero vehicle\n" in client.replay_file(OWN, 0.0, 0.0, 0)
        for _ in range(3):
            world.tick()
            assert world.get_snapshot().find(hero) is None
            assert world.get_snapshot().find(standing) is not None
    finally:
        client.set_replayer_ignore_hero(False)
        client.stop_replayer(True)
        destroy_spawned(client)


def test_sensors_are_replayed_on_request(client: carla.Client) -> None:
    world, (hero, _) = record_two_cars(client)
    for wanted in (False, True):
        client.replay_file(OWN, 0.0, 0.0, 0, wanted)
        for _ in range(30):
            world.tick()
        sensors = [actor for actor in world.get_actors() if actor.type_id == COLLISION and actor.is_alive]
        assert len(sensors) == int(wanted)
        if wanted:
            assert sensors[0].parent.id == hero
            apart = sensors[0].get_location().distance(world.get_actor(hero).get_location())
            assert apart < CENTIMETRE, "an attached sensor follows"
        client.stop_replayer(True)
        destroy_spawned(client)


def test_the_spectator_is_followed_or_left_alone(client: carla.Client) -> None:
    world, _ = record_two_cars(client)
    place = carla.Transform(carla.Location(1.0, 2.0, 30.0))
    world.get_spectator().set_transform(place)
    client.replay_file(OWN, 0.0, 0.0, 0)
    for _ in range(5):
        world.tick()
    assert world.get_spectator().get_location().distance(place.location) < CENTIMETRE
    client.set_replayer_ignore_spectator(False)
    try:
        client.replay_file(OWN, 0.0, 0.0, 0)
        for _ in range(5):
            world.tick()
        assert world.get_spectator().get_location().distance(place.location) > 1.0
    finally:
        client.set_replayer_ignore_spectator(True)
        client.stop_replayer(True)
        destroy_spawned(client)


def test_fast_replays_end_early_and_give_vehicles_back(client: carla.Client) -> None:
    world, (hero, _) = record_two_cars(client)
    client.set_replayer_time_factor(4.0)
    try:
        assert " at 4.0x\n" in client.replay_file(OWN, 0.0, 0.0, 0)
        for _ in range(16):  # 59 recorded frames, four a tick
            world.tick()
    finally:
        client.set_replayer_time_factor(1.0)
    car = world.get_actor(hero)
    car.apply_control(carla.VehicleControl(throttle=1.0, reverse=True))
    before = car.get_location()
    for _ in range(60):
        world.tick()
    assert car.get_location().distance(before) > 1.0
    destroy_spawned(client)


def test_stopping_destroys_only_what_the_recording_destroys(client: carla.Client) -> None:
    world, (hero, standing) = record_two_cars(client)
    client.replay_file(OWN, 0.0, 0.0, 0)
    world.tick()
    client.stop_replayer(False)
    world.tick()
    assert {hero, standing} <= {actor.id for actor in world.get_snapshot()}
    destroy_spawned(client)


@pytest.mark.parametrize("name", ["../outside.log", "/etc/passwd", "", "a/../../b.log", "x\0y"])
def test_names_outside_the_folder_are_refused(client: carla.Client, name: str) -> None:
    for ask in (
        lambda: client.start_recorder(name),
        lambda: client.show_recorder_file_info(name, False),
        lambda: client.replay_file(name, 0.0, 0.0, 0),
    ):
        with pytest.raises(RuntimeError, match="recording"):
            ask()


def test_links_out_of_the_folder_are_refused(client: carla.Client, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.log").write_bytes(b"secret")
    (folder / "link.log").symlink_to(tmp_path / "secret.log")
    with pytest.raises(RuntimeError, match="lies outside"):
        client.start_recorder("link.log")
    assert (tmp_path / "secret.log").read_bytes() == b"secret"


def test_absolute_names_inside_the_folder_and_subfolders_work(client: carla.Client, folder: Path) -> None:
    synchronous(client)
    for name in (str(folder / "absolute.log"), "sub/folder/run.log"):
        path = client.start_recorder(name)
        client.get_world().tick()
        client.stop_recorder()
        assert Path(path) == (folder / name).resolve()
        assert client.show_recorder_file_info(name, False).endswith("\nFrames: 1\nDuration: 0 seconds\n")


def test_other_files_are_not_overwritten(client: carla.Client, folder: Path) -> None:
    (folder / "notes.txt").write_text("do not lose me")
    with pytest.raises(RuntimeError, match="is no recording"):
        client.start_recorder("notes.txt")
    assert (folder / "notes.txt").read_text() == "do not lose me"
    assert client.show_recorder_file_info("notes.txt", False) == "File is not a CARLA recorder\n"


def test_missing_files_are_named(client: carla.Client, folder: Path) -> None:
    path = folder / "nothing.log"
    expected = f"File {path} not found on server\n"
    assert client.show_recorder_file_info("nothing.log", True) == expected
    assert client.show_recorder_collisions("nothing.log", "a", "a") == expected
    assert client.show_recorder_actors_blocked("nothing.log", 1.0, 1.0) == expected
    assert client.replay_file("nothing.log", 0.0, 0.0, 0) == f"Replaying File: {path}\n{expected}"


def test_a_killed_server_leaves_whole_frames(tmp_path: Path) -> None:
    with EmbeddedServer("Gridvale", extra_args=("--recordings", str(tmp_path))) as server:
        client = connect(server.address)
        world = synchronous(client)
        client.start_recorder("cut.log", True)
        for _ in range(10):
            world.tick()
        server.kill()
    data = (tmp_path / "cut.log").read_bytes()
    (tmp_path / "shorter.log").write_bytes(data[:-40])
    with EmbeddedServer("Gridvale", extra_args=("--recordings", str(tmp_path))) as server:
        client = connect(server.address)
        found = re.search(
            r"\nFrames: (\d+)\nDuration: ([\d.]+) seconds\n$", client.show_recorder_file_info("cut.log", True)
        )
        assert found is not None
        frames = int(found[1])
        assert frames in (9, 10), "a frame is written after its tick is answered, so the last one may not be there"
        assert float(found[2]) == pytest.approx(0.05 * (frames - 1))
        for name, whole in (("cut.log", frames), ("shorter.log", frames - 1)):
            assert f"Total time recorded: {0.05 * (whole - 1):.6g}\n" in client.replay_file(name, 0.0, 0.0, 0)
