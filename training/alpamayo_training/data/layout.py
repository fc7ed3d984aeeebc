"""Names and places in a dataset's folder: LeRobot's version 3, and what we keep besides."""

from __future__ import annotations

from pathlib import Path

CODEBASE_VERSION = "v3.0"
FPS = 10
FILES_PER_CHUNK = 1000

IMAGES = "observation.images."
STATE = "observation.state"
STATE_NAMES = ("speed_mps", "acceleration_mps2", "yaw_rate_rps", "speed_limit_mps")
POSITION = "observation.rig_position_m"
ROTATION = "observation.rig_rotation"
SPEED = "observation.speed_mps"
GUIDANCE = "observation.guidance"
ACTION = "action"
ACTION_NAMES = ("throttle", "brake", "steer")
PLAN = "driver.plan"
PERTURBED = "driver.is_perturbed"

INFO_FILE = Path("meta/info.json")
STATS_FILE = Path("meta/stats.json")
TASKS_FILE = Path("meta/tasks.parquet")
CARD_FILE = Path("README.md")
TASK = "Drive along the route."


def chunk_file(number: int) -> tuple[int, int]:
    """Return chunk and file index of the file with a number."""
    return divmod(number, FILES_PER_CHUNK)


def numbered(folder: str, number: int, suffix: str) -> Path:
    """Return the path of a numbered file below one of a dataset's folders."""
    chunk, file = chunk_file(number)
    return Path(folder) / f"chunk-{chunk:03d}" / f"file-{file:03d}.{suffix}"


def video_path(camera: str, number: int) -> Path:
    """Return the path of a camera's video file."""
    return numbered(f"videos/{IMAGES}{camera}", number, "mp4")
