"""`alpamayo score --attach`: episodes that somebody else drives, judged by a second client that looks on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpamayo_scenarios.passive.session import PassiveSession, WatchedEpisode
from alpamayo_scenarios.route_file import RouteSpec, load_route, load_routes
from alpamayo_sim.client.connection import ServerAddress, connect, is_embedded
from alpamayo_sim.client.watchdog import CLIENT_TIMEOUT_S, ServerWatchdog
from alpamayo_sim.metrics.episode_result import EpisodeResult
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.results.file import write_atomically, write_result_file
from alpamayo_sim.metrics.results.from_episode import events_text, leaderboard_file


@dataclass(frozen=True)
class PassiveOptions:
    """What is watched, and where the verdicts go."""

    address: ServerAddress
    routes: Path
    route_id: str | None
    profile: str
    out: Path | None
    quiet: bool


def watch(options: PassiveOptions) -> list[EpisodeResult]:
    """Judge one episode of each route, or of the one route; return the verdicts in the order in which they were driven."""
    specs: Sequence[RouteSpec] = load_routes(options.routes)
    if options.route_id is not None:
        specs = [load_route(options.routes, options.route_id)]
    client = connect(options.address, otherwise="")
    client.set_timeout(CLIENT_TIMEOUT_S)
    server = "embedded" if is_embedded(client) else f"CARLA {client.get_server_version()} at {options.address}"
    done: list[WatchedEpisode] = []

    def say(text: str) -> None:
        if not options.quiet:
            print(text, file=sys.stderr, flush=True)

    def observe(found: list[Infraction]) -> None:
        for infraction in found:
            say(f"  {infraction.time_s:8.2f} s  {infraction.kind.value}: {infraction.message}")

    def give_up(reason: str) -> None:
        """End the process: nothing that waits for a dead server can be unwound; the verdicts are written already."""
        print(f"error: {reason}; {len(done)} of {len(specs)} episodes were judged", file=sys.stderr, flush=True)
        os._exit(3)

    with ServerWatchdog(options.address, None, give_up, silent_after_s=float("inf")):
        session = PassiveSession(
            client, specs, profile=options.profile, agent="watched", server=server, cache=None, say=say, observe=observe
        )
        try:
            while len(done) < len(specs):
                watched = session.next_episode()
                done.append(watched)
                _write(options, done)
                _tell(watched, say)
        finally:
            session.close()
    return [watched.result for watched in done]


def _write(options: PassiveOptions, done: Sequence[WatchedEpisode]) -> None:
    if options.out is None:
        return
    results = [watched.result for watched in done]
    write_result_file(options.out, leaderboard_file(results))
    write_atomically(options.out.with_name(f"{options.out.stem}_events.json"), events_text(results))
    folder = options.out.with_name(f"{options.out.stem}_episodes")
    folder.mkdir(exist_ok=True)
    write_result_file(
        folder / f"{results[-1].identity.episode_id}.json", leaderboard_file(results[-1:], total_routes=1)
    )


def _tell(watched: WatchedEpisode, say: Callable[[str], None]) -> None:
    result = watched.result
    say(
        f"route {result.identity.route_id}: {result.outcome}, completion {result.route_completion_percent:.2f} %, "
        f"driving score {result.driving_score:.2f}, {result.infractions_total} infractions, "
        f"{watched.judged_frames} frames, {watched.missed_frames} of them missed, {watched.late_events} late events"
    )
