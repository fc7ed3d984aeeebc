"""`alpamayo report`: the HTML report of a run folder, written again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional


@dataclass(frozen=True)
class Arguments:
    """Write report.html of a run folder again."""

    run_folder: Annotated[Path | None, Positional] = None
    """The run folder; by default the latest one in --out."""
    out: Path = Path("runs")
    """Folder in which the run folders lie."""

    def run(self) -> int:
        """Write the report; return the exit code."""
        from alpamayo_sim.record.report import write_report
        from alpamayo_sim.record.run_folder import RunFolder

        run = RunFolder.open(self.run_folder) if self.run_folder is not None else RunFolder.latest(self.out)
        print(f"report: {write_report(run)}")
        return 0
