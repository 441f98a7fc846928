"""A page as headless Chromium shows it with every network request refused."""

import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# No name is known and the proxy is a port where nobody listens. Time is virtual: it jumps ahead when nothing is left
# to do, so the budget of a minute, of which report.js waits half, is spent in seconds.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9", "--virtual-time-budget=60000"),
    *("--enable-logging=stderr", "--dump-dom"),
)
REPORT = Path(__file__).parent / "report.js"


@dataclass(frozen=True)
class Mark:
    """A visible `symbol` or `rect` of a chart, with the columns it stands for ("" where it has none)."""

    kind: str
    optimizer: str
    rev: str


@dataclass(frozen=True)
class Page:
    """What a page shows."""

    charts: dict[str, Counter[Mark]]  # by the id that dvc gives them
    images: dict[str, bool]  # was it loaded?
    requests: list[str]  # what the page asked the web for
    errors: list[str]  # what no script caught


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def show(browser: str, page: Path) -> Page:
    """Open a copy of `page`, in the same folder, that reports on itself."""
    copy = page.with_name("reporting.html")
    copy.write_text(
        f"{page.read_text(encoding='utf-8')}<script>{REPORT.read_text(encoding='utf-8')}</script>", encoding="utf-8"
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, *FLAGS, f"--user-data-dir={profile}", copy.resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=600)
    copy.unlink()
    found = re.search(r'<script id="report" type="application/json">(.*?)</script>', done.stdout, re.DOTALL)
    assert found, done.stderr
    report = json.loads(found[1])
    charts = {chart: Counter(Mark(*mark) for mark in marks) for chart, marks in report["charts"].items()}
    errors = [line for line in done.stderr.splitlines() if ":CONSOLE" in line and "Uncaught" in line]
    return Page(charts, report["images"], report["requests"], errors)
