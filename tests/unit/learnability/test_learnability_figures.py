"""The figures of the probe: areas under curves, errors, what counts and what does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_training.learnability.evaluation import Predictions, area_under_curve, measure, measure_all, misses, table
from alpamayo_training.learnability.labels import HIDDEN, LABEL_DTYPE, UNCLEAR, Condition, Labels, LightState


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40))
def test_area_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    score, positive = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])
    pairs = [(p > n) + 0.5 * (p == n) for p in score[positive] for n in score[~positive]]
    found = area_under_curve(score, positive)
    assert np.isnan(found) if not pairs else found == pytest.approx(np.mean(pairs))


def labels(**changes: float) -> np.ndarray:
    plain = dict(
        light=LightState.RED, light_distance_m=20.0, light_line_m=5.0, lead=1, lead_distance_m=10.0, lateral_counts=1,
        lateral_offset_m=0.5, heading_error_rad=0.0, pedestrian=0, pedestrian_distance_m=np.nan,
        pedestrian_visible_share=np.nan, stop_sign=0, stop_sign_distance_m=np.nan,
    )  # fmt: skip
    return Labels(**{**plain, **changes}).row(0, 0, Condition.DAY)  # type: ignore[arg-type]


def said(count: int, **changes: np.ndarray) -> Predictions:
    zero = np.zeros(count)
    base = dict(light=np.tile([0.0, 1.0, 0.0, 0.0], (count, 1)), lead=zero, lead_distance_m=zero, lateral_offset_m=zero,
                pedestrian=zero, stop_sign=zero)  # fmt: skip
    return Predictions(**{**base, **changes})


def test_what_does_not_count_is_left_out() -> None:
    rows = np.array(
        [
            labels(), labels(light=HIDDEN, lead=UNCLEAR, lateral_counts=UNCLEAR, lateral_offset_m=9.0),
            labels(light=LightState.GREEN, light_distance_m=30.0), labels(light=LightState.GREEN),
        ],
        dtype=LABEL_DTYPE,
    )  # fmt: skip
    figures = measure(rows, said(4, lead_distance_m=np.array([12.0, 99.0, 10.0, 10.0])))
    assert (figures["light_accuracy_25m"], figures["light_accuracy_25m_n"]) == (0.5, 2.0)
    assert (figures["light_accuracy_25_40m"], figures["light_accuracy_25_40m_n"]) == (0.0, 1.0)
    assert figures["light_hidden_share"] == 0.25
    assert (figures["lead_mae_m"], figures["lead_mae_m_n"]) == (pytest.approx(2.0 / 3.0), 3.0)
    assert (figures["lateral_mae_m"], figures["lateral_mae_m_n"]) == (0.5, 3.0)


def test_misses_name_bound_and_ignore_small_numbers() -> None:
    rows = np.array([labels(light=LightState.GREEN)] * 30, dtype=LABEL_DTYPE)
    rows["condition"][25:] = Condition.NIGHT
    figures = measure_all(
        rows, said(30, lead_distance_m=np.full(30, 10.0), lateral_offset_m=np.full(30, 0.5)), ["Here"]
    )
    assert [f["condition"] for f in figures] == ["all", "day", "night"]
    assert misses(figures) == [f"Here {name}: light_accuracy_25m 0.000, bound 0.97" for name in ("all", "day")]
    assert len(table(figures).splitlines()) == 5 and "0.0 % (30)" in table(figures)
