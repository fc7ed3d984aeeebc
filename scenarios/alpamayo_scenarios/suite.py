"""A suite: routes to drive together, and how they are driven and scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alpamayo_scenarios.route_file import RouteSpec, load_routes
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.profile import DEFAULT_PROFILE


@dataclass(frozen=True)
class Suite:
    """Routes and the conditions under which they are driven."""

    name: str
    routes: tuple[RouteSpec, ...]
    profile: str = DEFAULT_PROFILE
    background: bool = False
    """Whether the leaderboard's background activity drives around the ego."""
    vehicles: int = 0
    """Vehicles of CARLA's TrafficManager all over the town."""
    walkers: int = 0
    scenarios_required: bool = False
    """Whether a completed route whose scenario did not trigger is invalid."""


def load_suite(name_or_path: str, *, routes_file: Path | None = None) -> Suite:
    """Return a suite by name or path; InputError for one that is not known."""
    raise InputError(f"there is no suite {name_or_path!r}; give a route file with --routes")


def route_file_suite(path: Path) -> Suite:
    """Return a suite of a route file's routes, driven and scored as the leaderboard does."""
    return Suite(path.stem, load_routes(path), background=True)
