"""A suite: routes to drive together, and how they are driven and scored. Described by a YAML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from alpamayo_scenarios.route_file import RouteSpec, load_routes
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.profile import DEFAULT_PROFILE, scoring_profile

SUITES = Path(__file__).parent / "suites"
MAX_FILE_BYTES = 1024 * 1024


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
    title: str = ""
    types: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The scenario types of each route, by its id."""


class SuiteFile(BaseModel):
    """What a suite's YAML file says."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: str = Field(min_length=1)
    routes: str | None = None
    """A route file beside the YAML file; none for suites whose routes the user brings."""
    profile: str = DEFAULT_PROFILE
    background: bool = False
    vehicles: int = Field(default=0, ge=0, le=1000)
    walkers: int = Field(default=0, ge=0, le=1000)
    scenarios_required: bool = False

    @field_validator("profile")
    @classmethod
    def _known(cls, name: str) -> str:
        scoring_profile(name)
        return name


def suite_names() -> tuple[str, ...]:
    """Return the names of the suites that come with the package."""
    return tuple(sorted(path.stem for path in SUITES.glob("*.yaml")))


def load_suite(name_or_path: str, *, routes_file: Path | None = None) -> Suite:
    """Return a suite by its name or by the path of its YAML file.

    `routes_file` are the routes of a suite that takes them from the user. Raises InputError for a suite that is not known,
    a file that is not one (naming the field, what was expected and what was found), routes that are missing or given to
    a suite that has its own.
    """
    path = Path(name_or_path) if name_or_path.endswith((".yaml", ".yml")) else SUITES / f"{name_or_path}.yaml"
    if not path.is_file():
        known = ", ".join(suite_names())
        raise InputError(
            f"there is no suite {name_or_path!r}; the suites are {known}, or give the path of a .yaml file"
        )
    described = _read(path)
    if described.routes is not None:
        if routes_file is not None:
            raise InputError(f"the suite {path.stem} has its own routes; leave out --routes, or leave out the suite")
        routes_file = path.parent / described.routes
    elif routes_file is None:
        raise InputError(
            f"the suite {path.stem} does not come with its routes: give your own copy of the route file with --routes FILE"
        )
    return _suite(path.stem, described, routes_file)


def route_file_suite(path: Path) -> Suite:
    """Return a suite of a route file's routes, driven and scored as the leaderboard does."""
    return _suite(path.stem, SuiteFile(title=f"The routes of {path.name}", background=True), path)


def _suite(name: str, described: SuiteFile, routes_file: Path) -> Suite:
    routes = load_routes(routes_file)
    return Suite(
        name=name,
        routes=routes,
        profile=described.profile,
        background=described.background,
        vehicles=described.vehicles,
        walkers=described.walkers,
        scenarios_required=described.scenarios_required,
        title=described.title,
        types={route.route_id: tuple(scenario.type for scenario in route.scenarios) for route in routes},
    )


def _read(path: Path) -> SuiteFile:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InputError(f"a suite's file has at most {MAX_FILE_BYTES} bytes; {path} has {path.stat().st_size}")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not readable YAML: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected a mapping with title, routes, profile, ...; found {type(found).__name__}")
    try:
        return SuiteFile.model_validate(found)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in found['loc']) or 'file'}: {found['msg']}, found {found['input']!r}"
            for found in error.errors(include_url=False)
        )
        raise InputError(f"{path} is not a suite: {problems}") from error
