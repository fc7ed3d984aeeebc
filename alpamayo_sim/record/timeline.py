"""The course of an episode, written while it is driven: what the report plots and plays, small enough to sit inside it.

Ten samples a second of the ego; five a second of who is near; the plan, the reasoning and the scenarios as they change.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from alpamayo_sim.frames import rig_to_world
from alpamayo_sim.metrics.tick import ActorState, TickRecord
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.record.route_view import RouteView
from alpamayo_sim.record.run_folder import read_json_lines

TIMELINE_FILE = "timeline.jsonl"
PERIOD_S = 0.1
NEAR_PERIOD_S = 0.2
PLAN_PERIOD_S = 0.4
NEAR_M = 60.0
_PLAN_EVERY_POINTS = 8
COLUMNS = (
    "time_s", "speed_kmh", "limit_kmh", "throttle", "brake", "steer", "light", "x_m", "y_m", "yaw_deg", "progress_m",
)  # fmt: skip
"""`light` is the carla.TrafficLightState of the next light on the route, -1 when there is none within 60 m."""


class TimelineWriter:
    """Appends to `timeline.jsonl`; memory does not grow with the episode's length."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / TIMELINE_FILE).open("w", encoding="ascii")
        self._next_s = 0.0
        self._next_near_s = 0.0
        self._next_plan_s = 0.0
        self._plan: Plan | None = None
        self._thought: tuple[str, dict[str, str]] | None = None
        self._described: set[int] = set()
        self._near: dict[int, list[float]] = {}

    def write(self, tick: TickRecord, view: RouteView) -> None:
        """Append a sample if one is due, who is near, and plan, reasoning and scenarios if they changed."""
        if tick.time_s + 1e-6 >= self._next_s:
            self._next_s = _after(self._next_s, tick.time_s, PERIOD_S)
            light = view.next_light(tick)
            state = -1 if light is None or light[1] is None else light[1]
            pose, control = tick.ego.transform, tick.control
            sample = (
                tick.time_s, 3.6 * tick.speed_mps, 3.6 * tick.speed_limit_mps, control.throttle, control.brake,
                control.steer, state, pose.x, pose.y, pose.yaw, view.progress_m,
            )  # fmt: skip
            self._append({"sample": [round(v, 2) if math.isfinite(v) else 0.0 for v in sample]})
        if tick.time_s + 1e-6 >= self._next_near_s:
            self._next_near_s = _after(self._next_near_s, tick.time_s, NEAR_PERIOD_S)
            self._write_near(tick)
        for event in tick.scenario_events:
            fields = {"phase": event.phase.value, "name": event.name, "type": event.type, "reason": event.reason}
            self._append({"scenario": {"time_s": round(tick.time_s, 2), **fields}})
        if tick.plan is not None:
            self._write_plan(tick.time_s, tick.plan)

    def _write_near(self, tick: TickRecord) -> None:
        """The actors within 60 m: who is new, whose pose changed, who is gone."""
        here = tick.ego.transform
        near = [
            actor
            for actor in tick.actors
            if math.hypot(actor.transform.x - here.x, actor.transform.y - here.y) < NEAR_M
        ]
        new = [actor for actor in near if actor.actor_id not in self._described]
        self._described.update(actor.actor_id for actor in new)
        poses = {a.actor_id: [round(v, 2) for v in (a.transform.x, a.transform.y, a.transform.yaw)] for a in near}
        line: dict[str, Any] = {"time_s": round(tick.time_s, 2)}
        if new:
            line["shapes"] = [_shape(actor) for actor in new]
        moved = [[i, *pose] for i, pose in poses.items() if self._near.get(i) != pose]
        gone = [i for i in self._near if i not in poses]
        self._near = poses
        self._append({"near": {**line, **({"moved": moved} if moved else {}), **({"gone": gone} if gone else {})}})

    def _write_plan(self, time_s: float, plan: Plan) -> None:
        if plan is not self._plan and time_s + 1e-6 >= self._next_plan_s:
            self._plan = plan
            self._next_plan_s = time_s + PLAN_PERIOD_S
            ahead = rig_to_world(plan.rig_pose_t0, plan.waypoints_rig[_PLAN_EVERY_POINTS - 1 :: _PLAN_EVERY_POINTS])
            points = [plan.rig_pose_t0[:2], *ahead[:, :2].tolist()]
            path = [[round(float(x), 2), round(float(y), 2)] for x, y in points]
            latency = {"latency_s": round(plan.latency_s, 3)} if plan.latency_s > 0.0 else {}
            self._append({"plan": {"time_s": round(time_s, 2), "points": path, **latency}})
        thought = (plan.reasoning, dict(plan.decisions))
        if thought != self._thought and (thought[0] or thought[1]):
            self._thought = thought
            self._append({"thought": {"time_s": round(time_s, 2), "text": thought[0], "decisions": thought[1]}})

    def _append(self, value: dict[str, Any]) -> None:
        self._file.write(json.dumps(value, separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Finish the file; safe to call twice."""
        self._file.close()


def read_timeline(folder: Path, *, max_samples: int = 2000) -> dict[str, Any]:
    """Return the columns by name, thinned to `max_samples` at most, and what goes with them.

    "thoughts" and "scenarios" are the reasoning and the scenarios' phases with their times; "near" are moments with
    the poses of the actors near, as the file has them; "plans" are 9 points [x, y] in metres in the CARLA world frame,
    0.8 s apart, with the time of the episode at which the plan came into force.
    """
    lines = read_json_lines(folder / TIMELINE_FILE)
    samples = [line["sample"] for line in lines if "sample" in line]
    stride = max(1, math.ceil(len(samples) / max_samples))
    kept = samples[::stride]
    columns: dict[str, Any] = {name: [sample[k] for sample in kept] for k, name in enumerate(COLUMNS)}
    for name, key in (("thoughts", "thought"), ("scenarios", "scenario"), ("near", "near"), ("plans", "plan")):
        columns[name] = [line[key] for line in lines if key in line]
    return columns


def _after(due_s: float, now_s: float, period_s: float) -> float:
    """When the next one is due; ticks may be longer than the period."""
    return max(due_s + period_s, now_s + period_s / 2)


def _shape(actor: ActorState) -> list[Any]:
    return [actor.actor_id, actor.type_id, *(round(half, 2) for half in actor.extent_m[:2])]
