"""The phone's page as the server gives it: at which facility one works, and what is offered to whom."""

from __future__ import annotations

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
    assert "data-job" not in site.get("/scan").text


def test_every_file_that_the_page_needs_is_named_in_it_so_that_the_worker_keeps_it(site: TestClient) -> None:
    log_in(site, "gudang")
    page = site.get("/scan").text
    named = set(re.findall(r'"(/static/[^"]+)"', page))
    waiting = [address for address in named if re.search(r"/scan\.\w+\.js", address)]
    assert waiting
    while waiting:
        script = site.get(waiting.pop()).text
        for other in re.findall(r'from "\./([^"]+)"', script):
            assert f"/static/{other}" in named
    assert any("gs1_table" in address for address in named)


def test_the_first_load_is_small_enough_for_a_slow_line(site: TestClient) -> None:
    log_in(site, "gudang")
    answer = site.get("/scan", headers={"Accept-Encoding": "gzip"})
    addresses = sorted(set(re.findall(r'"(/static/[^"]+)"', answer.text)))
    sizes = {address: _compressed(site, address) for address in addresses}
    assert sum(sizes.values()) + len(answer.content) < 150_000, sizes


def _compressed(site: TestClient, address: str) -> int:
    with site.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as answer:
        return sum(len(part) for part in answer.iter_raw())
