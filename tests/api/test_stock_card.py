"""The stock card over HTTP and on its page: every movement with what was left, and the way back from each."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from dashboard.frame.workbook import xlsx_answer
from tests.browser.page_world import PageWorld
from tests.support.page_site import HTML, app_services, csrf_of, log_in, made, site, world
from tests.support.world import PASSWORD
from tracker.edge.services import Services
from tracker.kit.ids import uuid7

__all__ = ["app_services", "made", "site", "world"]

CARD = "/stok/pkm-cipondoh"
K1, K2 = "pkm-cipondoh-k1", "pkm-cipondoh-k2"


class Store:
    """The head of the puskesmas, who tells what happened over HTTP and reads it on pages."""

    def __init__(self, site: TestClient, services: Services) -> None:
        self.site, self.now = site, services.clock()
        log_in(site, "kepala")
        token = site.post("/api/v1/tokens", json={"username": "kepala", "password": PASSWORD}).json()
        self.headers = {"Authorization": f"Bearer {token.get('access_token')}", "Accept": "application/json"}

    def tell(self, kind: str, vials: int, *, hours_ago: float = 0, **more: Any) -> str:
        event_id = str(uuid7())
        body = {
            "id": event_id,
            "kind": kind,
            "facility": "pkm-cipondoh",
            "occurred_at": (self.now - timedelta(hours=hours_ago)).isoformat(),
            "lines": [{"batch": "mr-10/MR001", "place": K1, "vials": vials, **more}],
        }
        answer = self.site.post("/api/v1/stock/events", json=body, headers=self.headers)
        assert answer.status_code == 201, answer.text
        return event_id

    def card(self, **query: Any) -> dict[str, Any]:
        query = {"facility": "pkm-cipondoh", "batch": "mr-10/MR001", **query}
        answer = self.site.get("/api/v1/stock/events", params=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def store(site: TestClient, app_services: Services, world: PageWorld) -> Store:
    return Store(site, app_services)


def test_each_line_says_what_was_left_in_the_order_of_what_happened(store: Store) -> None:
    before = store.card()["items"]
    had = before[0]["lot_balance"] if before else 0
    store.tell("supply", 20, hours_ago=9)
    store.tell("count", had + 17, hours_ago=3)
    store.tell("waste", 2, hours_ago=6, reason="broken")  # told after the count, happened before: the count stands
    store.tell("transfer", 5, hours_ago=1, to_place=K2)
    lines = store.card()["items"][:6]
    told = [(line["kind"], line["change"], line["moved"], line["counted"], line["lot_balance"] - had) for line in lines]
    assert told[0] == ("transfer", 0, 5, None, 17)
    assert ("waste", -2, 2, None, 18) in told
    assert told[-1] == ("supply", 20, 20, None, 20) or ("supply", 20, 20, None, 20) in told
    assert lines[0]["from_places"] == [K1]
    assert lines[0]["to_places"] == [K2]
    paged, cursor = [], None
    while True:
        page = store.card(limit=2, **({"cursor": cursor} if cursor else {}))
        paged += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert paged == store.card(limit=500)["items"]
    then = (store.now - timedelta(hours=8)).isoformat()
    assert store.card(to=then)["items"][0]["lot_balance"] == had + 20
    assert store.card(**{"from": then})["items"][-1]["lot_balance"] != had + 20 or len(lines) > 1


def test_the_page_shows_the_card_and_a_movement_is_taken_back_once_with_its_reason(store: Store) -> None:
    event_id = store.tell("waste", 1, reason="broken") if store.card()["items"] else ""
    if not event_id:
        store.tell("supply", 4, hours_ago=2)
        event_id = store.tell("waste", 1, reason="broken")
    shown = store.site.get(f"{CARD}?produk=mr-10")
    assert shown.status_code == 200
    assert "Dibuang" in shown.text
    way = f"{CARD}/gerakan/{event_id}"
    assert way in shown.text
    form = {"csrf": csrf_of(store.site.get(way).text)}
    assert "Tulis alasannya" in store.site.post(f"{way}/batalkan", data=form).text
    assert store.site.post(f"{way}/batalkan", data={**form, "alasan": "salah hitung"}).status_code == 303
    after = store.site.get(way).text
    assert "Gerakan ini dibatalkan" in after
    assert "salah hitung" in store.card()["items"][0]["reason"]
    again = store.site.post(f"{way}/batalkan", data={**form, "alasan": "salah hitung"})
    assert again.status_code == 422
    assert store.card()["items"][0]["lot_balance"] == store.card()["items"][1]["lot_balance"] + 1


def test_who_may_only_look_sees_no_button_and_is_refused(store: Store) -> None:
    store.tell("supply", 4, hours_ago=2)
    event_id = store.tell("waste", 1, reason="broken")
    looker = log_in(TestClient(store.site.app, headers=HTML, follow_redirects=False), "auditor")
    shown = looker.get(f"{CARD}/gerakan/{event_id}").text
    assert "Batalkan gerakan ini" not in shown
    answer = looker.post(
        f"{CARD}/gerakan/{event_id}/batalkan", data={"csrf": csrf_of(looker.get("/").text), "alasan": "iseng"}
    )
    assert answer.status_code == 403
    assert looker.get("/stok/pkm-tidak-ada").status_code == 404


def test_the_file_is_the_card_in_the_order_of_paper_and_bad_days_are_said(store: Store) -> None:
    store.tell("supply", 4, hours_ago=2)
    rows = list(csv.reader(io.StringIO(store.site.get(f"{CARD}.csv?lot=mr-10/MR001").content.decode("utf-8-sig"))))
    lines = store.card(limit=500)["items"][::-1]
    assert [row[9] for row in rows[1:]] == [str(line["lot_balance"]) for line in lines]
    wrong = store.site.get(f"{CARD}?dari=2026-02-30")
    assert (wrong.status_code, "Tanggal itu tidak ada" in wrong.text) == (422, True)
    assert store.site.get(f"{CARD}?sebelum=abc").status_code == 422
    assert store.site.get(f"{CARD}?produk=tidak-ada").status_code == 404


def test_what_somebody_typed_is_no_formula_in_a_workbook() -> None:
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    answer = xlsx_answer("coba", at, "Kartu [stok]", ["a"], [["=2+2"], [12], [at], [None]])
    with zipfile.ZipFile(io.BytesIO(bytes(answer.body))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        words = book.read("xl/sharedStrings.xml").decode()
        tab = book.read("xl/workbook.xml").decode()
    assert "<f>" not in sheet
    assert "<t>=2+2</t>" in words
    assert "<v>46083.5</v>" in sheet, "a time is a time"
    assert 'name="Kartu stok"' in tab


def test_the_card_comes_as_a_workbook(store: Store) -> None:
    store.tell("supply", 12, hours_ago=3)
    answer = store.site.get(f"{CARD}.xlsx", params={"lot": "MR001"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    assert re.search(r'filename="rantai-kartu-stok-pkm-cipondoh-[0-9-]+\.xlsx"', answer.headers["content-disposition"])
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        words = book.read("xl/sharedStrings.xml").decode()
    assert "<v>12</v>" in sheet, "a number is a number"
    assert "MR001" in words
    wrong = store.site.get(f"{CARD}.xlsx", params={"dari": "kemarin"})
    assert (wrong.status_code, "Tanggal itu tidak ada." in wrong.text) == (422, True)
    assert store.site.get("/stok/pkm-neglasari.xlsx").status_code == 404


def test_the_card_on_paper_has_the_oldest_line_first(store: Store) -> None:
    store.tell("supply", 12, hours_ago=3)
    store.tell("waste", 2, hours_ago=1, reason="broken")
    paper = store.site.get(f"{CARD}/cetak", params={"lot": "MR001"}).text
    assert paper.index("Pasokan") < paper.index("Dibuang")
    assert "Mengetahui" in paper
    assert store.site.get(f"{CARD}/cetak", params={"dari": "kemarin"}).status_code == 422
