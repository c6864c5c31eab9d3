"""Charts in a real browser: the picture is there without scripts, the interactive plot when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, PHONE, Size, Visit

Open = Callable[..., Visit]
CHARTS = ("/suhu/S-pkm-cipondoh-k1?rentang=7h", "/kuota", "/batch/penta-5/PB002", "/peta")
SHOWN: tuple[tuple[Size, str], ...] = ((PHONE, "hand"), (DESK, "desk"))
SLOW = "Object.defineProperty(navigator, 'connection', {value: {saveData: true}})"
LIGHTNESS = (
    "(item, name) => { const [r, g, b] = getComputedStyle(item)[name].match(/\\d+/g).map(Number);"
    " return (r + g + b) / 3; }"
)


@pytest.mark.parametrize("path", CHARTS)
def test_without_scripts_the_picture_is_there_with_its_words(visit: Open, path: str) -> None:
    window = visit(PHONE, scripts=False)
    window.log_in()
    page = window.go(path)
    for size, shown in SHOWN:
        window.resize(size)
        picture = page.locator(f"svg.picture.{shown}")
        expect(picture).to_be_visible()
        expect(page.locator("svg.picture:visible")).to_have_count(1)
        assert len(picture.locator("title").text_content() or "") > 5
        assert len(picture.locator("desc").text_content() or "") > 20
        box = picture.bounding_box()
        assert box is not None
        assert box["height"] > 100
        assert box["x"] + box["width"] <= size["width"]
        expect(page.locator("[data-plot]")).to_be_hidden()
        assert "dimuat" not in page.locator("figure").inner_text()


@pytest.mark.parametrize(("size", "shown", "scheme"), [(PHONE, "hand", "dark"), (DESK, "desk", "light")])
@pytest.mark.parametrize("path", CHARTS)
def test_on_a_thrifty_line_nothing_of_plotly_comes_until_asked_for_and_both_keep_to_the_page_s_colours(
    visit: Open, size: Size, shown: str, scheme: Literal["dark", "light"], path: str
) -> None:
    window = visit(size)
    window.page.emulate_media(color_scheme=scheme)
    window.page.add_init_script(SLOW)
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    window.log_in()
    page = window.go(path)
    button = page.locator("[data-plot]")
    expect(button).to_be_visible()
    assert not [url for url in asked if "plotly" in url]
    if shown == "hand":
        the_letters_are_large_enough_and_within_the_picture(page)
    button.click()
    page.locator(".chart[data-drawn='1']").wait_for(timeout=30_000)
    assert [url for url in asked if "plotly.min" in url]
    expect(page.locator(f"svg.picture.{shown}")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if scheme == "dark":
        in_the_dark_page_and_letters_change(page, ".chart text")
    button.click()
    expect(page.locator(f"svg.picture.{shown}")).to_be_visible()
    if scheme == "dark":
        in_the_dark_page_and_letters_change(page, f"svg.picture.{shown} text")
    window.check_quiet()


def the_letters_are_large_enough_and_within_the_picture(page: Page) -> None:
    texts = page.locator("svg.picture.hand text")
    boxes = texts.evaluate_all(
        "all => all.map(t => { const b = t.getBoundingClientRect(), p = t.closest('svg').getBoundingClientRect();"
        " return [t.textContent, b.left - p.left, p.right - b.right, b.height]; })"
    )
    assert boxes
    for words, left, right, height in boxes:
        assert height >= 10, words
        assert left >= -2, words
        assert right >= -2, words


def in_the_dark_page_and_letters_change(page: Page, letters: str) -> None:
    assert page.evaluate(f"({LIGHTNESS})(document.body, 'backgroundColor')") < 40
    drawn = page.locator(letters)
    # A map in WebGL has none of its own.
    if drawn.count() or "svg" in letters:
        assert drawn.first.evaluate(f"item => ({LIGHTNESS})(item, 'fill')") > 150


def test_on_a_good_line_the_plot_comes_by_itself(visit: Open) -> None:
    window = visit()
    window.page.add_init_script("Object.defineProperty(navigator, 'connection', {value: {effectiveType: '4g'}})")
    # The line is good, however busy the machine that runs the test.
    window.page.add_init_script(
        "performance.getEntriesByType = () => "
        "[{requestStart: 0, responseStart: 90, responseEnd: 110, transferSize: 9000}]"
    )
    window.log_in()
    page = window.go("/suhu/S-pkm-cipondoh-k1")
    page.locator(".chart[data-drawn='1']").wait_for(timeout=30_000)
    window.check_quiet()


def test_the_judgement_of_a_line_follows_what_the_browser_knows_then_what_the_page_took(visit: Open) -> None:
    window = visit()
    window.page.add_init_script(SLOW)
    window.log_in()
    page = window.go("/kuota")
    quick = {"requestStart": 0, "responseStart": 90, "responseEnd": 110, "transferSize": 9000}
    cases: list[tuple[dict[str, object], dict[str, int], bool]] = [
        ({"saveData": True, "effectiveType": "4g"}, quick, False),
        ({"effectiveType": "3g"}, quick, False),
        ({"effectiveType": "4g"}, quick, True),
        ({}, quick, True),
        ({}, {**quick, "responseStart": 2000, "responseEnd": 2010}, False),
        ({}, {**quick, "responseEnd": 290}, False),
        ({}, {**quick, "responseEnd": 190, "transferSize": 60_000}, True),
    ]
    for connection, timing, good in cases:
        told = page.evaluate(
            "async ([c, t]) => (await import('/static/line.js')).lineIsGood(c, t)", [connection, timing]
        )
        assert told is good, (connection, timing)


def test_pointing_at_the_interactive_map_breaks_no_policy(visit: Open) -> None:
    window = visit()
    window.log_in()
    page = window.plot("/peta")
    # Where the first facility's sign is drawn, asked of the map itself.
    x, y = page.evaluate(
        "() => { const box = document.querySelector('.chart.map'), at = box.calcdata[0][0].lonlat, r = box.getBoundingClientRect();"
        " const p = box._fullLayout.map._subplot.map.project(at);"
        " return [r.left + p.x, r.top + p.y]; }"
    )
    label = page.locator(".chart.map .hoverlayer .hovertext")
    for step in range(40):
        page.mouse.move(x + 20 - step, y + 3)
        if step >= 19 and label.count():
            break
        page.wait_for_timeout(30)
    expect(label.first).to_be_visible()
    page.mouse.wheel(0, -300)
    page.mouse.move(x - 60, y - 60, steps=5)
    window.check_quiet()
