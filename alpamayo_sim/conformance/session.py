"""One session of the kit with one server: connect, check, keep the results on disk after every check."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import carla

from alpamayo_sim.client.connection import ServerAddress, is_embedded
from alpamayo_sim.client.watchdog import ServerWatchdog
from alpamayo_sim.conformance.catalogue import CHECKS
from alpamayo_sim.conformance.check import Check, Outcome
from alpamayo_sim.conformance.context import Context, others_in
from alpamayo_sim.conformance.report import html_report, markdown_report
from alpamayo_sim.conformance.results import ServerIdentity, count_verdicts, results_json
from alpamayo_sim.conformance.runner import Selection, run_checks
from alpamayo_sim.errors import InputError

CALL_TIMEOUT_S = 30.0
"""Time-out of one call, CARLA's slow ones included."""
_SILENT_AFTER_S = 200.0
"""Longer than any check may take."""


@dataclass(frozen=True)
class Results:
    """Where a session's results are, and what they came to."""

    outcomes: tuple[Outcome, ...]
    json_path: Path
    html_path: Path

    @property
    def counts(self) -> dict[str, int]:
        """How many checks came to each verdict."""
        return count_verdicts(self.outcomes)


class Session:
    """The checks of one server."""

    def __init__(
        self,
        client: carla.Client,
        address: ServerAddress,
        folder: Path,
        selection: Selection,
        on_start: Callable[[Check], None] = lambda check: None,
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        """Prepare a session; results go into `folder`. InputError for a family that does not exist."""
        known = list(dict.fromkeys(check.family for check in CHECKS))
        for family in selection.families:
            if family not in known:
                raise InputError(f"there is no family of checks {family!r}; there are {', '.join(known)}")
        client.set_timeout(CALL_TIMEOUT_S)
        self._client = client
        self._address = address
        self._folder = folder
        self._selection = selection
        self._on_start = on_start
        self._on_outcome = on_outcome
        self._outcomes: list[Outcome] = []
        self._started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self.identity = ServerIdentity(
            server="embedded" if is_embedded(client) else "CARLA",
            server_version=client.get_server_version(),
            client_version=client.get_client_version(),
            map_name=client.get_world().get_map().name.rsplit("/", 1)[-1],
            profile="quick" if selection.is_quick else "full",
            others=len(others_in(client.get_world())),
        )

    def run(self, on_loss: Callable[[str], None]) -> Results:
        """Make the checks and return the results.

        `on_loss` is called from another thread when the server is gone while the client library still waits for it, and is
        expected to end the process: what was measured by then is on disk. ServerLost comes instead where the library notices.
        """
        self.save(complete=False)
        watchdog = ServerWatchdog(self._address, None, on_loss, silent_after_s=_SILENT_AFTER_S)
        with watchdog:
            context = Context(self._client, self._address, watchdog.ticked)
            run_checks(context, self._address, CHECKS, self._selection, self._on_start, self._keep)
        self.save(complete=True)
        return Results(tuple(self._outcomes), self.json_path, self._folder / "report.html")

    @property
    def json_path(self) -> Path:
        """The file of results that can be compared."""
        return self._folder / "conformance.json"

    def _keep(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._on_outcome(outcome)
        self.save(complete=False)

    def save(self, *, complete: bool) -> None:
        """Write `conformance.json`, `report.md` and `report.html` of the checks made up to now."""
        note = "" if complete else "Not complete: the checks were interrupted, or still run."
        outcomes = tuple(self._outcomes)
        texts = {
            "conformance.json": results_json(self.identity, outcomes, complete=complete, started=self._started),
            "report.md": markdown_report(self.identity, outcomes, note),
            "report.html": html_report(self.identity, outcomes, note),
        }
        for name, text in texts.items():
            draft = self._folder / f".{name}.new"
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._folder / name)
