"""Writes a dataset's folder, episode by episode, in LeRobot's version 3 layout with our tables besides."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from alpamayo_agents.collecting.settings import CollectSettings
from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.plan import PLAN_POINTS
from alpamayo_sim.record.scene_state import SceneState
from alpamayo_sim.record.scene_table import need_pyarrow, scene_table
from alpamayo_training.data import layout
from alpamayo_training.data.card import card_text
from alpamayo_training.data.episode_info import SPLITS, DatasetAbout, EpisodeInfo, write_about
from alpamayo_training.data.statistics import ColumnStatistics, picture_result
from alpamayo_training.data.video_frames import read_frames

Array = NDArray[np.float64]
DATA_MIB, VIDEO_MIB = 100, 200
"""A file of so much is full."""
PICTURES_A_CAMERA = 200
"""That statistics of pictures are made of."""


@dataclass(frozen=True, eq=False)
class EpisodeContent:
    """What is written of one episode of N frames."""

    position_m: Array
    """[N, 3] of the rig, right-handed world frame."""
    rotation: Array
    """[N, 3, 3]"""
    speed_mps: Array
    state: Array
    """[N, 4] as `layout.STATE_NAMES`."""
    action: Array
    """[N, 3] as `layout.ACTION_NAMES`; NaN where it is not known."""
    plan: NDArray[np.float32]
    """[N, 64, 3], NaN where there is none."""
    guidance: list[str]
    is_perturbed: NDArray[np.bool_]
    videos: dict[str, Path]
    """By camera; all of N frames."""
    scenes: tuple[SceneState, ...] = ()
    route: dict[str, NDArray[Any]] | None = None

    @property
    def frame_count(self) -> int:
        """How many frames it has."""
        return len(self.position_m)


class DatasetWriter:
    """Writes below a folder that must not exist; episodes come in the order of their numbers, split after split."""

    def __init__(self, folder: Path, about: DatasetAbout, *, video_mib: float = VIDEO_MIB, data_mib: float = DATA_MIB):
        self._arrow = need_pyarrow()
        folder.mkdir(parents=True)
        self.folder = folder
        self._about = about
        self._video_bytes, self._data_bytes = video_mib * 2**20, data_mib * 2**20
        self._infos: list[EpisodeInfo] = []
        self._rows: list[dict[str, Any]] = []
        self._routes: list[dict[str, Any]] = []
        self._tables: dict[str, Any] = {}
        self._table_file, self._row_group, self._pending_bytes = 0, 0, 0
        self._video_file, self._video_frames, self._video_size = 0, 0, 0
        self._parts: list[dict[str, Path]] = []
        self._columns = {name: ColumnStatistics(width) for name, (_, width, _) in self._features().items()}
        self._pictures: dict[str, list[NDArray[np.uint8]]] = {camera: [] for camera in about.rig.names}

    @staticmethod
    def _features() -> dict[str, tuple[str, int, list[str] | None]]:
        """Our columns with numbers: dtype, width, names."""
        plan = [f"{axis}_{k}" for k in range(1, PLAN_POINTS + 1) for axis in "xyz"]
        matrix = [f"r{row}{column}" for row in range(3) for column in range(3)]
        return {
            layout.STATE: ("float32", len(layout.STATE_NAMES), list(layout.STATE_NAMES)),
            layout.POSITION: ("float64", 3, ["x", "y", "z"]),
            layout.ROTATION: ("float64", 9, matrix),
            layout.SPEED: ("float64", 1, None),
            layout.ACTION: ("float32", len(layout.ACTION_NAMES), list(layout.ACTION_NAMES)),
            layout.PLAN: ("float32", 3 * PLAN_POINTS, plan),
            layout.PERTURBED: ("bool", 1, None),
        }

    def add(self, info: EpisodeInfo, content: EpisodeContent) -> None:
        """Append an episode; `info` says what is known of it but for where it lies.

        Raises InputError for a video that cannot be read or that has another number of frames.
        """
        count = content.frame_count
        first_row = sum(known.frame_count for known in self._infos)
        begin_s = self._add_videos(content.videos, count)
        number = len(self._infos)
        if self._pending_bytes > self._data_bytes:
            self._close_tables()
        info = replace(
            info,
            episode_index=number,
            frame_count=count,
            first_row=first_row,
            data_file=str(layout.numbered("data", self._table_file, "parquet")),
            scene_file=str(layout.numbered("scene", self._table_file, "parquet")) if content.scenes else "",
            has_scene=bool(content.scenes),
            row_group=self._row_group,
            video_file=self._video_file,
            video_begin_s=begin_s,
        )
        data = self._data_table(info, content)
        self._write("data", data)
        scene = scene_table(content.scenes, self._about.rig.names, number)
        self._write("scene", scene)
        self._row_group += 1
        self._pending_bytes += data.nbytes
        self._infos.append(info)
        self._note(info, content)

    def _data_table(self, info: EpisodeInfo, content: EpisodeContent) -> Any:
        pa, count = self._arrow, content.frame_count
        values: dict[str, NDArray[Any]] = {
            layout.STATE: content.state,
            layout.POSITION: content.position_m,
            layout.ROTATION: content.rotation,
            layout.SPEED: content.speed_mps,
            layout.ACTION: content.action,
            layout.PLAN: content.plan,
            layout.PERTURBED: content.is_perturbed,
        }
        columns: dict[str, Any] = {}
        self._row_stats: dict[str, Any] = {}
        for name, (dtype, width, _) in self._features().items():
            flat = np.ascontiguousarray(values[name].reshape(-1), dtype=dtype)
            kind = pa.bool_() if dtype == "bool" else pa.from_numpy_dtype(np.dtype(dtype))
            column = pa.array(flat, type=kind)
            columns[name] = column if width == 1 else pa.FixedSizeListArray.from_arrays(column, width)
            self._row_stats[name] = self._columns[name].add(flat.reshape(count, width).astype(np.float64))
        columns[layout.GUIDANCE] = pa.array(content.guidance, type=pa.string())
        frames = np.arange(count)
        columns["timestamp"] = pa.array((frames / layout.FPS).astype(np.float32))
        columns["frame_index"] = pa.array(frames, type=pa.int64())
        columns["episode_index"] = pa.array(np.full(count, info.episode_index), type=pa.int64())
        columns["index"] = pa.array(info.first_row + frames, type=pa.int64())
        columns["task_index"] = pa.array(np.zeros(count, dtype=np.int64))
        return pa.table(columns)

    def _write(self, folder: str, table: Any) -> None:
        if folder not in self._tables:
            path = self.folder / layout.numbered(folder, self._table_file, "parquet")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._tables[folder] = self._arrow.parquet.ParquetWriter(path, table.schema, compression="zstd")
        self._tables[folder].write_table(table, row_group_size=max(1, table.num_rows))

    def _close_tables(self) -> None:
        for table in self._tables.values():
            table.close()
        self._tables.clear()
        self._table_file, self._row_group, self._pending_bytes = self._table_file + 1, 0, 0

    def _add_videos(self, videos: dict[str, Path], count: int) -> float:
        if set(videos) != set(self._about.rig.names):
            raise InputError(f"an episode has videos of {', '.join(self._about.rig.names)}; found {', '.join(videos)}")
        size = max(path.stat().st_size for path in videos.values())
        if self._video_size and self._video_size + size > self._video_bytes:
            self._join_videos()
        begin_s = self._video_frames / layout.FPS
        every = max(1, count // 4)
        for camera, path in videos.items():
            if len(self._pictures[camera]) < PICTURES_A_CAMERA:
                self._pictures[camera] += list(read_frames(path, np.arange(every // 2, count, every)))
        self._parts.append(dict(videos))
        self._video_frames += count
        self._video_size += size
        return begin_s

    def _join_videos(self) -> None:
        for camera in self._about.rig.names if self._parts else ():
            target = self.folder / layout.video_path(camera, self._video_file)
            target.parent.mkdir(parents=True, exist_ok=True)
            frames = join_videos([part[camera] for part in self._parts], target)
            if frames != self._video_frames:
                raise InputError(f"the videos of {camera} have {frames} frames together; expected {self._video_frames}")
        self._video_file += bool(self._parts)
        self._parts, self._video_frames, self._video_size = [], 0, 0

    def _note(self, info: EpisodeInfo, content: EpisodeContent) -> None:
        """Keep the episode's row of LeRobot's table, and its route."""
        chunk, file = layout.chunk_file(self._table_file)
        row: dict[str, Any] = {
            "episode_index": info.episode_index,
            "tasks": [layout.TASK],
            "length": info.frame_count,
            "data/chunk_index": chunk,
            "data/file_index": file,
            "dataset_from_index": info.first_row,
            "dataset_to_index": info.first_row + info.frame_count,
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
        }
        chunk, file = layout.chunk_file(info.video_file)
        for camera in self._about.rig.names:
            key = f"videos/{layout.IMAGES}{camera}"
            row |= {f"{key}/chunk_index": chunk, f"{key}/file_index": file}
            row |= {f"{key}/from_timestamp": info.video_begin_s}
            row |= {f"{key}/to_timestamp": info.video_begin_s + info.frame_count / layout.FPS}
        for name, found in self._row_stats.items():
            row |= {f"stats/{name}/{kind}": values for kind, values in found.items()}
        self._rows.append(row)
        if content.route is not None:
            route = {name: values.tolist() for name, values in content.route.items()}
            self._routes.append({"episode_index": info.episode_index, **route})

    def close(self) -> tuple[EpisodeInfo, ...]:
        """Write what belongs to the whole, the card last, and return the episodes as they lie there."""
        if not self._infos:
            raise InputError("a dataset has one episode or more; found none that was recorded to its end")
        self._close_tables()
        self._join_videos()
        pa = self._arrow
        infos = tuple(self._infos)
        for folder, rows in (("meta/episodes", self._rows), ("routes", self._routes)):
            if rows:
                path = self.folder / layout.numbered(folder, 0, "parquet")
                path.parent.mkdir(parents=True, exist_ok=True)
                pa.parquet.write_table(pa.Table.from_pylist(rows), path, compression="zstd")
        self._write_tasks()
        stats = {name: column.result() for name, column in self._columns.items()}
        stats |= {layout.IMAGES + camera: picture_result(seen) for camera, seen in self._pictures.items()}
        _write_json(self.folder / layout.STATS_FILE, stats)
        _write_json(self.folder / layout.INFO_FILE, self._info(infos))
        write_about(self.folder, self._about, infos)
        (self.folder / layout.CARD_FILE).write_text(card_text(self._about, infos), encoding="utf-8")
        return infos

    def _write_tasks(self) -> None:
        """The table of tasks, whose index is the task's words, as pandas writes it."""
        pa = self._arrow
        about = {
            "index_columns": ["task"],
            "column_indexes": [],
            "columns": [
                {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy_kind, "metadata": None}
                for name, kind, numpy_kind in (("task_index", "int64", "int64"), ("task", "unicode", "object"))
            ],
            "pandas_version": "2.0.0",
        }
        table = pa.table({"task_index": pa.array([0], type=pa.int64()), "task": pa.array([layout.TASK])})
        table = table.replace_schema_metadata({"pandas": json.dumps(about)})
        pa.parquet.write_table(table, self.folder / layout.TASKS_FILE)

    def _info(self, infos: tuple[EpisodeInfo, ...]) -> dict[str, Any]:
        rig = self._about.rig
        plain = {"dtype": "int64", "shape": [1], "names": None}
        features: dict[str, Any] = {
            layout.IMAGES + camera: {
                "dtype": "video",
                "shape": [rig.height_px, rig.width_px, 3],
                "names": ["height", "width", "channels"],
                "info": {
                    "video.height": rig.height_px,
                    "video.width": rig.width_px,
                    "video.codec": "h264",
                    "video.pix_fmt": (self._about.collect or CollectSettings()).chroma,
                    "video.is_depth_map": False,
                    "video.fps": layout.FPS,
                    "video.channels": 3,
                    "has_audio": False,
                },
            }
            for camera in rig.names
        }
        for name, (dtype, width, names) in self._features().items():
            features[name] = {"dtype": dtype, "shape": [width], "names": names}
        features[layout.GUIDANCE] = {"dtype": "string", "shape": [1], "names": None}
        features["timestamp"] = {**plain, "dtype": "float32"}
        features |= {name: dict(plain) for name in ("frame_index", "episode_index", "index", "task_index")}
        splits: dict[str, str] = {}
        for split in SPLITS:
            numbers = [info.episode_index for info in infos if info.split == split]
            if numbers:
                splits[split] = f"{numbers[0]}:{numbers[-1] + 1}"
        return {
            "codebase_version": layout.CODEBASE_VERSION,
            "robot_type": "carla_vehicle",
            "total_episodes": len(infos),
            "total_frames": sum(info.frame_count for info in infos),
            "total_tasks": 1,
            "chunks_size": layout.FILES_PER_CHUNK,
            "data_files_size_in_mb": DATA_MIB,
            "video_files_size_in_mb": VIDEO_MIB,
            "fps": layout.FPS,
            "splits": splits,
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
            "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
            "features": features,
        }


def join_videos(parts: list[Path], target: Path) -> int:
    """Write videos of one encoder's settings one after another into one file, without encoding again; return its frames."""
    frames = 0
    try:
        with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as joined:
            stream = None
            for part in parts:
                with av.open(str(part)) as source:
                    video = source.streams.video[0]
                    if stream is None:
                        stream = joined.add_stream_from_template(video)
                    for packet in source.demux(video):
                        if packet.dts is None:
                            continue
                        tick = packet.time_base
                        packet.pts = packet.dts = round(Fraction(frames, layout.FPS) / tick)
                        packet.stream = stream
                        joined.mux(packet)
                        frames += 1
    except (FFmpegError, IndexError) as error:
        raise InputError(f"the videos {parts[0]} ... cannot be joined: {error}") from error
    return frames


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")
