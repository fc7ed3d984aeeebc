"""Results as JSON: one part that can be compared between servers, one that describes this run."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpamayo_sim.conformance.check import Outcome, Verdict
from alpamayo_sim.errors import InputError

SCHEMA = "alpamayo-conformance/1"


@dataclass(frozen=True)
class ServerIdentity:
    """Whom the checks were put to."""

    server: str
    """`embedded`, or `CARLA`."""
    server_version: str
    client_version: str
    map_name: str
    profile: str
    """`quick` or `full`."""
    others: int = 0
    """Actors of others that were in the world at the start."""


def results_json(identity: ServerIdentity, outcomes: Sequence[Outcome], *, complete: bool, started: str) -> str:
    """Return results as JSON text.

    `comparable` holds what two servers can be compared by, in a fixed order and without times; `environment` holds the rest.
    """
    comparable = {
        "server_version": identity.server_version,
        "client_version": identity.client_version,
        "map": identity.map_name,
        "profile": identity.profile,
        "checks": [_check_fields(outcome) for outcome in outcomes],
    }
    environment = {
        "server": identity.server,
        "started": started,
        "actors_of_others": identity.others,
        "complete": complete,
        "wall_time_s": round(sum(outcome.wall_time_s for outcome in outcomes), 2),
        "check_wall_time_s": {outcome.check.id: round(outcome.wall_time_s, 3) for outcome in outcomes},
        "reasons": {outcome.check.id: outcome.reason for outcome in outcomes if outcome.reason},
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    document = {"schema": SCHEMA, "comparable": comparable, "environment": environment}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _check_fields(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.check.id,
        "title": outcome.check.title,
        "verdict": outcome.verdict.value,
        "measured": [
            {
                "name": value.name,
                "value": value.value,
                "unit": value.unit,
                "expected": value.expected,
                "tolerance": value.tolerance,
                "diff_tolerance": value.spread,
            }
            for value in outcome.measured
        ],
    }


def count_verdicts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return how many checks came to each verdict, every verdict named."""
    counted = Counter(outcome.verdict for outcome in outcomes)
    return {verdict.value: counted[verdict] for verdict in Verdict}


def read_comparable(path: Path) -> dict[str, Any]:
    """Return the comparable part of a results file; InputError for anything else, or a file that another schema wrote."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"expected the results of `alpamayo sim --conformance` in {path}; {error}") from error
    if (
        not isinstance(document, dict)
        or document.get("schema") != SCHEMA
        or "checks" not in document.get("comparable", ())
    ):
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise InputError(f"{path}: expected results of schema {SCHEMA}, found {found!r}; make them again")
    return dict(document["comparable"])
