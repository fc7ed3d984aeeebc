"""Boxes touch, push each other apart, and never gain energy or dig in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_sim.frames import Transform
from alpamayo_sim.world.contact import EDGE_ANGLE, overlap
from alpamayo_sim.world.errors import SpawnError
from alpamayo_sim.world.world import World

CAR = "vehicle.lincoln.mkz_2020"
TICK_S = 0.05


def box(x: float, y: float, half_x: float, half_y: float, yaw_deg: float) -> np.ndarray:
    yaw = math.radians(yaw_deg)
    return np.array([x, y, 0.0, half_x, half_y, 1.0, math.cos(yaw), math.sin(yaw)])


def corners(b: np.ndarray, grid: int = 41) -> np.ndarray:
    """Points [n, 2] all over a box."""
    u, v = np.meshgrid(np.linspace(-1, 1, grid) * b[3], np.linspace(-1, 1, grid) * b[4])
    return np.column_stack([b[0] + u.ravel() * b[6] - v.ravel() * b[7], b[1] + u.ravel() * b[7] + v.ravel() * b[6]])


def inside(points: np.ndarray, b: np.ndarray, margin: float) -> np.ndarray:
    dx, dy = points[:, 0] - b[0], points[:, 1] - b[1]
    along, across = dx * b[6] + dy * b[7], dy * b[6] - dx * b[7]
    return (np.abs(along) <= b[3] + margin) & (np.abs(across) <= b[4] + margin)


sizes = st.floats(0.2, 4.0)
places = st.floats(-4.0, 4.0)
angles = st.floats(-180.0, 180.0)


@settings(max_examples=300, deadline=None)
@given(places, places, sizes, sizes, angles, sizes, sizes, angles)
def test_overlap_agrees_with_points_and_its_normal_separates(x, y, ax, ay, a_yaw, bx, by, b_yaw) -> None:
    a, b = box(0.0, 0.0, ax, ay, a_yaw), box(x, y, bx, by, b_yaw)
    hit = np.empty(5)
    touching = overlap(a, b, hit)
    if np.any(inside(corners(a), b, -1e-6)):
        assert touching
    if touching:
        assert math.hypot(hit[0], hit[1]) == pytest.approx(1.0)
        moved = b.copy()
        moved[:2] += hit[:2] * (hit[2] + 1e-3)
        assert not overlap(a, moved, np.empty(5))
        parallel = abs(math.sin(math.radians(a_yaw - b_yaw)) * math.cos(math.radians(a_yaw - b_yaw))) < EDGE_ANGLE
        margin = hit[2] + 1e-6 + (2.0 * EDGE_ANGLE * max(ax, ay, bx, by) if parallel else 0.0)
        assert inside(hit[3:5][None], a, margin)[0]
        assert inside(hit[3:5][None], b, margin)[0]


def depth_between(world: World, first: int, second: int) -> float:
    boxes = []
    for actor_id in (first, second):
        pose, info = world.transform(actor_id), world.info(actor_id)
        yaw = math.radians(pose.yaw)
        cx, cy, _ = info.box_center
        center = (
            pose.x + math.cos(yaw) * cx - math.sin(yaw) * cy,
            pose.y + math.sin(yaw) * cx + math.cos(yaw) * cy,
        )
        half_width = world.actors.contact_half_width[world.row(actor_id)]
        boxes.append(box(*center, info.extent[0], half_width, pose.yaw))
    hit = np.empty(5)
    return float(hit[2]) if overlap(*boxes, hit) else 0.0


def energy_of(world: World) -> float:
    rows = world.vehicles.row
    speed2 = np.sum(world.actors.velocity_mps[rows][:, :2] ** 2, axis=1)
    spin = np.radians(world.actors.angular_velocity_dps[rows, 2])
    mass = world.constants.mass_kg
    fall = 9.81 * world.actors.location[rows, 2]
    return float(np.sum(mass * (0.5 * speed2 + fall) + 0.5 * world.constants.yaw_inertia * spin**2))


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-1.5, 1.5),
    angles,
    angles,
    st.floats(2.0, 30.0),
    st.floats(0.0, 15.0),
    st.sampled_from([CAR, "vehicle.carlamotors.firetruck"]),
)
def test_a_crash_stays_finite_loses_energy_and_separates(
    flat_map, offset, yaw, other_yaw, speed, other_speed, other
) -> None:
    world = World(flat_map, None)
    rad = math.radians(yaw)
    a = world.spawn(CAR, {}, Transform(300 - 15 * math.cos(rad), 10 - 15 * math.sin(rad), 0.0, 0.0, yaw))
    b = world.spawn(
        other, {}, Transform(300 - offset * math.sin(rad), 10 + offset * math.cos(rad), 0.0, 0.0, other_yaw)
    )
    world.set_target_velocity(a.id, (speed * math.cos(rad), speed * math.sin(rad), 0.0))
    other_rad = math.radians(other_yaw)
    world.set_target_velocity(b.id, (other_speed * math.cos(other_rad), other_speed * math.sin(other_rad), 0.0))
    energy = energy_of(world)
    deepest = 0.0
    for _ in range(60):
        world.step(TICK_S)
        assert np.isfinite(world.actors.location).all() and np.isfinite(world.actors.rotation_deg).all()
        now = energy_of(world)
        assert now <= energy * 1.02 + 500.0
        energy = min(energy, now)
        deepest = max(deepest, depth_between(world, a.id, b.id))
    assert deepest < 0.5
    assert depth_between(world, a.id, b.id) < 0.05


def test_head_on_collision_reports_equal_and_opposite_impulses_once_a_frame(flat_world: World) -> None:
    a = flat_world.spawn(CAR, {}, Transform(100.0, 5.0, 0.0))
    b = flat_world.spawn(CAR, {}, Transform(110.0, 5.0, 0.0, 0.0, 180.0))
    flat_world.set_target_velocity(a.id, (10.0, 0.0, 0.0))
    hits = []
    for _ in range(20):
        events = flat_world.step(TICK_S)
        pairs = [(c.actor_id, c.other_id) for c in events.collisions]
        assert len(pairs) == len(set(pairs))
        hits += [events.collisions] if events.collisions else []
    first = {c.actor_id: c for c in hits[0]}
    assert first[a.id].other_id == b.id and first[a.id].other_type_id == CAR
    assert first[a.id].normal_impulse[0] == pytest.approx(-first[b.id].normal_impulse[0])
    assert -1696 * 12 < first[a.id].normal_impulse[0] < -1696 * 2


def test_a_wall_stops_a_car_and_is_reported_as_static(walled_world) -> None:
    world = walled_world(150.0)
    car = world.spawn(CAR, {}, Transform(130.0, 5.0, 0.0))
    world.set_target_velocity(car.id, (15.0, 0.0, 0.0))
    world.apply_vehicle_control(car.id, 0.6, 0.0, 0.0)
    frames_in_contact = 0
    for _ in range(80):
        collisions = world.step(TICK_S).collisions
        frames_in_contact += bool(collisions)
        for collision in collisions:
            assert (collision.actor_id, collision.other_id) == (car.id, 0)
            assert collision.other_type_id == "static.building"
            assert collision.normal_impulse[0] < 0.0
    assert frames_in_contact > 20, "a car that pushes against a wall stays in contact"
    assert world.transform(car.id).x + world.info(car.id).extent[0] < 150.1


def test_spawning_is_refused_on_a_turned_box_and_allowed_beside_it(flat_world: World) -> None:
    flat_world.spawn(CAR, {}, Transform(100.0, 5.0, 0.0, 0.0, 45.0))
    with pytest.raises(SpawnError, match="collision at spawn position"):
        flat_world.spawn(CAR, {}, Transform(102.5, 7.5, 0.5, 0.0, 45.0))
    flat_world.spawn(CAR, {}, Transform(101.6, 3.4, 0.5, 0.0, 45.0))


def test_a_bridge_above_does_not_collide(flat_world: World) -> None:
    flat_world.spawn(CAR, {}, Transform(100.0, 5.0, 0.0))
    flat_world.spawn(CAR, {}, Transform(100.0, 5.0, 4.0))


def test_collisions_can_be_switched_off(flat_world: World) -> None:
    a = flat_world.spawn(CAR, {}, Transform(100.0, 5.0, 0.0))
    b = flat_world.spawn(CAR, {}, Transform(106.0, 5.0, 0.0))
    flat_world.set_collisions(b.id, False)
    flat_world.set_target_velocity(a.id, (10.0, 0.0, 0.0))
    assert not any(flat_world.step(TICK_S).collisions for _ in range(20))


def test_a_walker_is_knocked_and_comes_to_rest(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(100.0, 5.0, 0.0))
    walker = flat_world.spawn("walker.pedestrian.0001", {}, Transform(110.0, 5.0, 0.93))
    flat_world.set_target_velocity(car.id, (10.0, 0.0, 0.0))
    collided = set()
    for tick in range(140):
        if tick == 40:
            flat_world.apply_vehicle_control(car.id, 0.0, 0.0, 1.0)
        collided |= {(c.actor_id, c.other_id) for c in flat_world.step(TICK_S).collisions}
    assert {(car.id, walker.id), (walker.id, car.id)} <= collided
    assert flat_world.transform(walker.id).x > 111.0
    assert np.linalg.norm(flat_world.actors.velocity_mps[flat_world.row(walker.id)]) < 0.01
