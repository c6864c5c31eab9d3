"""Whoever is told, is told: by a medium that reaches them, or they stand on the list of those to be called."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from dashboard.quota.displaced import count_displaced, displaced_people
from rantai.outgoing import phone_book
from tests.support.quota import OFFICE, Desk
from tests.support.seeded import SECRET
from tests.support.world import World
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.delivery.messages import deliver_due
from tracker.delivery.models import MessageState, OutMessage
from tracker.delivery.senders import ByMedium, RecordingSender
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import WithoutNik
from tracker.quota.rules.words import Medium
from tracker.quota.service.displacing import displace
from tracker.quota.service.offering import make_offer
from tracker.settings import load_settings


def displaced_person(
    engine: Engine, world: World, medium: Medium, phone: str | None, *, guardian: bool = False
) -> None:
    """Somebody who booked through this medium, gave way and was offered a place next door."""
    with transaction(engine) as db:
        desk = Desk(db, world, world.now)
        desk.stock("az-10/AZ002", 1)
        desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
        person = desk.person(phone=phone)
        if guardian:
            born = desk.today.replace(year=2000)
            person = desk.person(
                nik=None, without_nik=WithoutNik.FOREIGNER, birth_date=born, sex=Sex.MALE, guardian_id=person
            )
        lost = desk.book(desk.session(), person, medium=medium)
        desk.session(facility=world.neighbour)
        desk.lose("az-10/AZ002", 1)
        displace(db, world.puskesmas.id, world.presentations["az-10"].id, now=world.now)
        assert make_offer(db, lost.id, now=world.now) is not None


def send(engine: Engine, world: World, sender: ByMedium) -> None:
    def link_of(booking: str) -> str:
        return OFFICE.link(OFFICE.sealed(UUID(booking)))

    deliver_due(
        engine,
        sender,
        phone_book(engine, load_settings(database_url=str(engine.url), secret_key=SECRET)),
        link_of=link_of,
        now=world.now,
    )


def untold(engine: Engine, world: World) -> list[str | None]:
    with transaction(engine) as db:
        manager = world.who(Role.MANAGER)
        shown = displaced_people(db, manager, show="untold", most=10).rows
        assert count_displaced(db, manager)["untold"] == len(shown)
        return [row.phone for row in shown]


@pytest.mark.parametrize("medium", list(Medium))
def test_who_has_a_phone_is_told_by_it_however_they_booked(
    engine: Engine, committed_world: World, medium: Medium
) -> None:
    displaced_person(engine, committed_world, medium, "0812-3456-789")
    assert untold(engine, committed_world) == ["+628123456789"]
    sms = RecordingSender()
    send(engine, committed_world, ByMedium({"sms": sms}))
    (sent,) = sms.sent
    assert sent.address == "+628123456789"
    assert "Balas YA atau TIDAK sebelum 03-03-2026" in sent.text
    assert "WIB" in sent.text
    assert "https://rantai.example/daftar/tiket/" in sent.text
    assert "…" not in sent.text
    assert untold(engine, committed_world) == []


def test_who_has_no_phone_is_told_by_their_guardian_s(engine: Engine, committed_world: World) -> None:
    displaced_person(engine, committed_world, Medium.WEB, "0812-3456-789", guardian=True)
    sms = RecordingSender()
    send(engine, committed_world, ByMedium({"sms": sms}))
    assert [one.address for one in sms.sent] == ["+628123456789"]


@pytest.mark.parametrize(
    ("phone", "gateway", "call"),
    [
        (None, True, None),
        ("021-555 1234", True, "+62215551234"),
        ("0812-3456-789", False, "+628123456789"),
    ],
    ids=["no phone", "a landline", "no gateway"],
)
def test_whom_no_message_reaches_stands_on_the_list_and_no_message_says_sent(
    engine: Engine, committed_world: World, phone: str | None, gateway: bool, call: str | None
) -> None:
    displaced_person(engine, committed_world, Medium.APP, phone)
    send(engine, committed_world, ByMedium({"sms": RecordingSender()} if gateway else {}))
    assert untold(engine, committed_world) == [call]
    with transaction(engine) as db:
        assert db.scalars(select(OutMessage.state)).all() == [MessageState.UNDELIVERABLE]
