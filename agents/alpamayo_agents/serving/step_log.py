"""What an agent did at every tick of a session, as JSON lines, to see afterwards why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import IO

from alpamayo_agents.serving.messages import Command, Observation


class StepLog:
    """One file of a session; nothing is written without a folder."""

    def __init__(self, folder: Path | None, session: int, name: str) -> None:
        self._file: IO[str] | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:150]
            path = folder / f"{session:04d}{'_' + plain if plain else ''}.jsonl"
            self._file = path.open("w", encoding="utf-8", buffering=1)

    def add(self, observation: Observation, command: Command, took_s: float) -> None:
        """Append one tick: frame, game time, the answer, and what it took."""
        if self._file is None:
            return
        answer = command.message()
        del answer["type"]
        row = {"frame": observation.frame, "time_s": round(observation.time_s, 3), **answer, "took_ms": took_s * 1000.0}
        self._file.write(json.dumps(row) + "\n")

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._file is not None:
            self._file.close()
            self._file = None
