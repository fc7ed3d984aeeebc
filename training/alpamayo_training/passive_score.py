"""`alpamayo score --attach`: episodes that somebody else drives, judged by a second client that looks on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpamayo_scenarios.passive.session import PassiveSession
from alpamayo_scenarios.route_file import RouteSpec, load_route, load_routes
from alpamayo_sim.client.connection import ServerAddress, connect, is_embedded
from alpamayo_sim.client.watchdog import CLIENT_TIMEOUT_S, ServerWatchdog
from alpamayo_sim.metrics.episode_result import EpisodeResult
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.results.file import write_atomically, write_result_file
from alpamayo_sim.metrics.results.from_episode import events_text, leaderboard_file
from alpamayo_sim.record.run_folder import check_writable

_WATCHED = "watched"
"""What results call an agent of which nothing is known but how it drives."""

_SWITCH_S = 2e-4
_WORKER_THREADS = 4


@dataclass(frozen=True)
class PassiveOptions:
    """What is watched, and where the verdicts go."""

    address: ServerAddress
    routes: Path
    route_id: str | None
    repetitions: int
    ego_role: str
    profile: str
    out: Path | None
    """The result file; beside it lie STEM_events.json and the folder STEM_episodes with one result file per episode."""
    quiet: bool


def watch(options: PassiveOptions) -> list[EpisodeResult]:
    """Judge `repetitions` episodes of each route, or of the one route; return the verdicts in the order of driving.

    The files are written anew after every episode. Raises InputError for a route file or a route that there is not,
    InfrastructureError when nobody listens. A server that ends while it is watched ends this process with code 3.
    """
    specs: Sequence[RouteSpec] = load_routes(options.routes)
    if options.route_id is not None:
        specs = [load_route(options.routes, options.route_id)]
    if options.out is not None:
        check_writable(options.out.parent)
    wanted = options.repetitions * len(specs)
    # The client library's threads call back into Python: none may wait long for the interpreter, nor keep others waiting.
    sys.setswitchinterval(_SWITCH_S)
    client = connect(options.address, otherwise="", worker_threads=_WORKER_THREADS)
    client.set_timeout(CLIENT_TIMEOUT_S)
    embedded = is_embedded(client)
    done: list[EpisodeResult] = []

    def say(text: str) -> None:
        if not options.quiet:
            print(text, file=sys.stderr, flush=True)

    def observe(found: list[Infraction]) -> None:
        for infraction in found:
            say(f"  {infraction.time_s:8.2f} s  {infraction.kind.value}: {infraction.message}")

    def give_up(reason: str) -> None:
        """End the process: nothing that waits for a dead server can be unwound; the verdicts are written already."""
        print(f"error: {reason}; {len(done)} of {wanted} episodes were judged", file=sys.stderr, flush=True)
        os._exit(3)

    with ServerWatchdog(options.address, None, give_up, silent_after_s=float("inf")):
        session = PassiveSession(
            client,
            specs,
            profile=options.profile,
            agent=_WATCHED,
            server="embedded" if embedded else f"CARLA {client.get_server_version()} at {options.address}",
            ego_role=options.ego_role,
            takes_turns=embedded,
            cache=None,
            say=say,
            observe=observe,
        )
        say(f"looking on at {options.address}; {wanted} episodes to judge")
        try:
            while len(done) < wanted:
                done.append(session.next_episode())
                _write(options, done)
                _tell(done[-1], say)
        except KeyboardInterrupt:
            say(f"{len(done)} of {wanted} episodes were judged; one that was under way is not scored")
            raise
        finally:
            session.close()
    return done


def _write(options: PassiveOptions, done: Sequence[EpisodeResult]) -> None:
    if options.out is None:
        return
    write_result_file(options.out, leaderboard_file(done))
    write_atomically(options.out.with_name(f"{options.out.stem}_events.json"), events_text(done))
    folder = options.out.with_name(f"{options.out.stem}_episodes")
    folder.mkdir(exist_ok=True)
    write_result_file(folder / f"{done[-1].identity.episode_id}.json", leaderboard_file(done[-1:], total_routes=1))


def _tell(result: EpisodeResult, say: Callable[[str], None]) -> None:
    names = ("frames_judged_total", "frames_missed_total", "events_late_total", "actors_unknown_total")
    judged, missed, late, unknown = (round(result.values[name]) for name in names)
    say(
        f"route {result.identity.route_id}: {result.outcome}, route completion {result.route_completion_percent:.2f} %, "
        f"driving score {result.driving_score:.2f}, {result.infractions_total} infractions, {judged} frames"
    )
    if missed or late or unknown:
        say(
            f"note: {missed} frames were missed, {late} events came late, {unknown} actors were gone before they could be "
            "asked about: this client or the machine is too slow for the server, and the verdict may lack something"
        )
