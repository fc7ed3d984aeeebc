"""The live page: what it sends, what a browser shows, that it changes nothing, and that its camera goes away."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import carla
import pytest
from webdriver import PATIENCE_S, Browser, needs_browser, open_browser

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.view.site import Site


def cameras(world: carla.World) -> int:
    """Return how many cameras there are."""
    return len(world.get_actors().filter("sensor.camera.*"))


async def gone(world: carla.World) -> bool:
    """Return whether all cameras go away."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if await asyncio.to_thread(cameras, world) == 0:
            return True
        await asyncio.sleep(0.1)
    return False


async def _talk(site: Site, world: carla.World) -> tuple[list[dict], list[bytes], int]:
    """Look at the page as a browser would; return its messages, its pictures and how many cameras there were meanwhile."""
    await site.start()
    messages, pictures, during = [], [], 0
    try:
        url = f"http://127.0.0.1:{site.port}"
        async with aiohttp.ClientSession() as session:
            assert "canvas" in await (await session.get(url)).text()
            assert (await session.get(f"{url}/../site.py")).status == 404
            assert (await session.get(url, headers={"Host": "evil.example"})).status == 403
            assert (await session.get(f"{url}/live", headers={"Origin": "http://evil.example"})).status == 403
            async with session.ws_connect(f"{url}/live") as socket:
                await socket.send_str("spectator 0")
                while len(pictures) < 2 or len(messages) < 4:
                    message = await socket.receive(timeout=PATIENCE_S)
                    if message.type is aiohttp.WSMsgType.BINARY:
                        pictures.append(message.data)
                        during = await asyncio.to_thread(cameras, world)
                    else:
                        messages.append(json.loads(message.data))
            assert await gone(world), "a page that closes takes its camera along"
            deadline_s = time.monotonic() + PATIENCE_S
            async with session.ws_connect(f"{url}/live") as idle:
                await idle.send_str("above 999999")
                # States go on meanwhile.
                while json.loads((await idle.receive(timeout=PATIENCE_S)).data)["type"] != "problem":
                    assert time.monotonic() < deadline_s, "an actor that is not there"
    finally:
        await site.stop()
    return messages, pictures, during


def test_page_gets_map_state_and_pictures_and_leaves_nothing() -> None:
    with EmbeddedServer("Gridvale", seed=1) as server:
        world = connect(server.address).get_world()
        point = world.get_map().get_spawn_points()[0]
        spawned = world.spawn_actor(world.get_blueprint_library().find("vehicle.lincoln.mkz_2020"), point)
        before = world.get_settings()
        messages, pictures, during = asyncio.run(_talk(Site(connect(server.address), 0), world))
        states = [message for message in messages if message["type"] == "state"]
        assert messages[0]["type"] == "map" and len(messages[0]["lanes"]) > 10
        assert any(actor["id"] == spawned.id for actor in states[-1]["actors"])
        assert states[-1]["frame"] > states[0]["frame"]
        assert all(picture[:2] == b"\xff\xd8" for picture in pictures)
        assert during == 1 and cameras(world) == 0
        after = world.get_settings()
        assert (after.synchronous_mode, after.fixed_delta_seconds) == (
            before.synchronous_mode,
            before.fixed_delta_seconds,
        )


pytestmark = pytest.mark.timeout(900)


