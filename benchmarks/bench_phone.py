"""The phone's page on a cheap phone: Chromium slowed down four times, on the browser's own "Slow 3G" where it says so.

Run alone: `python -m benchmarks phone`, or against a running demo: `python -m benchmarks.bench_phone http://127.0.0.1:8000 kota PASSWORD`.
"Usable" is when a job can be taken in hand: page, scripts and holdings are there. A scan is felt when the phone says a word on it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from statistics import quantiles
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright

from benchmarks.bench_pages import SLOW_3G, chromium, demo
from benchmarks.common import Row, print_table

SLOWER = 4
SCANS = 40
STEPS = 100
LINE = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1, "latency": 0}
_READY = "() => document.querySelector(\"#jobs [data-job='opening']\")?.disabled === false"
# Of what lies here usable, the most: as a person would type it.
_MOST = """
async () => {
  const open = indexedDB.open("rantai-langkah", 1);
  const database = await new Promise((done) => { open.onsuccess = () => done(open.result); });
  const notes = database.transaction("notes").objectStore("notes").getAll();
  const all = await new Promise((done) => { notes.onsuccess = () => done(notes.result); });
  const held = all.find((each) => each.stock);
  const today = new Date().toISOString();
  const good = (row) => row.status === "usable" && !held.batches[row.batch].recalled && held.batches[row.batch].expiry > today
    && Object.values(held.stock).every((each) => each.batch !== row.batch || each.status === "usable");
  const [most] = Object.values(held.stock).filter(good).sort((one, other) => other.vials - one.vials);
  return [`${held.batches[most.batch].product}/${held.batches[most.batch].lot}`, most.vials];
}
"""
# From the key that ends a scan to the frame in which its word is painted.
_FELT = """
(text) => new Promise((done) => {
  const field = document.getElementById("text");
  field.value = text;
  document.getElementById("feel").hidden = true;
  const began = performance.now();
  const look = () => {
    if (document.getElementById("feel").hidden) requestAnimationFrame(look);
    else requestAnimationFrame(() => done(performance.now() - began));
  };
  document.getElementById("form").requestSubmit();
  look();
})
"""


def measure(*, quick: bool) -> list[Row]:
    """A demo of its own without simulated people; `quick`: a tenth of the steps."""
    with demo() as (address, username, password):
        return rows_of(address, username, password, steps=STEPS // 10 if quick else STEPS)


def rows_of(address: str, username: str, password: str, *, steps: int = STEPS) -> list[Row]:
    """First load, load without a network, scan to word, and steps of a day sent at once."""
    with sync_playwright() as playwright:
        arguments = ["--disable-background-networking", "--no-first-run"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
        page = context.new_page()
        page.goto(f"{address}/masuk")
        page.fill("#username", username)
        page.fill("#password", password)
        page.click("main button[type=submit]")
        page.wait_for_url(f"{address}/")
        page.goto("about:blank")
        slow = context.new_cdp_session(page)
        found = [
            *_first(page, slow, address),
            _offline(context, page, slow, address),
            _scans(page, slow),
            _sent(context, page, steps),
        ]
        browser.close()
    return found


def _row(name: str, figure: float, bound: float, unit: str, ours: str = "") -> Row:
    return Row(name=f"phone: {name}", ours=ours, bare="", figure=figure, bound=bound, unit=unit, at_least=False)


def _until_ready(page: Page) -> None:
    page.wait_for_function(_READY, timeout=120_000)


def _first(page: Page, slow: CDPSession, address: str) -> list[Row]:
    slow.send("Network.enable")
    slow.send("Network.clearBrowserCache")
    slow.send("Network.emulateNetworkConditions", SLOW_3G)
    slow.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    began = time.perf_counter()
    page.goto(f"{address}/scan", wait_until="commit", timeout=60_000)
    _until_ready(page)
    usable = time.perf_counter() - began
    # A job can be begun while the rest still comes, and what is not whole yet has no size.
    page.wait_for_load_state("load", timeout=60_000)
    page.wait_for_function("() => performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    weight = page.evaluate(
        "() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".reduce((sum, one) => sum + one.transferSize, 0) / 1000"
    )
    slow.send("Network.emulateNetworkConditions", LINE)
    return [
        _row("first load, bytes on the line", weight, 150, "kB"),
        _row('usable, nothing cached, "Slow 3G", 4 × slower', usable, 3, "s"),
    ]


def _offline(context: BrowserContext, page: Page, slow: CDPSession, address: str) -> Row:
    page.wait_for_function(
        "async () => (await navigator.serviceWorker.ready) && (await caches.match('/scan')) !== undefined"
    )
    context.set_offline(True)
    took = []
    for _ in range(5):
        page.goto("about:blank")
        slow.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        began = time.perf_counter()
        page.goto(f"{address}/scan", wait_until="commit")
        _until_ready(page)
        took.append(time.perf_counter() - began)
    return _row("usable without a network, 4 × slower, slowest of five", max(took), 1, "s")


def _scans(page: Page, slow: CDPSession) -> Row:
    code, _ = _most(page)
    page.click("#jobs [data-job='opening']")
    took = [page.evaluate(_FELT, code) for _ in range(SCANS)]
    slow.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    page.click("#leave")
    return _row("scan to word, 4 × slower, p95", quantiles(took, n=20)[-1], 100, "ms")


def _most(page: Page) -> tuple[str, int]:
    found: Any = page.evaluate(_MOST)
    code, vials = found
    return str(code), int(vials)


def _sent(context: BrowserContext, page: Page, steps: int) -> Row:
    code, vials = _most(page)
    if vials < steps:
        raise SystemExit(f"only {vials} vials of {code} to open")
    page.click("#jobs [data-job='opening']")
    for _ in range(steps):
        page.evaluate(_FELT, code)
        page.locator("#job .big").click()
        page.wait_for_function("() => !document.querySelector('#job .goods')")
    page.click("#leave")
    context.set_offline(False)
    began = time.perf_counter()
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_function("() => document.getElementById('book-state').classList.contains('good')", timeout=120_000)
    took = time.perf_counter() - began
    return _row(f"{steps} steps kept without a network are in the ledger", took, 10, "s", ours=json.dumps(code))


if __name__ == "__main__":
    _, home, user, word = sys.argv
    print_table(rows_of(home, user, word))
