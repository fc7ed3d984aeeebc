"""`alpamayo report`: the HTML report of a run folder, written again, or of two run folders compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from alpamayo_sim.errors import InputError


@dataclass(frozen=True)
class Arguments:
    """Write report.html of a run folder again, or a page that compares two runs."""

    run_folder: Annotated[Path | None, Positional] = None
    """The run folder; by default the latest one in --out."""
    compare: Path | None = None
    """Another run folder: write compare-<its name>.html into the first one, B against A, in place of its report."""
    embed: bool = False
    """Put the videos of the episodes that were not passed inside the page, so that it can be sent alone."""
    out: Path = Path("runs")
    """Folder in which the run folders lie."""

    def run(self) -> int:
        """Write the page; return the exit code. Raises InputError for folders that are no runs or share no route."""
        from alpamayo_sim.record.report import failed_episodes, size_text, write_comparison, write_report
        from alpamayo_sim.record.run_folder import RunFolder

        run = RunFolder.open(self.run_folder) if self.run_folder is not None else RunFolder.latest(self.out)
        embed = failed_episodes(run) if self.embed else []
        if self.compare is None:
            page = write_report(run, embed=embed)
        else:
            other = RunFolder.open(self.compare)
            if other.path.resolve() == run.path.resolve():
                raise InputError(f"expected another run than {run.path} to compare it with; found the same one")
            page = write_comparison(run, other, embed=[*embed, *(failed_episodes(other) if self.embed else [])])
        print(f"{'report' if self.compare is None else 'comparison'}: {page} ({size_text(page.stat().st_size)})")
        return 0
