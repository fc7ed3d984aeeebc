"""The report in a real browser: it draws, clicks move the video and back, and a phone is wide enough."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alpamayo_sim.record.report import write_report
from alpamayo_sim.record.run_folder import RunFolder

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver")


class Browser:
    """The few WebDriver commands that these tests need."""

    def __init__(self, address: str, profile: Path) -> None:
        flags = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={profile}",
        ]  # fmt: skip
        options = {"binary": CHROMIUM, "args": flags}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        self._session = f"{address}/session"
        answer = self.post("", {"capabilities": {"alwaysMatch": wanted}})
        self._session += f"/{answer['sessionId']}"

    def post(self, path: str, body: dict[str, Any]) -> Any:
        data = json.dumps(body).encode()
        request = urllib.request.Request(self._session + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["value"]

    def run(self, script: str, *arguments: Any) -> Any:
        return self.post("/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script: str) -> None:
        for _ in range(100):
            if self.run(script):
                return
            time.sleep(0.05)
        raise AssertionError(f"never true: {script}")

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.post("/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})

    def click(self, x: float, y: float) -> None:
        at = {"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)}
        steps = [at, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self.post("/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": steps}]})

    def quit(self) -> None:
        request = urllib.request.Request(self._session, method="DELETE")
        urllib.request.urlopen(request, timeout=30).close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, finished_run: RunFolder) -> Iterator[Browser]:
    assert DRIVER is not None
    process = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        port = next(
            int(m[1]) for line in process.stdout if (m := re.search(r"started successfully on port (\d+)", line))
        )
        browser = Browser(f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("profile"))
        try:
            browser.resize(1280, 900)
            browser.post("/url", {"url": write_report(finished_run).as_uri()})
            browser.wait("const v = document.querySelector('video'); return v.readyState >= 1")
            yield browser
        finally:
            browser.quit()
    finally:
        process.terminate()
        process.wait(10)


def test_everything_is_drawn_without_errors(browser: Browser) -> None:
    assert browser.run("return document.querySelectorAll('.timeline path').length") >= 5
    assert browser.run("return document.querySelector('video').duration") == pytest.approx(8.0, abs=0.05)
    assert browser.run("return getComputedStyle(document.querySelector('.map .ego')).visibility") == "visible"
    log = browser.post("/se/log", {"type": "browser"})
    assert [entry for entry in log if entry["level"] == "SEVERE"] == []
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
