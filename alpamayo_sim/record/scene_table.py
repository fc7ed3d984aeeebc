"""Scene states as a parquet table: one row a frame, actors and signals as lists in it, numbers as they were."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.record.scene_state import ExpertReason, SceneActor, SceneLane, SceneSignal, SceneState

if TYPE_CHECKING:
    import pyarrow as pa

SCENE_FORMAT = "1"
_CAMERAS_KEY = b"alpamayo_cameras"
_FORMAT_KEY = b"alpamayo_scene_format"


def need_pyarrow() -> Any:
    """Return the module pyarrow; InputError that says how to get it where it is not installed."""
    try:
        pyarrow = importlib.import_module("pyarrow")
        importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise InputError("datasets are parquet files; install pyarrow: pip install 'alpamayo-sim[train]'") from error
    return pyarrow


def scene_table(scenes: Sequence[SceneState], cameras: Sequence[str], episode_index: int = 0) -> pa.Table:
    """Return the table of an episode's scenes; `cameras` are those that `visible_px` may name, in order."""
    arrow = need_pyarrow()
    schema = _schema().with_metadata({_CAMERAS_KEY: "\n".join(cameras), _FORMAT_KEY: SCENE_FORMAT})
    rows = [_row(scene, cameras, episode_index) for scene in scenes]
    return arrow.Table.from_pylist(rows, schema=schema)


def scenes_of(table: pa.Table) -> tuple[SceneState, ...]:
    """Return the scenes of a table, in its order; InputError for a table of another form."""
    metadata = table.schema.metadata or {}
    found = metadata.get(_FORMAT_KEY, b"none").decode()
    if found != SCENE_FORMAT:
        raise InputError(f"expected scenes of format {SCENE_FORMAT}; found {found}; collect or assemble them again")
    cameras = metadata[_CAMERAS_KEY].decode().split("\n")
    return tuple(_scene(row, cameras) for row in table.to_pylist())


def _pixels(seen: dict[str, int], cameras: Sequence[str]) -> list[int]:
    """Pixels by camera in order; empty where no mask has been taken of it."""
    return [seen.get(camera, 0) for camera in cameras] if seen else []


def _row(scene: SceneState, cameras: Sequence[str], episode_index: int) -> dict[str, Any]:
    row = asdict(scene)
    row["episode_index"] = episode_index
    row["ego"], row["rig_pose"] = list(scene.ego), list(scene.rig_pose)
    row["actors"] = [
        {
            **asdict(actor),
            "transform": list(actor.transform),
            "visible_px": _pixels(actor.visible_px, cameras),
        }
        for actor in scene.actors
    ]
    row["signals"] = [{**asdict(signal), "visible_px": _pixels(signal.visible_px, cameras)} for signal in scene.signals]
    return row


def _scene(row: dict[str, Any], cameras: Sequence[str]) -> SceneState:
    values: dict[str, Any] = {name: value for name, value in row.items() if name != "episode_index"}
    values["ego"], values["rig_pose"] = Transform(*row["ego"]), Transform(*row["rig_pose"])
    values["lane"] = SceneLane(**row["lane"])
    values["actors"] = tuple(_actor(one, cameras) for one in row["actors"])
    values["signals"] = tuple(_signal(one, cameras) for one in row["signals"])
    reason: dict[str, Any] | None = row["expert"]
    if reason is not None:
        told: dict[str, Any] = {**reason, "actor_ids": tuple(reason["actor_ids"])}
        values["expert"] = ExpertReason(**told)
    return SceneState(**values)


def _actor(one: dict[str, Any], cameras: Sequence[str]) -> SceneActor:
    values: dict[str, Any] = {**one, "transform": Transform(*one["transform"])}
    for name in ("velocity_mps", "extent_m", "box_center_m"):
        values[name] = tuple(one[name])
    values["visible_px"] = _by_camera(one["visible_px"], cameras)
    return SceneActor(**values)


def _signal(one: dict[str, Any], cameras: Sequence[str]) -> SceneSignal:
    values: dict[str, Any] = {**one, "visible_px": _by_camera(one["visible_px"], cameras)}
    return SceneSignal(**values)


def _by_camera(pixels: list[int], cameras: Sequence[str]) -> dict[str, int]:
    return dict(zip(cameras, pixels, strict=True)) if pixels else {}


def _schema() -> pa.Schema:
    pa = need_pyarrow()
    pixels, vector, pose = pa.list_(pa.int32()), pa.list_(pa.float64(), 3), pa.list_(pa.float64(), 6)
    text, real, whole, truth = pa.string(), pa.float64(), pa.int64(), pa.bool_()
    actor = pa.struct(
        [
            ("actor_id", whole),
            ("type_id", text),
            ("kind", text),
            ("role", text),
            ("transform", pose),
            ("velocity_mps", vector),
            ("extent_m", vector),
            ("box_center_m", vector),
            ("light_state", whole),
            ("gap_m", real),
            ("lateral_m", real),
            ("in_ego_lane", truth),
            ("visible_px", pixels),
        ]
    )
    signal = pa.struct(
        [
            ("kind", text),
            ("actor_id", whole),
            ("state", text),
            ("distance_m", real),
            ("visible_px", pixels),
        ]
    )
    lane = pa.struct(
        [
            ("road_id", whole),
            ("lane_id", whole),
            ("width_m", real),
            ("offset_m", real),
            ("heading_error_rad", real),
            ("is_junction", truth),
            ("to_junction_m", real),
            ("left_change", truth),
            ("right_change", truth),
        ]
    )
    reason = pa.struct(
        [
            ("longitudinal", text),
            ("lateral", text),
            ("rule", text),
            ("actor_ids", pa.list_(whole)),
            ("sentence", text),
        ]
    )
    columns = [("episode_index", whole), ("frame_index", whole), ("time_s", real), ("world_frame", whole)]
    columns += [("ego", pose), ("rig_pose", pose)]
    columns += [
        (name, real)
        for name in ("speed_mps", "acceleration_mps2", "yaw_rate_rps", "throttle", "brake", "steer", "speed_limit_mps")
    ]
    columns += [("lane", lane), ("route_option", text), ("route_option_m", real)]
    columns += [("actors", pa.list_(actor)), ("signals", pa.list_(signal)), ("expert", reason), ("is_perturbed", truth)]
    return pa.schema(columns)
