"""Pairs for pretraining through the real client: what cells say is held against other sensors, the probe's labels, the world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import carla
import numpy as np
import pytest
from numpy.typing import NDArray

from alpamayo_sim.client.sensor_rig import SensorSpec
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG
from alpamayo_training.learnability.labels import LightState
from alpamayo_training.pretraining import cells as c
from alpamayo_training.pretraining.generation import SetSpec, plan_sets, take
from alpamayo_training.pretraining.pair_stage import FRAME_STEP_S, Pair, PairStage
from alpamayo_training.pretraining.shards import read_shard, shard_paths

RIG = replace(ALPAMAYO_RIG, width_px=160, height_px=96)
FRONT = ALPAMAYO_RIG.names.index("camera_front_wide_120fov")


class StageWithFlow(PairStage):
    """A stage whose front camera has an optical flow camera beside it, which takes every frame."""

    def _sensors(self, rear_axle_x_m: float) -> list[SensorSpec]:
        specs = super()._sensors(rear_axle_x_m)
        front = next(spec for spec in specs if spec.name == RIG.names[FRONT])
        return [*specs, replace(front, name="flow", blueprint="sensor.camera.optical_flow")]

    def flow_px(self) -> NDArray[np.float64]:
        """What the server says that pixels moved [height, width, 2], to the right and down."""
        image = self._taken["flow"]
        flow = np.frombuffer(image.raw_data, dtype=np.float32).reshape(image.height, image.width, 2)
        return flow * np.array([image.width / 2.0, -image.height / 2.0])


@pytest.fixture(scope="module")
def taken(client: carla.Client) -> Iterator[list[tuple[Pair, NDArray[np.float64]]]]:
    with SynchronousWorld(client, step_s=FRAME_STEP_S / 2.0) as stepping:
        stage = StageWithFlow(stepping, RIG, 3)
        stage.recast()
        yield [(stage.shoot_pair(), stage.flow_px()) for _ in range(28)]
        stage.close()


def at(cells: NDArray[np.uint8], name: str) -> NDArray[np.int64]:
    return cells[..., c.CHANNEL[name]].astype(np.int64)


def pixels_of(cell: int) -> tuple[slice, slice]:
    row, column = divmod(cell, RIG.width_px // c.CELL_PX)
    return slice(row * c.CELL_PX, (row + 1) * c.CELL_PX), slice(column * c.CELL_PX, (column + 1) * c.CELL_PX)


def test_flow_is_the_flow_camera_s(taken: list[tuple[Pair, NDArray[np.float64]]]) -> None:
    """Each cell's flow is that of one of its pixels, as the flow camera has it, which knows nothing of labels."""
    compared = moving = things = 0
    for pair, flow in taken:
        cells = pair.cells[FRONT]
        x, y = at(cells, "flow_x"), at(cells, "flow_y")
        for cell in np.flatnonzero((x > 0) & (y > 0) & (abs(x - 128) < 127) & (abs(y - 128) < 127)):
            said = np.array([np.sign(v - 128) * np.expm1(abs(v - 128) / c.FLOW_STEPS) for v in (x[cell], y[cell])])
            seen = flow[pixels_of(int(cell))].reshape(-1, 2)
            nearest = np.linalg.norm(seen - said, axis=1).min()
            assert nearest < 0.35 + 0.06 * np.linalg.norm(said), (cell, said, seen.min(0), seen.max(0))
            compared += 1
            moving += bool(np.linalg.norm(said) > 2.0)
            things += bool(at(cells, "center_x")[cell] > 0)
    assert compared > 1000 and moving > 200 and things > 30


