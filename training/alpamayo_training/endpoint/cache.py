"""Answers on disk, each in a file of its own by the hash of what was asked: a question is asked once, whoever is killed."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alpamayo_training.endpoint.outcome import Reply

FORMAT_VERSION = 1
MOST_BYTES = 64 << 20


def key_of(version: str, body: Mapping[str, Any]) -> str:
    """Return the hash of a request: model, messages with the images' bytes, schema, sampling, and the prompt's version."""
    whole = json.dumps([FORMAT_VERSION, version, body], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


class AnswerCache:
    """A folder of answers. Several processes may use one: files come to their place whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Reply | None:
        """Return the answer of a question, None if there is none or its file is damaged."""
        path = self._path(key)
        try:
            if path.stat().st_size > MOST_BYTES:
                return None
            entry = json.loads(path.read_text(encoding="utf-8"))
            if entry["format"] != FORMAT_VERSION or entry["key"] != key:
                return None
            return Reply(**entry["reply"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    def put(self, key: str, reply: Reply) -> None:
        """Keep an answer; it is on disk when this returns."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
        with part.open("w", encoding="utf-8", errors="backslashreplace") as file:
            json.dump({"format": FORMAT_VERSION, "key": key, "reply": asdict(reply)}, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"
