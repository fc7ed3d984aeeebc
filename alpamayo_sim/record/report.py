"""`report.html`: a run to look at, or two side by side, in one file that needs no network; videos lie beside it."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.episode_result import summarise
from alpamayo_sim.metrics.results.bench2drive import ABILITIES
from alpamayo_sim.record import report_figures as figures
from alpamayo_sim.record.radar import radar_svg
from alpamayo_sim.record.report_comparison import Comparison, compare
from alpamayo_sim.record.report_contents import Contents, read_contents
from alpamayo_sim.record.report_rows import PageEpisode, page_episode
from alpamayo_sim.record.run_folder import RunFolder, write_text
from alpamayo_sim.record.town_lanes import TownLanes

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_SCRIPTS = (
    "page",
    "course",
    "course_chart",
    "course_map",
    "course_player",
    "routes",
    "town_maps",
    "comparison",
    "start",
)
_FEW_EPISODES = 20
_MOST_EMBEDDED_BYTES = 300_000_000


def write_report(run: RunFolder, *, embed: Collection[str] = ()) -> Path:
    """Write `report.html` of a run from its complete episodes and return its path.

    `embed` names episodes whose videos go inside the file, so that it can be sent alone. Raises InputError for a run folder
    that cannot be read, and for more than 300 MB of videos.
    """
    contents = read_contents(run)
    path = run.path / "report.html"
    write_text(path, _page([contents], embed, path.parent, None))
    return path


def write_comparison(run: RunFolder, other: RunFolder, *, embed: Collection[str] = ()) -> Path:
    """Write `compare-<other's name>.html` into `run` and return its path: the other run against this one.

    Raises InputError when the runs have no route in common, and for more than 300 MB of videos.
    """
    both = [read_contents(run), read_contents(other)]
    path = run.path / f"compare-{other.path.resolve().name}.html"
    write_text(path, _page(both, embed, path.parent, compare(*both)))
    return path


def failed_episodes(run: RunFolder) -> list[str]:
    """Return the ids of the episodes that count and were not passed, for `embed`."""
    return [entry.result.identity.episode_id for entry in read_contents(run).scored if not entry.success]


def _page(runs: Sequence[Contents], embed: Collection[str], folder: Path, comparison: Comparison | None) -> str:
    _check_embedded(runs, embed)
    lanes: dict[str, TownLanes] = {}
    episodes = [_episodes(contents, embed, folder, lanes) for contents in runs]
    data: dict[str, Any] = {
        "runs": [
            {"name": contents.run.path.resolve().name, "rows": [episode.row for episode in group]}
            for contents, group in zip(runs, episodes, strict=True)
        ],
        "towns": {name: town.to_json() for name, town in sorted(lanes.items())},
        "pairs": _pairs(comparison) if comparison is not None else None,
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(signed=_signed, size=size_text)
    courses = [[episode.course for episode in group] for group in episodes]
    videos = [[episode.video for episode in group] for group in episodes]
    return environment.get_template("comparison.html" if comparison else "report.html").render(
        runs=[_describe(contents) for contents in runs],
        comparison=comparison,
        radar=Markup(_radar(runs)),
        data=data,
        courses=courses,
        videos=videos,
        courses_bytes=_bytes(courses),
        videos_bytes=_bytes(videos),
        style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup("\n".join((_TEMPLATES / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)),
    )


def _check_embedded(runs: Sequence[Contents], embed: Collection[str]) -> None:
    """Raise InputError for more videos inside a page than a browser opens."""
    episodes = [(contents.run, e.result.identity.episode_id) for contents in runs for e in contents.entries]
    videos = [run.video_file(episode_id) for run, episode_id in episodes if episode_id in embed]
    size_bytes = sum(video.stat().st_size for video in videos if video.is_file())
    if size_bytes > _MOST_EMBEDDED_BYTES:
        raise InputError(
            f"a page holds at most {size_text(_MOST_EMBEDDED_BYTES)} of videos; those of {len(videos)} episodes have "
            f"{size_text(size_bytes)}. Send the run folder instead"
        )


def _episodes(
    contents: Contents, embed: Collection[str], folder: Path, lanes: dict[str, TownLanes]
) -> list[PageEpisode]:
    videos = Path(os.path.relpath((contents.run.path / "videos").resolve(), folder.resolve())).as_posix()
    few = len(contents.entries) <= _FEW_EPISODES
    pages: list[PageEpisode] = []
    for entry in contents.entries:
        town = entry.result.identity.town
        if town not in lanes:
            lanes[town] = TownLanes(town, whole=len(contents.entries) > 1)
        inside = entry.result.identity.episode_id in embed
        pages.append(page_episode(contents.run, entry, lanes[town], videos=videos, few=few, embed=inside))
    return pages


def _describe(contents: Contents) -> dict[str, Any]:
    """Everything that the template shows of one run."""
    results = [entry.result for entry in contents.entries]
    scored, seed = contents.scored, contents.seed
    servers = sorted({result.identity.server for result in results})
    return {
        "name": contents.run.path.resolve().name,
        "agents": sorted({result.identity.agent for result in results}),
        "suite": str(contents.settings.get("suite", "")),
        "servers": servers,
        "is_embedded": "embedded" in servers,
        "summary": summarise([entry.result for entry in scored]),
        "episodes_total": contents.planned_total,
        "episodes_scored": len(scored),
        "driving_score": figures.interval(scored, lambda entry: entry.driving_score, seed),
        "completion": figures.interval(scored, lambda entry: entry.result.route_completion_percent, seed),
        "success": figures.interval(scored, lambda entry: 100.0 * entry.success, seed),
        "profiles": figures.profile_rows(contents),
        "efficiency": figures.efficiency(contents),
        "scenarios": figures.scenario_counts(scored),
        "invalid": sum(not entry.is_valid for entry in scored),
        "abilities": figures.abilities(contents),
        "types": figures.type_rows(contents),
        "kinds": figures.kind_rows(contents),
        "lost": contents.lost,
        "skipped": contents.skipped,
        "config": figures.plain_rows(contents.run.config),
        "environment": figures.plain_rows(contents.run.environment),
    }


def _radar(runs: Sequence[Contents]) -> str:
    """The abilities of one or two runs; empty if none tests any."""
    tested = [(contents, figures.abilities(contents)) for contents in runs]
    series = [
        ("AB"[k] if len(runs) > 1 else "run", [a.percent for a in rows]) for k, (_, rows) in enumerate(tested) if rows
    ]
    names = [name.replace("_", " ") for name in ABILITIES]
    return radar_svg(names, series) if series else ""


def _pairs(comparison: Comparison) -> list[list[Any]]:
    """Pairs as the page has them: index in either run, score in either."""
    return [
        [p.first, p.second, *(None if s is None else round(s, 2) for s in (p.score_first, p.score_second))]
        for p in comparison.pairs
    ]


def size_text(size_bytes: int) -> str:
    """Return a size as people read it."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"


def _signed(value: float, digits: int = 2) -> str:
    """A change with its sign, a real minus, and none for what rounds to 0."""
    text = f"{value:+.{digits}f}"
    return f"{0.0:.{digits}f}" if float(text) == 0.0 else text.replace("-", "\N{MINUS SIGN}")


def _bytes(groups: Sequence[Sequence[str]]) -> int:
    return sum(len(text) for group in groups for text in group)
