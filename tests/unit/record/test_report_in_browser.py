"""The report in a real browser: it draws, clicks move the video and back, and a phone is wide enough."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from webdriver import Browser, needs_browser, open_browser

from alpamayo_sim.record.report import write_report
from alpamayo_sim.record.run_folder import RunFolder

pytestmark = needs_browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, finished_run: RunFolder) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        browser.resize(1280, 900)
        browser.post("/url", {"url": write_report(finished_run).as_uri()})
        browser.wait("const v = document.querySelector('video'); return v.readyState >= 1")
        yield browser


def test_everything_is_drawn_without_errors(browser: Browser) -> None:
    assert browser.run("return document.querySelectorAll('.timeline path').length") >= 5
    assert browser.run("return document.querySelector('video').duration") == pytest.approx(8.0, abs=0.05)
    assert browser.run("return getComputedStyle(document.querySelector('.map .ego')).visibility") == "visible"
    assert browser.severe() == []
    requests = [json.loads(entry["message"])["message"] for entry in browser.post("/se/log", {"type": "performance"})]
    urls = [m["params"]["request"]["url"] for m in requests if m["method"] == "Network.requestWillBeSent"]
    assert [url for url in urls if url.startswith(("http", "ws"))] == []


def test_a_click_on_the_timeline_moves_video_map_and_readout(browser: Browser) -> None:
    browser.run("document.querySelector('.timeline').scrollIntoView({behavior: 'instant', block: 'center'})")
    before = browser.run("return document.querySelector('.map .ego').getAttribute('transform')")
    box = browser.run(
        "const b = document.querySelector('.timeline').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]"
    )
    browser.click(box[0] + 44 + (box[2] - 54) * 0.75, box[1] + box[3] / 2)
    browser.wait("return Math.abs(document.querySelector('video').currentTime - 6.0) < 0.15")
    assert float(
        browser.run("return document.querySelector('.timeline').getAttribute('aria-valuenow')")
    ) == pytest.approx(6.0, abs=0.1)
    assert browser.run("return document.querySelector('.map .ego').getAttribute('transform')") != before
    assert browser.run("return document.querySelector('.thought').textContent.includes('alert(1)')")


def test_the_video_moves_the_timeline(browser: Browser) -> None:
    browser.run("document.querySelector('video').currentTime = 2.5")
    browser.wait("return Math.abs(document.querySelector('.timeline').getAttribute('aria-valuenow') - 2.5) < 0.11")


def test_an_infraction_leads_to_its_moment(browser: Browser) -> None:
    time_s = float(browser.run("return document.querySelector('.infractions button').dataset.time"))
    browser.run("document.querySelector('.infractions button').click()")
    browser.wait(f"return Math.abs(document.querySelector('video').currentTime - {max(0.0, time_s - 1.0)}) < 0.15")


def test_a_phone_needs_no_sideways_scrolling(browser: Browser) -> None:
    browser.resize(375, 800)
    browser.wait("return innerWidth === 375")
    assert browser.run("return document.documentElement.scrollWidth") <= 375
    browser.wait("return document.querySelector('.timeline svg').getBoundingClientRect().width <= 375")
