"""The phone's page as the server gives it: at which facility one works, and what is offered to whom."""

from __future__ import annotations

import base64
import hashlib
import json
import re

from fastapi.testclient import TestClient

from tests.support.page_site import app_services, log_in, made, site, world

__all__ = ["app_services", "made", "site", "world"]


def found(site: TestClient, letters: str) -> list[str]:
    return [each["code"] for each in site.get("/scan/fasilitas.json", params={"q": letters}).json()["items"]]


def test_an_overseer_finds_facilities_by_letters_and_others_only_their_own(site: TestClient) -> None:
    log_in(site, "kota")
    assert found(site, "CIPOND") == ["pkm-cipondoh"]
    assert "kota-tangerang" in found(site, "tangerang")
    assert found(site, "%") == []
    assert "biofarma" not in found(site, "bio")
    log_in(site, "vaksinator")
    assert found(site, "tanah") == []


def test_who_may_only_look_is_offered_no_jobs(site: TestClient) -> None:
    log_in(site, "gudang")
    page = site.get("/scan").text
    assert 'data-job="receive"' in page
    assert 'data-works="1"' in page
    log_in(site, "auditor")
    looking = site.get("/scan").text
    assert "data-job=" not in looking
    assert "data-works" not in looking
    assert 'id="holdings"' not in looking


def test_the_page_brings_all_it_needs_and_its_policy_lets_that_pass(site: TestClient) -> None:
    log_in(site, "gudang")
    answer = site.get("/scan")
    (program,) = re.findall(r'<script type="module" async>(.*?)</script>', answer.text, re.DOTALL)
    assert "class Shift" in program
    assert not re.search(r"^import ", program, re.MULTILINE)
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    for part in (program, style):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]
    table, held = (
        json.loads(re.findall(rf'id="{name}">(.*?)</script>', answer.text, re.DOTALL)[0])
        for name in ("gs1-table", "holdings")
    )
    assert len(table) > 100
    own = site.get("/api/v1/handsets/holdings", params={"facility": held["facility"]}).json()
    assert {name: held[name] for name in ("stock", "batches", "places")} == {
        name: own[name] for name in ("stock", "batches", "places")
    }


def test_the_first_load_is_small_enough_for_a_slow_line(site: TestClient) -> None:
    log_in(site, "gudang")
    answer = site.get("/scan")
    addresses = sorted(set(re.findall(r'"(/static/[^"]+)"', answer.text)))
    sizes = {address: _compressed(site, address) for address in addresses}
    assert sum(sizes.values()) + _compressed(site, "/scan") < 75_000, sizes


def _compressed(site: TestClient, address: str) -> int:
    with site.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as answer:
        return sum(len(part) for part in answer.iter_raw())
