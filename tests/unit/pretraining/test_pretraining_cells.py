"""Labels of cells: how numbers are stored, and what the kernel reads out of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_training.learnability.lane_ahead import station
from alpamayo_training.pretraining import cells as c
from alpamayo_training.pretraining.cell_kernel import MOST_THINGS, beside_lines, read_cells

finite = st.floats(-500.0, 500.0, allow_nan=False)


@given(st.lists(finite, min_size=1, max_size=20), st.sampled_from([0.1, 1.0, 2.0]))
def test_signed_numbers_come_back(values: list[float], step: float) -> None:
    stored = c.signed(np.array(values), step)
    assert (stored > 0).all()
    back = (stored.astype(float) - 128.0) * step
    assert back == pytest.approx(np.clip(values, -127.0 * step, 127.0 * step), abs=0.5 * step + 1e-9)


def test_unknown_numbers_are_zero() -> None:
    assert c.signed(np.array([np.nan, 0.0]), 1.0).tolist() == [0, 128]


@given(st.floats(-120.0, 120.0))
def test_flow_comes_back_within_four_percent(pixels: float) -> None:
    stored = float(c.signed(c.log_flow(np.array([pixels])), 1.0)[0]) - 128.0
    back = np.sign(stored) * np.expm1(abs(stored) / c.FLOW_STEPS)
    assert back == pytest.approx(pixels, rel=0.04, abs=0.05)


def test_depths_are_logarithmic() -> None:
    assert c.log_depth(np.array([0.2, 1.0, 250.0, 1000.0])).tolist() == [0, 0, 255, 255]
    near, far = c.log_depth(np.array([10.0, 20.0])), c.log_depth(np.array([50.0, 100.0]))
    assert abs(int(near[1]) - int(near[0]) - (int(far[1]) - int(far[0]))) <= 1


def test_every_tag_of_carla_has_its_group() -> None:
    table = c.group_of_tag()
    assert table[12] == c.GROUPS.index("person")
    assert table[13] == table[19] == c.GROUPS.index("two_wheeler")
    assert table[24] == c.GROUPS.index("road_line")
    assert len(c.GROUPS) <= 16, "presence is kept in sixteen bits"


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """A road under a sky, and a walker with number 300 of 4 x 10 pixels across two cells, 8 m away."""
    seen = np.zeros((32, 64, 4), dtype=np.uint8)
    seen[:16, :, 2], seen[16:, :, 2] = 11, 1
    metres = np.full((32, 64), 20.0)
    metres[:16] = 999.0
    seen[10:20, 14:18, 2] = 12
    seen[10:20, 14:18, 1], seen[10:20, 14:18, 0] = 300 & 255, 300 >> 8
    metres[10:20, 14:18] = 8.0
    steps = np.round(metres / 1000.0 * ((1 << 24) - 1)).astype(np.int64)
    depth = np.zeros((32, 64, 4), dtype=np.uint8)
    depth[..., 2], depth[..., 1], depth[..., 0] = steps & 255, steps >> 8 & 255, steps >> 16
    return seen, depth


def test_cells_are_read_out_of_pictures() -> None:
    seen, depth = pictures()
    numbers = np.zeros(1 << 16, dtype=np.uint8)
    numbers[300] = 5
    table, things = np.zeros((8, 6), np.float32), np.zeros((MOST_THINGS, 3), np.float32)
    read_cells(seen, depth, c.group_of_tag(), numbers, c.least_pixels(), 16, table, things)
    sky, road, person = (c.GROUPS.index(name) for name in ("sky", "road", "person"))
    assert table[:, 0].tolist() == [sky] * 4 + [road] * 4
    assert table[:, 2].tolist() == [5, 5, 0, 0, 5, 5, 0, 0]
    assert table[0, 1] == (1 << sky) + (1 << person)
    assert table[2, 1] == 1 << sky
    assert things[5].tolist() == [40.0, 16.0, 15.0]
    assert not things[[k for k in range(MOST_THINGS) if k != 5]].any()
    assert table[4, 3:5].tolist() == [14.5, 19.5], "the walker's pixel nearest to the middle of the cell"
    assert table[4, 5] == pytest.approx(8.0, abs=1e-3)
    assert table[6, 5] == pytest.approx(20.0, abs=1e-3)
    assert abs(table[6, 3] - 40.0) <= 0.5 and abs(table[6, 4] - 24.0) <= 0.5


@given(st.integers(0, 10_000))
def test_lines_are_measured_as_the_probe_measures_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    line = np.cumsum(rng.uniform(-1.0, 4.0, (int(rng.integers(2, 9)), 3)), axis=0)
    points = rng.uniform(-10.0, 30.0, (12, 3))
    along, left = np.zeros(12), np.zeros(12)
    beside_lines(np.ascontiguousarray(points[:, :2]), np.ascontiguousarray(line[:, :2]), along, left)
    expected = station(line, points)
    assert along == pytest.approx(expected[0], abs=1e-6)
    corners = np.cumsum(np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1))[:-1]
    apart = np.abs(along[:, None] - corners).min(axis=1, initial=np.inf) > 1e-6
    assert left[apart] == pytest.approx(expected[1][apart], abs=1e-6), "at a corner either side of it will do"
