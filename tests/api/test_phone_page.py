"""The phone's page as the server gives it: at which facility one works, and what is offered to whom."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re

from fastapi.testclient import TestClient

from tests.support.page_site import app_services, log_in, made, site, world
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.network.service import NewFacility, add_facility

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
    first, later = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    assert "class Shift" in first
    assert "class DeskJob" in later
    assert not re.search(r"^import ", first + later, re.MULTILINE)
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    for part in (first, later, style):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]
    table, held = (
        json.loads(re.findall(rf'id="{name}">(.*?)</script>', answer.text, re.DOTALL)[0])
        for name in ("gs1-table", "holdings")
    )
    assert len(table) > 100
    assert held["conflicts"] == 0
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


def test_what_a_job_begins_with_stands_before_all_that_may_come_a_moment_later(site: TestClient) -> None:
    log_in(site, "gudang")
    page = site.get("/scan").text
    ends = [found.end() for found in re.finditer(r"<script(?: [^>]*)?>.*?</script>", page, re.DOTALL)]
    first = next(end for end in ends if "class Shift" in page[:end])
    # "Slow 3G" brings 50 kB a second and nothing in its first two: usable within three with what the phone needs itself.
    assert len(gzip.compress(page[:first].encode())) < 40_000


def _words(page: str) -> set[str]:
    return set(json.loads(html.unescape(re.findall(r'data-words="([^"]*)"', page)[0])))


def test_the_first_program_has_the_words_that_it_says(site: TestClient) -> None:
    log_in(site, "gudang")
    page = site.get("/scan").text
    first, _ = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    said = set(re.findall(r"\bsay\([\"`]([a-z_]+\.[a-z_]+)[\"`]", first))
    groups = set(re.findall(r"\b(?:say|words)\([\"`]([a-z_]+)[.\"`]", first))
    assert len(said) > 40
    assert said <= _words(page)
    assert groups <= {word.split(".")[0] for word in _words(page)}


def _compressed(site: TestClient, address: str) -> int:
    with site.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as answer:
        return sum(len(part) for part in answer.iter_raw())


def test_of_more_facilities_than_are_offered_it_is_said_that_there_are_others(
    site: TestClient, app_services: Services
) -> None:
    log_in(site, "pusat")
    assert site.get("/scan/fasilitas.json", params={"q": "cipondoh"}).json()["more"] is False
    with transaction(app_services.engine) as db:
        for n in range(13):
            place = NewFacility(code=f"pkm-ramai-{n}", name="Ramai", kind=UnitKind.PUSKESMAS, parent="kota-tangerang")
            add_facility(db, SYSTEM, place, now=app_services.clock())
    told = site.get("/scan/fasilitas.json", params={"q": "ramai"}).json()
    assert (len(told["items"]), told["more"]) == (12, True)
