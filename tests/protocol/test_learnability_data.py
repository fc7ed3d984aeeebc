"""Samples for the probe through the real client: labels say what is there, sets are the same again, a step of training learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import carla
import numpy as np
import pytest

from alpamayo_scenarios.weather import preset
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG
from alpamayo_training.learnability import dataset
from alpamayo_training.learnability.data import SetSpec, take
from alpamayo_training.learnability.labels import HIDDEN, UNCLEAR, Condition, LightState
from alpamayo_training.learnability.stage import Stage
from alpamayo_training.learnability.weathers import TEST_PRESETS, condition_of, draw_weather

TINY_RIG = replace(ALPAMAYO_RIG, width_px=64, height_px=32)


@pytest.fixture
def stage(client: carla.Client, world: carla.World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr("alpamayo_training.learnability.stage.SAMPLES_A_PLACE", 1)
    with SynchronousWorld(client) as stepping:
        made = Stage(stepping, TINY_RIG, 3)
        made.recast()
        yield made
        made.close()


def test_labels_agree_with_the_world(stage: Stage, world: carla.World) -> None:
    """Every label that says that something is there, checked against actors that are found in another way."""
    seen = {"light": 0, "lead": 0, "pedestrian": 0, "stop_sign": 0}
    for _ in range(60):
        labels = stage.shoot().labels
        ego = stage.ego.get_transform()
        here = world.get_map().get_waypoint(ego.location)
        if labels.light > 0:
            seen["light"] += 1
            states = {
                LightState.RED: carla.TrafficLightState.Red, LightState.YELLOW: carla.TrafficLightState.Yellow,
                LightState.GREEN: carla.TrafficLightState.Green,
            }  # fmt: skip
            if not here.is_junction:
                ahead = world.get_traffic_lights_from_waypoint(here, 70.0)
                assert states[LightState(labels.light)] in [light.get_state() for light in ahead]
            assert labels.light_at_rig[0] > 0.0 and labels.light_at_rig[2] > 1.5
        if labels.lead == 1:
            seen["lead"] += 1
            others = [v for v in world.get_actors().filter("vehicle.*") if v.id != stage.ego.id]
            gaps = [v.get_location().distance(ego.location) - v.bounding_box.extent.x - 2.5 for v in others]
            assert min(abs(gap - labels.lead_distance_m) for gap in gaps) < 2.5
        if labels.pedestrian == 1:
            seen["pedestrian"] += 1
            walkers = [w.get_location() for w in world.get_actors().filter("walker.*")]
            in_lane = [w for w in walkers if w.distance(ego.location) < 34.0]
            lanes = [world.get_map().get_waypoint(w) for w in in_lane]
            assert any(lane.lane_id * here.lane_id > 0 for lane in lanes)
            assert labels.pedestrian_visible_share >= 0.4
        if labels.stop_sign == 1:
            seen["stop_sign"] += 1
            signs = [s.get_location().distance(ego.location) for s in world.get_actors().filter("traffic.stop*")]
            assert min(signs) < 22.0
        if labels.lateral_counts == 1:
            assert abs(labels.lateral_offset_m) <= 1.2
            assert here.transform.location.distance(ego.location) == pytest.approx(
                abs(labels.lateral_offset_m), abs=0.08
            )
    assert all(count >= 2 for count in seen.values()), seen


def test_a_thing_that_is_hidden_does_not_count(stage: Stage, world: carla.World) -> None:
    """The tallest vehicle, put across the road before a pedestrian, takes them out of the labels."""
    for _ in range(60):
        labels = stage.shoot().labels
        if labels.pedestrian == 1 and labels.pedestrian_distance_m > 14.0 and labels.lead == 0:
            break
    else:
        pytest.fail("no pedestrian alone in the lane in 60 samples")
    tallest = max(stage.vehicles, key=lambda vehicle: vehicle.box.extent.z)
    ego = stage.ego.get_transform()
    x, y, _ = labels.pedestrian_at_rig
    forward, right = ego.get_forward_vector(), ego.get_right_vector()
    share = 0.6
    place = ego.location + carla.Location(*(
        share * (forward_part * x - right_part * y)
        for forward_part, right_part in ((forward.x, right.x), (forward.y, right.y), (0.0, 0.0))
    ))  # fmt: skip
    tallest.actor.set_transform(carla.Transform(place, carla.Rotation(yaw=ego.rotation.yaw + 90.0)))
    world.tick()
    assert stage.label().pedestrian in (HIDDEN, UNCLEAR)


def test_weathers_of_training_and_test() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_weather(rng) for _ in range(300)]
    for condition in Condition:
        assert sum(condition_of(weather) is condition for weather in drawn) > 60
        assert sum(condition_of(preset(name)) is condition for name in TEST_PRESETS) == 5
    presets = [preset(name) for name in TEST_PRESETS]
    assert not any(weather == preset for weather in drawn for preset in presets)


@pytest.fixture(scope="module")
def tiny_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learnability")
    for name in ("one", "again"):
        take(SetSpec(folder / name, "train", "Gridvale", 24, 11), TINY_RIG)
    return folder


def test_a_set_comes_out_the_same_again(tiny_sets: Path) -> None:
    one, again = dataset.read(tiny_sets / "one"), dataset.read(tiny_sets / "again")
    assert one.about == again.about and one.about.samples == 24
    assert one.labels.tobytes() == again.labels.tobytes()
    assert np.abs(one.pictures.astype(int) - again.pictures.astype(int)).mean() < 0.05
    assert one.pictures.std() > 20.0


def test_a_broken_set_is_refused(tiny_sets: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no complete set"):
        dataset.read(tmp_path)
    with pytest.raises(InputError, match="no test samples"):
        dataset.read_split(tiny_sets, "test")


def test_training_lowers_the_loss_and_weights_come_back(tiny_sets: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    torch.set_num_threads(1)
    from alpamayo_training.learnability import model, training, weights

    data = training.load([dataset.read(tiny_sets / "one")], torch.device("cpu"))
    size = model.ProbeSize(stem=16, stages=(16, 16, 16), token=16, heads=2, layout=2, hidden=16)
    losses = []
    for passes in (1, 8):
        torch.manual_seed(0)
        probe = training.train(data, training.TrainingPlan(passes=passes, batch=12, rate=5e-3), size)
        with torch.inference_mode():
            losses.append(float(training.loss_of(probe(data.pictures), data.labels)))
    assert losses[1] < losses[0] - 0.2

    whole = model.Probe(4, 32, 64).eval()
    weights.save(whole, tmp_path / "probe.safetensors", height_px=32, width_px=64)
    again = weights.load_probe(tmp_path / "probe.safetensors")
    with torch.inference_mode():
        assert torch.allclose(whole(data.pictures).light, again(data.pictures).light, atol=0.05)
    (tmp_path / "other.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="holds no weights"):
        weights.load_probe(tmp_path / "other.safetensors")


def test_stored_weights_know_fresh_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe that docs/learnability.md reports of, on frames of the held-out town that were not there when it was tested."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    torch.set_num_threads(1)
    from alpamayo_training.learnability.__main__ import STORED_WEIGHTS
    from alpamayo_training.learnability.evaluation import measure
    from alpamayo_training.learnability.testing import predict
    from alpamayo_training.learnability.weights import load_probe

    monkeypatch.setattr("alpamayo_training.learnability.data.SAMPLES_A_WEATHER", 4)
    monkeypatch.setattr("alpamayo_training.learnability.stage.SAMPLES_A_PLACE", 2)
    take(SetSpec(tmp_path / "fresh", "test", "Rampfield", 40, 20261))
    fresh = dataset.read(tmp_path / "fresh")
    figures = measure(fresh.labels, predict(load_probe(STORED_WEIGHTS), fresh))
    assert figures["no_light_accuracy"] > 0.85 and figures["no_light_accuracy_n"] >= 10
    assert figures["light_accuracy_line_25m"] > 0.75 and figures["light_accuracy_line_25m_n"] >= 4
    assert figures["lateral_mae_m"] < 0.2
    assert figures["pedestrian_auc"] > 0.9 and figures["pedestrian_auc_n"] >= 4
