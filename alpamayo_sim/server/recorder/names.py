"""Where a recording lies: every name that a client gives stays inside one folder."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
from pathlib import Path

from alpamayo_sim.server.registry import CallError

MAX_NAME = 1024
_SHOWN_NAME = 80
_MAX_PART_BYTES = 255
_LOG = logging.getLogger(__name__)


class RecordingsFolder:
    """The folder of a server's recordings; without one given, a temporary folder of its own once something is recorded."""

    def __init__(self, folder: Path | None) -> None:
        self._is_temporary = folder is None
        self._exists = False
        name = f"alpamayo-recordings-{os.getpid()}-{secrets.token_hex(8)}"
        self.path = (Path(tempfile.gettempdir()) / name if folder is None else folder).resolve()
        """The folder, resolved; it may not exist before something is recorded."""

    def make(self) -> None:
        """Make the folder, before something is recorded into it; OSError where that can not be."""
        if not self._exists:
            self.path.mkdir(mode=0o700 if self._is_temporary else 0o777, parents=True, exist_ok=not self._is_temporary)
            self._exists = True

    def close(self) -> None:
        """Remove a temporary folder without recordings; say where recordings stay."""
        if self._is_temporary and self._exists:
            try:
                self.path.rmdir()
            except OSError:
                _LOG.info("recordings stay in %s", self.path)

    def resolve(self, name: str) -> Path:
        """Return the path that a client means by `name`.

        A relative name lies in the folder; an absolute one must. Links are followed before that is checked. CallError says
        where recordings may lie and which option moves the folder.
        """
        if not name or len(name) > MAX_NAME or "\0" in name:
            raise CallError(f"a recording needs a name of 1 to {MAX_NAME} characters")
        shown = repr(name if len(name) <= _SHOWN_NAME else name[:_SHOWN_NAME] + "...")
        if any(len(os.fsencode(part)) > _MAX_PART_BYTES for part in Path(name).parts):
            raise CallError(f"{shown} is no name of a recording: a part of it is longer than {_MAX_PART_BYTES} bytes")
        try:
            path = (self.path / name).resolve()
        except (OSError, RuntimeError) as error:
            raise CallError(f"{shown} is no name of a recording: {error}") from error
        if path == self.path or not path.is_relative_to(self.path):
            raise CallError(
                f"recording {shown} lies outside of {self.path}, where this server keeps recordings: give a name inside "
                f"that folder, or start the server with --recordings and the folder that you use"
            )
        return path
