"""The log of an episode's ticks and plans: gzipped JSON lines that are written as they come and read back as they were.

Numbers are rounded to 0.001 of their unit (m, m/s, degree). An actor's shape is written once, its state
when it changed, so that parked cars cost nothing. Camera images are not logged.
"""

from __future__ import annotations

import gzip
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.tick import (
    ActorState,
    CollisionEvent,
    ControlRecord,
    ScenarioEvent,
    ScenarioPhase,
    TickRecord,
)
from alpamayo_sim.policy.plan import Plan

TICKS_FILE = "ticks.jsonl.gz"
PLANS_FILE = "plans.jsonl.gz"
_FORMAT = {"format": "alpamayo-ticks", "version": 1}
_COMPRESSION = 3


class TickLogWriter:
    """Writes the ticks of one episode; memory does not grow with its length."""

    def __init__(self, folder: Path) -> None:
        """Start `ticks.jsonl.gz` and `plans.jsonl.gz` in an existing folder."""
        self._ticks = _open_gzip(folder / TICKS_FILE)
        self._plans = _open_gzip(folder / PLANS_FILE)
        self._actors: dict[int, tuple[Any, ...]] = {}
        self._described: set[int] = set()
        self._lights: dict[str, int] | None = None
        self._plan: Plan | None = None
        self._plan_count = 0
        _write_line(self._ticks, _FORMAT)

    def write(self, tick: TickRecord) -> None:
        """Append one tick, and its plan if it is another one than at the tick before."""
        ego, *others = _states((tick.ego, *tick.actors))
        line: dict[str, Any] = {
            "frame": tick.frame,
            "time": _round(tick.time_s),
            "ego": ego,
            "speed": _round(tick.speed_mps),
            "acceleration": [_round(v) for v in tick.acceleration_mps2],
            "angular": [_round(v) for v in tick.angular_velocity_dps],
            "limit": _round(tick.speed_limit_mps),
            "control": [
                _round(tick.control.throttle),
                _round(tick.control.steer),
                _round(tick.control.brake),
                int(tick.control.hand_brake),
                int(tick.control.reverse),
            ],
        }
        new = [_shape(actor) for actor in (tick.ego, *tick.actors) if actor.actor_id not in self._described]
        if new:
            self._described.update(shape[0] for shape in new)
            line["shapes"] = new
        states = {state[0]: state for state in others}
        changed = [state for actor_id, state in states.items() if self._actors.get(actor_id) != state]
        gone = [actor_id for actor_id in self._actors if actor_id not in states]
        self._actors = states
        if changed:
            line["actors"] = changed
        if gone:
            line["gone"] = gone
        if tick.light_states != self._lights:
            self._lights = dict(tick.light_states)
            line["lights"] = self._lights
        if tick.collisions:
            line["collisions"] = [
                [c.frame, _round(c.time_s), c.other_id, c.other_type_id, _round(c.impulse_ns)] for c in tick.collisions
            ]
        if tick.lane_invasions:
            line["lane_invasions"] = list(tick.lane_invasions)
        if tick.traffic_speed_mps is not None:
            line["traffic"] = _round(tick.traffic_speed_mps)
        if tick.scenario_events:
            line["scenarios"] = [{**asdict(event), "phase": event.phase.value} for event in tick.scenario_events]
        if tick.wrong_way_allowed:
            line["wrong_way"] = 1
        if tick.plan is not None:
            line["plan"] = self._plan_number(tick.plan)
        _write_line(self._ticks, line)

    def _plan_number(self, plan: Plan) -> int:
        if plan is not self._plan:
            self._plan = plan
            self._plan_count += 1
            _write_line(
                self._plans,
                {
                    "t0": plan.t0_s,
                    "rig_pose_t0": list(plan.rig_pose_t0),
                    "waypoints_rig": np.round(plan.waypoints_rig, 3).tolist(),
                    "reasoning": plan.reasoning,
                    "decisions": dict(plan.decisions),
                    "scores": [float(s) if math.isfinite(s) else None for s in plan.scores],
                    "latency": plan.latency_s,
                    **({"latency_parts": dict(plan.latency_parts_s)} if plan.latency_parts_s else {}),
                },
            )
        return self._plan_count - 1

    def close(self) -> None:
        """Finish both files; safe to call twice."""
        self._ticks.close()
        self._plans.close()


