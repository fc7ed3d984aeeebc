"""Typed reading of a scenario's parameters, as route files of leaderboard 2.x write them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import carla

from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.route_file import ScenarioSpec

SIDES = ("left", "right")


def number(spec: ScenarioSpec, name: str, default: float) -> float:
    """Return `<name value="..."/>` as a finite number, or the default; ScenarioSetupError for anything else."""
    found = spec.parameters.get(name)
    return default if found is None else _finite(spec, name, found, "value")


def interval(spec: ScenarioSpec, name: str, default: tuple[float, float]) -> tuple[float, float]:
    """Return `<name from="..." to="..."/>`, or the default; a single `value` stands for both ends."""
    found = spec.parameters.get(name)
    if found is None:
        return default
    if "value" in found:
        value = _finite(spec, name, found, "value")
        return value, value
    low, high = _finite(spec, name, found, "from"), _finite(spec, name, found, "to")
    if low > high:
        raise ScenarioSetupError(f"{spec.name}: <{name}> runs from a smaller to a larger number; found {low} to {high}")
    return low, high


def choice(spec: ScenarioSpec, name: str, default: str, allowed: tuple[str, ...] = SIDES) -> str:
    """Return `<name value="..."/>` as one of the allowed words, or the default."""
    value = spec.parameters.get(name, {}).get("value", default)
    if value not in allowed:
        raise ScenarioSetupError(f"{spec.name}: <{name}> is one of {', '.join(allowed)}; found {value!r}")
    return value


def flag(spec: ScenarioSpec, name: str, default: bool) -> bool:
    """Return `<name value="true"/>` as a truth value, or the default."""
    value = spec.parameters.get(name, {}).get("value")
    if value is None:
        return default
    if value.lower() not in ("true", "false", "1", "0"):
        raise ScenarioSetupError(f"{spec.name}: <{name}> is true or false; found {value!r}")
    return value.lower() in ("true", "1")


def location(spec: ScenarioSpec, name: str) -> carla.Location:
    """Return `<name x="..." y="..." z="..."/>`, CARLA world frame; ScenarioSetupError when it is missing."""
    found = spec.parameters.get(name)
    if found is None:
        raise ScenarioSetupError(f"{spec.name}: {spec.type} needs <{name} x y z/>; the route file has none")
    x, y = _finite(spec, name, found, "x"), _finite(spec, name, found, "y")
    return carla.Location(x, y, _finite(spec, name, found, "z") if "z" in found else 0.0)


def has(spec: ScenarioSpec, name: str) -> bool:
    """Return whether the route file gives this parameter."""
    return name in spec.parameters


def _finite(spec: ScenarioSpec, name: str, found: Mapping[str, str], attribute: str) -> float:
    text = found.get(attribute, "")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ScenarioSetupError(f'{spec.name}: <{name} {attribute}="..."/> is a finite number; found {text!r}')
    return value
