"""Why a scenario cannot be played."""

from __future__ import annotations


class ScenarioSetupError(Exception):
    """A scenario does not fit the map or its parameters make no sense; it is skipped and counted, and the route goes on."""
