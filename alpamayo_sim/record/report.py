"""`report.html`: a run to look at, in one file that needs no network; videos lie beside it."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import cv2
import jinja2
from markupsafe import Markup

from alpamayo_sim.metrics.episode_result import EpisodeResult, summarise
from alpamayo_sim.record.episode_recorder import infraction_fields, result_from_json
from alpamayo_sim.record.route_svg import route_svg
from alpamayo_sim.record.run_folder import RunFolder, write_text
from alpamayo_sim.record.timeline import read_timeline
from alpamayo_sim.record.video import still

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_FEW_EPISODES = 20
_SAMPLES_FEW, _SAMPLES_MANY = 2000, 600
_POSTER_PX_FEW, _POSTER_PX_MANY = 720, 320


def write_report(run: RunFolder, *, embed: Collection[str] = ()) -> Path:
    """Write `report.html` of a run from its complete episodes and return its path.

    `embed` names episodes whose videos go inside the file, so that it can be sent alone.
    """
    results = [read_result(run, episode_id) for episode_id in run.complete_episodes()]
    few = len(results) <= _FEW_EPISODES
    episodes = [_describe(run, result, few, result.identity.episode_id in embed) for result in results]
    servers = sorted({result.identity.server for result in results})
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    html = environment.get_template("report.html").render(
        name=run.path.name,
        summary=summarise(results),
        servers=servers,
        is_embedded="embedded" in servers,
        episodes=episodes,
        data={e["id"]: e["data"] for e in episodes},
        config=_rows(run.config),
        environment=_rows(run.environment),
        style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup((_TEMPLATES / "report.js").read_text(encoding="utf-8")),
    )
    path = run.path / "report.html"
    write_text(path, html)
    return path


def read_result(run: RunFolder, episode_id: str) -> EpisodeResult:
    """Return the result of a complete episode."""
    text = (run.episode_folder(episode_id) / "result.json").read_text(encoding="utf-8")
    return result_from_json(json.loads(text))


def _describe(run: RunFolder, result: EpisodeResult, few: bool, embed: bool) -> dict[str, Any]:
    """Everything that the template shows of one episode, in more detail if there are only few."""
    episode_id = result.identity.episode_id
    folder = run.episode_folder(episode_id)
    timeline = read_timeline(folder, max_samples=_SAMPLES_FEW if few else _SAMPLES_MANY)
    infractions = [infraction_fields(infraction) for infraction in result.infractions]
    surroundings = json.loads((folder / "map.json").read_text(encoding="utf-8"))
    details = json.loads((folder / "episode.json").read_text(encoding="utf-8"))["details"]
    video = run.video_file(episode_id)
    source = ""
    if video.is_file():
        source = f"videos/{video.name}"
        if embed:
            source = "data:video/mp4;base64," + base64.b64encode(video.read_bytes()).decode("ascii")
    return {
        "id": episode_id,
        "result": result,
        "figures": {name: value for name, value in result.flat().items() if not isinstance(value, str)},
        "details": _rows(details),
        "video": source,
        **(_poster(video, _POSTER_PX_FEW if few else _POSTER_PX_MANY) if source else {}),
        "infractions": infractions,
        "svg": Markup(route_svg(surroundings, timeline, infractions)),
        "data": {
            **timeline,
            "duration_s": result.duration_s,
            "events": [{"time_s": i["time_s"], "kind": i["kind"], "message": i["message"]} for i in infractions],
        },
    }


def _poster(video: Path, width_px: int) -> dict[str, Any]:
    """A still from the first third of a video, as a small JPEG inside a data address, and whether it is wide."""
    image = still(video, 0.3)
    scale = width_px / image.shape[1]
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 75])
    address = "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")
    return {"poster": address, "is_wide": image.shape[1] > 2.5 * image.shape[0]}


def _rows(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted name, text) rows."""
    rows: list[tuple[str, str]] = []
    for name, item in value.items():
        if isinstance(item, Mapping):
            rows.extend(_rows(item, f"{prefix}{name}."))
        else:
            text = ", ".join(str(part) for part in item) if isinstance(item, (list, tuple)) else str(item)
            rows.append((f"{prefix}{name}", text))
    return rows
