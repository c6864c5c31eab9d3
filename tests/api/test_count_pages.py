"""Counting on the pages and over HTTP: blind, by several people, the difference after, and both told."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select

from tests.browser.page_world import PageWorld
from tests.support.page_site import app_services, csrf_of, log_in, made, site, world
from tests.support.world import PASSWORD
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.stock.models import StockBalance, StockEvent
from tracker.stock.rules.words import Kind

__all__ = ["app_services", "made", "site", "world"]

K2 = "pkm-cipondoh-k2"
CV, AZ = "coronavac-1/CV101", "az-10/AZ101"
PLACES = "/stok/pkm-cipondoh/hitung"


class Shelf:
    """The second fridge of the puskesmas, and whoever counts it."""

    def __init__(self, site: TestClient, services: Services, world: PageWorld) -> None:
        self.site, self.services, self.small = site, services, world.world

    def as_(self, username: str) -> Shelf:
        self.site.cookies.clear()
        log_in(self.site, username)
        return self

    def begin(self) -> str:
        page = self.site.get(PLACES).text
        data = {"csrf": csrf_of(page), "nomor": str(uuid7()), "tempat": K2}
        return str(self.site.post(PLACES, data=data).headers["location"])

    def field(self, lot: str, kind: str = "v") -> str:
        return f"{kind}--{self.small.batches[lot].id}"

    def form(self, sheet: str) -> dict[str, str]:
        page = self.site.get(sheet)
        number = re.search(r'name="nomor" value="([^"]+)"', page.text)
        assert number is not None, page.text
        return {"csrf": csrf_of(page.text), "nomor": number[1]}

    def count(self, sheet: str, cv: int, az: int, **more: str) -> Response:
        values = {self.field(CV): str(cv), self.field(AZ): str(az)}
        return self.site.post(sheet, data={**self.form(sheet), **values, **more})

    def post(self, sheet: str, **fields: str) -> Response:
        page = self.site.get(f"{sheet}/selisih").text
        return self.site.post(f"{sheet}/catat", data={"csrf": csrf_of(page), **fields})

    def vials(self, lot: str) -> int:
        with transaction(self.services.engine) as db:
            return (
                db.scalar(
                    select(StockBalance.vials).where(
                        StockBalance.holder_id == self.small.equipment[K2].id,
                        StockBalance.batch_id == self.small.batches[lot].id,
                    )
                )
                or 0
            )

    def counts(self) -> int:
        with transaction(self.services.engine) as db:
            return db.scalar(select(func.count()).where(StockEvent.kind == Kind.COUNT)) or 0


@pytest.fixture
def shelf(site: TestClient, app_services: Services, world: PageWorld) -> Shelf:
    return Shelf(site, app_services, world)


def test_a_count_is_blind_and_its_difference_comes_after(shelf: Shelf) -> None:
    cv, az, before = shelf.vials(CV), shelf.vials(AZ), shelf.counts()
    sheet = shelf.as_("vaksinator").begin()
    page = shelf.site.get(sheet).text
    assert "CV101" in page
    assert f">{cv}<" not in page
    assert f"Semua {cv}" not in page, "the books stay hidden"
    assert shelf.count(sheet, cv, az - 1).headers["location"] == f"{sheet}/selisih"
    shown = shelf.site.get(f"{sheet}/selisih").text
    assert "selisih −1" in shown
    assert f"buku {az}" in shown
    untold = shelf.post(sheet)
    assert (untold.status_code, "Tulis alasan selisih AZ101" in untold.text) == (422, True)
    assert shelf.post(sheet, **{shelf.field(AZ, "alasan"): "pecah"}).status_code == 303
    assert (shelf.vials(CV), shelf.vials(AZ), shelf.counts()) == (cv, az - 1, before + 1)
    assert "Sudah dicatat oleh Vaksinator" in shelf.site.get(f"{sheet}/selisih").text
    assert shelf.site.get(sheet).headers["location"] == f"{sheet}/selisih"


def test_two_who_count_at_once_join_one_sheet_and_both_are_told(shelf: Shelf) -> None:
    cv, az, before = shelf.vials(CV), shelf.vials(AZ), shelf.counts()
    sheet = shelf.as_("vaksinator").begin()
    shelf.count(sheet, cv, az)
    assert shelf.as_("kepala").begin() == sheet
    form = shelf.form(sheet)
    assert "sudah dihitung Vaksinator" in shelf.site.get(sheet).text
    shelf.count(sheet, cv, az)
    assert shelf.post(sheet).status_code == 303
    shelf.as_("vaksinator")
    assert shelf.post(sheet).status_code == 303, "who comes second is shown who was first"
    assert "Sudah dicatat oleh Kepala" in shelf.site.get(f"{sheet}/selisih").text
    page = shelf.site.get(f"{sheet}/selisih").text
    late = shelf.site.post(sheet, data={**form, "csrf": csrf_of(page), shelf.field(CV): "1"})
    assert (late.status_code, "sudah ditutup oleh Kepala" in late.text) == (422, True)
    assert shelf.counts() == before + 1


def test_a_form_of_a_count_sent_twice_is_one_tally(shelf: Shelf) -> None:
    sheet = shelf.as_("vaksinator").begin()
    form = shelf.form(sheet)
    for _ in range(2):
        assert shelf.site.post(sheet, data={**form, shelf.field(CV): "7"}).status_code == 303
    assert shelf.site.get(f"{sheet}/selisih").text.count("Vaksinator 7") == 1
    other = shelf.site.post(sheet, data={**form, shelf.field(CV): "8"})
    assert (other.status_code, "terkirim dengan angka lain" in other.text) == (422, True)


def test_a_large_difference_waits_for_another_person_or_the_head(shelf: Shelf) -> None:
    cv, az = shelf.vials(CV), shelf.vials(AZ)
    sheet = shelf.as_("vaksinator").begin()
    shelf.count(sheet, cv - 40, az)
    shown = shelf.site.get(f"{sheet}/selisih").text
    assert "perlu dihitung orang kedua" in shown
    assert "Catat hitungan" not in shown
    why = {shelf.field(CV, "alasan"): "terbawa ke lapangan"}
    assert shelf.post(sheet, **why).status_code == 422
    assert shelf.post(sheet, **why, setuju="ya").status_code == 403
    shelf.as_("kepala")
    assert "Saya menyetujui selisih besar ini" in shelf.site.get(f"{sheet}/selisih").text
    assert shelf.post(sheet, **why).status_code == 422
    assert shelf.post(sheet, **why, setuju="ya").status_code == 303
    assert shelf.vials(CV) == cv - 40
    assert "Selisih besar disetujui." in shelf.site.get(f"{sheet}/selisih").text


def test_what_is_wrong_in_a_count_stands_beside_its_field(shelf: Shelf) -> None:
    sheet = shelf.as_("vaksinator").begin()
    nothing = shelf.site.post(sheet, data=shelf.form(sheet))
    assert "Tulis jumlah vial pada paling sedikit satu baris; 0 bila kosong." in nothing.text
    word = shelf.site.post(sheet, data={**shelf.form(sheet), shelf.field(CV): "banyak"})
    assert f'id="salah-{shelf.field(CV)}">Tulis bilangan bulat.' in word.text
    assert 'value="banyak"' in word.text
    unknown = shelf.site.post(sheet, data={**shelf.form(sheet), "lot-lain": "ZZZ9", "vial-lain": "2"})
    assert 'id="salah-lot-lain">Batch ZZZ9 tidak dikenal: cocokkan lotnya dengan label' in unknown.text
    less = shelf.site.post(sheet, data={**shelf.form(sheet), "lot-lain": "MR001"})
    assert 'id="salah-vial-lain">' in less.text
    found = shelf.count(sheet, 1, 1, **{"lot-lain": "MR001", "vial-lain": "2"})
    assert found.status_code == 303
    assert "MR001" in shelf.site.get(f"{sheet}/selisih").text


def test_who_may_only_look_counts_nothing_and_sees_no_button(shelf: Shelf) -> None:
    sheet = shelf.as_("vaksinator").begin()
    shelf.count(sheet, 1, 1)
    shelf.as_("auditor")
    assert "Mulai menghitung" not in shelf.site.get(PLACES).text
    shown = shelf.site.get(f"{sheet}/selisih").text
    assert "Catat hitungan" not in shown
    assert shelf.site.get(sheet).status_code == 403
    token = csrf_of(shown)
    assert shelf.site.post(sheet, data={"csrf": token}).status_code == 403
    assert shelf.site.post(f"{sheet}/catat", data={"csrf": token}).status_code == 403
    assert shelf.site.post(f"{sheet}/batal", data={"csrf": token, "alasan": "coba"}).status_code == 403
    assert shelf.site.get(f"/hitung/{uuid7()}/selisih").status_code == 404


def test_a_count_is_given_up_with_a_reason(shelf: Shelf) -> None:
    before, sheet = shelf.counts(), shelf.as_("vaksinator").begin()
    shelf.count(sheet, 1, 1)
    token = csrf_of(shelf.site.get(f"{sheet}/selisih").text)
    assert 'id="salah-alasan"' in shelf.site.post(f"{sheet}/batal", data={"csrf": token}).text
    assert shelf.site.post(f"{sheet}/batal", data={"csrf": token, "alasan": "salah rak"}).status_code == 303
    assert "Dibatalkan oleh Vaksinator" in shelf.site.get(f"{sheet}/selisih").text
    assert shelf.counts() == before


def test_a_sheet_has_a_paper(shelf: Shelf) -> None:
    sheet = shelf.as_("vaksinator").begin()
    paper = shelf.site.get(f"{sheet}/kertas").text
    assert "CV101" in paper
    assert "Penghitung 2" in paper


@pytest.fixture
def asks(shelf: Shelf) -> Any:
    """Asks the API as one of the accounts."""
    tokens: dict[str, str] = {}

    def ask(username: str, method: str, path: str, **body: Any) -> Response:
        if username not in tokens:
            answer = shelf.site.post("/api/v1/tokens", json={"username": username, "password": PASSWORD})
            tokens[username] = answer.json()["access_token"]
        headers = {"Authorization": f"Bearer {tokens[username]}", "Accept": "application/json"}
        address = f"/api/v1/stock/count-sheets{path}"
        if method == "POST":
            return shelf.site.post(address, headers=headers, json=body)
        return shelf.site.get(address, headers=headers)

    return ask


def test_a_count_over_http(shelf: Shelf, asks: Any) -> None:
    begun = {"id": str(uuid7()), "facility": "pkm-cipondoh", "place": K2}
    sheet = asks("vaksinator", "POST", "", **begun)
    assert (sheet.status_code, sheet.json()["blind"]) == (201, True)
    assert asks("vaksinator", "POST", "", **begun).json()["id"] == begun["id"]
    joined = asks("kepala", "POST", "", **{**begun, "id": str(uuid7())})
    assert (joined.status_code, joined.json()["id"]) == (200, begun["id"])
    one = f"/{begun['id']}"
    now = shelf.services.clock().isoformat()
    tally = {
        "id": str(uuid7()),
        "counted_at": now,
        "lines": [{"batch": "CV101", "vials": shelf.vials(CV)}, {"batch": "AZ101", "vials": shelf.vials(AZ) - 1}],
    }
    assert asks("vaksinator", "POST", f"{one}/tallies", **tally).status_code == 201
    assert asks("vaksinator", "POST", f"{one}/tallies", **tally).status_code in (200, 201)
    blind = {line["lot"]: line for line in asks("kepala", "GET", one).json()["lines"]}
    assert (blind["AZ101"]["difference"], blind["AZ101"]["found"][0]["expected"]) == (None, None)
    unsaid = asks("kepala", "POST", f"{one}/post")
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "stock.count_needs_reason")
    reasons = [{"batch_id": blind["AZ101"]["batch_id"], "reason": "pecah"}]
    done = asks("kepala", "POST", f"{one}/post", reasons=reasons)
    assert (done.status_code, done.json()["state"], done.json()["closed_by"]) == (200, "posted", "Kepala")
    told = {line["lot"]: line["difference"] for line in done.json()["lines"]}
    assert told == {"AZ101": -1, "CV101": 0}
    again = asks("vaksinator", "POST", f"{one}/post", reasons=reasons)
    assert (again.status_code, again.json()["closed_by"]) == (200, "Kepala")
    with transaction(shelf.services.engine) as db:
        assert db.get_one(StockEvent, UUID(str(tally["id"]))).kind is Kind.COUNT
    closed = asks("vaksinator", "POST", f"{one}/tallies", **{**tally, "id": str(uuid7())})
    assert (closed.status_code, closed.json()["code"]) == (409, "stock.sheet_closed")
    listed = asks("kepala", "GET", "?facility=pkm-cipondoh&state=posted").json()["items"]
    assert [each["id"] for each in listed] == [begun["id"]]
    assert asks("kepala", "POST", f"{one}/cancel", reason="tidak jadi").status_code == 409
    assert asks("auditor", "POST", "", **{**begun, "id": str(uuid7())}).status_code == 403
    assert asks("kepala", "GET", f"/{uuid7()}").status_code == 404
