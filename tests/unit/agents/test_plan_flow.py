"""When plans are asked for and come into force, what is done while none is fresh, and which latencies and settings are taken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_agents.registry import make_agent
from alpamayo_agents.vla.agent import MOST_FAILURES, VlaAgent
from alpamayo_agents.vla.latency import LatencyModel, parse_latency
from alpamayo_agents.vla.plan_flow import END_OF_PLAN_S, PlanFlow
from alpamayo_agents.vla.settings import VlaSettings
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.model.config import ImageConfig
from alpamayo_sim.policy.observation import Observation
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.runtime.open_policy import OpenedPolicy

STEP_S = 0.05


def plan_at(t0_s: float) -> Plan:
    return Plan(np.zeros((64, 3)), t0_s, Transform(0.0, 0.0, 0.0), latency_s=0.123, latency_parts_s={"vision_s": 0.1})


def flow(latency: str | LatencyModel = "0", *, late: Literal["hold", "brake"] = "hold", seed: int = 0) -> PlanFlow:
    model = parse_latency(latency) if isinstance(latency, str) else latency
    return PlanFlow(0.5, model, np.random.default_rng(seed), late=late, late_after_s=1.5)


def driven(own: PlanFlow, ticks: int) -> list[tuple[float, str, float | None]]:
    """Ask whenever a plan is due; return time, order and t0 of the plan in force at every tick."""
    rows: list[tuple[float, str, float | None]] = []
    for tick in range(ticks):
        now_s = 10.0 + tick * STEP_S
        own.advance(now_s)
        if own.is_due(now_s):
            own.submit(plan_at(now_s), now_s)
        order, plan = own.order(now_s)
        rows.append((round(now_s, 3), order, None if plan is None else plan.t0_s))
    return rows


def test_without_latency_a_plan_is_followed_from_the_tick_that_it_was_made_at() -> None:
    rows = driven(flow(), 41)
    assert all(order == "follow" for _, order, _ in rows)
    assert sorted({t0 for _, _, t0 in rows if t0 is not None}) == pytest.approx([10.0, 10.5, 11.0, 11.5, 12.0])


def test_a_plan_under_way_comes_into_force_when_it_is_there_and_keeps_its_t0() -> None:
    own = flow("0.3")
    rows = driven(own, 30)
    assert [order for _, order, _ in rows[:6]] == ["stand"] * 6
    assert rows[6][1:] == ("follow", 10.0)
    changes = [(now, t0) for (now, _, t0), (_, _, before) in zip(rows[1:], rows, strict=False) if t0 != before]
    assert [now - t0 for now, t0 in changes if t0 is not None] == pytest.approx([0.3] * len(changes))
    _, plan = own.order(11.4)
    assert plan is not None and plan.latency_s == 0.3 and plan.latency_parts_s == {}


def test_a_model_slower_than_the_rate_is_asked_again_when_it_is_free() -> None:
    rows = driven(flow("1.2"), 100)
    t0s = sorted({t0 for _, _, t0 in rows if t0 is not None})
    assert np.diff(t0s) == pytest.approx([1.2] * (len(t0s) - 1)), "no two plans under way at once"


@pytest.mark.parametrize(("late", "order", "words"), [("hold", "follow", "holding"), ("brake", "brake", "braking")])
def test_a_late_plan_is_treated_by_policy_and_says_so(late: Literal["hold", "brake"], order: str, words: str) -> None:
    own = flow(late=late)
    own.submit(plan_at(10.0), 10.0)
    assert own.order(11.5)[0] == "follow"
    found, plan = own.order(11.55)
    assert found == order
    assert plan is not None and words in plan.decisions["plan"]
    assert own.order(11.6)[1] is plan, "one object as long as nothing changes, so that a log has it once"
    assert own.order(10.0 + END_OF_PLAN_S + 0.05)[0] == "brake", "no plan is followed past its end"
    assert own.counts.late_ticks == 3


def test_lost_plans_are_missing_and_the_next_one_is_asked_for_in_time() -> None:
    own = flow()
    own.submit(None, 10.0)
    assert own.order(10.0) == ("stand", None)
    assert not own.is_due(10.45) and own.is_due(10.5)
    lossy = flow(LatencyModel((None, 0.1)), seed=3)
    driven(lossy, 400)
    assert 0 < lossy.counts.lost < lossy.counts.asked
    assert lossy.counts.lost + lossy.counts.adopted in (lossy.counts.asked, lossy.counts.asked - 1)


@given(
    samples=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=5),
    seed=st.integers(0, 9),
    late=st.sampled_from(["hold", "brake"]),
)
def test_plans_come_in_order_never_early_and_equally_under_a_seed(
    samples: list[float], seed: int, late: Literal["hold", "brake"]
) -> None:
    rows = driven(flow(LatencyModel(tuple(samples)), late=late, seed=seed), 200)
    assert rows == driven(flow(LatencyModel(tuple(samples)), late=late, seed=seed), 200)
    t0s = [t0 for _, _, t0 in rows if t0 is not None]
    assert t0s == sorted(t0s)
    assert all(now - t0 >= min(samples) - 2e-3 for now, _, t0 in rows if t0 is not None)


def test_latencies_are_seconds_measured_or_a_file(tmp_path: Path) -> None:
    assert parse_latency("0.25").samples_s == (0.25,)
    assert parse_latency("measured").is_measured
    assert parse_latency("measured").draw(0.7, np.random.default_rng(0)) == 0.7
    listed = tmp_path / "list.json"
    listed.write_text("[0.1, null, 0.3]")
    assert parse_latency(str(listed)).samples_s == (0.1, None, 0.3)
    notes = tmp_path / "agent.json"
    notes.write_text(json.dumps({"agent": "vla", "latency_s": [0.5, 1]}))
    assert parse_latency(str(notes)).samples_s == (0.5, 1.0)


BAD_FILES = {
    "no json": "{",
    "no list": '{"latency": [1]}',
    "empty": "[]",
    "only lost plans": "[null, null]",
    "negative": "[0.1, -0.2]",
    "words": '["fast"]',
    "truth": "[true]",
    "not finite": "[NaN]",
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_other_files_are_refused(case: str, tmp_path: Path) -> None:
    path = tmp_path / "latency.json"
    path.write_text(BAD_FILES[case])
    with pytest.raises(InputError, match=r"latency\.json"):
        parse_latency(str(path))


@pytest.mark.parametrize("text", ["-0.1", "nan", "inf", "61", "nowhere.json"])
def test_other_latencies_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--latency"):
        parse_latency(text)


def test_settings_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--checkpoint"):
        make_agent("vla")
    with pytest.raises(InputError, match="there is no folder"):
        make_agent("vla", VlaSettings(checkpoint=str(tmp_path / "nothing")))
    with pytest.raises(InputError, match="neither a checkpoint"):
        make_agent("vla", VlaSettings(checkpoint=str(tmp_path)))
    for wrong in (
        VlaSettings("tiny", plan_rate=0.0),
        VlaSettings("tiny", plan_rate=11.0),
        VlaSettings("tiny", late_after=0.0),
        VlaSettings("tiny", latency="-1"),
        VlaSettings("tiny", reasoning_tokens=0),
        VlaSettings("tiny", temperature=-1.0),
    ):
        with pytest.raises(InputError):
            make_agent("vla", wrong)
    with pytest.raises(InputError, match="--agent vla"):
        make_agent("expert", VlaSettings("tiny"))


class Broken:
    """A policy whose answers are no plans while it is `broken`."""

    broken = True

    def plan(self, observation: Observation) -> Plan:
        points = np.zeros((64, 3))
        if self.broken:
            points[3, 0] = np.nan
        return Plan(points, observation.t0_s, observation.rig_pose_t0)

    def plan_many(self, observations: Sequence[Observation]) -> list[Plan]:
        return [self.plan(observation) for observation in observations]


def test_answers_that_are_no_plans_are_missing_plans_until_there_are_too_many() -> None:
    seen = Observation(
        ("front",),
        np.zeros((1, 1, 2, 2, 3), np.uint8),
        np.full((1, 1), 7.0),
        np.zeros((16, 3)),
        np.broadcast_to(np.eye(3), (16, 3, 3)),
        7.0,
        Transform(0.0, 0.0, 0.0),
    )
    agent, policy = VlaAgent(VlaSettings("tiny")), Broken()
    agent._opened, agent._failures = OpenedPolicy(policy, ImageConfig(32, 32)), 0
    assert [agent._ask(seen) for _ in range(MOST_FAILURES - 1)] == [None] * (MOST_FAILURES - 1)
    policy.broken = False
    assert agent._ask(seen) is not None
    policy.broken = True
    assert [agent._ask(seen) for _ in range(MOST_FAILURES - 1)] == [None] * (MOST_FAILURES - 1)
    with pytest.raises(RuntimeError, match=r"5 times in a row.*finite"):
        agent._ask(seen)