class Sim:
    """`alpamayo sim --view` on free ports."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "alpamayo_training.cli", "sim", "--town", "Gridvale", "--port", "0", "--view"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.port, self.page = 0, ""
        for line in self.process.stdout:
            if line.startswith("{"):
                self.port = json.loads(line)["port"]
            if found := re.match(r"view: (http://\S+)", line):
                self.page = found[1]
                return
        raise AssertionError("it ended without a page")


@pytest.fixture(scope="module")
def sim() -> Iterator[Sim]:
    sim = Sim()
    yield sim
    sim.process.terminate()
    assert sim.process.wait(PATIENCE_S) == 0


@pytest.fixture(scope="module")
def client(sim: Sim) -> carla.Client:
    client = carla.Client("127.0.0.1", sim.port)
    client.set_timeout(PATIENCE_S)
    return client


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, sim: Sim, client: carla.Client) -> Iterator[Browser]:
    world = client.get_world()
    blueprint = world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
    blueprint.set_attribute("role_name", "hero")
    hero = world.spawn_actor(blueprint, world.get_map().get_spawn_points()[3])
    assert isinstance(hero, carla.Vehicle)
    hero.apply_control(carla.VehicleControl(throttle=0.4))
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        browser.resize(1400, 900)
        browser.post("/url", {"url": sim.page})
        browser.wait("return state !== null && state.actors.some((a) => a.role === 'hero')")
        yield browser


PAINTED = """
const found = new Set(), pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
for (let k = 0; k < pixels.length; k += 4 * 97) found.add(pixels[k] << 16 | pixels[k + 1] << 8 | pixels[k + 2]);
return found.size;
"""
HERO = "return state.actors.find((a) => a.role === 'hero')"


@needs_browser
def test_the_world_is_drawn_and_moves(page: Browser, client: carla.Client) -> None:
    page.wait(PAINTED.replace("found.size", "found.size >= 4"))
    before = page.run(HERO)
    # It drives, but may have come to the end of its way by now.
    world = client.get_world()
    (hero,) = (a for a in world.get_actors().filter("vehicle.*") if a.attributes["role_name"] == "hero")
    points = world.get_map().get_spawn_points()
    hero.set_transform(max(points, key=lambda p: p.location.distance(carla.Location(before["x"], before["y"], 0.0))))
    page.wait(
        f"const h = state.actors.find((a) => a.role === 'hero'); return Math.hypot(h.x - {before['x']}, h.y - {before['y']}) > 2"
    )
    page.wait("return el('top').textContent.includes('Gridvale')")
    page.wait("return el('actor').textContent.startsWith('vehicle.lincoln.mkz_2020')")
    assert page.severe() == []


@needs_browser
def test_pan_zoom_and_select(page: Browser, client: carla.Client) -> None:
    (hero,) = (a for a in client.get_world().get_actors().filter("vehicle.*") if a.attributes["role_name"] == "hero")
    hero.apply_control(carla.VehicleControl(brake=1.0))  # it stays below the pointer
    page.wait("const h = state.actors.find((a) => a.role === 'hero'); return h.speed < 0.1")
    page.run("el('follow').checked = true; canvas.dispatchEvent(new WheelEvent('wheel', {deltaY: -900}))")
    page.wait("return scale > 10")
    page.run(
        "selected = 0; el('follow').checked = false; const h = state.actors.find((a) => a.role === 'hero'); cx = h.x; cy = h.y;"
    )
    page.click(700, 450)
    page.wait("return selected === state.actors.find((a) => a.role === 'hero').id")
    page.run("el('all').click()")
    page.wait("return scale < 5")
    hero.apply_control(carla.VehicleControl(throttle=0.4))


@needs_browser
def test_the_picture_comes_and_its_camera_goes(page: Browser, client: carla.Client) -> None:
    world = client.get_world()
    page.run("el('kind').value = 'chase'; el('kind').onchange()")
    page.wait("return el('picture').naturalWidth === 480")
    assert cameras(world) == 1
    if folder := os.environ.get("ALPAMAYO_VIEW_SHOT"):
        page.run("selected = state.actors.find((a) => a.role === 'hero').id; el('follow').checked = true; scale = 9")
        time.sleep(1.0)
        Path(folder).write_bytes(base64.b64decode(page.get("/screenshot")))
    page.run("el('kind').value = ''; el('kind').onchange()")
    assert asyncio.run(gone(world))
    assert page.severe() == []


@needs_browser
def test_another_map_is_drawn_anew(page: Browser, client: carla.Client) -> None:
    lanes = page.run("return map.lanes.length")
    client.load_world("Oldwick")
    page.wait("return map.name.endsWith('Oldwick') && state !== null")
    assert page.run("return map.lanes.length") != lanes
    assert page.severe() == []


def test_ctrl_c_ends_server_and_page() -> None:
    sim = Sim()
    os.kill(sim.process.pid, signal.SIGINT)
    assert sim.process.wait(PATIENCE_S) == 0
    with pytest.raises(OSError, match="Cannot connect"):
        asyncio.run(_fetch(sim.page))


async def _fetch(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        await session.get(url)
