"""When a pedestrian dares to cross."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_scenarios.walkers import _road_is_clear

KERB = np.array([0.0, -5.0, 0.0])
OPPOSITE = np.array([0.0, 5.0, 0.0])


@pytest.mark.parametrize(
    ("vehicle", "clear"),
    [
        ((-20.0, 1.75, 8.0, 0.0), False),
        ((-200.0, 1.75, 8.0, 0.0), True),
        ((20.0, 1.75, 8.0, 0.0), True),
        ((-6.0, 1.75, 0.0, 0.0), True),
        ((-1.0, 1.75, 0.0, 0.0), False),
    ],
    ids=["comes", "far away", "has passed", "waits before the crosswalk", "stands on it"],
)
def test_road_is_clear(vehicle: tuple[float, ...], clear: bool) -> None:
    assert _road_is_clear(KERB, OPPOSITE, 7.0, np.array([vehicle])) is clear


def test_an_empty_road_is_clear() -> None:
    assert _road_is_clear(KERB, OPPOSITE, 7.0, np.zeros((0, 4)))
