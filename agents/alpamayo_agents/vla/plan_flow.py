"""When a model is asked, when its plans come into force, and what is done while none is fresh. Simulation time only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from alpamayo_agents.vla.latency import LatencyModel
from alpamayo_sim.policy.plan import PLAN_POINTS, PLAN_STEP_S, Plan

_CLOCK_SLACK_S = 1e-3
END_OF_PLAN_S = PLAN_POINTS * PLAN_STEP_S - 1.0
"""A plan this old has too little left to be followed: the tracker looks half a second ahead of it."""
Order = Literal["follow", "brake", "stand"]


@dataclass
class PlanCounts:
    """How planning went, for the record."""

    asked: int = 0
    adopted: int = 0
    lost: int = 0
    """Plans that never came: lost on the way, or none was handed out."""
    late_ticks: int = 0
    """Ticks at which the plan in force was late."""
    without_ticks: int = 0
    """Ticks before the first plan."""
    ticks: int = 0


class PlanFlow:
    """One model, one plan under way at a time. A plan comes into force when it is there, and is entered where it is by then."""

    def __init__(
        self,
        period_s: float,
        latency: LatencyModel,
        random: np.random.Generator,
        *,
        late: Literal["hold", "brake"],
        late_after_s: float,
    ) -> None:
        self._period_s = period_s
        self._latency = latency
        self._random = random
        self._late: Literal["hold", "brake"] = late
        self._late_after_s = late_after_s
        self._due_s = -np.inf
        self._under_way: tuple[float, Plan] | None = None
        self._in_force: Plan | None = None
        self._shown: tuple[Plan, str, Plan] | None = None
        self.counts = PlanCounts()

    def is_due(self, now_s: float) -> bool:
        """Whether the model is to be asked now, if there is an observation: it is free, and the period is over."""
        return self._under_way is None and now_s >= self._due_s - _CLOCK_SLACK_S

    def submit(self, plan: Plan | None, now_s: float) -> None:
        """Take what the model answered to an observation of now; None where it had no plan to give."""
        self.counts.asked += 1
        on_time = self._due_s + self._period_s
        self._due_s = on_time if on_time > now_s + _CLOCK_SLACK_S else now_s + self._period_s
        wait_s = self._latency.draw(0.0 if plan is None else plan.latency_s, self._random)
        if plan is None or wait_s is None:
            self.counts.lost += 1
            return
        parts = plan.latency_parts_s if self._latency.is_measured else {}
        self._under_way = (now_s + wait_s, replace(plan, latency_s=wait_s, latency_parts_s=parts))
        self.advance(now_s)

    def advance(self, now_s: float) -> None:
        """Put the plan under way in force if it is there by now; called at every tick before the model is asked."""
        if self._under_way is not None and now_s >= self._under_way[0] - _CLOCK_SLACK_S:
            self._in_force, self._under_way = self._under_way[1], None
            self.counts.adopted += 1

    def order(self, now_s: float) -> tuple[Order, Plan | None]:
        """Return what to do now, and the plan to do it by; counts the tick.

        `stand` without a plan; `brake` along the plan where it has come to its end or, by policy, is late; else `follow`. A late
        plan says so in its decisions.
        """
        self.counts.ticks += 1
        plan = self._in_force
        if plan is None:
            self.counts.without_ticks += 1
            return "stand", None
        age_s = now_s - plan.t0_s
        if age_s <= min(self._late_after_s, END_OF_PLAN_S) + _CLOCK_SLACK_S:
            return "follow", plan
        self.counts.late_ticks += 1
        if age_s > END_OF_PLAN_S + _CLOCK_SLACK_S:
            return "brake", self._marked(plan, "at its end: braking")
        if self._late == "brake":
            return "brake", self._marked(plan, "late: braking")
        return "follow", self._marked(plan, "late: holding on")

    def _marked(self, plan: Plan, words: str) -> Plan:
        """The plan with words of its lateness; the same object as long as nothing changes, so that a log has it once."""
        if self._shown is None or self._shown[0] is not plan or self._shown[1] != words:
            marked = replace(plan, decisions={**plan.decisions, "plan": f"plan {words}"})
            self._shown = (plan, words, marked)
        return self._shown[2]
