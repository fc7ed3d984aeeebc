"""`alpamayo sim`: the embedded server in the foreground, or the conformance checks of any server."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import UseAppendAction

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_training.commands.view import Page

if TYPE_CHECKING:
    from alpamayo_sim.conformance.check import Check, Outcome
    from alpamayo_sim.server.config import ServerConfig


@dataclass(frozen=True)
class Arguments:
    """Start the embedded server, which speaks CARLA 0.9.16's wire protocol; stop it with Ctrl-C.

    With --conformance HOST:PORT nothing is started: a server that runs already, CARLA or ours, is asked how it behaves.
    """

    town: str = "Gridvale"
    """Name of a town, or a path to an OpenDRIVE file (.xodr)."""
    port: int = 2000
    """RPC port; the streaming port is the next one. 0 takes any free pair."""
    host: str = "127.0.0.1"
    """Address to bind to; anything but the loopback opens the simulator to the network."""
    max_rate: float | None = None
    """Upper limit of ticks per second of wall-clock time; without it synchronous clients go as fast as they can."""
    lock_step: float | None = None
    """Seconds that each tick of a synchronous client waits at most for clients that follow without ticking (0.05 does)."""
    seed: int = 0
    """Seed of everything random in the world."""
    maps: UseAppendAction[tuple[Path, ...]] = ()
    """Folder with more OpenDRIVE files, one town each; may be given several times."""
    cache: Path = Path("runs/.maps")
    """Folder that remembers what was computed from maps."""
    recordings: Path = Path("runs/recordings")
    """Folder of CARLA recorder files; the only one that clients may write to or read from."""
    render_service: str | None = None
    """Address of a render service (`alpamayo render`) that draws the cameras instead of this process."""
    worlds: int = 1
    """Start so many servers, on PORT, PORT + 10 and so on with seeds SEED, SEED + 1 and so on, and render services for them."""
    render_services: int | None = None
    """With --worlds: how many processes draw the cameras; 0 lets each server draw its own. Default: one for 8 worlds on a
    graphics card, none without."""
    view: bool = False
    """Also serve a web page that shows the world live, on the loopback interface; its address is printed."""
    view_port: int = 0
    """With --view: port of the page; 0 takes a free one."""
    verbose: bool = False
    """Log every RPC."""
    conformance: str | None = None
    """HOST:PORT of a running CARLA 0.9.16 server to check; writes a report and a JSON to compare servers by."""
    conformance_diff: tuple[Path, Path] | None = None
    """Two conformance.json files: say in what the servers differ, and exit with 1 if they do."""
    quick: bool = False
    """With --conformance: leave out the long checks."""
    family: UseAppendAction[tuple[str, ...]] = ()
    """With --conformance: only this family of checks; may be given several times."""
    allow_load_world: bool = False
    """With --conformance: also the checks that load a world, which end what other clients do there."""
    out: Path = Path("runs")
    """With --conformance: folder in which the results' folder is made."""
    carla_root: Path | None = None
    """Start nothing, but write this folder, which programs take for a CARLA installation (CARLA_ROOT): its CarlaUE4.sh takes
    CARLA's flags and starts this server with the other options given here."""
    python_api: Path | None = None
    """With --carla-root: the PythonAPI folder of a CARLA of yours, for programs that look for its `agents` package there."""

    def run(self) -> int:
        """Serve until interrupted, check a server, or compare two results; return the exit code."""
        if self.conformance is not None and self.conformance_diff is not None:
            raise InputError("--conformance checks a server, --conformance-diff compares two results; give one of them")
        if self.conformance_diff is not None:
            return _compare(*self.conformance_diff)
        if self.conformance is not None:
            return self._check(self.conformance)
        if self.carla_root is not None:
            return self._write_carla_root(self.carla_root)
        if self.python_api is not None:
            raise InputError("--python-api goes with --carla-root")
        if self.worlds != 1:
            return self._serve_many()
        if self.view:
            with Page(self.view_port) as page:
                return self._serve(page.show)
        return self._serve()

    def _serve_many(self) -> int:
        from alpamayo_sim.client.worlds import Worlds

        if self.host != "127.0.0.1" or self.render_service is not None or self.view:
            raise InputError(
                "--worlds starts servers on the loopback interface with render services of its own; leave out "
                "--host, --render-service and --view (`alpamayo view --port PORT` shows one of the worlds)"
            )
        limits = ["--max-rate", str(self.max_rate)] if self.max_rate is not None else []
        limits += ["--lock-step", str(self.lock_step)] if self.lock_step is not None else []
        limits += ["--verbose"] if self.verbose else []
        with Worlds(
            self.town,
            self.worlds,
            port=self.port,
            seed=self.seed,
            maps_dirs=self.maps,
            cache_dir=self.cache,
            recordings_dir=self.recordings,
            render_services=self.render_services,
            extra_args=limits,
        ) as worlds:
            for server, drawn_by in zip(worlds.servers, worlds.drawn_by, strict=True):
                print(f"{server.address}  cameras drawn by {drawn_by}", flush=True)
            print(f"{self.worlds} worlds of {self.town} are ready; Ctrl-C ends them", flush=True)
            worlds.wait()
        return 0

    def _write_carla_root(self, root: Path) -> int:
        from alpamayo_sim.roads.road_map import load_road_map
        from alpamayo_sim.server.carla_root import write_carla_root
        from alpamayo_sim.server.config import check_config

        if self.worlds != 1 or self.view or self.render_service is not None or self.host != "127.0.0.1":
            raise InputError(
                "--carla-root writes how one server is started on the loopback interface; leave out --worlds, --view, "
                "--render-service and --host"
            )
        config = self._config()
        check_config(config)
        load_road_map(self.town, maps_dirs=self.maps, cache_dir=self.cache)
        launcher = write_carla_root(root, config, self.python_api)
        print(f"{launcher} starts the embedded server in {self.town}\nexport CARLA_ROOT={launcher.parent}")
        return 0

    def _serve(self, when_ready: Callable[[int], None] | None = None) -> int:
        from alpamayo_sim.server.main import run

        return run(self._config(), when_ready)

    def _config(self) -> ServerConfig:
        from alpamayo_sim.server.config import ServerConfig

        return ServerConfig(
            town=self.town,
            port=self.port,
            host=self.host,
            max_rate=self.max_rate,
            lock_step_s=self.lock_step,
            seed=self.seed,
            maps=self.maps,
            cache_dir=self.cache,
            recordings=self.recordings,
            render_service=self.render_service,
            verbose=self.verbose,
        )

    def _check(self, address_text: str) -> int:
        from alpamayo_sim.client.connection import ServerAddress, connect
        from alpamayo_sim.conformance.report import not_empty
        from alpamayo_sim.conformance.runner import Selection, ServerLost
        from alpamayo_sim.conformance.session import Session

        address = ServerAddress.parse(address_text)
        client = connect(address, otherwise="")
        folder = _results_folder(self.out)
        selection = Selection(self.quick, self.allow_load_world, self.family)

        def give_up(reason: str) -> None:
            """End the process: nothing that waits for a dead server can be unwound."""
            print(f"error: {reason}; what was measured by then is in {folder}", file=sys.stderr, flush=True)
            os._exit(3)

        try:
            session = Session(client, address, folder, selection, _say_check, _say_outcome)
            if session.identity.others:
                print(not_empty(session.identity), flush=True)
            results = session.run(give_up)
        except ServerLost as error:
            give_up(str(error))
            raise
        except RuntimeError as error:
            raise InfrastructureError(f"the server at {address} broke off the checks: {error}") from error
        counts = ", ".join(f"{count} {verdict}" for verdict, count in results.counts.items())
        print(f"{len(results.outcomes)} checks: {counts}")
        print(f"results: {results.json_path}\nreport:  {results.html_path}")
        return 1 if results.counts["fail"] else 0


