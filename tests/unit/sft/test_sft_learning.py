"""A miniature learns made-up samples by heart: words, tokens and flow; what was learned goes when the pictures go."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sft_miniature import CAMERAS, FRAMES, HEIGHT_PX, WIDTH_PX, small_config  # noqa: E402

from alpamayo_sim.model.driving_model import DrivingModel, new_model  # noqa: E402
from alpamayo_sim.model.sampling import TokenIds  # noqa: E402
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer  # noqa: E402
from alpamayo_sim.policy.tokenizer import DrivingTokenizer  # noqa: E402
from alpamayo_training.openloop.evaluation import Evaluation, EvaluationPlan, Evaluator  # noqa: E402
from alpamayo_training.openloop.pictures import TRUE, plan_sheet  # noqa: E402
from alpamayo_training.sft.batches import BatchMaker, Drawn  # noqa: E402
from alpamayo_training.sft.calm import calm_step  # noqa: E402
from alpamayo_training.sft.frame_store import gather  # noqa: E402
from alpamayo_training.sft.models import with_statistics  # noqa: E402
from alpamayo_training.sft.objective import Objective  # noqa: E402
from alpamayo_training.sft.sample_table import SampleTable, chosen  # noqa: E402
from alpamayo_training.sft.settings import LossWeights, Settings  # noqa: E402
from alpamayo_training.sft.stages import Rates, optimizer_for, prepare, set_rate  # noqa: E402
from alpamayo_training.sft.synthetic import synthetic_table  # noqa: E402


def learn(
    samples: int, steps: int, rate: float = 6e-3
) -> tuple[DrivingModel, DrivingTokenizer, SampleTable, list[list[float]]]:
    table = synthetic_table(samples, width_px=WIDTH_PX, height_px=HEIGHT_PX, frames_per_camera=FRAMES, cameras=CAMERAS)
    table = chosen(replace(table, split=np.zeros(samples, dtype=np.int64)), range(samples))
    tokenizer = tiny_tokenizer()
    model = new_model(small_config(tokenizer), 0).train()
    with_statistics(model, table)
    settings = Settings(
        steps=steps, batch=samples, rate=rate, warm_up=10, precision="fp32", disturb_pictures=0.0, disturb_bins=0.3,
        weight_decay=0.0, flow_draws=4,
    )  # fmt: skip
    prepare(model, settings)
    objective = Objective(model, TokenIds.of(tokenizer), "joint", LossWeights())
    optimizer = optimizer_for(objective, settings)
    maker = BatchMaker(table, model.config, tokenizer, settings)
    rates = Rates(settings.rate, 0.05, settings.warm_up, steps)
    rows = np.arange(samples)
    history: list[list[float]] = []
    for step in range(steps):
        set_rate(optimizer, rates.at(step))
        host = maker.host(Drawn(step, rows, rows))
        found = objective(maker.device(host, gather(table, rows)), host.totals)
        found.total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        with calm_step(model):
            optimizer.step()
        optimizer.zero_grad()
        history.append([float(v) / t for v, t in zip(found[1:], host.totals, strict=True)])
    return model, tokenizer, table, history


def evaluated(model: DrivingModel, tokenizer: DrivingTokenizer, table: SampleTable, *conditions: str) -> Evaluation:
    plan = EvaluationPlan(samples=len(table), draws=6, conditions=conditions, max_words=40, temperature=0.3)
    return Evaluator(model, tokenizer, table, plan).evaluate(np.arange(len(table)))


def test_losses_fall_and_plans_come_near() -> None:
    model, tokenizer, table, history = learn(4, 100)
    first, last = np.array(history[0]), np.array(history[-5:]).mean(0)
    assert (last[:2] < 0.25 * first[:2]).all(), (first, last)
    assert last[2] < 0.8 * first[2], (first, last)
    found = evaluated(model, tokenizer, table, "full")
    assert found.figures["full/flow/min_ade_6_m"] < 0.75 * found.figures["constant_velocity/min_ade_6_m"], (
        found.describe()
    )
    sheet = np.asarray(plan_sheet(table, found.samples))
    assert sheet.ndim == 3
    assert (sheet == TRUE).all(2).sum() > 100


@pytest.mark.full
def test_sixteen_samples_are_learned_by_heart() -> None:
    model, tokenizer, table, _ = learn(16, 700)
    found = evaluated(model, tokenizer, table, "full", "blank_pictures", "other_pictures")
    figures = found.figures
    assert figures["reasoning_exact_share"] >= 0.9, found.describe()
    assert figures["full/flow/min_ade_6_m"] < 0.4, found.describe()
    assert figures["full/tokens/min_ade_6_m"] < 0.4, found.describe()
    assert figures["consistency_share"] >= 0.5, found.describe()
    for without in ("blank_pictures", "other_pictures"):
        assert figures[f"{without}/flow/min_ade_6_m"] > 2.0 * figures["full/flow/min_ade_6_m"], found.describe()


if __name__ == "__main__":
    import sys

    model, tokenizer, table, history = learn(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    for line in history[:: max(1, len(history) // 12)]:
        print([round(v, 3) for v in line])
    found = evaluated(model, tokenizer, table, "full", "blank_pictures", "other_pictures")
    print(found.describe(), time.process_time())
    plan_sheet(table, found.samples).save(Path("/tmp/sft_sheet.png"))
