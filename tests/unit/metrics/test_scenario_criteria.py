"""Scenario timeouts, yielding, counting, and what scenarios do to other criteria."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic_drive import MKZ_EXTENT_M, ego_tick

from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.blocked import Blocked
from alpamayo_sim.metrics.infraction import InfractionKind
from alpamayo_sim.metrics.scenario_criteria import ScenarioCounts, ScenarioTimeout, YieldEmergencyVehicle
from alpamayo_sim.metrics.tick import ActorState, ScenarioEvent, ScenarioPhase, TickRecord

Phase = ScenarioPhase
AMBULANCE = 77


def tick(frame: int, *events: ScenarioEvent, ambulance_x: float | None = None, speed_mps: float = 0.0) -> TickRecord:
    actors = []
    if ambulance_x is not None:
        pose = Transform(ambulance_x, 3.5, 0.0)
        actors = [ActorState(AMBULANCE, "vehicle.ford.ambulance", pose, (9.0, 0.0, 0.0), MKZ_EXTENT_M, (0.0, 0.0, 0.7))]
    made = ego_tick(frame, Transform(0.0, 0.0, 0.0), speed_mps, actors=actors)
    return replace(made, scenario_events=events)


def event(phase: Phase, name: str = "s1", **details: object) -> ScenarioEvent:
    return ScenarioEvent(phase, name, "YieldToEmergencyVehicle", **details)  # type: ignore[arg-type]


def test_each_late_scenario_is_one_infraction() -> None:
    criterion = ScenarioTimeout()
    assert criterion.update(tick(0, event(Phase.TRIGGERED))) == []
    (found,) = criterion.update(tick(1, event(Phase.TIMED_OUT)))
    assert found.kind is InfractionKind.SCENARIO_TIMEOUT
    assert criterion.update(tick(2, event(Phase.TIMED_OUT), event(Phase.FINISHED, "s2"))) == []


@pytest.mark.parametrize(("last_x", "fails"), [(-8.0, True), (6.0, False)])
def test_the_emergency_vehicle_must_be_ahead_when_the_scenario_ends(last_x: float, fails: bool) -> None:
    criterion = YieldEmergencyVehicle()
    assert criterion.update(tick(0, event(Phase.TRIGGERED, emergency_vehicle_id=AMBULANCE), ambulance_x=-25.0)) == []
    assert criterion.update(tick(1, ambulance_x=last_x)) == []
    found = criterion.update(tick(2, event(Phase.FINISHED), ambulance_x=None))
    assert [i.other_id for i in found] == ([AMBULANCE] if fails else [])
    assert criterion.finish() == []


def test_the_end_of_the_route_ends_the_scenario_too() -> None:
    criterion = YieldEmergencyVehicle()
    criterion.update(tick(0, event(Phase.TRIGGERED, emergency_vehicle_id=AMBULANCE), ambulance_x=-25.0))
    assert [i.kind for i in criterion.finish()] == [InfractionKind.YIELD_EMERGENCY_VEHICLE]


def test_a_vehicle_that_was_never_seen_blames_nobody() -> None:
    criterion = YieldEmergencyVehicle()
    criterion.update(tick(0, event(Phase.TRIGGERED, emergency_vehicle_id=AMBULANCE)))
    assert criterion.finish() == []


def test_a_scenario_that_closes_the_way_stops_the_clock_of_blocked() -> None:
    criterion = Blocked(after_s=1.0)
    events = {5: event(Phase.TRIGGERED, suspends_blocked=True), 60: event(Phase.FINISHED)}
    found = {f: criterion.update(tick(f, *([events[f]] if f in events else []))) for f in range(100)}
    assert [frame for frame, infractions in found.items() if infractions] == [80]


def test_scenarios_are_counted() -> None:
    criterion = ScenarioCounts()
    assert criterion.values() == {}
    criterion.update(
        tick(0, *(event(Phase.PLANNED, name) for name in "abcd"), event(Phase.SKIPPED, "d", reason="no way"))
    )
    criterion.update(tick(1, event(Phase.TRIGGERED, "a"), event(Phase.TRIGGERED, "b")))
    criterion.update(tick(2, event(Phase.FINISHED, "a"), event(Phase.TIMED_OUT, "b")))
    assert criterion.values() == {
        "scenarios_planned_total": 4.0,
        "scenarios_skipped_total": 1.0,
        "scenarios_triggered_total": 2.0,
        "scenarios_finished_total": 1.0,
        "scenarios_timed_out_total": 1.0,
        "scenarios_not_triggered_total": 1.0,
    }
