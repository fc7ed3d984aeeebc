"""The ray caster against plain geometry and against a caster that tries everything."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alpamayo_sim.frames import rotation_matrix
from alpamayo_sim.roads.surface import GroundMesh, Surface
from alpamayo_sim.sensors.ray_grid import build_grid
from alpamayo_sim.sensors.ray_kernel import GROUND, NOTHING, Bodies, cast_rays
from alpamayo_sim.sensors.ray_shapes import Solid, ball, bodies_of, box

Floats = NDArray[np.float64]
EMPTY = bodies_of([], [])


def mesh_of(corners: Floats, surface: Surface = Surface.ROAD) -> GroundMesh:
    """Return triangles [T, 3, 3] as a ground mesh."""
    count = 3 * len(corners)
    return GroundMesh(
        corners.reshape(-1, 3), np.zeros((count, 3)), np.full(count, surface, np.uint8),
        np.arange(count).reshape(-1, 3), np.zeros(len(corners), np.bool_),
    )  # fmt: skip


def plane(z: float = 0.0, half_m: float = 80.0) -> GroundMesh:
    """Return a level square about the origin."""
    a, b, c, d = (np.array([x * half_m, y * half_m, z]) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)))
    return mesh_of(np.array([[a, b, c], [a, c, d]]))


def placed(solids: list[list[Solid]], poses: list[tuple[float, ...]]) -> Bodies:
    """Return bodies at poses (x, y, z, pitch, yaw, roll)."""
    bodies = bodies_of(solids, [[3] * len(group) for group in solids])
    for row, pose in zip(bodies.pose, poses, strict=True):
        row[:3], row[3:12] = pose[:3], rotation_matrix(*pose[3:]).ravel()
    return bodies


def cast(
    origin: tuple[float, float, float], rays: Sequence[tuple[float, float, float]] | Floats, *, mesh: GroundMesh | None = None,
    fixed: Bodies = EMPTY, moving: Bodies = EMPTY, length_m: float = 100.0,
) -> tuple[Floats, Floats, NDArray[np.int32]]:  # fmt: skip
    """Return distances, cosines and bodies of rays, whose directions need not be of unit length."""
    directions = np.array(rays, np.float64).reshape(-1, 3)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    grid = build_grid(mesh or plane(-1000.0), np.zeros((1, 2)), fixed)
    chosen = np.ones(len(moving.pose), np.bool_)
    distances, cosines, body, _ = cast_rays(np.array(origin), directions, length_m, grid, fixed, moving, chosen)
    return distances, cosines, body


@pytest.mark.parametrize("pitch_deg", [-90.0, -60.0, -10.0, -2.0])
def test_level_ground_is_as_far_as_trigonometry_says(pitch_deg: float) -> None:
    pitch = math.radians(pitch_deg)
    yaw = np.radians(np.arange(0.0, 360.0, 7.0))
    rays = np.column_stack(
        [np.cos(yaw) * math.cos(pitch), np.sin(yaw) * math.cos(pitch), np.full_like(yaw, math.sin(pitch))]
    )
    distance, cosine, body = cast((1.0, -2.0, 2.4), rays, mesh=plane(0.4))
    assert np.allclose(distance, 2.0 / -math.sin(pitch), atol=1e-4)
    assert np.allclose(cosine, -math.sin(pitch), atol=1e-5)
    assert np.all(body == GROUND)


def test_nothing_is_hit_upwards_or_beyond_the_length() -> None:
    distance, _, body = cast((0, 0, 2), [(0, 0, 1), (1, 0, 0.1), (1, 0, -0.01)], mesh=plane(), length_m=50.0)
    assert np.all(np.isinf(distance)) and np.all(body == NOTHING)


@pytest.mark.parametrize("still", [True, False])
def test_box_at_a_known_distance_hides_what_is_behind(still: bool) -> None:
    boxes = placed(
        [[box((0, 0, 0), (1, 2, 1))], [box((0, 0, 0), (0.3, 0.3, 0.9))]],
        [(10.0, 0.0, 1.0, 0.0, 0.0, 0.0), (14.0, 0.0, 1.0, 0.0, 0.0, 0.0)],
    )
    rays = [(1, 0, 0), (1, 0.1, 0), (1, 0.5, 0), (1, 0, 0.2)]
    distance, cosine, body = cast((0, 0, 1), rays, fixed=boxes if still else EMPTY, moving=EMPTY if still else boxes)
    assert distance[:2] == pytest.approx([9.0, 9.0 * math.hypot(1, 0.1)], abs=1e-9)
    assert cosine[:2] == pytest.approx([1.0, 1.0 / math.hypot(1, 0.1)], abs=1e-9)
    assert body.tolist() == [0, 0, NOTHING, NOTHING]


def test_turned_box_and_leaning_front() -> None:
    turned = placed([[box((0, 0, 0), (2, 1, 1))]], [(10.0, 0.0, 0.0, 0.0, 90.0, 0.0)])
    assert cast((0, 0, 0), [(1, 0, 0)], moving=turned)[0][0] == pytest.approx(9.0)
    pitched = placed([[box((0, 0, 0), (2, 1, 1))]], [(10.0, 0.0, 0.0, 90.0, 0.0, 0.0)])
    assert cast((0, 0, 0), [(1, 0, 0)], moving=pitched)[0][0] == pytest.approx(9.0)
    leaning = placed([[box((0, 0, 0), (2, 1, 1), rear=0.5)]], [(10.0, 0.0, 0.0, 0.0, 0.0, 0.0)])
    distance, cosine, _ = cast((0, 0, 0.5), [(1, 0, 0)], moving=leaning)
    assert distance[0] == pytest.approx(8.0 + 0.5 * 1.5)
    assert cosine[0] == pytest.approx(1.0 / math.hypot(1.0, 0.5))


def test_ball() -> None:
    sphere = placed([[ball((0, 0, 0), (2, 2, 2))]], [(10.0, 0.0, 0.0, 0.0, 30.0, 0.0)])
    distance, cosine, _ = cast((0, 0, 0), [(1, 0, 0), (10, 1, 0), (10, 3, 0)], moving=sphere)
    middle = 100.0 / math.hypot(10, 1)
    assert distance[:2] == pytest.approx([8.0, middle - math.sqrt(4.0 - (100.0 - middle**2))])
    assert cosine[0] == pytest.approx(1.0) and np.isinf(distance[2])


def test_what_holds_the_sensor_is_transparent() -> None:
    around = placed([[box((0, 0, 0), (2, 1, 1)), box((0, 0, 1.5), (1, 1, 0.5))]], [(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)])
    wall = placed([[box((0, 0, 0), (1, 9, 9))]], [(10.0, 0.0, 0.0, 0.0, 0.0, 0.0)])
    distance, _, _ = cast((0, 0, 0), [(1, 0, 0), (0, 0, 1)], fixed=wall, moving=around)
    assert distance[0] == pytest.approx(9.0) and np.isinf(distance[1])


def _against_everything(origin: Floats, rays: Floats, corners: Floats, bodies: Bodies) -> Floats:
    """Return distances without any search structure: planes and edges of triangles, slabs of boxes."""
    best = np.full(len(rays), np.inf)
    for a, b, c in corners:
        normal = np.cross(b - a, c - a)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = ((a - origin) @ normal) / (rays @ normal)
            p = origin + t[:, None] * rays
            sides = [np.cross(v - u, p - u) @ normal >= 0.0 for u, v in ((a, b), (b, c), (c, a))]
        hit = np.all(sides, axis=0) & (t > 0.0)
        best = np.where(hit & (t < best), t, best)
    for pose, solid in zip(bodies.pose, bodies.solids, strict=True):
        turn = pose[3:12].reshape(3, 3)
        o, d = (origin - pose[:3]) @ turn, rays @ turn
        if np.all(np.abs(o) <= solid[4:7]):
            continue
        with np.errstate(divide="ignore"):
            ends = np.stack([(-solid[4:7] - o) / d, (solid[4:7] - o) / d])
        near, far = ends.min(axis=0).max(axis=1), ends.max(axis=0).min(axis=1)
        best = np.where((near <= far) & (near >= 0.0) & (near < best), near, best)
    return best


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_grid_and_directions_find_what_trying_everything_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-60, 60, (40, 1, 3)) * [1, 1, 0.1] + rng.normal(size=(40, 3, 3)) * rng.choice([1, 8, 40]) * [
        1,
        1,
        0.2,
    ]

    def some(count: int, upright: bool) -> Bodies:
        solids = [[box((0, 0, 0), tuple(rng.uniform(0.2, 6.0, 3).tolist()))] for _ in range(count)]
        turns = rng.uniform(-180, 180, (count, 3)) * ([0, 1, 0] if upright else [1, 1, 1])
        return placed(solids, np.concatenate([rng.uniform(-60, 60, (count, 3)) * [1, 1, 0.1], turns], axis=1).tolist())

    fixed, moving = some(15, True), some(15, False)
    origin = rng.uniform(-40, 40, 3) * [1, 1, 0.2]
    rays = rng.normal(size=(300, 3)) * [1, 1, 0.3]
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    distance, _, _ = cast(
        tuple(origin.tolist()), rays, mesh=mesh_of(corners), fixed=fixed, moving=moving, length_m=150.0
    )
    both = Bodies(
        np.concatenate([fixed.pose, moving.pose]), np.arange(31, dtype=np.int32),
        np.concatenate([fixed.solids, moving.solids]), np.zeros(30, np.uint8),
    )  # fmt: skip
    expected = _against_everything(origin, rays, corners, both)
    expected[expected > 150.0] = np.inf
    agree = np.isclose(distance, expected, rtol=1e-3, atol=1e-3) | (np.isinf(distance) & np.isinf(expected))
    # Rays that graze the very edge of something may go either way.
    assert agree.mean() > 0.99
