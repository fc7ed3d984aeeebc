"""Where a recording lies: every name that a client gives stays inside one folder."""

from __future__ import annotations

import tempfile
from pathlib import Path

from alpamayo_sim.server.registry import CallError

MAX_NAME = 1024


class RecordingsFolder:
    """The folder of a server's recordings; without one given, a temporary folder of its own once it is needed."""

    def __init__(self, folder: Path | None) -> None:
        self._given = folder
        self._folder: Path | None = None

    @property
    def path(self) -> Path:
        """The folder, resolved; it exists."""
        if self._folder is None:
            if self._given is None:
                self._folder = Path(tempfile.mkdtemp(prefix="alpamayo-recordings-")).resolve()
            else:
                self._given.mkdir(parents=True, exist_ok=True)
                self._folder = self._given.resolve()
        return self._folder

    def resolve(self, name: str) -> Path:
        """Return the path that a client means by `name`.

        A relative name lies in the folder; an absolute one must. Links are followed before that is checked. CallError says
        where recordings may lie and which option moves the folder.
        """
        if not name or len(name) > MAX_NAME or "\0" in name:
            raise CallError(f"a recording needs a name of 1 to {MAX_NAME} characters")
        try:
            path = (self.path / name).resolve()
        except (OSError, RuntimeError) as error:
            raise CallError(f"{name!r} is no name of a recording: {error}") from error
        if path == self.path or not path.is_relative_to(self.path):
            raise CallError(
                f"recording {name!r} lies outside of {self.path}, where this server keeps recordings: give a name inside "
                f"that folder, or start the server with --recordings and the folder that you use"
            )
        return path
