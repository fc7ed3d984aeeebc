"""Which actor of the simulator a component means that a model has named from pictures, so that it can be put to the test."""

from __future__ import annotations

import math
from dataclasses import replace

from alpamayo_training.coc.claims import thing_fits
from alpamayo_training.coc.label import Component
from alpamayo_training.coc.parse import ThingClaim, parse_trace
from alpamayo_training.coc.teaching import Drive
from alpamayo_training.coc.things import Scene, Signal, Thing, scene_at

SIGNALS = {"traffic_light": ("traffic_light",), "yield_stop_control": ("stop_sign", "yield_sign")}


def grounded(component: Component, drive: Drive, frame: int) -> Component:
    """Return a component with the actor that fits its words best, with figures of it; unchanged where none does.

    What is said of it in the evidence counts first, then its name. Needs the privileged state; without it nothing is changed.
    """
    if not drive.scenes:
        return component
    scene = scene_at(drive.scenes, frame)
    if component.kind in SIGNALS:
        return _as_signal(component, scene)
    if component.kind != "critical_object":
        return component
    for text in (component.evidence, f"The {component.name} is ahead.", f"The {component.name} is near."):
        for claim in parse_trace(text).things:
            thing = _nearest(claim, scene)
            if thing is not None:
                return _as_thing(component, thing)
    return component


def _nearest(claim: ThingClaim, scene: Scene) -> Thing | None:
    if claim.negated:
        return None
    fitting = [thing for thing in scene.things if not thing_fits(claim, replace(scene, things=(thing,)))]
    return min(fitting, key=lambda thing: (not thing.in_ego_lane, thing.distance_m), default=None)


def _as_thing(component: Component, thing: Thing) -> Component:
    figures = {"distance_m": thing.distance_m, "speed_mps": thing.speed_mps}
    if math.isfinite(thing.gap_m):
        figures["gap_m"] = thing.gap_m
    return replace(
        component,
        actor_id=thing.actor_id,
        figures={name: round(value, 2) for name, value in figures.items()},
        frame_index=thing.seen_frame,
        visible_px=thing.visible_px,
    )


def _as_signal(component: Component, scene: Scene) -> Component:
    words = f"{component.name} {component.evidence}".lower()
    fitting = [
        signal for signal in scene.signals if signal.kind in SIGNALS[component.kind] and _is_named(signal, words)
    ]
    nearest = min(fitting, key=lambda signal: abs(signal.distance_m), default=None)
    if nearest is None:
        return component
    return replace(
        component,
        actor_id=nearest.actor_id,
        figures={"distance_m": round(nearest.distance_m, 2)},
        frame_index=nearest.seen_frame,
        visible_px=nearest.visible_px,
    )


def _is_named(signal: Signal, words: str) -> bool:
    if signal.kind != "traffic_light":
        return signal.kind.partition("_")[0] in words
    colours = [colour for colour in ("red", "yellow", "green") if colour in words]
    return not colours or signal.state in colours
