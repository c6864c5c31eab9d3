"""How soon a chart is seen on a bad line: Chromium with the browser's own "Slow 3G", nothing in its cache.

Run alone: `python -m benchmarks pages`, or against a running demo:
`python -m benchmarks.bench_pages http://127.0.0.1:8000 kota PASSWORD`. The preset is that of today's Chrome DevTools: 400 kbit/s each
way (500 × 0.8) and 2,000 ms until the first byte of every request (400 × 5). "Seen" is the first frame painted in which the picture
stands within the window of a phone of 360 × 740 pixels
(scrolled to, where it lies below the first screen); "plot" is from a tap on the button to the drawn interactive plot.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.common import Row, print_table
from rantai.local.ports import free_port

BOUND_S = 5.0
SLOW_3G = {
    "offline": False,
    "downloadThroughput": 500 * 1000 / 8 * 0.8,
    "uploadThroughput": 500 * 1000 / 8 * 0.8,
    "latency": 400 * 5,
}
CHARTS = {
    "temperature, 24 hours": "/suhu/sensor-pkm-ketapang-k1",
    "temperature, 6 months": "/suhu/sensor-pkm-ketapang-k1?rentang=180h",
    "quota": "/kuota",
    "flow of a batch": "/batch/coronavac-10/CV21060A",
    "map": "/peta",
}
READY_S = 120.0
# Remembers when the picture first stood in the window in a painted frame; a second frame proves that the first was painted.
_WATCH = """
(() => {
  const look = () => {
    const picture = [...document.querySelectorAll("svg.picture")].find((p) => p.getClientRects().length);
    const box = picture?.getBoundingClientRect();
    const painted = performance.getEntriesByName("first-contentful-paint").length > 0;
    const styled = picture && getComputedStyle(picture).display === "block";
    if (painted && styled && box.height > 50 && box.top < innerHeight - 120 && box.bottom > 0) {
      requestAnimationFrame(() => { window.seenAt = performance.now(); });
      return;
    }
    // A picture below the first screen is a thumb's way off: the thumb is not what is measured.
    if (painted && styled) picture.scrollIntoView({ block: "center" });
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One chart page on the slow line."""

    picture_s: float
    picture_bytes: int
    plot_s: float
    plot_bytes: int


def measure(*, quick: bool) -> list[Row]:
    """A demo of its own without simulated people; `quick`: only the first two pages."""
    with demo() as (address, username, password):
        return rows_of(address, username, password, dict(list(CHARTS.items())[:2]) if quick else CHARTS)


def chromium() -> str:
    """Where this machine keeps it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("no Chromium on this machine (apt-get install chromium)")
    return path


def rows_of(address: str, username: str, password: str, charts: dict[str, str]) -> list[Row]:
    """One row a page; the plot on request stands beside it."""
    found = []
    with sync_playwright() as playwright:
        arguments = ["--disable-background-networking", "--enable-unsafe-swiftshader", "--no-first-run"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        for name, page in charts.items():
            seen = _seen(browser, address, username, password, page)
            found.append(
                Row(
                    name=f"Slow 3G, nothing cached: picture of {name} is seen",
                    ours=f"{seen.picture_bytes / 1000:.0f} kB until then",
                    bare=f"plot on request {seen.plot_s:.0f} s more, {seen.plot_bytes / 1000:.0f} kB",
                    figure=seen.picture_s,
                    bound=BOUND_S,
                    unit="s",
                    at_least=False,
                )
            )
        browser.close()
    return found


def _seen(browser: Browser, address: str, username: str, password: str, path: str) -> Seen:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(f"{address}/masuk")
    page.fill("#username", username)
    page.fill("#password", password)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{address}/")
    page.goto("about:blank")
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.clearBrowserCache")
    line.send("Network.emulateNetworkConditions", SLOW_3G)
    page.add_init_script(_WATCH)
    page.goto(address + path, wait_until="commit", timeout=60_000)
    picture_s = _until_seen(page)
    page.wait_for_load_state("load", timeout=60_000)
    if page.evaluate("performance.getEntriesByType('resource').some((one) => one.name.includes('plotly'))"):
        raise SystemExit(f"{path} fetched plotly.js on a slow line although nobody asked")
    picture_bytes, before = _weight(page, picture_s), _weight(page)
    plot_s = _plot(page)
    plot_bytes = _weight(page) - before
    context.close()
    return Seen(picture_s=picture_s, picture_bytes=picture_bytes, plot_s=plot_s, plot_bytes=plot_bytes)


def _weight(page: Page, until_s: float = 1e6) -> int:
    """Bytes on the line, headers and compressed bodies, of what had begun to arrive by then; the page itself counts whole."""
    return int(
        page.evaluate(
            "(until) => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
            ".filter((one) => one.responseStart <= until).reduce((sum, one) => sum + one.transferSize, 0)",
            until_s * 1000,
        )
    )


def _until_seen(page: Page) -> float:
    began = time.monotonic()
    while time.monotonic() < began + 60:
        told = page.evaluate("window.seenAt ?? null")
        if told is not None:
            return float(told) / 1000
        time.sleep(0.05)
    raise SystemExit(f"the picture of {page.url} was not seen within a minute")


def _plot(page: Page) -> float:
    button = page.locator("[data-plot]")
    button.wait_for(timeout=60_000)
    began = time.perf_counter()
    button.click()
    page.locator(".chart[data-drawn='1']").wait_for(timeout=180_000)
    return time.perf_counter() - began


@contextmanager
def demo() -> Iterator[tuple[str, str, str]]:
    """A demo in a folder of its own; yields address, user and password. Stopped and forgotten at the end."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="rantai-bench-") as folder:
        said = Path(folder) / "demo.log"
        with said.open("w") as out:
            demo = subprocess.Popen(
                [sys.executable, "-m", "rantai", "demo", "--port", str(port), "--folder", f"{folder}/demo"],
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            began = time.monotonic()
            while "ready after" not in said.read_text():
                if demo.poll() is not None or time.monotonic() - began > READY_S:
                    raise SystemExit(f"the demo did not start:\n{said.read_text()[-2000:]}")
                time.sleep(0.5)
            time.sleep(20)  # the loggers bring their last twelve hours meanwhile
            password = re.search(r"^\s+kota\s+/ (\S+)", said.read_text(), re.MULTILINE)
            if password is None:
                raise SystemExit("the demo told no log-in")
            yield f"http://127.0.0.1:{port}", "kota", password.group(1)
        finally:
            demo.terminate()
            demo.wait(60)
            subprocess.run([sys.executable, "-m", "rantai.local.forget", f"{folder}/demo"], check=False)


if __name__ == "__main__":
    _, page, user, word = sys.argv
    print_table(rows_of(page, user, word, CHARTS))
