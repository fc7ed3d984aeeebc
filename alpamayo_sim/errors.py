"""The errors that a user may meet, by whose move it is next. Their messages say what was expected, what was found, what to do."""

from __future__ import annotations


class InputError(ValueError):
    """An argument or a file is wrong; the command ends with exit code 2."""


class MissingExtraError(InputError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(f"{package} is needed here and is not installed: pip install 'alpamayo-sim[{extra}]'")


class InfrastructureError(RuntimeError):
    """A server, a port, a display or a process failed, and not what was asked; the command ends with exit code 3."""
