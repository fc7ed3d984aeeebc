"""What counts as a new collision, rule by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic_drive import ego_tick

from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.collision import Collision, collision_kind
from alpamayo_sim.metrics.infraction import Infraction, InfractionKind
from alpamayo_sim.metrics.tick import CollisionEvent

CAR, WALL = "vehicle.tesla.model3", "static.building"


def contact(
    criterion: Collision, frame: int, x: float, other: int, type_id: str = CAR, speed: float = 5.0
) -> list[Infraction]:
    """The infractions of a contact at `frame`, the ego being at `x` with `speed` since the tick before."""
    here = Transform(x, 0.0, 0.0)
    assert criterion.update(ego_tick(frame, here, speed)) == []
    event = CollisionEvent(frame + 1, (frame + 1) * 0.05, other, type_id, 900.0)
    return criterion.update(ego_tick(frame + 1, here, speed, collisions=[event]))


@pytest.mark.parametrize(
    ("type_id", "kind"),
    [
        ("vehicle.tesla.model3", InfractionKind.COLLISION_VEHICLE),
        ("walker.pedestrian.0012", InfractionKind.COLLISION_PEDESTRIAN),
        ("static.building", InfractionKind.COLLISION_STATIC),
        ("static.prop.trafficcone01", InfractionKind.COLLISION_STATIC),
        ("traffic.traffic_light", InfractionKind.COLLISION_STATIC),
        ("static.sidewalk", None),
    ],
)
def test_kinds(type_id: str, kind: InfractionKind | None) -> None:
    assert collision_kind(type_id) is kind
    found = contact(Collision(), 0, 0.0, 7, type_id)
    assert [i.kind for i in found] == ([] if kind is None else [kind])


def test_a_lasting_contact_counts_once() -> None:
    criterion = Collision()
    found = [i for frame in range(40) for i in contact(criterion, frame, 0.05 * frame, 7)]
    assert len(found) == 1
    assert found[0].other_id == 7
    assert found[0].other_type_id == CAR


def test_another_actor_at_the_same_place_is_the_same_collision() -> None:
    criterion = Collision()
    assert len(contact(criterion, 0, 0.0, 7)) == 1
    assert contact(criterion, 20, 4.9, 8) == []
    assert len(contact(criterion, 40, 10.0, 8)) == 1


def test_the_same_actor_counts_again_after_five_seconds_elsewhere() -> None:
    criterion = Collision()
    assert len(contact(criterion, 0, 0.0, 7)) == 1
    assert contact(criterion, 90, 30.0, 7) == []
    assert contact(criterion, 99, 35.0, 7) == []
    assert len(contact(criterion, 101, 40.0, 7)) == 1


def test_static_contacts_are_told_apart_by_place_alone() -> None:
    criterion = Collision()
    assert len(contact(criterion, 0, 0.0, 0, WALL)) == 1
    assert contact(criterion, 2, 3.0, 0, WALL) == []
    assert len(contact(criterion, 10, 6.0, 0, WALL)) == 1


def test_an_ego_at_rest_is_not_to_blame() -> None:
    criterion = Collision()
    assert contact(criterion, 0, 0.0, 7, speed=0.09) == []
    assert len(contact(criterion, 1, 0.0, 7, speed=0.2)) == 1


def test_a_sidewalk_is_no_infraction_but_marks_the_place() -> None:
    criterion = Collision()
    assert contact(criterion, 0, 0.0, 0, "static.sidewalk") == []
    assert contact(criterion, 1, 1.0, 0, WALL) == []
    assert len(contact(criterion, 2, 7.0, 0, WALL)) == 1


def test_place_speed_and_time_are_those_of_the_tick_before() -> None:
    """The message of a collision is there before the state of its tick, and the leaderboard looks at what it has."""
    criterion = Collision()
    event = CollisionEvent(1, 0.05, 7, CAR, 900.0)
    assert criterion.update(ego_tick(0, Transform(1.0, 0.0, 0.0), 0.05)) == []
    assert criterion.update(ego_tick(1, Transform(2.0, 0.0, 0.0), 5.0, collisions=[event])) == []
    (found,) = criterion.update(ego_tick(2, Transform(3.0, 0.0, 0.0), 0.05, collisions=[event]))
    assert found.frame == 2
    assert found.location == (2.0, 0.0, 0.0)
    assert found.message.endswith("at (x=2.0, y=0.0, z=0.0)")


@pytest.mark.parametrize(("ticks", "counts"), [(99, 0), (100, 0), (101, 1)])
def test_the_same_actor_is_forgotten_after_100_ticks_of_a_twentieth_second(ticks: int, counts: int) -> None:
    """CARLA's float32 steps add up to a little over 5 s in 100 ticks, and what is forgotten then counts a tick later."""
    criterion = Collision()
    event = CollisionEvent(1, 0.05, 7, CAR, 900.0)
    criterion.update(ego_tick(0, Transform(0.0, 0.0, 0.0), 5.0))
    assert len(criterion.update(ego_tick(1, Transform(1.0, 0.0, 0.0), 5.0, collisions=[event]))) == 1
    for frame in range(2, ticks):
        assert criterion.update(ego_tick(frame, Transform(float(frame), 0.0, 0.0), 5.0)) == []
    found = criterion.update(ego_tick(ticks, Transform(float(ticks), 0.0, 0.0), 5.0, collisions=[event]))
    assert len(found) == counts


def test_speed_up_and_down_is_none() -> None:
    """The leaderboard's speed is that in the plane: an ego that only drops stands."""
    criterion = Collision()
    event = CollisionEvent(1, 0.05, 7, CAR, 900.0)
    falling = ego_tick(0, Transform(0.0, 0.0, 0.0), 0.0)
    falling = replace(falling, speed_mps=3.0, ego=replace(falling.ego, velocity_mps=(0.0, 0.0, -3.0)))
    assert criterion.update(falling) == []
    assert criterion.update(ego_tick(1, Transform(0.0, 0.0, 0.0), 5.0, collisions=[event])) == []