def test_cells_agree_with_the_probe_s_labels(taken: list[tuple[Pair, NDArray[np.float64]]]) -> None:
    lights = people = leads = signs = 0
    for pair, _ in taken:
        labels, cells = pair.labels, pair.cells
        own = at(cells, "light_own") == 1
        if labels.light > 0:
            assert np.isin(at(cells, "light")[own], (labels.light, c.UNKNOWN)).all(), "another state than the light has"
            if labels.light_distance_m < 25.0:
                assert (own & (at(cells, "light") == labels.light)).any()
                lights += 1
        elif labels.light == LightState.NONE:
            assert not own.any()
        person, lead = at(cells, "in_lane") == c.IN_LANE_PERSON, at(cells, "in_lane") == c.IN_LANE_LEAD
        if labels.pedestrian == 1:
            assert labels.pedestrian_distance_m > 20.0 or person.any()
            people += 1
        if labels.pedestrian == 0:
            assert not person.any()
        if labels.lead == 1:
            assert labels.lead_distance_m > 25.0 or lead.any()
            leads += 1
        assert not (person & (at(cells, "present_low") + 256 * at(cells, "present_high") == 0)).any()
        if labels.stop_sign == 1:
            signs += (at(cells, "stop_sign") == c.STOP_OWN).any()
    assert min(lights, people, leads) > 0, (lights, people, leads, signs)


def test_ground_says_where_the_lane_is(taken: list[tuple[Pair, NDArray[np.float64]]]) -> None:
    """The ground straight ahead lies as far beside the lane's middle as the vehicle does, to the other side of its own."""
    compared = 0
    for pair, _ in taken:
        cells, labels = pair.cells[ALPAMAYO_RIG.names.index("camera_front_tele_30fov")], pair.labels
        columns, rows = RIG.width_px // c.CELL_PX, RIG.height_px // c.CELL_PX
        if labels.lateral_counts != 1 or abs(labels.heading_error_rad) > 0.02:
            continue
        ahead = (rows - 1) * columns + columns // 2
        offset = at(cells, "lane_offset")[[ahead - 1, ahead]]
        if (offset > 0).all():
            between_m = float((offset - 128.0).mean() * c.OFFSET_STEP_M)
            assert between_m == pytest.approx(labels.lateral_offset_m, abs=0.6)
            compared += 1
    assert compared > 0


def test_ego_s_bonnet_moves_with_it(taken: list[tuple[Pair, NDArray[np.float64]]]) -> None:
    columns = RIG.width_px // c.CELL_PX
    bottom = (RIG.height_px // c.CELL_PX - 1) * columns + columns // 2
    for pair, _ in taken:
        cells = pair.cells[FRONT]
        assert at(cells, "group")[bottom] == c.GROUPS.index("car")
        assert (at(cells, "flow_x")[bottom], at(cells, "flow_y")[bottom]) == (128, 128)
        assert at(cells, "center_x")[bottom] == 0, "it is no thing of the scene"


def test_a_set_is_the_same_again(tmp_path: Path) -> None:
    small = replace(ALPAMAYO_RIG, width_px=64, height_px=32)
    shards = []
    for name in ("one", "two"):
        assert take(SetSpec(tmp_path / "train" / name, "train", "Gridvale", 3, 11, pairs_a_shard=2), small) == 3
        paths = [path for path in shard_paths(tmp_path, "train") if path.parent.name == name]
        assert [path.name for path in paths] == ["shard-0000", "shard-0001"]
        shards.append([read_shard(path) for path in paths])
    for one, other in zip(*shards, strict=True):
        assert len(one) == len(other)
        for values in ("frames", "cells", "motion"):
            assert np.array_equal(getattr(one, values), getattr(other, values)), values
        assert one.labels.tobytes() == other.labels.tobytes()
    assert (tmp_path / "train" / "one" / "_complete").exists()


def test_sets_that_are_there_are_not_taken_again(tmp_path: Path) -> None:
    def plan() -> list[SetSpec]:
        return plan_sets(
            tmp_path, train_pairs=100, test_pairs=9, practice_maps=[Path("P.xodr")], maps=(), seed=0, until=5.0, sets_a_town=2
        )  # fmt: skip

    specs = plan()
    assert [Path(spec.town).stem for spec in specs] == [
        "Rampfield",
        "Town10HD",
        "Town02",
        *["Gridvale", "Oldwick", "P"] * 2,
    ]
    assert len({spec.seed for spec in specs}) == len({spec.folder for spec in specs}) == 9
    assert sum(spec.pairs for spec in specs if spec.split == "train") == 100
    assert all((spec.until is None) == (spec.split == "test") for spec in specs)
    specs[4].folder.mkdir(parents=True)
    (specs[4].folder / "_complete").touch()
    assert plan() == specs[:4] + specs[5:]
