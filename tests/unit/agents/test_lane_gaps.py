"""Gaps in the lane beside, changes that are begun or called off for them, and room for the doors of parked cars."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from synthetic_vehicle import arc_route, ego_model
from test_reference_path import route_with_change

from alpamayo_agents.lane_changes import LaneChangeGap, LaneChangeTiming
from alpamayo_agents.lane_gaps import MIDDLE_M, Beside, followers, is_free, speed_to_gap
from alpamayo_agents.parked_cars import DOOR_M, DoorRoom
from alpamayo_agents.reference_path import ReferencePath
from alpamayo_agents.surroundings import Neighbours

MODEL = ego_model()
ORIGIN = np.array([-MIDDLE_M, 0.0])


def others(
    *places: tuple[float, float, float],
    acceleration: float = 0.0,
    standing_s: float = 0.0,
    half: tuple[float, float] = (2.3, 1.0),
) -> Neighbours:
    """Vehicles at (x, y) with a speed, all along x."""
    count = len(places)
    table = np.array(places, dtype=np.float64).reshape(-1, 3)
    return Neighbours(
        ids=np.arange(10, 10 + count),
        is_walker=np.zeros(count, dtype=bool),
        center=np.column_stack([table[:, :2], np.full(count, 0.8)]),
        yaw=np.zeros(count),
        velocity_mps=np.column_stack([table[:, 2], np.zeros(count)]),
        acceleration_mps2=np.full(count, acceleration),
        half_size_m=np.tile(half, (count, 1)),
        standing_s=np.full(count, standing_s),
    )


def seen(neighbours: Neighbours) -> Beside:
    return Beside.of(neighbours, ORIGIN, 0.0)


@given(behind=st.floats(5.0, 60.0), closing=st.floats(0.0, 8.0))
def test_a_lane_is_free_if_those_behind_need_not_brake_hard(behind: float, closing: float) -> None:
    free = is_free(seen(others((-behind, 3.5, 8.0 + closing))), 3.5, 8.0, 3.2)
    if behind < 7.5:
        assert not free
    if behind > 7.6 + 3.2 * closing:
        assert free
    assert is_free(seen(others((-behind, -3.5, 8.0 + closing))), 3.5, 8.0, 3.2), "in another lane"


def test_who_speeds_up_behind_needs_more_room() -> None:
    assert is_free(seen(others((-10.0, 3.5, 9.0))), 3.5, 8.0, 1.3)
    assert not is_free(seen(others((-10.0, 3.5, 9.0), acceleration=3.0)), 3.5, 8.0, 1.3)


def test_slower_ones_ahead_take_the_lane() -> None:
    assert is_free(seen(others((12.0, 3.5, 8.0))), 3.5, 8.0, 3.2)
    assert not is_free(seen(others((12.0, 3.5, 1.0))), 3.5, 8.0, 3.2)


def test_draws_level_with_the_nearest_gap() -> None:
    stream = [(x, 3.5, 10.0) for x in (-36.0, -24.0, -12.0, 0.0, 24.0, 36.0)]
    faster = speed_to_gap(seen(others(*stream)), [3.5], 10.0)
    assert faster is not None and faster > 12.0, "the gap of 24 m lies ahead"
    slower = speed_to_gap(seen(others(*[(-x, y, v) for x, y, v in stream])), [3.5], 10.0)
    assert slower is not None and slower < 8.0
    level = speed_to_gap(seen(others((-13.0, 3.5, 10.0), (12.0, 3.5, 10.0))), [3.5], 6.0)
    assert level is not None and abs(level - 10.0) < 0.6, "beside it the ego goes along"
    assert speed_to_gap(seen(others(*stream)), [], 10.0) is None
    assert speed_to_gap(seen(others(*[(12.0 * k, 3.5, 10.0) for k in range(-9, 9)])), [3.5], 10.0) is not None


def test_only_who_is_wholly_behind_and_drives_along_follows() -> None:
    scene = others((-6.0, 3.5, 8.0), (-1.0, 3.5, 8.0), (9.0, 0.0, 8.0), (-9.0, 0.0, 0.0))
    assert followers(scene, seen(scene), 0.0).tolist() == [True, False, False, False]
    assert not followers(scene, seen(scene), np.pi / 2.0).any()


def look(behind_m: float, speed: float, station_m: float) -> tuple[LaneChangeGap, LaneChangeTiming, ReferencePath]:
    path = ReferencePath(route_with_change())
    timing = LaneChangeTiming(path)
    gap = LaneChangeGap(path, timing, MODEL)
    middle = station_m + MIDDLE_M
    gap.look(station_m, 8.0, others((middle - behind_m, 3.5, speed)))
    return gap, timing, path


def test_a_change_waits_for_the_lane_and_the_ego_draws_level_meanwhile() -> None:
    gap, _, _ = look(6.0, 10.0, 90.0)
    assert gap.taken and not gap.sure
    assert gap.draws_level_mps is not None
    gap, _, _ = look(40.0, 9.0, 90.0)
    assert not gap.taken and gap.sure
    assert gap.draws_level_mps is None


def test_a_change_that_has_hardly_begun_is_called_off_for_who_turns_up_behind() -> None:
    gap, timing, path = look(40.0, 9.0, 92.0)
    (change,) = path.lane_changes
    at = change.start_m + change.delay_m + 3.0
    gap.look(at, 8.0, others((at + MIDDLE_M - 40.0, 3.5, 9.0)))
    assert gap.sure and timing.under_way(at) is change
    gap.look(at, 8.0, others((at + MIDDLE_M - 12.0, 3.5, 14.0)))
    assert timing.under_way(at) is None
    assert change.start_m + change.delay_m > at + MODEL.front_m
    late = change.start_m + change.delay_m + 0.6 * change.length_m
    assert timing.under_way(late) is change
    assert not timing.call_off(late, MODEL.front_m, 8.0), "too far over to stay"


def test_cars_parked_beside_the_lane_count_with_a_door_open() -> None:
    path = ReferencePath(arc_route(200.0))
    doors = DoorRoom(path)
    parked = others((40.0, 2.3, 0.0), standing_s=np.inf)
    assert doors.widen(20.0, parked, 0.0).half_size_m[0, 1] == 1.0 + DOOR_M
    assert doors.widen(20.0, others((40.0, 2.3, 0.0), standing_s=5.0), 0.0).half_size_m[0, 1] == 1.0, (
        "stands in traffic"
    )
    assert doors.widen(20.0, others((40.0, 0.2, 0.0), standing_s=np.inf), 0.0).half_size_m[0, 1] == 1.0, "in the lane"
    cone = others((40.0, 2.3, 0.0), standing_s=np.inf, half=(0.3, 0.3))
    assert doors.widen(20.0, cone, 0.0).half_size_m[0, 1] == 0.3
    assert doors.widen(20.0, parked, 100.0).half_size_m[0, 1] == 1.0, "nobody waits for ever"
    assert doors.widen(20.0, parked, 0.0).half_size_m[0, 1] == 1.0
