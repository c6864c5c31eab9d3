"""What a wedge scanner types into a field for vials is a code: it never becomes an amount, and is not lost."""

from __future__ import annotations

from html import unescape

from sqlalchemy import func, select

from tests.support.page_site import app_services, made, site, world
from tests.support.road import Road, road
from tracker.database.engine import transaction
from tracker.stock.models import StockEvent

__all__ = ["app_services", "made", "road", "site", "world"]

EAN = "8991234567890"
A_CODE = f"Ini kode, bukan jumlah: {EAN}."


def said(road: Road, path: str, fields: dict[str, str], field: str) -> str:
    """What a form answers to a code in this field."""
    answer = road.send(path, fields, **{field: EAN})
    assert answer.status_code == 422, (path, answer.status_code)
    page = unescape(answer.text)
    assert A_CODE in page, path
    assert f'name="{field}" value="{EAN}"' not in " ".join(page.split()), "the field is free for the amount"
    return " ".join(page.split())


def events(road: Road) -> int:
    with transaction(road.services.engine) as db:
        return db.scalar(select(func.count()).select_from(StockEvent)) or 0


def test_a_code_in_a_field_for_vials_is_said_to_be_one_and_kept(road: Road) -> None:
    batch = road.pages.world.batches["coronavac-1/CV101"].id
    path = road.as_("kepala").order()
    before = events(road)

    said(road, "/pengiriman/minta", road.form("/pengiriman/minta"), "p-penta-5")
    job = "/stok/pkm-cipondoh/kerja/pindah"
    said(road, job, road.form(f"{job}?tempat=pkm-cipondoh-k2") | {"ke": "pkm-cipondoh-k1"}, f"v-usable-{batch}")
    begun = road.send("/stok/pkm-cipondoh/hitung", road.form("/stok/pkm-cipondoh/hitung"), tempat="pkm-cipondoh-k2")
    sheet = begun.headers["location"]
    counted = said(road, sheet, road.form(sheet), f"v--{batch}")
    assert f'id="lot-lain" name="lot-lain" value="{EAN}"' in counted, "it waits where codes belong"
    came = said(road, "/pengiriman/tiba", road.form("/pengiriman/tiba?untuk=pkm-cipondoh"), "vial-1")
    assert f'name="kode-1" value="{EAN}"' in came
    road.as_("kota")
    said(road, f"{path}/setujui", road.form(path, f"{path}/setujui"), "setuju-0")
    assert events(road) == before


def test_a_code_in_a_field_of_the_packing_is_a_scan(road: Road) -> None:
    path = road.as_("kepala").order()
    road.as_("kota").send(f"{path}/setujui", road.form(path, f"{path}/setujui"))
    fields = road.form(f"{path}/kemas")
    [line] = [name for name in fields if name.startswith("v/")]
    page = said(road, f"{path}/kemas/isi", fields, line)
    assert 'class="feel out"' in page, "and what it is, is answered"
    said(road, f"{path}/kemas", fields, line)


def test_a_code_in_a_field_of_a_receipt_waits_as_what_came_besides(road: Road) -> None:
    path = road.sent()
    fields = road.as_("kepala").form(f"{path}/terima") | {"tempat": "pkm-cipondoh-k1"}
    [line] = [name for name in fields if name.startswith("accepted-")]
    page = said(road, f"{path}/terima", fields, line)
    assert f'name="lot-lain" value="{EAN}"' in page
