"""The road of goods on the pages, as both ends of a shipment use it."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select

from tests.browser.page_world import PageWorld
from tests.support.page_site import csrf_of, log_in
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.shipments.models import PackedLine, Shipment, ShipmentReceipt
from tracker.trace.recalls import StartRecall, start_recall


class Road:
    """The site as the two ends of a shipment use it."""

    def __init__(self, site: TestClient, services: Services, world: PageWorld) -> None:
        self.site, self.services, self.pages = site, services, world

    def as_(self, username: str) -> Road:
        self.site.cookies.clear()
        log_in(self.site, username)
        return self

    def form(self, path: str, action: str = "") -> dict[str, str]:
        """What the form of a page would send as it is drawn; `action`: which one, where a page has several."""
        page = self.site.get(path)
        assert page.status_code == 200, page.text[:500]
        drawn = page.text.partition(f'action="{action}"')[2].partition("</form>")[0] if action else page.text
        fields = dict(re.findall(r'name="([^"]+)"\s+value="([^"]*)"', drawn))
        fields.pop("semua", None)
        fields.pop("habis", None)
        fields.pop("tambah", None)
        return {**fields, "csrf": csrf_of(page.text)}

    def send(self, path: str, fields: dict[str, str], **more: str) -> Response:
        return self.site.post(path, data={**fields, **more})

    def order(self) -> str:
        """A new order of the puskesmas, asked of its city; its address."""
        fields = self.form("/pengiriman/minta")
        answer = self.send("/pengiriman/minta", fields, dari="kota-tangerang", **{"p-penta-5": "7"})
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def sent(self) -> str:
        """An order that its city approved, packed and let leave; its address."""
        path = self.as_("kepala").order()
        self.as_("kota").send(f"{path}/setujui", self.form(path, f"{path}/setujui"))
        packing = self.form(f"{path}/kemas")
        self.send(f"{path}/kemas", packing)
        assert self.send(f"{path}/berangkat", {"csrf": packing["csrf"]}).status_code == 303
        return path

    def leaving(self, way: str, store: str, **said: str) -> Response:
        """Send from a store what nobody asked for; the fields of `said` are lines by LOT, PLACE and status."""
        fields = self.form(f"/pengiriman/kirim?cara={way}&dari={store}")
        return self.send("/pengiriman/kirim", fields, **said)

    def line(self, place: str, batch: str, status: str = "") -> str:
        """The field for vials of a batch in a place."""
        return f"v/{place}/{self.pages.world.batches[batch].id}" + (f"/{status}" if status else "")

    def recalled(self, batch: str) -> None:
        """Everybody's vials of this batch are called back."""
        with transaction(self.services.engine) as db:
            command = StartRecall(id=uuid7(), batch=batch, reason="partikel asing", recall_class=1)
            start_recall(db, SYSTEM, command, now=self.services.clock())

    def shipments(self) -> int:
        with transaction(self.services.engine) as db:
            return db.scalar(select(func.count()).select_from(Shipment)) or 0

    def packed(self, path: str) -> list[tuple[str, int]]:
        """What is in the boxes: status and vials of each line."""
        with transaction(self.services.engine) as db:
            found = select(PackedLine.status, PackedLine.vials).where(PackedLine.shipment_id == self.shipment(path).id)
            return [(row.status.value, row.vials) for row in db.execute(found.order_by(PackedLine.seq))]

    def shipment(self, path: str) -> Shipment:
        with transaction(self.services.engine) as db:
            found = db.scalars(select(Shipment).where(Shipment.code == path.rsplit("/", 1)[-1])).one()
            db.expunge(found)
            return found

    def receipts(self, shipment_id: UUID) -> int:
        with transaction(self.services.engine) as db:
            return db.scalar(select(func.count()).where(ShipmentReceipt.shipment_id == shipment_id)) or 0


@pytest.fixture
def road(site: TestClient, app_services: Services, world: PageWorld) -> Road:
    return Road(site, app_services, world)
