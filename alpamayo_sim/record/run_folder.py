"""The run folder: everything that one command leaves behind, written so that it can be interrupted at any time.

<date>-<name>/
  config.yaml      what was asked for
  env.json         versions and platform; never a secret
  events.jsonl     what happened, one line an event, appended
  metrics.jsonl    one flat line a finished episode, appended
  summary.json     flat figures with units in their names
  episodes/<id>/   episode.json, ticks.jsonl.gz, plans.jsonl.gz, map.json, result.json; `_complete` is written last
  videos/<id>.mp4
  report.html
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alpamayo_sim.errors import InputError
from alpamayo_sim.record.environment import describe_environment

COMPLETE_MARKER = "_complete"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SECRET_KEY = re.compile(
    r"(^|[_-])(api[_-]?key|secret|password|passwd|credentials?|(auth|access|hf|bearer)[_-]?token)($|[_-])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class RunFolder:
    """A run on disk; the object holds nothing but its path."""

    path: Path

    @classmethod
    def create(cls, base: Path, name: str, config: Mapping[str, Any]) -> RunFolder:
        """Make `<base>/<date>-<name>` with its configuration and environment and return it.

        The folder appears complete or not at all. Raises InputError for a name that is no plain file name, or for a
        configuration that cannot be written as YAML.
        """
        check_name(name)
        try:
            text = yaml.safe_dump(_without_secrets(config), sort_keys=False, allow_unicode=True)
        except yaml.YAMLError as error:
            raise InputError(f"a run's configuration holds plain values only; found something else: {error}") from error
        check_writable(base)
        try:
            base.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".new-", dir=base))
        except OSError as error:
            raise InputError(f"no run folder can be made in {base} ({error}). Choose another --out") from error
        with ExitStack() as on_failure:
            on_failure.callback(shutil.rmtree, draft, ignore_errors=True)
            (draft / "config.yaml").write_text(text, encoding="utf-8")
            write_json(draft / "env.json", describe_environment())
            for folder in ("episodes", "videos"):
                (draft / folder).mkdir()
            for log in ("events.jsonl", "metrics.jsonl"):
                (draft / log).touch()
            draft.chmod(0o755)
            path = _claim(draft, base / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}")
            on_failure.pop_all()
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return an existing run; InputError if `path` is none."""
        if not (path / "config.yaml").is_file() or not (path / "episodes").is_dir():
            raise InputError(f"expected a run folder (with config.yaml and episodes/) at {path}; found none")
        return cls(path)

    @classmethod
    def latest(cls, base: Path, name: str | None = None) -> RunFolder:
        """Return the newest run in `base`, of that name if one is given; InputError if there is none."""
        runs = [p.parent for p in base.glob("*/config.yaml") if not p.parent.name.startswith(".")]
        if name is not None:
            runs = [run for run in runs if re.fullmatch(rf"\d{{8}}-\d{{6}}-{re.escape(name)}(-\d+)?", run.name)]
        if not runs:
            raise InputError(f"there is no earlier run{f' called {name!r}' if name else ''} in {base} to go on with")
        return cls.open(max(runs, key=lambda run: ((run / "config.yaml").stat().st_mtime_ns, run.name)))

    @property
    def config(self) -> dict[str, Any]:
        """What the run was asked to do, as `create` got it."""
        return yaml.safe_load((self.path / "config.yaml").read_text(encoding="utf-8")) or {}

    @property
    def environment(self) -> dict[str, Any]:
        """Versions and platform of the machine that started the run."""
        return json.loads((self.path / "env.json").read_text(encoding="utf-8"))

    @property
    def summary(self) -> dict[str, Any]:
        """The summary, empty before it has been written."""
        file = self.path / "summary.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def episode_folder(self, episode_id: str) -> Path:
        """Return where an episode lies, whether it exists or not; InputError for an id that is no plain file name."""
        return self.path / "episodes" / check_name(episode_id)

    def video_file(self, episode_id: str) -> Path:
        """Return where an episode's video lies, whether it exists or not."""
        return self.path / "videos" / f"{check_name(episode_id)}.mp4"

    def is_complete(self, episode_id: str) -> bool:
        """Whether an episode was written to its end; a resumed run skips it."""
        return (self.episode_folder(episode_id) / COMPLETE_MARKER).is_file()

    def complete_episodes(self) -> list[str]:
        """Return the ids of all complete episodes, in alphabetic order."""
        return sorted(marker.parent.name for marker in (self.path / "episodes").glob(f"*/{COMPLETE_MARKER}"))

    def append_event(self, event: str, **fields: Any) -> None:
        """Append one line to events.jsonl: the event's name, the wall-clock time and the fields."""
        append_json_line(self.path / "events.jsonl", {"event": event, "at": _now(), **fields})

    def append_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Append one flat line to metrics.jsonl."""
        append_json_line(self.path / "metrics.jsonl", metrics)

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Replace summary.json in one step."""
        write_json(self.path / "summary.json", summary)


def check_writable(base: Path) -> None:
    """Raise InputError unless run folders can be made in `base`, which need not exist yet."""
    existing = next(folder for folder in (base, *base.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise InputError(f"runs are kept in a folder; {existing} is a file. Choose another --out")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"no run folder can be made in {existing}: no permission. Choose another --out")


def check_name(name: str) -> str:
    """Return `name` if it is a plain file name (letters, digits, `.`, `_`, `-`); InputError otherwise."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"a name has 1 to 100 letters, digits, '.', '_' or '-' and begins with one of the first two; found {name!r}"
        )
    return name


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON under a temporary name and rename it, so that readers never see half a file."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text under a temporary name and rename it; a lone surrogate, which UTF-8 cannot hold, becomes '?'."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    draft.write_bytes(text.encode("utf-8", errors="replace"))
    draft.replace(path)


def append_json_line(path: Path, value: Mapping[str, Any]) -> None:
    """Append one line of JSON with a single write, so that lines of several writers do not mix."""
    line = json.dumps(value, separators=(",", ":"), allow_nan=False) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode("ascii"))
    finally:
        os.close(descriptor)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a JSON-lines file; a last line that was cut off by a crash is left out."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n") and line.strip()]


def _claim(draft: Path, wanted: Path) -> Path:
    """Rename `draft` to the first free one of `wanted`, `wanted-2`, ...; renaming onto a filled folder fails, so no
    race.
    """
    for number in range(1, 1000):
        path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            draft.rename(path)
        except OSError:
            if not path.exists():
                raise
            continue
        return path
    raise InputError(f"{wanted} and 998 numbered names after it are taken")


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            str(key): "<not recorded>" if _SECRET_KEY.search(str(key)) else _without_secrets(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_without_secrets(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
