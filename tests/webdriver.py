"""A real browser for tests: Chromium, driven through chromedriver's WebDriver protocol."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
PATIENCE_S = 120.0
needs_browser = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver")


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
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)["value"]

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self._session + path, timeout=PATIENCE_S) as answer:
            return json.load(answer)["value"]

    def run(self, script: str, *arguments: Any) -> Any:
        return self.post("/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script: str) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not self.run(script):
            assert time.monotonic() < deadline_s, f"never true: {script}"
            time.sleep(0.05)

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.post("/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})

    def click(self, x: float, y: float) -> None:
        at = {"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)}
        steps = [at, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self.post("/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": steps}]})

    def press(self, key: str) -> None:
        """Press and release a key (WebDriver's codes for those without a character)."""
        steps = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.post("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": steps}]})

    def requests(self) -> list[str]:
        """Return the addresses that the page has asked a network for since the last time; files do not count."""
        entries = [json.loads(entry["message"])["message"] for entry in self.post("/se/log", {"type": "performance"})]
        urls = [e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if url.startswith(("http", "ws"))]

    def severe(self) -> list[dict[str, Any]]:
        """Return the errors that the page has put into the browser's console since the last time."""
        return [entry for entry in self.post("/se/log", {"type": "browser"}) if entry["level"] == "SEVERE"]

    def quit(self) -> None:
        request = urllib.request.Request(self._session, method="DELETE")
        urllib.request.urlopen(request, timeout=PATIENCE_S).close()


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """Start a browser with a profile folder of its own, and end it afterwards."""
    assert DRIVER is not None
    process = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        port = next(
            int(m[1]) for line in process.stdout if (m := re.search(r"started successfully on port (\d+)", line))
        )
        browser = Browser(f"http://127.0.0.1:{port}", profile)
        try:
            yield browser
        finally:
            browser.quit()
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
