"""Where two servers differ: in a verdict, or in a value by more than its tolerance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alpamayo_sim.conformance.check import agree


@dataclass(frozen=True)
class Difference:
    """One thing that two results do not share."""

    check_id: str
    what: str

    def __str__(self) -> str:
        return f"{self.check_id}: {self.what}"


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Difference]:
    """Return the differences between two comparable parts, in the order of the first one's checks."""
    first = {check["id"]: check for check in one["checks"]}
    second = {check["id"]: check for check in other["checks"]}
    found: list[Difference] = []
    for check_id, check in first.items():
        if check_id in second:
            found += [Difference(check_id, what) for what in _compare(check, second[check_id])]
        else:
            found.append(Difference(check_id, "only in the first"))
    found += [Difference(check_id, "only in the second") for check_id in second if check_id not in first]
    return found


def notes(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return what makes two results hard to compare: another map, profile or version."""
    names = ("map", "profile", "server_version", "client_version")
    return [f"{name}: {one[name]} and {other[name]}" for name in names if one[name] != other[name]]


def _compare(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    first = {value["name"]: value for value in one["measured"]}
    second = {value["name"]: value for value in other["measured"]}
    found = [f"verdict {one['verdict']} and {other['verdict']}"] if one["verdict"] != other["verdict"] else []
    for name, value in first.items():
        if name not in second:
            found.append(f"{name} only in the first")
            continue
        tolerance = max(value["diff_tolerance"], second[name]["diff_tolerance"])
        if not agree(value["value"], second[name]["value"], tolerance):
            unit = f" {value['unit']}" if value["unit"] else ""
            found.append(f"{name} {value['value']} and {second[name]['value']}{unit} (tolerance {tolerance:g})")
    return found + [f"{name} only in the second" for name in second if name not in first]
