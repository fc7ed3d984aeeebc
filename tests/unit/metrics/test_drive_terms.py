"""Contacts from above, and NAVSIM's terms of whole drives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_drive import MKZ_EXTENT_M, ego_tick, pose_on

from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.contact import ContactSide, contacts, footprint, overlap, soon_collides
from alpamayo_sim.metrics.drive_terms import terms_of_drive
from alpamayo_sim.metrics.navsim import pdm_score
from alpamayo_sim.metrics.tick import ActorState
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

CENTER = (0.0, 0.0, 0.7)


def car(x: float, y: float, speed_mps: float, *, actor_id: int = 9, kind: str = "vehicle.audi.tt") -> ActorState:
    return ActorState(actor_id, kind, Transform(x, y, 0.0), (speed_mps, 0.0, 0.0), MKZ_EXTENT_M, CENTER)


def test_boxes_overlap_when_they_do() -> None:
    assert overlap(footprint(car(0, 0, 0)), footprint(car(4.8, 1.8, 0)))
    assert not overlap(footprint(car(0, 0, 0)), footprint(car(4.95, 0, 0)))
    turned = replace(car(3.4, 0, 0), transform=Transform(3.4, 0.0, 0.0, yaw=90.0))
    assert not overlap(footprint(car(0, 0, 0)), footprint(turned))
    assert overlap(footprint(car(0.2, 0, 0)), footprint(turned))


@pytest.mark.parametrize(
    ("other", "ego_mps", "in_one_lane", "side", "at_fault"),
    [
        (car(4.5, 0.0, 3.0), 8.0, True, ContactSide.FRONT, True),
        (car(4.5, 0.0, 0.0), 8.0, True, ContactSide.STOPPED_OTHER, True),
        (car(-4.5, 0.0, 9.0), 8.0, False, ContactSide.REAR, False),
        (car(-1.0, 1.7, 9.0), 8.0, True, ContactSide.SIDE, False),
        (car(-1.0, 1.7, 9.0), 8.0, False, ContactSide.SIDE, True),
        (car(4.5, 0.0, -3.0), 0.0, True, ContactSide.STOPPED_EGO, False),
    ],
)
def test_whose_fault_a_contact_is(
    other: ActorState, ego_mps: float, in_one_lane: bool, side: ContactSide, at_fault: bool
) -> None:
    (contact,) = contacts(car(0, 0, ego_mps, actor_id=1), [other], (), in_one_lane=in_one_lane)
    assert (contact.side, contact.at_fault) == (side, at_fault)
    assert contacts(car(0, 0, ego_mps), [other], [9], in_one_lane=in_one_lane) == []


def test_a_collision_within_a_second_is_foreseen() -> None:
    ego = car(0, 0, 10.0, actor_id=1)
    assert soon_collides(ego, [car(13.0, 0, 0.0)], (), in_one_lane=True)
    assert not soon_collides(ego, [car(15.0, 0, 0.0)], (), in_one_lane=True)
    assert not soon_collides(ego, [car(13.0, 0, 10.0)], (), in_one_lane=True)
    assert not soon_collides(ego, [car(-8.0, 0, 30.0)], (), in_one_lane=True)
    assert not soon_collides(car(0, 0, 0.0, actor_id=1), [car(6.0, 0, -9.0)], (), in_one_lane=True)


def ticks_along(route: Route, lateral_m: float = 0.0, others: list[ActorState] | None = None) -> list:
    distances = np.arange(2.0, 40.0, 0.25)
    return [
        ego_tick(frame, pose_on(route, float(d), lateral_m), 5.0, actors=others or [])
        for frame, d in enumerate(distances)
    ]


def test_a_clean_drive_has_full_terms(road_map: RoadMap, route: Route) -> None:
    terms = terms_of_drive(ticks_along(route), road_map, progress_m=38.0, reference_m=38.0)
    assert pdm_score(terms.pdm) == 1.0
    assert not terms.outcome.offroad
    assert terms.outcome.driven_km == pytest.approx(0.03775, abs=1e-4)


def test_driving_into_a_standing_car_and_beside_the_road(road_map: RoadMap, route: Route) -> None:
    pose = pose_on(route, 30.0)
    parked = ActorState(5, "vehicle.audi.tt", pose, (0.0, 0.0, 0.0), MKZ_EXTENT_M, CENTER)
    crashed = terms_of_drive(ticks_along(route, others=[parked]), road_map, progress_m=20.0, reference_m=40.0)
    assert (crashed.pdm.no_collision, crashed.pdm.time_to_collision, crashed.pdm.ego_progress) == (0.0, 0.0, 0.5)
    assert crashed.outcome.collision_at_fault
    prop = replace(parked, type_id="static.prop.barrel")
    assert (
        terms_of_drive(ticks_along(route, others=[prop]), road_map, progress_m=1, reference_m=1).pdm.no_collision == 0.5
    )
    beside = terms_of_drive(ticks_along(route, lateral_m=14.0), road_map, progress_m=38.0, reference_m=38.0)
    assert beside.pdm.drivable_area == 0.0
    assert pdm_score(beside.pdm) == 0.0
