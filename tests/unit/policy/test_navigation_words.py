"""The words for a route's next manoeuvre."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.navigation import navigation_ahead, navigation_text


@pytest.mark.parametrize(
    ("option", "distance_m", "words"),
    [
        (2, 30.0, "Turn right in 30m"),
        (1, 36.0, "Turn left in 40m"),
        (3, 4.0, "Go straight in 0m"),
        (2, -1.0, "Turn right in 0m"),
    ],
)
def test_words(option: int, distance_m: float, words: str) -> None:
    assert navigation_text(option, distance_m) == words


def test_the_nearest_manoeuvre_of_a_route() -> None:
    along = np.arange(0.0, 301.0, 1.0)
    option = np.full(301, 4)
    option[150:160] = 1
    option[200:210] = 2
    assert navigation_ahead(along, option, 20.0) is None
    assert navigation_ahead(along, option, 110.0) == "Turn left in 40m"
    assert navigation_ahead(along, option, 155.0) == "Turn left in 0m"
    assert navigation_ahead(along, option, 165.0) == "Turn right in 40m"
    assert navigation_ahead(along, option, 250.0) is None


def test_following_a_lane_has_no_words() -> None:
    with pytest.raises(InputError, match="found 4"):
        navigation_text(4, 10.0)
