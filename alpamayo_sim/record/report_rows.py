"""An episode as the report's page has it: a row of figures, and a packed course that is opened with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from alpamayo_sim.record.episode_recorder import infraction_fields
from alpamayo_sim.record.packed_course import PLACE_M, course, differences, pack, stride
from alpamayo_sim.record.report_contents import Entry
from alpamayo_sim.record.report_figures import is_offence, plain_rows
from alpamayo_sim.record.run_folder import RunFolder
from alpamayo_sim.record.timeline import read_timeline
from alpamayo_sim.record.town_lanes import TownLanes
from alpamayo_sim.record.video import frame_size, still

_POSTER_PX = 720
_MOST_SAMPLES = 3000


@dataclass(frozen=True)
class PageEpisode:
    """What the page needs of one episode."""

    row: dict[str, Any]
    """Plain values that the table of routes shows and sorts by."""
    course: str
    """Packed: timeline, actors, plans, map and all figures."""
    video: str
    """The video in base64 where it goes inside the page; else empty."""


def page_episode(run: RunFolder, entry: Entry, lanes: TownLanes, *, videos: str, few: bool, embed: bool) -> PageEpisode:
    """Return an episode for the page; `videos` is the relative address of the folder with the run's videos.

    With few episodes courses are finer (10 samples a second, not 5) and videos have a poster.
    """
    result = entry.result
    episode_id = result.identity.episode_id
    folder = run.episode_folder(episode_id)
    timeline = read_timeline(folder, max_samples=1_000_000)
    surroundings = json.loads((folder / "map.json").read_text(encoding="utf-8"))
    video = run.video_file(episode_id)
    has_video = video.is_file()
    infractions = [
        infraction_fields(infraction)
        for infraction in sorted(result.infractions, key=lambda i: i.time_s)
        if is_offence(infraction.kind, infraction.percentage)
    ]
    row: dict[str, Any] = {
        "id": episode_id,
        "route": result.identity.route_id,
        "town": result.identity.town,
        "types": list(entry.scenario_types),
        "repetition": entry.repetition,
        "seed": result.identity.seed,
        "agent": result.identity.agent,
        "server": result.identity.server,
        "status": result.status,
        "outcome": result.outcome,
        "verdict": entry.verdict,
        "score": round(entry.driving_score, 2) if entry.is_scored else None,
        "completion": round(result.route_completion_percent, 2) if entry.is_scored else None,
        "duration_s": round(result.duration_s, 2),
        "infractions": [[i["kind"], i["time_s"], *i["location"][:2], i["message"]] for i in infractions],
        "video": f"{videos}/{video.name}" if has_video and not embed else "",
        "has_video": has_video,
    }
    if has_video:
        row["video_size"] = frame_size(video)
        row["poster"] = _poster(video) if few else ""
    count = len(timeline["time_s"])
    packed = {
        **course(timeline, sample_every=stride(count, 1 if few else 2, _MOST_SAMPLES), near_every=1 if few else 2),
        "map": _map(surroundings, lanes),
        "figures": [[name, str(value)] for name, value in result.flat().items() if not isinstance(value, str)],
        "details": plain_rows(entry.details),
        "agent_error": _agent_error(folder),
    }
    inside = base64.b64encode(video.read_bytes()).decode("ascii") if has_video and embed else ""
    return PageEpisode(row, pack(packed), inside)


def _map(surroundings: Mapping[str, Any], lanes: TownLanes) -> dict[str, Any]:
    """The route, its stop lines and the numbers of the lane pieces around, places in steps of `PLACE_M`."""
    route = surroundings["route"]
    return {
        "town": surroundings["town"],
        "bounds": surroundings["bounds"],
        "pieces": differences(lanes.numbers(surroundings), 1.0),
        "route": [differences([point[k] for point in route], PLACE_M) for k in (0, 1)],
        "stops": [line["points"] for line in surroundings["stop_lines"]],
    }


def _agent_error(folder: Path) -> str:
    """The traceback of an agent that failed; empty for one that did not."""
    file = folder / "agent_error.txt"
    return file.read_text(encoding="utf-8", errors="replace")[-20_000:] if file.is_file() else ""


def _poster(video: Path) -> str:
    """A still from the first third of a video, as a small JPEG inside a data address."""
    image = still(video, 0.3)
    scale = _POSTER_PX / image.shape[1]
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 75])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")
