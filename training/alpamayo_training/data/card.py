"""The card of a dataset: what is in it, how it was made, what it is for; with the front matter that the Hub reads."""

from __future__ import annotations

from collections import Counter

from alpamayo_training.data.episode_info import SPLITS, DatasetAbout, EpisodeInfo


def card_text(about: DatasetAbout, episodes: tuple[EpisodeInfo, ...]) -> str:
    """Return the card as Markdown."""
    frames = sum(info.frame_count for info in episodes)
    hours = frames / 36000.0
    size = (
        "n<1K"
        if frames < 1000
        else "1K<n<10K"
        if frames < 10_000
        else "10K<n<100K"
        if frames < 100_000
        else "100K<n<1M"
    )
    rig, collect = about.rig, about.collect
    rows = [
        f"| {split} | {len(of)} | {sum(info.frame_count for info in of)} | {len({(i.town, i.route_id) for i in of})} | "
        f"{', '.join(sorted({info.town for info in of})[:12])} |"
        for split in SPLITS
        if (of := [info for info in episodes if info.split == split])
    ]
    types = Counter(kind for info in episodes for kind in info.scenario_types)
    clean = sum(info.is_clean for info in episodes)
    moved = sum(info.perturbation.moves_start for info in episodes)
    bursts = sum(len(info.perturbation.bursts) for info in episodes)
    text = f"""---
pretty_name: {about.title}
license: apache-2.0
task_categories:
- robotics
tags:
- LeRobot
- autonomous-driving
- carla
size_categories:
- {size}
configs:
- config_name: default
  data_files: data/*/*.parquet
---

# {about.title}

{len(episodes)} episodes of driving in CARLA, {frames} frames at 10 Hz, {hours:.2f} h: pictures of {len(rig.cameras)} cameras,
motion, plans{" and the privileged state of the scene" if any(info.has_scene for info in episodes) else ""}.

| split | episodes | frames | routes | towns |
|---|---|---|---|---|
{chr(10).join(rows)}

Splits are by town and route, never by frame. Held out, all in `test`: {", ".join(about.held_out_towns) or "no town"}.

## What is in it

LeRobot's layout, version 3.0, so `LeRobotDataset("any/name", root=FOLDER)` reads it, and beside it:

{_contents(about)}

## How it was made

"""
    if collect is not None:
        text += (
            f"Driven by `{episodes[0].agent}` on server {episodes[0].server}, suite `{episodes[0].suite}`; "
            f"code {about.code or 'unknown'}. {clean} of {len(episodes)} episodes ended without an infraction. So that the "
            f"data show how to recover, {moved} episodes begin beside the lane's middle, turned or at a speed, and there are "
            f"{bursts} bursts of noise on the steering; `driver.is_perturbed` marks their frames, and plans stay those of the "
            "undisturbed driver.\n"
        )
    else:
        sources = ", ".join(sorted({info.source for info in episodes}))
        text += f"Imported ({sources}). There is no privileged state and no plan of the driver.\n"
    if types:
        text += "\n| scenario | episodes |\n|---|---|\n"
        text += "".join(f"| {kind} | {count} |\n" for kind, count in sorted(types.items()))
    if about.dropped:
        text += "\nLeft out:\n\n" + "".join(f"- {reason}\n" for reason in about.dropped)
    return text


def _contents(about: DatasetAbout) -> str:
    """The table of what lies where."""
    rig = about.rig
    cameras = ", ".join(f"`{name}`" for name in rig.names)
    rows = (
        ("`videos/observation.images.<camera>`", f"{cameras}, {rig.width_px} x {rig.height_px}, H.264"),
        (
            "`data/`",
            "`observation.rig_position_m`, `observation.rig_rotation` (rear axle on the ground, right-handed world frame), "
            "`observation.state`, `observation.guidance` (the route's words), `action` (pedals and steering), `driver.plan` "
            "(64 points at 10 Hz in the rig frame), `driver.is_perturbed`",
        ),
        (
            "`scene/`",
            "the privileged state of every frame: actors within 80 m with their pixels by camera, lights and signs ahead, "
            "the lane, the driver's reason. Never an input of a model",
        ),
        ("`routes/`", "the line that each episode followed"),
        ("`suite/`, `towns/`", "routes and maps, to drive every episode again"),
        ("`meta/alpamayo.json`, `meta/alpamayo_episodes.jsonl`", "rig, settings, seeds, verdicts"),
        ("`labels/coc/<version>.parquet`", "reasoning labels, if there are any; labelling again touches nothing else"),
    )
    kept = rows if about.collect is not None else (*rows[:2], *rows[5:])
    return "\n".join(["| where | what |", "|---|---|", *(f"| {where} | {what} |" for where, what in kept)])
