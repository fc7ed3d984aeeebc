"""The report of a benchmark in a real browser: found, filtered, sorted, opened, scrubbed, and two runs compared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from synthetic_bench import HOSTILE_ROUTE
from webdriver import Browser, needs_browser, open_browser

from alpamayo_sim.record.report import failed_episodes, write_comparison, write_report
from alpamayo_sim.record.run_folder import RunFolder

pytestmark = needs_browser

IDS = "return [...document.querySelectorAll('.route-row')].map((row) => row.id)"
COUNT = "return document.querySelector('.count').textContent"
SHOW_ALL = "document.querySelector('.reset').click()"
CHOOSE = (
    "const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event(arguments[2]))"
)
MARKS = (
    "return [...document.querySelectorAll('.mark')].filter((mark) => getComputedStyle(mark).display !== 'none').length"
)
NOW = "return Number(document.querySelector('.timeline').getAttribute('aria-valuenow'))"
WIDTH = "return document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        browser.resize(1280, 900)
        yield browser


@pytest.fixture(scope="module")
def page(browser: Browser, bench_run: RunFolder) -> Browser:
    browser.post("/url", {"url": write_report(bench_run).as_uri()})
    browser.wait("return document.querySelectorAll('.route-row').length === 7")
    return browser


def test_the_rows_and_marks_are_there(page: Browser) -> None:
    assert page.run(COUNT) == "7 episodes"
    assert page.run(MARKS) == 4
    assert page.run("return document.querySelectorAll('.map.town').length") == 2
    assert page.run("return document.querySelectorAll('.map.town .lane.driving').length") == 2
    assert page.run("return document.title") != "1", "a hostile text was run"
    assert (
        page.run("return [...document.querySelectorAll('.open')].map((b) => b.textContent)").count(HOSTILE_ROUTE) == 1
    )
    assert page.severe() == []
    assert page.requests() == []


def test_columns_sort_both_ways(page: Browser) -> None:
    assert page.run(IDS)[0] == "e4_rep0", "the worst comes first"
    head = "const head = [...document.querySelectorAll('th')].find((h) => h.textContent === 'Score')"
    page.run(f"{head}; head.querySelector('button').click()")
    assert set(page.run(IDS)[:2]) == {"e0_rep0", "e3_rep0"}
    assert page.run(f"{head}; return head.getAttribute('aria-sort')") == "descending"
    page.run(f"{head}; head.querySelector('button').click()")
    assert page.run(IDS)[0] == "e4_rep0"


@pytest.mark.parametrize(
    ("control", "value", "event", "expected"),
    [
        ("filter-text", "collision oldwick", "input", 0),
        ("filter-text", "COLLISION gridvale", "input", 3),
        ("filter-text", "<img", "input", 1),
        ("filter-town", "Oldwick", "change", 3),
        ("filter-type", "ParkedObstacle", "change", 3),
        ("filter-verdict", "invalid", "change", 1),
        ("filter-verdict", "passed", "change", 2),
    ],
)
def test_filters_leave_what_they_say(page: Browser, control: str, value: str, event: str, expected: int) -> None:
    page.run(CHOOSE, control, value, event)
    assert len(page.run(IDS)) == expected
    assert page.run(COUNT) == f"{expected} of 7 episodes"
    page.run(SHOW_ALL)
    assert len(page.run(IDS)) == 7


def test_a_kind_of_infraction_filters_routes_and_marks(page: Browser) -> None:
    page.run("document.querySelector('button.kind').click()")
    assert sorted(page.run(IDS)) == ["e1_rep0", "e2_rep0", "e6_rep1"]
    assert page.run(MARKS) == 4
    assert page.run("return document.querySelector('button.kind').getAttribute('aria-pressed')") == "true"
    page.run(CHOOSE, "filter-text", "DynamicObjectCrossing", "input")
    assert page.run(MARKS) == 2
    page.run(SHOW_ALL)
    assert page.run("return document.querySelector('button.kind').getAttribute('aria-pressed')") == "false"


def test_a_mark_on_a_map_opens_its_route_at_that_moment(page: Browser) -> None:
    page.run(
        "[...document.querySelectorAll('.mark')].find((m) => m.getAttribute('aria-label').includes('of g2:'))"
        ".dispatchEvent(new Event('click'))"
    )
    page.wait("return document.querySelector('#e1_rep0 + .detail .timeline') !== null")
    page.wait("return document.querySelector('#e1_rep0 + .detail .timeline').getAttribute('aria-valuenow') === '2.0'")
    page.run("document.querySelector('#e1_rep0 .open').click()")
    assert page.run("return document.querySelector('#e1_rep0 + .detail').hidden")


def test_the_keyboard_goes_from_mark_to_mark(page: Browser) -> None:
    page.run("document.querySelector('.mark[tabindex=\"0\"]').focus()")
    first = page.run("return document.activeElement.getAttribute('aria-label')")
    page.press("\ue014")
    second = page.run("return document.activeElement.getAttribute('aria-label')")
    assert first != second and "collision vehicle at" in second
    row = {"g1": "e6_rep1", "g2": "e1_rep0", "g3": "e2_rep0"}[second.split(" of ")[1][:2]]
    page.press("\ue007")
    page.wait(f"return document.querySelector('#{row} .open').getAttribute('aria-expanded') === 'true'")
    page.run(f"document.querySelector('#{row} .open').click()")


def test_a_route_opens_and_is_scrubbed(page: Browser) -> None:
    page.run("document.querySelector('#e2_rep0 .open').click()")
    page.wait("return document.querySelector('#e2_rep0 + .detail .world[transform]') !== null")
    detail = "const d = document.querySelector('#e2_rep0 + .detail')"
    page.run(f"{detail}; d.querySelector('.timeline').scrollIntoView({{behavior: 'instant', block: 'center'}})")
    box = page.run(
        f"{detail}; const b = d.querySelector('.timeline').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]"
    )
    seen = []
    for share in (0.2, 0.8):
        page.click(box[0] + 44 + (box[2] - 54) * share, box[1] + box[3] / 2)
        seen.append(
            page.run(
                f"{detail}; return [Number(d.querySelector('.timeline').getAttribute('aria-valuenow')), "
                "d.querySelector('.world').getAttribute('transform'), d.querySelector('.time').textContent, "
                "d.querySelector('.overview .ego').getAttribute('transform'), d.querySelectorAll('.plan circle').length]"
            )
        )
    (early, place, told, overview, plan), (late, *after) = seen
    assert early == pytest.approx(0.2 * 4.95, abs=0.05) and late == pytest.approx(0.8 * 4.95, abs=0.05)
    assert told.startswith(f"{early:.1f} s of") and plan == 8
    assert place != after[0] and overview != after[2]
    assert "</script>" in page.run(f"{detail}; return d.querySelector('.thought').textContent")
    spans = page.run(f"{detail}; return [...d.querySelectorAll('.timeline .span title')].map((t) => t.textContent)")
    assert spans == ["DynamicObjectCrossing: finished, 1.0 to 4.0 s"]
    happened = page.run(
        f"{detail}; return [...d.querySelectorAll('.happenings button')].map((b) => Number(b.dataset.time))"
    )
    assert happened == [1.0, 2.0, 4.0, 4.0]
    assert page.severe() == []


def test_the_map_shows_who_was_near(page: Browser) -> None:
    """The ego of a synthetic drive passes others now and then: at some moment of some route one is drawn."""
    page.run("for (const id of ['e0_rep0', 'e6_rep1']) document.querySelector('#' + id + ' .open').click()")
    page.wait("return document.querySelectorAll('.detail .world[transform]').length >= 4")
    drawn = page.run(
        "let most = 0; for (const t of document.querySelectorAll('.timeline')) { t.focus();"
        "for (let k = 0; k < 30; k++) { t.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));"
        "most = Math.max(most, document.querySelectorAll('.other[visibility=visible]').length); } } return most"
    )
    assert drawn >= 1


def test_an_address_opens_its_episode(page: Browser) -> None:
    page.run("location.hash = 'e3_rep0'")
    page.wait("return document.querySelector('#e3_rep0 + .detail .timeline') !== null")
    page.run("location.hash = 'e3_rep0@2.5'")
    page.wait("return document.querySelector('#e3_rep0 + .detail .timeline').getAttribute('aria-valuenow') === '2.5'")


def test_a_phone_needs_no_sideways_scrolling_and_fingers_hit(page: Browser) -> None:
    page.resize(390, 844)
    page.wait("return innerWidth === 390")
    page.wait("return document.querySelector('.timeline svg').getBoundingClientRect().width <= 390")
    assert page.run(WIDTH) == 390
    small = page.run(
        "return [...document.querySelectorAll('select, input[type=search], .play, .happenings button, button.kind, nav a')]"
        ".filter((n) => n.getBoundingClientRect().height > 0 && n.getBoundingClientRect().height < 38).map((n) => n.outerHTML)"
    )
    assert small == []
    assert page.run("return getComputedStyle(document.getElementById('sort').parentElement).display") == "flex"
    page.resize(1280, 900)


def test_everything_that_can_be_used_has_a_name(page: Browser) -> None:
    nameless = page.run(
        "return [...document.querySelectorAll('button, select, input, [role=button], [role=slider], svg[role], video')]"
        ".filter((n) => !(n.textContent.trim() || n.getAttribute('aria-label') ||"
        " (n.labels && n.labels[0] && n.labels[0].textContent.trim())))"
        ".map((n) => n.outerHTML.slice(0, 100))"
    )
    assert nameless == []


def test_dark_is_dark(page: Browser) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.post("/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": media})
    assert page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(17, 20, 26)"
    page.post("/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"features": []}})


def test_embedded_videos_play_from_the_page_alone(browser: Browser, second_run: RunFolder) -> None:
    page = write_report(second_run, embed=failed_episodes(second_run))
    alone = page.parent.parent / "alone.html"
    page.rename(alone)
    browser.post("/url", {"url": alone.as_uri() + "#e0_rep0"})
    browser.wait(
        "const v = document.querySelector('#e0_rep0 + .detail video'); return v && v.readyState >= 1 && v.duration > 5"
    )
    assert browser.run("return document.querySelector('video').src.startsWith('blob:')")
    assert browser.severe() == []


def test_a_video_that_is_not_there_is_named(browser: Browser, second_run: RunFolder) -> None:
    page = write_report(second_run)
    alone = page.parent.parent / "without.html"
    page.rename(alone)
    browser.post("/url", {"url": alone.as_uri() + "#e0_rep0"})
    browser.wait(
        "const m = document.querySelector('.missing'); return m && m.textContent.includes('videos/e0_rep0.mp4')"
    )
    assert browser.run("return document.querySelector('.world').hasAttribute('transform')")
    browser.severe()


@pytest.fixture(scope="module")
def compared(browser: Browser, bench_run: RunFolder, second_run: RunFolder) -> Browser:
    browser.post("/url", {"url": write_comparison(bench_run, second_run).as_uri()})
    browser.wait("return document.querySelectorAll('.route-row').length === 7")
    return browser


def test_changes_are_filtered_and_sorted(compared: Browser) -> None:
    assert compared.run(IDS)[0] == "e0_rep0" and compared.run(IDS)[-1] == "e1_rep0", "the worst change comes first"
    for change, expected in (("better", ["e1_rep0"]), ("worse", ["e0_rep0"])):
        compared.run(f"document.querySelector('button[data-change={change}]').click()")
        assert compared.run(IDS) == expected
        compared.run(f"document.querySelector('button[data-change={change}]').click()")
    compared.run("document.querySelector('button[data-change=same]').click()")
    assert len(compared.run(IDS)) == 5
    compared.run(SHOW_ALL)


def test_a_bar_opens_both_episodes_and_one_time_moves_both(compared: Browser) -> None:
    compared.run("document.querySelector('.bar-mark').dispatchEvent(new Event('click'))")
    compared.wait("return document.querySelectorAll('#e0_rep0 + .detail .world[transform]').length === 2")
    compared.run(
        "const t = document.querySelector('#e0_rep0 + .detail .timeline'); t.focus();"
        "for (let k = 0; k < 4; k++) t.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}))"
    )
    times = "return [...document.querySelectorAll('#e0_rep0 + .detail .timeline')].map((t) => t.getAttribute('aria-valuenow'))"
    assert compared.run(times) == ["2.0", "2.0"]
    compared.run("document.querySelector('.link-times input').click()")
    compared.run(
        "document.querySelector('.timeline').dispatchEvent(new KeyboardEvent('keydown', {key: 'Home', bubbles: true}))"
    )
    assert compared.run(times) == ["0.0", "2.0"]
    assert compared.severe() == []
    assert compared.requests() == []


def test_a_comparison_fits_a_phone(compared: Browser) -> None:
    compared.resize(390, 844)
    compared.wait("return innerWidth === 390")
    compared.wait("return document.querySelector('.timeline svg').getBoundingClientRect().width <= 390")
    assert compared.run(WIDTH) == 390
    compared.resize(1280, 900)
