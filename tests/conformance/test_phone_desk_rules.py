"""The phone's rules of a desk beside the server's: tickets, seals, birth dates, how long a vial is good, who may have which dose."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tracker.handsets.sealed import public_point, unsealed
from tracker.people.errors import BadNik
from tracker.people.rules.nik import read_nik
from tracker.people.rules.sought import read_sought
from tracker.registration.rules.tickets import Ticket
from tracker.registration.service.tickets import TicketOffice
from tracker.sealing.keyring import Keyring
from tracker.stock.rules.vials import discard_by

SCRIPT = Path(__file__).resolve().parents[1] / "support" / "desk_rules.mjs"
SECRET = "a secret for tests only, at least 32 characters"
TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def phone(*asked: dict[str, Any]) -> list[Any]:
    node = Path(sys.executable).with_name("node")
    told = subprocess.run(
        [node, SCRIPT], input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=60
    )
    assert told.returncode == 0, told.stderr
    said: list[Any] = json.loads(told.stdout)
    return said


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "Asia/Jayapura"])
def test_an_opened_vial_is_good_as_long_on_both(zone: str) -> None:
    cases = [
        (hours, days, expiry)
        for hours, days in ((6, None), (None, 28), (None, None), (1, None))
        for expiry in (TODAY, TODAY + timedelta(days=1), date(2030, 1, 31))
    ]
    said = phone(
        *(
            {
                "rule": "until",
                "opened": NOW.timestamp() * 1000,
                "product": {"open_vial_hours": hours, "open_vial_days": days},
                "expiry": expiry.isoformat(),
                "zone": zone,
            }
            for hours, days, expiry in cases
        )
    )
    told = [discard_by(NOW, hours, days, expiry, zone).timestamp() * 1000 for hours, days, expiry in cases]
    assert said == told


def test_a_birth_date_is_read_from_a_number_as_the_server_reads_it() -> None:
    niks = ["3671014101900001", "3671010203900001", "3671017102240003", "3671013102900001", "3671010113900001", "36710"]
    niks += ["3671010203260009", "3671010303260009", "3671012902240001", "3671012902230001"]

    def server(nik: str) -> str:
        try:
            return read_nik(nik, TODAY).birth_date.isoformat()
        except BadNik:
            return ""

    said = phone(*({"rule": "born", "nik": nik, "today": TODAY.isoformat()} for nik in niks))
    assert said == [server(nik) for nik in niks]


def test_a_birth_date_among_what_was_typed_is_read_as_the_server_reads_it() -> None:
    typed = [
        "Siti 1990-07-01",
        "siti 1/7/1990",
        "01.07.1990 siti",
        "Siti",
        "aminah 4471",
        "siti 11990-07-01",
        "a 1990-7-1",
    ]
    said = phone(*({"rule": "sought", "text": text} for text in typed))
    born = [read_sought(text).born for text in typed]
    assert said == ["" if day is None else day.isoformat() for day in born]


def test_what_the_phone_seals_the_house_opens_and_nobody_else() -> None:
    told = {"nik": "3671014101900001", "name": "Siti “Ami” Aminah"}
    keyring = Keyring((SECRET,))
    (sealed,) = phone({"rule": "seal", "point": public_point(keyring), "told": told})
    assert unsealed(Keyring(("another secret of at least 32 letters", SECRET)), sealed) == told
    assert "3671" not in sealed


def test_a_ticket_is_proven_by_the_public_keys_alone() -> None:
    office, other = TicketOffice.from_secret(SECRET), TicketOffice.from_secret("another secret of at least 32 letters")
    ticket = Ticket(booking=UUID(int=7), facility="pkm-cipondoh", day=TODAY, dose=2)
    signed, forged = office.sign(ticket), other.sign(ticket)
    body = signed.split(".")[1]
    changed = signed.replace(body, forged.split(".")[1][:-2] + body[-2:])
    keys = [key["x"] for key in (*other.public_keys(), *office.public_keys())]
    mine = keys[1:]
    said = phone(
        {"rule": "ticket", "text": signed, "keys": keys},
        {"rule": "ticket", "text": forged, "keys": mine},
        {"rule": "ticket", "text": changed[:-6] + "AAAAAA", "keys": mine},
        {"rule": "ticket", "text": signed, "keys": []},
        {"rule": "ticket", "text": "Siti. Aminah. Budi", "keys": mine},
    )
    told = {"booking": str(ticket.booking), "facility": "pkm-cipondoh", "day": "2026-03-02", "dose": 2}
    assert said[0] == [True, told, "signed"]
    assert [one[2] for one in said[1:4]] == ["forged", "forged", "unchecked"]
    assert said[4][:2] == [False, None]


def desk(sought: str = "", *, vial: dict[str, Any] | None = None, lying: int = 0, **more: Any) -> dict[str, Any]:
    """A session of two people and one opened vial of ten with a dose left; the house has counted two steps."""
    opened = {
        "id": "v1",
        "batch": "b1",
        "place": "k1",
        "status": "usable",
        "remaining": 1,
        "doses_per_vial": 10,
        "opened_at": NOW.isoformat(),
        "discard_by": (NOW + timedelta(hours=6)).isoformat(),
    }
    batch = {"id": "b1", "lot": "AZ003", "product": "az-10", "expiry": "2090-12-31", "recalled": None}
    place = {"place": "k1", "batch": "b1", "status": more.pop("stands", "usable"), "vials": lying, "vvm_stage": None}
    guest = {"session": "s", "dose": 1, "screened": None, "given": None, "said": [], "born": "1990-01-01"}
    told = {
        "whole": True,
        "token": "t",
        "as_of": NOW.isoformat(),
        "places": [{"code": "k1", "name": "Kulkas 1", "in_service": True}],
        "batches": [batch | more.pop("batch_is", {})],
        "stock": [place],
        "open_vials": [opened | (vial or {})],
        "guests": [
            guest | {"id": "g1", "name": "Siti Aminah", "digits": "0001", "state": "confirmed"},
            guest | {"id": "g2", "name": "Budi Santoso", "digits": "0002", "state": "arrived"},
        ],
    }
    asked = {"rule": "desk", "told": told, "steps": [], "came": [], "sought": sought, "batch": "b1"}
    return {**asked, "now": NOW.timestamp() * 1000, "today": TODAY.isoformat(), **more}


def step(number: int, state: str, **shown: Any) -> dict[str, Any]:
    return {
        "id": f"step{number}",
        "number": number,
        "state": state,
        "effects": [],
        "shown": {"undoable": False, **shown},
    }


def test_no_label_gives_a_dose_that_must_not_be_given() -> None:
    drawn = [step(3, "waiting", vial="v1", guest={"id": "g1", "to": "vaccinated", "at": NOW.isoformat()})]
    said = phone(
        desk(),
        desk(steps=drawn),
        desk(steps=[drawn[0] | {"state": "conflict", "number": 2}]),
        desk(steps=[drawn[0] | {"state": "done", "number": 2}]),
        desk(steps=drawn, lying=2),
        desk(vial={"discard_by": NOW.isoformat()}),
        desk(vial={"status": "held"}),
        desk(batch_is={"recalled": "uji"}, lying=2, stands="recalled", vial={"status": "recalled"}),
        desk(batch_is={"recalled": "elsewhere"}, steps=drawn, lying=2),
        desk(batch_is={"expiry": "2026-03-01"}),
        desk(batch_is={"product": "mr-10"}),
    )
    assert [one["label"] for one in said] == [
        ["open"], ["vial_empty"], ["vial_empty"], ["open"], ["lying"], ["vial_over"], ["held"], ["recalled"], ["lying"], ["expired"],
        ["other_product"],
    ]  # fmt: skip


def test_who_is_sought_is_found_by_name_and_digits_and_stands_where_this_phone_brought_them() -> None:
    given = {"id": "g1", "to": "vaccinated", "at": NOW.isoformat()}
    came = [{"id": "step4", "name": "Tanpa Janji", "born": "1990-01-01", "digits": "0009", "dose": 1}]
    walked = step(4, "waiting", guest={"id": "", "to": "arrived", "at": NOW.isoformat()})
    said = phone(
        desk("amin SITI"),
        desk("0002"),
        desk("3671014101900001"),
        desk("an"),
        desk("siti", steps=[step(3, "waiting", guest=given)]),
        desk("siti", steps=[step(1, "conflict", guest=given)]),
        desk("siti", steps=[step(3, "conflict", guest={**given, "to": "arrived"})]),
        desk("siti", steps=[step(3, "dropped", guest=given)]),
        desk("janji", steps=[walked], came=came),
        desk("janji", steps=[walked | {"state": "done", "number": 2}], came=came),
        desk("budi 0001"),
        desk("siti 1/1/1990"),
        desk("1990-01-01"),
        desk("siti 31-12-1990"),
    )
    assert [one["found"] for one in said] == [
        [["Siti Aminah", "confirmed"]],
        [["Budi Santoso", "arrived"]],
        [["Siti Aminah", "confirmed"]],
        [["Budi Santoso", "arrived"]],
        [["Siti Aminah", "vaccinated"]],
        [["Siti Aminah", "vaccinated"]],
        [["Siti Aminah", "confirmed"]],
        [["Siti Aminah", "confirmed"]],
        [["Tanpa Janji", "arrived"]],
        [],
        [],
        [["Siti Aminah", "confirmed"]],
        [["Budi Santoso", "arrived"], ["Siti Aminah", "confirmed"]],
        [],
    ]


def test_those_who_wait_stand_in_the_order_of_their_numbers_and_who_has_none_yet_as_they_came() -> None:
    asked = desk(rule="queue")
    (siti, budi) = asked["told"]["guests"]
    asked["told"]["guests"] = [
        siti | {"number": None},
        budi | {"number": 10},
        budi | {"id": "g3", "name": "Yani", "number": 9, "state": "fit"},
        siti | {"id": "g4", "name": "Agus", "number": None},
    ]
    came = [("g1", NOW), ("g4", NOW + timedelta(minutes=1))]
    asked["steps"] = [
        step(number, "waiting", guest={"id": who, "to": "arrived", "at": at.isoformat()})
        for number, (who, at) in enumerate(came, 3)
    ]
    (said,) = phone(asked)
    assert said == ["Yani", "Budi Santoso", "Siti Aminah", "Agus"]
