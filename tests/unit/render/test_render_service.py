"""A render service draws what this process would, byte by byte, and outlives worlds that misbehave or die."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from car_frames import cars
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_sim.client.render_service import RenderService
from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.render import context, painter
from alpamayo_sim.render.batch import CAMERA_FLOATS, Batch, Group, Motion, Pass, WindowKey
from alpamayo_sim.render.camera import CameraView, LastPicture
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.render.instances import ROW
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.render.service import wire
from alpamayo_sim.render.service.memory import SharedMemory
from alpamayo_sim.render.service.messages import Message, Say, receive, send
from alpamayo_sim.render.service.remote_painter import RemotePainter
from alpamayo_sim.render.service.scene_data import scene_bytes, scene_of

NIGHT_RAIN = (100.0, 100.0, 90.0, 100.0, -1.0, -90.0, 100.0, 0.75, 0.1, 100.0, 1.0, 0.03, 0.0331, 0.0)


@pytest.fixture(scope="module")
def service() -> Iterator[RenderService]:
    with RenderService() as started:
        yield started


@pytest.fixture(scope="module")
def remote(service: RenderService, renderer: Renderer) -> Iterator[Renderer]:
    made = Renderer(renderer.scene, service=service.address)
    yield made
    made.release()


@pytest.fixture
def frame(ego_pose: Transform) -> SceneFrame:
    ahead = [compose(ego_pose, Transform(x, y, 0.0)) for x, y in ((9.0, 0.0), (16.0, -3.5), (25.0, 3.0))]
    return cars(ahead, lights=2 | 8, weather=NIGHT_RAIN, time_s=3.0)


def around(front: CameraView, count: int, **fields: object) -> list[CameraView]:
    turned = (compose(front.transform, Transform(0, 0, 0, 0, 360.0 * k / count, 0)) for k in range(count))
    return [replace(front, transform=pose, width=64 + 8 * k, height=48, **fields) for k, pose in enumerate(turned)]


@pytest.mark.parametrize("kind", CameraKind)
def test_pictures_are_those_of_this_process(
    renderer: Renderer, remote: Renderer, front: CameraView, frame: SceneFrame, kind: CameraKind
) -> None:
    moved = compose(front.transform, Transform(-0.5, 0.1, 0.0, 0.0, 2.0, 0.0))
    last = LastPicture(moved, frame) if kind is CameraKind.FLOW else None
    cameras = [*around(front, 5, kind=kind, last=last), replace(front, kind=kind, last=last)]
    for here, there in zip(renderer.render(cameras, frame), remote.render(cameras, frame), strict=True):
        np.testing.assert_array_equal(here, there)
        assert np.ptp(here) > 0, "there is something to see"


def test_more_cameras_than_a_batch_holds_and_cameras_far_apart(
    renderer: Renderer, remote: Renderer, front: CameraView, frame: SceneFrame
) -> None:
    far = replace(front, transform=front.transform._replace(x=front.transform.x + 300.0), width=80, height=60)
    cameras = [far, *around(front, 20), far]
    for here, there in zip(renderer.render(cameras, frame), remote.render(cameras, frame), strict=True):
        np.testing.assert_array_equal(here, there)


def test_pictures_that_are_kept_stay_as_they_are(remote: Renderer, front: CameraView, frame: SceneFrame) -> None:
    small = replace(front, width=64, height=48)
    kept = [remote.render([small], replace(frame, time_s=float(t)))[0] for t in range(4)]
    copies = [picture.copy() for picture in kept]
    remote.render([replace(small, fov_deg=40.0)], frame)
    for picture, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(picture, copy)


def test_worlds_of_one_map_share_its_scene(service: RenderService, renderer: Renderer, remote: Renderer) -> None:
    painters = [RemotePainter(service.address, renderer.scene) for _ in range(3)]
    assert service.log().count("INFO scene") == 1
    for one in painters:
        one.release()


def test_scenes_that_nobody_uses_are_forgotten(
    service: RenderService, renderer: Renderer, remote: Renderer, front: CameraView, frame: SceneFrame
) -> None:
    small = replace(front, width=64, height=48)
    expected = renderer.render([small], frame)[0]
    for k in range(1, 8):
        other = replace(renderer.scene, head_height_m=renderer.scene.head_height_m + k)
        world = Renderer(other, service=service.address)
        world.render([small], frame)
        world.release()
    np.testing.assert_array_equal(remote.render([small], frame)[0], expected)
    assert service.log().count("is forgotten") >= 2 and service.running


def test_a_scene_survives_the_way(renderer: Renderer) -> None:
    data, digest = scene_bytes(renderer.scene)
    again = scene_of(memoryview(data))
    assert scene_bytes(again)[1] == digest
    np.testing.assert_array_equal(again.facades.vertices["position"], renderer.scene.facades.vertices["position"])
    assert again.speed_limits == renderer.scene.speed_limits
    for broken in (data[:100], b"x" + data[1:], data[: len(data) // 2]):
        with pytest.raises(InputError, match="not a scene"):
            scene_of(memoryview(broken))


def test_without_the_service_this_process_draws(
    renderer: Renderer, front: CameraView, frame: SceneFrame, caplog: pytest.LogCaptureFixture
) -> None:
    small = replace(front, width=64, height=48)
    with RenderService() as doomed:
        world = Renderer(renderer.scene, service=doomed.address)
        before = world.render([small], frame)[0]
        doomed.kill()
        with caplog.at_level(logging.WARNING):
            after = world.render([small], frame)[0]
    np.testing.assert_array_equal(before, after)
    assert "is gone" in caplog.text or "closed" in caplog.text
    assert "rendered in this process" in caplog.text
    world.release()


def test_nobody_at_the_address(renderer: Renderer, tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="alpamayo render --listen"):
        RemotePainter(str(tmp_path / "nobody"), renderer.scene)


def test_a_second_service_at_an_address_is_refused(service: RenderService) -> None:
    with pytest.raises(InfrastructureError, match="listening at"):
        RenderService(listen=Path(service.address))


def test_only_this_user_can_connect(service: RenderService) -> None:
    assert os.stat(service.address).st_mode & 0o077 == 0


WORLD = """
import sys, time
from alpamayo_sim.frames import Transform
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.statics import build_statics
town = load_road_map("Gridvale")
world = Renderer(Scene.from_road_map(town, build_statics(town)), service=sys.argv[1])
world.render([CameraView(Transform(0, 0, 2), 640, 360)], SceneFrame())
print("drawn", flush=True)
time.sleep(600)
"""


def blocks_of(pid: int) -> int:
    return Path(f"/proc/{pid}/maps").read_text().count("memfd:alpamayo-pictures")


def test_the_memory_of_a_world_that_dies_is_freed(service: RenderService) -> None:
    before = blocks_of(service.pid)
    child = subprocess.Popen([sys.executable, "-c", WORLD, service.address], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"drawn\n"
    assert blocks_of(service.pid) > before
    child.kill()
    child.wait()
    for _ in range(1200):
        if blocks_of(service.pid) <= before:
            break
        time.sleep(0.1)
    assert blocks_of(service.pid) <= before and service.running


def connected(service: RenderService) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.settimeout(120.0)
    sock.connect(service.address)
    return sock


def shared(content: bytes, size: int, *, sealed: bool = True) -> int:
    if sealed:
        memory, descriptor = SharedMemory.create(size)
        memory.view[: len(content)] = content
        return descriptor
    descriptor = os.memfd_create("unsealed", os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    os.pwrite(descriptor, content, 0)
    return descriptor


def test_messages_that_make_no_sense_are_refused_and_others_go_on(
    service: RenderService, remote: Renderer, front: CameraView, frame: SceneFrame
) -> None:
    digest = bytes(range(32))
    refused: list[tuple[Message, int | None]] = [
        (Message(Say.DRAW, 999, 0), None),
        (Message(Say.MEMORY, 3, size=4096), None),
        (Message(Say.MEMORY, 3, size=4096), shared(b"", 8192)),
        (Message(Say.MEMORY, 3, size=4096), shared(b"", 4096, sealed=False)),
        (Message(Say.MEMORY, 77, size=4096), shared(b"", 4096)),
        (Message(Say.SCENE_DATA, size=4096, digest=digest), shared(b"no scene", 4096)),
        (Message(Say.SCENE_DATA, size=4096, digest=digest), os.open("/dev/null", os.O_RDONLY)),
        (Message(Say.SCENE_DATA, size=5, digest=hashlib.sha256(b"other").digest()), shared(b"other", 5)),
        (Message(Say.WELCOME), None),
    ]
    with connected(service) as sock:
        for message, descriptor in refused:
            send(sock, message, descriptor)
            answer, _ = receive(sock)
            assert answer.say is Say.REFUSED and answer.text, message
            if descriptor is not None:
                os.close(descriptor)
    for packet in (b"", b"x", b"ALRS" + bytes(200), np.random.default_rng(5).bytes(500)):
        with connected(service) as sock:
            sock.send(packet)
            assert sock.recv(100) == b"", "the service leaves who speaks another language"
    assert service.running
    assert remote.render([replace(front, width=64, height=48)], frame)[0].shape == (48, 64, 4)


def test_batches_that_do_not_fit_their_memory_are_refused(service: RenderService, renderer: Renderer) -> None:
    data, digest = scene_bytes(renderer.scene)
    with connected(service) as sock:
        descriptor = shared(data, len(data))
        send(sock, Message(Say.SCENE_DATA, size=len(data), digest=digest), descriptor)
        scene = receive(sock)[0].number
        for counts in ((1, 0, 0, 0), (1, 1 << 21, 0, 1), (1, 0, 1 << 19, 1), (17, 0, 0, 1), (0, 0, 0, 0), (1, 0, 0, 1)):
            content = wire.COUNTS.pack(wire.MAGIC, *counts, 0, 0)
            block = shared(content, 65536)
            send(sock, Message(Say.MEMORY, 0, size=65536), block)
            os.close(block)
            send(sock, Message(Say.DRAW, scene, 0))
            assert receive(sock)[0].say is Say.REFUSED, counts
        os.close(descriptor)
    assert service.running


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    cameras, rows, commands = draw(st.integers(1, 16)), draw(st.integers(0, 40)), draw(st.integers(0, 30))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    flow = draw(st.booleans())
    groups: list[Group] = []
    for _ in range(draw(st.integers(1, cameras))):
        first = rng.integers(0, commands + 1, len(Pass))
        spans = np.stack([first, rng.integers(0, commands + 1 - first)], axis=1)
        kind = CameraKind.FLOW if flow else CameraKind.RGB
        window = None if flow else WindowKey(*(int(n) for n in rng.integers(-99, 99, 4)))
        light = rng.bytes(int(rng.integers(0, 512)))
        groups.append(Group(kind, light, window, *(bool(b) for b in rng.integers(0, 2, 3)), spans))
    floats = rng.random((cameras, CAMERA_FLOATS), dtype=np.float32)
    motion = Motion(rng.random((cameras, 16), dtype=np.float32), rng.random((rows, 16), dtype=np.float32))
    return Batch(
        tuple(range(cameras)), rng.integers(1, 30, (cameras, 2)).astype(np.int32), floats,
        rng.random((rows, ROW), dtype=np.float32), rng.integers(0, 99, (commands, 5)).astype(np.uint32), tuple(groups),
        motion if flow else None,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(batches())
def test_a_batch_is_read_as_it_was_written(batch: Batch) -> None:
    layout = wire.Layout.for_batch(batch)
    memory = memoryview(bytearray(layout.bytes_needed(batch)))
    wire.write(batch, layout, memory)
    again, same = wire.read(memory)
    assert same == layout
    for name in ("sizes", "cameras", "rows", "commands"):
        np.testing.assert_array_equal(getattr(again, name), getattr(batch, name))
    for one, other in zip(again.groups, batch.groups, strict=True):
        np.testing.assert_array_equal(one.spans, other.spans)
        assert replace(one, spans=other.spans) == other
    assert (again.motion is None) == (batch.motion is None)
    if again.motion is not None and batch.motion is not None:
        np.testing.assert_array_equal(again.motion.rows, batch.motion.rows)
        np.testing.assert_array_equal(again.motion.clip, batch.motion.clip)
    base = np.frombuffer(memory, np.uint8)
    shapes = [picture.shape[:2] for picture in wire.pictures(base, again, layout)]
    assert shapes == [(h, w) for w, h in batch.sizes.tolist()]
    with pytest.raises(InputError):
        wire.read(memory[: layout.bytes_needed(batch) - 1])


def test_memory_is_sealed_and_of_the_size_that_was_said() -> None:
    memory, descriptor = SharedMemory.create(4096)
    assert fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK
    with pytest.raises(OSError):
        os.ftruncate(descriptor, 10)
    other = SharedMemory(os.dup(descriptor), 4096)
    other.view[:5] = b"hello"
    assert bytes(memory.view[:5]) == b"hello"
    with pytest.raises(InputError, match="4096 bytes was sent as one of 8192"):
        SharedMemory(os.dup(descriptor), 8192)
    os.close(descriptor)


@pytest.mark.parametrize("kind", [CameraKind.RGB, CameraKind.INSTANCE, CameraKind.FLOW])
def test_the_ways_of_graphics_cards_show_the_same(
    monkeypatch: pytest.MonkeyPatch, renderer: Renderer, front: CameraView, frame: SceneFrame, kind: CameraKind
) -> None:
    """Viewports for pictures and pixels that come back by themselves are for hardware, but work in software."""
    for module in (context, painter):
        monkeypatch.setattr(module, "is_software", lambda _: False)
    card = Renderer(renderer.scene)
    moved = compose(front.transform, Transform(-0.5, 0.1, 0.0, 0.0, 2.0, 0.0))
    last = LastPicture(moved, frame) if kind is CameraKind.FLOW else None
    cameras = around(front, 7, kind=kind, last=last)
    for here, there in zip(renderer.render(cameras, frame), card.render(cameras, frame), strict=True):
        # Rasterisation rounds a little otherwise.
        off = np.abs(here.astype(np.float64) - there) > (0.02 if kind is CameraKind.FLOW else 8)
        assert off.mean() < 0.005
    card.release()
