"""`alpamayo report` on benchmark runs that were really driven: the page of one, the page of two, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench_runs import bench, only_run, write_routes
from command_line import alpamayo
from webdriver import needs_browser, open_browser


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two short routes of two towns, driven by the expert and by one who is blind to others."""
    folder = tmp_path_factory.mktemp("runs")
    routes = write_routes(folder / "short.xml", {"Gridvale": 1, "Oldwick": 1}, shortest_m=60.0, longest_m=90.0)
    for agent in ("expert", "route_follower"):
        result = bench(folder / agent, "--routes", routes, "--agent", agent, "--jobs", "2")
        assert result.returncode == 0, result.stderr
    return only_run(folder / "expert"), only_run(folder / "route_follower")


def test_a_benchmark_ends_in_a_report_that_the_command_writes_again(runs: tuple[Path, Path]) -> None:
    page = runs[0] / "report.html"
    first = page.read_text()
    result = alpamayo("report", runs[0])
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"report: {page} (")
    assert page.read_text() == first
    figures = json.loads((runs[0] / "results.json").read_text())["figures"]
    assert f">{figures['driving_score']:.1f}<" in first


def test_the_same_run_twice_and_no_run_are_refused(runs: tuple[Path, Path], tmp_path: Path) -> None:
    for arguments in ((runs[0], "--compare", runs[0]), (tmp_path,), (runs[0], "--compare", tmp_path)):
        result = alpamayo("report", *arguments)
        assert result.returncode == 2, result.stdout
        assert "Traceback" not in result.stderr


@needs_browser
def test_both_pages_open_and_show_real_drives(runs: tuple[Path, Path], tmp_path: Path) -> None:
    result = alpamayo("report", runs[0], "--compare", runs[1])
    assert result.returncode == 0, result.stderr
    comparison = runs[0] / f"compare-{runs[1].name}.html"
    assert str(comparison) in result.stdout
    with open_browser(tmp_path / "profile") as browser:
        for page, players in ((runs[0] / "report.html", 1), (comparison, 2)):
            browser.resize(1280, 900)
            browser.post("/url", {"url": page.as_uri()})
            browser.wait("return document.querySelectorAll('.route-row').length === 2")
            browser.run("document.querySelector('.route-row .open').click()")
            browser.wait(f"return document.querySelectorAll('.detail .world[transform]').length === {players}")
            before = browser.run("return document.querySelector('.world').getAttribute('transform')")
            browser.run(
                "const t = document.querySelector('.timeline'); for (let k = 0; k < 8; k++)"
                " t.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}))"
            )
            assert browser.run("return document.querySelector('.timeline').getAttribute('aria-valuenow')") == "4.0"
            assert browser.run("return document.querySelector('.world').getAttribute('transform')") != before
            assert browser.severe() == []
            assert browser.requests() == []
