"""Keeps numba's cache honest: compiled code is dropped when any source that went into it is newer.

Numba compares a cached function with the file that holds it, and not with the files of the functions that it calls, so
that an edit of a callee would leave the caller's old code in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

WORLD_DIR = Path(__file__).parent
ROADS_DIR = WORLD_DIR.parent / "roads"
SOURCES = (
    *(WORLD_DIR / f"{name}.py" for name in ("kernel", "chassis", "drivetrain", "contact", "walking")),
    *(WORLD_DIR / f"{name}.py" for name in ("attachment", "triggers", "tables")),
    *(ROADS_DIR / f"{name}.py" for name in ("ground", "lane_grid", "terrain")),
)


def drop_stale_code(sources: Sequence[Path] = SOURCES) -> int:
    """Delete cached code of `sources` that is older than the newest of them; return how many files went."""
    newest_s = max((path.stat().st_mtime for path in sources if path.exists()), default=0.0)
    dropped = 0
    for path in sources:
        for index in (path.parent / "__pycache__").glob(f"{path.stem}.*.nbi"):
            try:
                if index.stat().st_mtime < newest_s:
                    index.unlink()
                    dropped += 1
            except OSError:
                continue  # another process was faster, or the folder is read-only: then nothing in it was edited
    return dropped
