"""Writes one episode while it is driven: its log, its video, its verdict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.episode_result import EpisodeIdentity, EpisodeResult
from alpamayo_sim.metrics.infraction import Infraction, InfractionKind
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.episode_video import EpisodeVideo, draft_of
from alpamayo_sim.record.route_map import describe_surroundings
from alpamayo_sim.record.route_view import RouteView
from alpamayo_sim.record.run_folder import COMPLETE_MARKER, RunFolder, write_json, write_text
from alpamayo_sim.record.tick_log import TickLogWriter
from alpamayo_sim.record.timeline import TimelineWriter
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route


class EpisodeRecorder:
    """Records the ticks of one episode; memory does not grow with its length.

    Use: `write` after every tick, `close` with the result when it is over. An episode that is not closed stays without
    the `_complete` marker and is driven again by a resumed run; `abandon` drops its files at once. As a context manager
    it abandons what was not closed.
    """

    def __init__(
        self,
        run: RunFolder,
        identity: EpisodeIdentity,
        road_map: RoadMap,
        route: Route,
        *,
        video: bool = True,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Start the episode's folder, replacing an incomplete one; InputError if it is complete already.

        `details` are further plain values about the episode (weather, vehicles, walkers) that the report shows.
        """
        self._run = run
        self._identity = identity
        if run.is_complete(identity.episode_id):
            raise InputError(f"episode {identity.episode_id!r} is complete already in {run.path}")
        self.folder = run.episode_folder(identity.episode_id)
        self._remove_files()
        self.folder.mkdir(parents=True)
        write_json(self.folder / "episode.json", {**asdict(identity), "details": dict(details or {})})
        surroundings = json.dumps(describe_surroundings(road_map, route), separators=(",", ":"))
        write_text(self.folder / "map.json", surroundings)
        self._log = TickLogWriter(self.folder)
        self._timeline = TimelineWriter(self.folder)
        self._view = RouteView(road_map, route)
        self._video = EpisodeVideo(run.video_file(identity.episode_id), road_map, route, identity) if video else None
        self._is_open = True
        run.append_event("episode_started", **asdict(identity))

    def write(self, tick: TickRecord, infractions: Iterable[Infraction] = ()) -> None:
        """Log one tick and draw it when a video frame is due (10 per second of simulation time).

        `infractions` are those that `EpisodeMetrics.update` found at this tick; they go to the run's events and the
        video.
        """
        self._log.write(tick)
        for infraction in infractions:
            self._run.append_event("infraction", episode_id=self._identity.episode_id, **infraction_fields(infraction))
            if self._video is not None:
                self._video.add_event(infraction)
        self._view.follow(tick)
        self._timeline.write(tick, self._view)
        if self._video is not None:
            self._video.write(tick, self._view)

    def close(self, result: EpisodeResult) -> None:
        """Finish log and video, write the result, and last the marker that makes the episode count."""
        self._is_open = False
        self._log.close()
        self._timeline.close()
        if self._video is not None:
            self._video.close()
        write_json(self.folder / "result.json", result_to_json(result))
        self._run.append_metrics(result.flat())
        self._run.append_event(
            "episode_finished",
            episode_id=self._identity.episode_id,
            status=result.status,
            outcome=result.outcome,
            driving_score=round(result.driving_score, 3),
        )
        (self.folder / COMPLETE_MARKER).touch()

    def abandon(self, reason: str) -> None:
        """Drop the episode's files, as when the server died; safe to call twice and after `close`."""
        if not self._is_open:
            return
        self._is_open = False
        self._log.close()
        self._timeline.close()
        if self._video is not None:
            self._video.abandon()
        self._remove_files()
        self._run.append_event("episode_abandoned", episode_id=self._identity.episode_id, reason=reason)

    def _remove_files(self) -> None:
        """Remove what an incomplete episode of this id has left behind."""
        shutil.rmtree(self.folder, ignore_errors=True)
        video = self._run.video_file(self._identity.episode_id)
        for leftover in (video, draft_of(video)):
            leftover.unlink(missing_ok=True)

    def __enter__(self) -> EpisodeRecorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.abandon(f"{kind.__name__}: {error}" if kind is not None else "not closed")


def infraction_fields(infraction: Infraction) -> dict[str, Any]:
    """Return an infraction as plain values."""
    return {
        **asdict(infraction),
        "kind": infraction.kind.value,
        "time_s": round(infraction.time_s, 3),
        "location": [round(v, 3) for v in infraction.location],
    }


def result_to_json(result: EpisodeResult) -> dict[str, Any]:
    """Return a result as plain values; the inverse of `result_from_json`."""
    return {**asdict(result), "infractions": [infraction_fields(i) for i in result.infractions]}


def result_from_json(value: Mapping[str, Any]) -> EpisodeResult:
    """Return the result that `result_to_json` described."""
    infractions: list[Infraction] = []
    for item in value["infractions"]:
        fields: dict[str, Any] = {**item, "kind": InfractionKind(item["kind"]), "location": tuple(item["location"])}
        infractions.append(Infraction(**fields))
    whole: dict[str, Any] = {
        **value,
        "identity": EpisodeIdentity(**value["identity"]),
        "infractions": tuple(infractions),
    }
    return EpisodeResult(**whole)
