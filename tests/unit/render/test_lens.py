"""The lens distortion of CARLA's cameras."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_sim.render.lens import Lens, through_lens
from alpamayo_sim.world.blueprints import catalogue

LEADERBOARD = Lens(circle_falloff=3.0, circle_multiplier=3.0)
"""What CARLA's leaderboard and `manual_control.py` set."""
FINITE = st.floats(-20.0, 20.0, allow_nan=False)


def _by_hand(lens: Lens, u: float, v: float) -> tuple[float, float]:
    """The nodes of CARLA's material one after the other."""
    x, y = 2.0 * u - 1.0, 2.0 * v - 1.0
    bent_u, bent_v = lens.x_size * (x * x), (y * y) * lens.y_size
    r = bent_u + bent_v
    f = r * (math.sqrt(r) * lens.kcube + lens.k) + 1.0
    mask = (lens.circle_multiplier * min(max(math.sqrt(r), 0.0), 1.0)) ** lens.circle_falloff
    moved = (u - math.copysign(1.0, x) * bent_u * f, v - math.copysign(1.0, y) * bent_v * f)
    return u + mask * (moved[0] - u), v + mask * (moved[1] - v)


@pytest.mark.parametrize("blueprint_id", [i for i in catalogue() if i.startswith("sensor.camera.")])
def test_default_attributes_of_every_camera_are_a_pinhole(blueprint_id: str) -> None:
    lens = Lens.from_attributes(catalogue()[blueprint_id].values({}))
    assert lens == Lens() and lens.is_pinhole
    np.testing.assert_array_equal(lens.sources(97, 31), np.arange(97 * 31))


@given(FINITE, FINITE, st.floats(0.0, 0.3), st.floats(0.0, 0.3), st.floats(0.1, 9.0), st.floats(0.1, 9.0))
def test_places_are_those_of_the_material(
    k: float, kcube: float, x_size: float, y_size: float, falloff: float, multiplier: float
) -> None:
    lens = Lens(falloff, multiplier, k, kcube, x_size, y_size)
    for u, v in ((0.1, 0.2), (0.9, 0.35), (0.6, 0.99)):
        np.testing.assert_allclose(lens.source(np.array([u, v])), _by_hand(lens, u, v), rtol=1e-9, atol=1e-9)


def test_the_middle_stays_and_corners_show_what_is_nearer_to_it() -> None:
    places = np.array([[0.5, 0.5], [0.02, 0.5], [0.98, 0.5], [0.98, 0.02], [0.02, 0.98]])
    found = LEADERBOARD.source(places)
    np.testing.assert_allclose(found[0], [0.5, 0.5])
    assert (np.linalg.norm(found[1:] - 0.5, axis=1) < np.linalg.norm(places[1:] - 0.5, axis=1) - 0.01).all()
    np.testing.assert_allclose(found[3], found[4][::-1], atol=1e-12)
    np.testing.assert_allclose(found[1] + found[2], [1.0, 1.0], atol=1e-12)


def test_pictures_keep_their_values_and_shape() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (40, 60, 4), dtype=np.uint8)
    seen = through_lens(picture, LEADERBOARD.sources(60, 40))
    assert seen.shape == picture.shape and (seen != picture).any()
    np.testing.assert_array_equal(seen[15:25, 25:35], picture[15:25, 25:35])
    assert {tuple(p) for p in seen.reshape(-1, 4)} <= {tuple(p) for p in picture.reshape(-1, 4)}
    flow = rng.normal(size=(40, 60, 2)).astype(np.float32)
    assert through_lens(flow, LEADERBOARD.sources(60, 40)).dtype == np.float32


@settings(max_examples=60)
@given(*[st.floats(allow_nan=False, allow_infinity=False, width=32)] * 6)
def test_any_numbers_give_pixels_of_the_picture(a: float, b: float, c: float, d: float, e: float, f: float) -> None:
    sources = Lens(a, b, c, d, e, f).sources(23, 9)
    assert sources.shape == (23 * 9,) and sources.min() >= 0 and sources.max() < 23 * 9


@pytest.mark.parametrize("value", ["nan", "inf", "much"])
def test_a_lens_of_nonsense_is_refused(value: str) -> None:
    with pytest.raises(ValueError):
        Lens.from_attributes({"lens_k": value})
