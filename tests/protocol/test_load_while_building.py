"""While maps and navigation meshes are being built for one client, the others' calls are answered and their ticks go on."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import carla

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

ENOUGH_TICKS = 10
ATTEMPTS = 5
"""The client that ticks may get no turn on a busy machine while the server builds."""
TOWN = resources.files("alpamayo_sim.roads").joinpath("towns/data/Oldwick.xodr").read_text(encoding="utf-8")

OTHER = """
import sys, carla
client = carla.Client("127.0.0.1", int(sys.argv[1]))
client.set_timeout(240.0)
world = client.get_world()
print("ready", flush=True)
for line in sys.stdin:
    what = line.strip()
    print("begins", world.get_snapshot().frame, flush=True)
    try:
        if what.startswith("copy"):
            with open(what.split(" ", 1)[1]) as file:
                text = file.read()
            client.generate_opendrive_world(text, carla.OpendriveGenerationParameters(), False)
        elif what == "mesh":
            client.request_file(client.get_required_files("Nav", False)[0])
        else:
            client.load_world(what, False)
        print("done", flush=True)
    except RuntimeError as error:
        print("error", str(error).replace(chr(10), " "), flush=True)
"""


class OtherClient:
    """A second real client, in a process of its own."""

    def __init__(self, port: int) -> None:
        command = [sys.executable, "-c", OTHER, str(port)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.line() == "ready"

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, what: str) -> Callable[[], str | None]:
        """Send a request, and return what tells how it ended, None while it has not."""
        assert self.process.stdin is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        assert self.line().startswith("begins")
        ended: list[str] = []
        threading.Thread(target=lambda: ended.append(self.line()), daemon=True).start()
        return lambda: ended[0] if ended else None


@dataclass(frozen=True)
class Bench:
    """A server, a world of it that this process ticks, and another client."""

    server: EmbeddedServer
    ticking: carla.World
    other: OtherClient


@contextmanager
def bench() -> Iterator[Bench]:
    with EmbeddedServer("Gridvale", seed=1) as server:
        other = OtherClient(server.address.port)
        world = connect(server.address).get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
        world.apply_settings(settings)
        world.tick()
        yield Bench(server, world, other)
        other.process.kill()
        other.process.communicate()


def ticks_until(world: carla.World, ended: Callable[[], str | None]) -> tuple[int, str]:
    """Tick until a request of another client has ended; return how often that was, and how it ended."""
    ticks = 0
    while (outcome := ended()) is None:
        world.tick(120.0)
        ticks += 1
    return ticks, outcome


def most_ticks_meanwhile(what: str, check: Callable[[Bench, int], None]) -> int:
    """Return how often a world could be ticked while the server did what another client has asked for.

    The most of some attempts, each on a fresh server, which `check` looks at afterwards.
    """
    most = 0
    for _ in range(ATTEMPTS):
        with bench() as made:
            ticks, outcome = ticks_until(made.ticking, made.other.ask(what))
            assert outcome == "done"
            check(made, ticks)
        most = max(most, ticks)
        if most >= ENOUGH_TICKS:
            break
    return most


def test_loading_another_map_lets_others_tick() -> None:
    def check(made: Bench, ticks: int) -> None:
        after = connect(made.server.address).get_world()
        assert after.get_map().name.endswith("Rampfield")

    assert most_ticks_meanwhile("Rampfield", check) >= ENOUGH_TICKS


def test_frames_and_ids_are_counted_on_after_another_map_was_built() -> None:
    with bench() as made:
        before = made.ticking.get_snapshot().frame
        blueprint = made.ticking.get_blueprint_library().find("vehicle.audi.tt")
        car = made.ticking.spawn_actor(blueprint, made.ticking.get_map().get_spawn_points()[0])
        ticks, outcome = ticks_until(made.ticking, made.other.ask("Rampfield"))
        assert outcome == "done"
        after = connect(made.server.address).get_world()
        assert after.get_snapshot().frame >= before + ticks, "frames are counted on"
        assert car.id not in {actor.id for actor in after.get_actors()}
        ids = [actor.id for actor in after.get_actors()]
        assert min(ids) > car.id, "what was spawned during the build has taken its ids"


def test_navigation_mesh_is_built_while_others_tick() -> None:
    assert most_ticks_meanwhile("mesh", lambda made, ticks: None) >= ENOUGH_TICKS


def test_map_that_a_client_sent_is_built_while_others_tick(tmp_path: Path) -> None:
    (tmp_path / "map.xodr").write_text(TOWN)

    def check(made: Bench, ticks: int) -> None:
        assert connect(made.server.address).get_world().get_map().name.endswith("OpenDriveMap")

    assert most_ticks_meanwhile(f"copy {tmp_path / 'map.xodr'}", check) >= ENOUGH_TICKS


def test_what_cannot_be_built_is_an_error_and_leaves_the_world_alone(tmp_path: Path) -> None:
    (tmp_path / "map.xodr").write_text(TOWN.replace("<geometry", "<nothing"))
    with bench() as made:
        started = made.ticking.tick()
        ticks, outcome = ticks_until(made.ticking, made.other.ask(f"copy {tmp_path / 'map.xodr'}"))
        assert outcome.startswith("error")
        assert made.ticking.tick() == started + ticks + 1
        ticks, outcome = ticks_until(made.ticking, made.other.ask("Atlantis"))
        assert outcome.startswith("error")
        assert connect(made.server.address).get_world().get_map().name.endswith("Gridvale")
