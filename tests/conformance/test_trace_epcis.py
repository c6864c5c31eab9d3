"""Our EPCIS documents against GS1's own JSON schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest

from tracker.stock.rules.words import Kind, Status
from tracker.trace.rules.epcis import Goods, LedgerEvent, object_event, query_document

SCHEMA = Path(__file__).resolve().parents[3] / "shared" / "data" / "epcis" / "gs1" / "EPCIS-JSON-Schema.json"
NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not SCHEMA.is_file(), reason=f"GS1's EPCIS schema is not at {SCHEMA}")


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))


def ledger_event(kind: Kind, **more: Any) -> LedgerEvent:
    values: dict[str, Any] = {
        "id": UUID(int=1),
        "kind": kind,
        "facility": "pkm-cipondoh",
        "place": "pkm-cipondoh-k1",
        "occurred_at": NOW,
        "recorded_at": NOW,
        "utc_offset": timedelta(hours=7),
        "goods": [
            Goods(gtin="08990000000016", nie=None, lot="AZ/003", vials=3),
            Goods(gtin=None, nie="DKL1234567890A1", lot="X-1", vials=2),
        ],
    }
    return LedgerEvent(**values | more)


EVERY = [
    # A reversal and a lot correction are told as the events they are about.
    *(ledger_event(kind) for kind in Kind if kind not in {Kind.REVERSAL, Kind.RELABEL}),
    *(ledger_event(Kind.STATUS, status=status) for status in Status),
    ledger_event(Kind.DISPATCH, shipment=UUID(int=9), place=None),
    ledger_event(Kind.WASTE, reversed_as=UUID(int=5)),
]


@pytest.mark.parametrize("event", EVERY, ids=lambda event: f"{event.kind}-{event.status or event.reversed_as or ''}")
def test_every_kind_of_ledger_event_is_a_valid_epcis_event(validator: Any, event: LedgerEvent) -> None:
    errors = list(validator.iter_errors(query_document([object_event(event)], now=NOW)))
    assert not errors, errors[0]


def test_an_empty_answer_is_valid_too(validator: Any) -> None:
    assert validator.is_valid(query_document([], now=NOW))


def test_the_schema_would_notice_a_word_it_does_not_know(validator: Any) -> None:
    event = object_event(ledger_event(Kind.WASTE)) | {"bizStep": "throwing_away"}
    assert not validator.is_valid(query_document([event], now=NOW))
