"""Reading result files without trusting them, and writing them in one step."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.results.schema import ResultFile

MAX_FILE_BYTES = 256 * 1024 * 1024
_SHOWN_PROBLEMS = 3


def read_result_file(path: Path) -> ResultFile:
    """Return a validated result file; InputError says what was expected where, and what was found."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise InputError(f"{path}: result files have at most {MAX_FILE_BYTES} bytes; this one has {size}")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"expected a result file at {path}; it cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected JSON in UTF-8; found other bytes at {error.start}") from error
    if not text.strip():
        raise InputError(f"{path}: expected a result file; found an empty one (an evaluator that has not begun?)")
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON; {error}. Was it cut off while it was written?") from error
    if not isinstance(plain, dict) or "_checkpoint" not in plain:
        raise InputError(f"{path}: expected a result file of the leaderboard, with a key '_checkpoint'; found none")
    try:
        return ResultFile.model_validate(plain)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc']))}: {item['msg']} (found {str(item['input'])[:80]!r})"
            for item in error.errors(include_url=False)
        ]
        more = f" and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
        raise InputError(f"{path}: no valid result file: {'; '.join(problems[:_SHOWN_PROBLEMS])}{more}") from error


def result_files_in(path: Path) -> list[Path]:
    """Return the files that `path` names: itself, or the result files in a folder, in alphabetic order.

    In a folder those are `leaderboard.json` (a run folder of ours), else every *.json but Bench2Drive's merged ones.
    """
    if not path.is_dir():
        return [path]
    own = path / RESULT_FILE
    if own.is_file():
        return [own]
    files = sorted(p for p in path.glob("*.json") if not p.name.startswith("merged") and "_ability" not in p.name)
    if not files:
        raise InputError(f"expected result files (*.json) in the folder {path}; found none")
    return files


RESULT_FILE = "leaderboard.json"
"""Name of the result file in a run folder."""


def result_text(file: ResultFile) -> str:
    """Return a result file as the leaderboard writes it (1.0 sorts its keys, 2.x does not)."""
    record = file.checkpoint.global_record
    is_version_1 = "scores" in record
    plain = {
        "_checkpoint": {
            "global_record": record,
            "progress": file.checkpoint.progress,
            "records": [r.to_json(is_version_1=is_version_1) for r in file.checkpoint.records],
        },
        "entry_status": file.entry_status,
        "eligible": file.eligible,
        "sensors": file.sensors,
        "values": file.values,
        "labels": file.labels,
    }
    return json.dumps(plain, indent=4, sort_keys=is_version_1, allow_nan=False)


def write_result_file(path: Path, file: ResultFile) -> None:
    """Write a result file under a temporary name, flush it to the disk and rename it; InputError where that fails."""
    write_atomically(path, result_text(file))


def write_atomically(path: Path, text: str) -> None:
    """Replace a text file in one step that survives a crash: old or new, never half; InputError where that fails."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error


def merged_records(files: Sequence[ResultFile]) -> tuple[list[str], int]:
    """Return the sensors that all files agree on, and how many routes they were to have together."""
    sensors = next((file.sensors for file in files if file.sensors), [])
    other = next((file.sensors for file in files if file.sensors and file.sensors != sensors), None)
    if other is not None:
        raise InputError(f"expected files of one agent; some have the sensors {sensors}, others {other}")
    return sensors, sum(file.total_routes for file in files)
