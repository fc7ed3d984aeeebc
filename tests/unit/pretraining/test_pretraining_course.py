"""Training: the loss falls, a resumed course is the same to the bit, the model changes in its tower alone."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from pretraining_miniature import RIG, miniature, miniature_network, write_pairs  # noqa: E402

from alpamayo_sim.errors import InputError  # noqa: E402
from alpamayo_training.pretraining import checkpoints  # noqa: E402
from alpamayo_training.pretraining.evaluating import dense_table, evaluate, missed_aims  # noqa: E402
from alpamayo_training.pretraining.feed import Feed, Stream, load  # noqa: E402
from alpamayo_training.pretraining.shards import read_shard, shard_paths  # noqa: E402
from alpamayo_training.pretraining.training import Course, Plan, Trainer, rate_at  # noqa: E402

CPU = torch.device("cpu")
PLAN = Plan(steps=30, batch=4, rate=2e-3, warm_up_steps=3, seed=5)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("views")
    write_pairs(folder, "train", "Gridvale", 20)
    write_pairs(folder, "test", "Rampfield", 6, seed=1)
    return folder


def test_loss_falls_and_lamps_are_found(data: Path) -> None:
    trainer, feed = Trainer(miniature_network(), PLAN, CPU), load(data, "train", CPU)
    losses = [trainer.step(feed) for _ in range(PLAN.steps)]
    assert trainer.is_over
    assert float(losses[-1]["total"]) < 0.6 * float(losses[0]["total"])
    assert float(losses[-1]["dense/light"]) < 0.3 * float(losses[0]["dense/light"])
    found = evaluate(trainer.network, [read_shard(path) for path in shard_paths(data, "test")], CPU)
    assert found.dense[0]["lamp_cell_recall"] > 0.9 and found.dense[0]["group_accuracy"] > 0.9
    assert [row["town"] for row in found.rows] == ["Rampfield", "Rampfield"]
    assert "Rampfield" in dense_table(found) and missed_aims(found) == []
    assert all(isinstance(value, float) for value in found.flat().values())


def test_a_resumed_course_is_the_same_to_the_bit(data: Path, tmp_path: Path) -> None:
    feed = load(data, "train", CPU)
    whole = Trainer(miniature_network(), PLAN, CPU)
    for step in range(6):
        if step == 3:
            checkpoints.save(whole, tmp_path / "latest", {"preset": "tiny"})
        whole.step(feed)
    again = Trainer(miniature_network(seed=9), PLAN, CPU)
    checkpoints.restore(again, tmp_path / "latest")
    assert again.course == Course(3, 2 / 30)
    for _ in range(3):
        again.step(feed)
    expected = whole.network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in again.network.state_dict().items())


def test_checkpoints_come_in_pieces(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "PIECE_BYTES", 3_000_000)
    trainer = Trainer(miniature_network(), PLAN, CPU)
    trainer.step(load(data, "train", CPU))
    checkpoints.save(trainer, tmp_path / "latest", {})
    pieces = sorted((tmp_path / "latest").glob("*.safetensors"))
    assert len(pieces) > 2 and max(path.stat().st_size for path in pieces) < 4_000_000
    assert len(checkpoints.read_state(tmp_path / "latest")) == 3 * len(trainer.network.state_dict())
    pieces[1].unlink()
    with pytest.raises(InputError, match="lacks pieces"):
        checkpoints.read_state(tmp_path / "latest")
    with pytest.raises(InputError, match="no checkpoint"):
        checkpoints.read_place(tmp_path)


def test_only_the_tower_of_the_model_changes(data: Path) -> None:
    from alpamayo_training.pretraining.network import Network

    model, before = miniature(), miniature().state_dict()
    trainer = Trainer(Network(model, 4, RIG.height_px, RIG.width_px), PLAN, CPU)
    trainer.step(load(data, "train", CPU))
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("vlm.model.visual.") for name in changed)
    assert {name for name in before if name.startswith("vlm.model.visual.")} == changed


def test_rates_follow_steps_or_time() -> None:
    plan = Plan(steps=100, rate=1.0, warm_up_steps=10)
    rates = [rate_at(plan, Course(step, step / 100)) for step in range(101)]
    assert rates[0] == pytest.approx(0.1, rel=0.01) and rates[9] == max(rates) and rates[-1] == pytest.approx(0.01)
    assert rate_at(plan, Course(20, 1.0)) == pytest.approx(0.01), "time is over before the steps are"


def test_a_full_feed_forgets_the_oldest(data: Path) -> None:
    shards = [read_shard(path) for path in shard_paths(data, "train")]
    feed = Feed(10, shards[0], CPU)
    for shard in shards:
        feed.add(shard)
    assert (feed.count, feed.taken) == (10, 20)
    newest = torch.cat([torch.from_numpy(shard.motion) for shard in shards])[10:]
    assert torch.equal(feed.batch(torch.arange(10)).motion, newest)


def test_pairs_that_are_being_replaced_are_not_drawn(data: Path) -> None:
    """A draw in the middle of replacing the oldest pairs gets none of theirs."""
    shards = [read_shard(path) for path in shard_paths(data, "train")]
    feed = Feed(16, shards[0], CPU)
    feed.add(shards[0])
    feed.add(shards[1])
    rows: list[torch.Tensor] = []

    class Watched(np.ndarray):
        """Frames that are being copied: meanwhile somebody draws."""

        def __getitem__(self, key: object) -> object:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(feed, "batch", rows.append)
                feed.draw(400, torch.Generator().manual_seed(1))
            return np.asarray(self)[key]  # type: ignore[index]

    feed.add(replace(shards[2], frames=np.asarray(shards[2].frames).view(Watched)))
    (drawn,) = rows
    assert set(drawn.tolist()) == set(range(len(shards[2]), 16))


def test_a_stream_takes_in_what_appears(data: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path, "train", "Oldwick", 8, pairs_a_shard=4)
    first = read_shard(shard_paths(tmp_path, "train")[0])
    feed = Feed(32, first, CPU)
    with Stream(feed, tmp_path, remove=True) as stream:
        write_pairs(tmp_path, "train", "Gridvale", 8, pairs_a_shard=4)
        give_up = time.monotonic() + 60.0
        while feed.taken < 16 and time.monotonic() < give_up and stream.error is None:
            time.sleep(0.02)
    assert feed.taken == 16 and stream.error is None
    assert shard_paths(tmp_path, "train") == []


def test_shards_of_other_labels_are_refused(data: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path, "train", "Gridvale", 2)
    (path,) = shard_paths(tmp_path, "train")
    about = json.loads((path / "about.json").read_text())
    (path / "about.json").write_text(json.dumps({**about, "channels": about["channels"][:-1]}))
    with pytest.raises(InputError, match="another version"):
        read_shard(path)
    with pytest.raises(InputError, match="no train pairs"):
        load(tmp_path / "nowhere", "train", CPU)