def _results_folder(base: Path) -> Path:
    """Return a new folder of its own for one session's results."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-conformance"
    for number in range(1, 100):
        folder = base / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise InputError(
                f"no folder for the results can be made in {base} ({error}). Choose another --out"
            ) from error
        return folder
    raise InputError(f"{base} has a hundred results of this second already; choose another --out")


def _say_check(check: Check) -> None:
    if sys.stderr.isatty():
        print(f"   ...  {check.id}", end="\r", file=sys.stderr, flush=True)


def _say_outcome(outcome: Outcome) -> None:
    reason = f": {outcome.reason}" if outcome.reason else ""
    print(f"{outcome.verdict.value:<8} {outcome.check.id} ({outcome.wall_time_s:.1f} s){reason}", flush=True)


def _compare(one: Path, other: Path) -> int:
    from alpamayo_sim.conformance.diff import differences, notes
    from alpamayo_sim.conformance.results import read_comparable

    first, second = read_comparable(one), read_comparable(other)
    for note in notes(first, second):
        print(f"note: {note}")
    found = differences(first, second)
    for difference in found:
        print(difference)
    checks = len({difference.check_id for difference in found})
    print(
        f"{checks} of {len(first['checks'])} checks differ"
        if found
        else f"no difference in {len(first['checks'])} checks"
    )
    return 1 if found else 0
