"""The report in a real browser: it draws, clicks move the video and back, and a phone is wide enough."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from webdriver import Browser, needs_browser, open_browser

from alpamayo_sim.record.report import write_report
from alpamayo_sim.record.run_folder import RunFolder

pytestmark = needs_browser
WORLD = "return document.querySelector('.map.around .world').getAttribute('transform')"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, finished_run: RunFolder) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        browser.resize(1280, 900)
        browser.post("/url", {"url": write_report(finished_run).as_uri()})
        browser.wait("const v = document.querySelector('video'); return v && v.readyState >= 1")
        yield browser


def test_everything_is_drawn_without_errors(browser: Browser) -> None:
    assert browser.run("return document.querySelectorAll('.timeline path').length") >= 5
    browser.wait("return document.querySelector('video').readyState >= 1")
    assert browser.run("return document.querySelector('video').duration") == pytest.approx(8.0, abs=0.05)
    assert browser.run("return document.querySelectorAll('.map.around .lane').length") >= 2
    assert browser.run("return document.querySelectorAll('.map.overview .ego').length") == 1
    assert browser.severe() == []
    assert browser.requests() == []


def test_a_click_on_the_timeline_moves_video_map_and_readout(browser: Browser) -> None:
    browser.run("document.querySelector('.timeline').scrollIntoView({behavior: 'instant', block: 'center'})")
    before = browser.run(WORLD)
    box = browser.run(
        "const b = document.querySelector('.timeline').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]"
    )
    browser.click(box[0] + 44 + (box[2] - 54) * 0.75, box[1] + box[3] / 2)
    browser.wait("return Math.abs(document.querySelector('video').currentTime - 6.0) < 0.15")
    assert float(
        browser.run("return document.querySelector('.timeline').getAttribute('aria-valuenow')")
    ) == pytest.approx(6.0, abs=0.1)
    assert browser.run(WORLD) != before
    assert browser.run("return document.querySelector('.thought').textContent.includes('alert(1)')")


def test_the_video_moves_the_timeline(browser: Browser) -> None:
    browser.run("document.querySelector('video').currentTime = 2.5")
    browser.wait("return Math.abs(document.querySelector('.timeline').getAttribute('aria-valuenow') - 2.5) < 0.11")


def test_an_infraction_leads_to_its_moment(browser: Browser) -> None:
    time_s = float(browser.run("return document.querySelector('.happenings button').dataset.time"))
    browser.run("document.querySelector('.happenings button').click()")
    browser.wait(f"return Math.abs(document.querySelector('video').currentTime - {max(0.0, time_s - 1.0)}) < 0.15")


def test_a_phone_needs_no_sideways_scrolling(browser: Browser) -> None:
    browser.resize(375, 800)
    browser.wait("return innerWidth === 375")
    assert browser.run("return document.documentElement.scrollWidth") <= 375
    browser.wait("return document.querySelector('.timeline svg').getBoundingClientRect().width <= 375")


def test_the_keyboard_moves_the_time(browser: Browser) -> None:
    browser.resize(1280, 900)
    browser.run("document.querySelector('.timeline').focus()")
    keys = {"Home": "\ue011", "ArrowRight": "\ue014", "End": "\ue010"}
    for name, expected in (("Home", "0.0"), ("ArrowRight", "0.5"), ("End", "8.0")):
        browser.press(keys[name])
        browser.wait(
            f"return Math.abs(document.querySelector('.timeline').getAttribute('aria-valuenow') - {expected}) < 0.06"
        )


def test_playing_moves_the_map(browser: Browser) -> None:
    browser.press("\ue011")
    before = browser.run(WORLD)
    browser.run("document.querySelector('video').playbackRate = 0.1")  # it is not over before the page was looked at
    browser.run("document.querySelector('.play').click()")
    browser.wait("return document.querySelector('.timeline').getAttribute('aria-valuenow') > 0.3")
    assert browser.run(WORLD) != before
    assert browser.run("return document.querySelector('.play').getAttribute('aria-label')") == "Pause"
    browser.run("document.querySelector('.play').click()")
    browser.wait("return document.querySelector('video').paused")
    browser.run("document.querySelector('video').playbackRate = 1.0")
    assert browser.severe() == []