def read_ticks(folder: Path) -> Iterator[TickRecord]:
    """Yield the ticks of a complete episode in order; InputError if the folder holds no log that this version reads."""
    path = folder / TICKS_FILE
    if not path.is_file():
        raise InputError(f"expected an episode's log {TICKS_FILE} in {folder}; found none")
    plans = read_plans(folder)
    shapes: dict[int, tuple[str, tuple[float, float, float], tuple[float, float, float]]] = {}
    actors: dict[int, ActorState] = {}
    lights: dict[str, int] = {}
    current: tuple[int, Plan] | None = None
    with gzip.open(path, "rt", encoding="ascii") as file:
        header = json.loads(file.readline() or "null")
        if header != _FORMAT:
            raise InputError(f"{path}: expected a log that begins with {_FORMAT}; found {header!r}")
        for text in file:
            line = json.loads(text)
            for actor_id, type_id, extent, center in line.get("shapes", ()):
                shapes[actor_id] = (type_id, tuple(extent), tuple(center))
            for actor_id in line.get("gone", ()):
                del actors[actor_id]
            for state in line.get("actors", ()):
                actors[state[0]] = _actor(state, shapes)
            lights = line.get("lights", lights)
            number = line.get("plan")
            while number is not None and (current is None or current[0] < number):
                current = (current[0] + 1 if current else 0, next(plans))
            throttle, steer, brake, hand_brake, reverse = line["control"]
            yield TickRecord(
                frame=line["frame"],
                time_s=line["time"],
                ego=_actor(line["ego"], shapes),
                speed_mps=line["speed"],
                acceleration_mps2=tuple(line["acceleration"]),
                angular_velocity_dps=tuple(line["angular"]),
                speed_limit_mps=line["limit"],
                control=ControlRecord(throttle, steer, brake, bool(hand_brake), bool(reverse)),
                actors=tuple(actors[actor_id] for actor_id in sorted(actors)),
                light_states=dict(lights),
                collisions=tuple(CollisionEvent(*c) for c in line.get("collisions", ())),
                lane_invasions=tuple(line.get("lane_invasions", ())),
                traffic_speed_mps=line.get("traffic"),
                scenario_events=tuple(_scenario_event(event) for event in line.get("scenarios", ())),
                wrong_way_allowed=bool(line.get("wrong_way", 0)),
                plan=current[1] if number is not None and current is not None else None,
            )


def read_plans(folder: Path) -> Iterator[Plan]:
    """Yield the plans of an episode, each once, in the order in which they were made."""
    with gzip.open(folder / PLANS_FILE, "rt", encoding="ascii") as file:
        for text in file:
            line = json.loads(text)
            yield Plan(
                waypoints_rig=np.array(line["waypoints_rig"], dtype=np.float64),
                t0_s=line["t0"],
                rig_pose_t0=Transform(*line["rig_pose_t0"]),
                reasoning=line["reasoning"],
                decisions=line["decisions"],
                scores=np.array([math.nan if s is None else s for s in line["scores"]], dtype=np.float64),
                latency_s=line["latency"],
                latency_parts_s=line.get("latency_parts", {}),
            )


def _shape(actor: ActorState) -> list[Any]:
    return [
        actor.actor_id,
        actor.type_id,
        [_round(v) for v in actor.extent_m],
        [_round(v) for v in actor.box_center_m],
    ]


def _states(actors: Sequence[ActorState]) -> list[tuple[Any, ...]]:
    """Id, pose and velocity of every actor as one flat row, rounded."""
    rows = np.array([(*actor.transform, *actor.velocity_mps) for actor in actors]).round(3).tolist()
    return [(actor.actor_id, *row) for actor, row in zip(actors, rows, strict=True)]


def _actor(
    state: list[Any], shapes: dict[int, tuple[str, tuple[float, float, float], tuple[float, float, float]]]
) -> ActorState:
    type_id, extent, center = shapes[state[0]]
    return ActorState(state[0], type_id, Transform(*state[1:7]), tuple(state[7:10]), extent, center)


def _scenario_event(value: dict[str, Any]) -> ScenarioEvent:
    fields: dict[str, Any] = {**value, "phase": ScenarioPhase(value["phase"])}
    return ScenarioEvent(**fields)


def _round(value: float) -> float:
    return round(float(value), 3)


def _open_gzip(path: Path) -> io.TextIOWrapper:
    """Open a gzip file without a time stamp, so that equal episodes give equal files."""
    file = gzip.GzipFile(path, "wb", compresslevel=_COMPRESSION, mtime=0)
    return io.TextIOWrapper(io.BufferedWriter(file, 1 << 16), encoding="ascii")


def _write_line(file: io.TextIOWrapper, value: Any) -> None:
    file.write(json.dumps(value, separators=(",", ":")) + "\n")
