"""What nobody needs any more goes from every table; what was given, found and owed stays."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from rantai.cli import main
from tests.db.test_front_door_commands import commands, forget_settings
from tests.support.quota import OFFICE, VAULT, Desk, fresh_nik
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.adverse.commands import TellAdverse, Told
from tracker.adverse.rules.words import Outcome
from tracker.adverse.service import tell_adverse
from tracker.database.engine import transaction
from tracker.database.forgotten import last_forgotten, last_run
from tracker.delivery.models import OutMessage
from tracker.delivery.service import queue_message
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.people.correcting import ChangePerson, CorrectNik, change_person, correct_nik
from tracker.people.models import Person
from tracker.people.queries import person_by_nik
from tracker.people.service import NewPerson, find_persons, read_person, register_person
from tracker.quota.rules.words import BookingState, Medium
from tracker.quota.service.commands import TakeBack, Vaccinate
from tracker.quota.service.correcting import take_back
from tracker.quota.service.displacing import displace
from tracker.quota.service.vaccinating import vaccinate
from tracker.registration.models import HealthAnswer
from tracker.registration.service.commands import Message
from tracker.registration.service.talking import answer
from tracker.retention import Rule, let_go_next, rules_of, standings
from tracker.settings import RetentionSettings

__all__ = ["commands", "forget_settings"]

NAME, PHONE = "Sekarwangi Puspadewi", "+6281299887766"
RULES = rules_of(RetentionSettings())
LATER = timedelta(days=3 * 365)


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


def let_go(db: Session, now: datetime) -> dict[str, int]:
    """All rules, each to its end; how much of what went."""
    for rule in RULES:
        while let_go_next(db, rule, due_since=now, now=now):
            pass
    ended = {rule.what: last_run(db, rule.what) for rule in RULES}
    return {what: run.how_many for what, run in ended.items() if run is not None and run.at == now}


def rule(what: str) -> Rule:
    return next(each for each in RULES if each.what == what)


def due(db: Session, what: str, now: datetime) -> int | None:
    return standings(db, [rule(what)], now=now)[0].due


def tables_that_hold(db: Session, *secrets: str) -> set[str]:
    """Every table of the database with one of these in a row, as text or as bytes."""
    db.flush()
    tables = db.scalars(text("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"))
    told = {name: " ".join(db.scalars(text(f"SELECT t::text FROM {name} AS t"))) for name in tables}
    wanted = [form for secret in secrets for form in (secret, secret.encode().hex())]
    return {name for name, rows in told.items() if any(form in rows for form in wanted)}


def test_of_who_never_came_nothing_is_left_in_any_table(desk: Desk, db: Session) -> None:
    wrong, nik = fresh_nik(), fresh_nik()
    desk.stock("az-10/AZ003", 1)
    session = desk.session()
    person = register_person(
        db, SYSTEM, NewPerson(id=uuid7(), nik=wrong, name=NAME, phone=PHONE, residence="3671011001"), vault=VAULT, now=desk.now
    ).person  # fmt: skip
    correct_nik(
        db, SYSTEM, CorrectNik(person_id=person.id, nik=nik, reason=f"salah tulis {NAME}"), vault=VAULT, now=desk.now
    )
    change_person(db, SYSTEM, ChangePerson(person_id=person.id, changes={"name": f"{NAME} Baru"}), now=desk.now)
    desk.move(desk.confirmed(session, person.id), BookingState.CANCELLED)
    read_person(db, SYSTEM, person.id, now=desk.now)
    db.add(HealthAnswer(id=uuid7(), person_id=person.id, question="fever", answer=True, at=desk.now))
    said = Message(conversation_id=uuid7(), message_id="1", medium=Medium.WHATSAPP, text=f"VAKSIN {NAME}", sender=PHONE)
    answer(db, SYSTEM, said, vault=VAULT, office=OFFICE, now=desk.now)
    ciphers = [cipher.hex() for cipher in (person.nik_hash, person.nik_cipher, person.content) if cipher is not None]
    replaced = db.scalars(text("SELECT nik_cipher FROM person_record WHERE nik_cipher IS NOT NULL")).all()
    ciphers += [bytes(cipher).hex() for cipher in replaced]
    assert {"person", "person_record"} <= tables_that_hold(db, NAME, PHONE, *ciphers)
    assert len(replaced) == 1
    assert let_go(db, desk.now + timedelta(days=700))["persons"] == 0
    db.expire_all()
    assert let_go(db, desk.now + LATER)["persons"] == 1
    db.expire_all()
    assert tables_that_hold(db, NAME, PHONE, nik, wrong, *ciphers) == set()
    assert db.execute(text("SELECT count(*) FROM health_answer")).scalar_one() == 0
    assert person_by_nik(db, nik, vault=VAULT, now=desk.now) is None
    # The booking is still counted, and the number may come again.
    assert db.execute(text("SELECT count(*) FROM booking")).scalar_one() == 1
    assert register_person(db, SYSTEM, NewPerson(id=uuid7(), nik=nik, name="Budi"), vault=VAULT, now=desk.now).fresh


def test_whoever_had_a_dose_was_screened_waits_is_owed_one_or_answers_for_somebody_stays(
    desk: Desk, db: Session
) -> None:
    desk.stock("az-10/AZ003", 3)
    session = desk.session(ahead=0)
    given = desk.vaccinate(desk.move(desk.move(desk.confirmed(session), BookingState.ARRIVED), BookingState.FIT))
    deferred = desk.move(desk.move(desk.confirmed(session), BookingState.ARRIVED), BookingState.DEFERRED)
    tomorrow = desk.session(ahead=1)
    waiting = [desk.confirmed(tomorrow) for _ in range(9)]
    desk.lose("az-10/AZ003", 2)
    displace(db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
    assert BookingState.DISPLACED in desk.states(waiting)
    guardian = desk.person()
    nik = fresh_nik()
    ward = desk.person(nik=nik, guardian_id=guardian)
    kept = {given.person_id, deferred.person_id, *(one.person_id for one in waiting), guardian}
    let_go(db, desk.now + LATER)
    db.expire_all()
    forgotten = {row.id for row in db.query(Person).filter(Person.forgotten_at.is_not(None))}
    assert forgotten == {ward}
    assert not kept & forgotten
    # Then nobody is left for whom the guardian answers.
    let_go(db, desk.now + LATER + timedelta(days=1))
    db.expire_all()
    assert db.get_one(Person, guardian).forgotten_at is not None


def test_whoever_had_something_after_a_dose_stays_also_when_the_dose_was_taken_back(desk: Desk, db: Session) -> None:
    desk.stock("az-10/AZ003", 1)
    booking = desk.move(desk.confirmed(desk.session(ahead=0), dose=2), BookingState.ARRIVED)
    # From paper, without a screening; and the last dose makes no claim.
    vaccinate(db, SYSTEM, Vaccinate(booking_id=booking.id, override="kartu vaksin dari tempat lain"), now=desk.now)
    told = Told(onset_at=desk.now, symptoms=("fever",), words=None, serious=False, outcome=Outcome.RECOVERING)
    tell_adverse(db, SYSTEM, TellAdverse(id=uuid7(), booking_id=booking.id, told=told), now=desk.now)
    undo = TakeBack(booking_id=booking.id, state=BookingState.CANCELLED, reason="salah orang")
    take_back(db, SYSTEM, undo, now=desk.now)
    let_go(db, desk.now + LATER)
    db.expire_all()
    assert db.get_one(Person, booking.person_id).forgotten_at is None


def test_what_is_under_way_or_was_said_lately_stays(desk: Desk, db: Session) -> None:
    person = desk.person()

    def message() -> UUID:
        return queue_message(
            db, medium="sms", recipient_ref=str(person), template="ticket_code", params={}, unit_id=desk.world.puskesmas.id,
            now=desk.now,
        )  # fmt: skip

    pending, sent = message(), message()
    db.execute(text("UPDATE out_message SET state = 'sent', sent_at = now() WHERE id = :id"), {"id": sent})
    now = utc_now()
    assert due(db, "messages", now + timedelta(days=179)) == 0
    assert due(db, "messages", now + timedelta(days=181)) == 1
    let_go(db, now + timedelta(days=181))
    assert [row.id for row in db.query(OutMessage)] == [pending]


def test_looking_somebody_up_is_forgotten_after_years_and_what_was_changed_is_not(desk: Desk, db: Session) -> None:
    nik = fresh_nik()
    desk.stock("az-10/AZ003", 1)
    person = desk.person(nik=nik)
    desk.vaccinate(
        desk.move(desk.move(desk.confirmed(desk.session(ahead=0), person), BookingState.ARRIVED), BookingState.FIT)
    )
    find_persons(db, SYSTEM, nik, vault=VAULT, now=desk.now)
    read_person(db, SYSTEM, person, now=desk.now)
    change_person(db, SYSTEM, ChangePerson(person_id=person, changes={"phone": PHONE}), now=desk.now)
    let_go(db, utc_now() + timedelta(days=1800))
    acts = text("SELECT array_agg(act ORDER BY act) FROM person_record")
    assert db.execute(acts).scalar_one() == ["changed", "read", "searched"]
    let_go(db, utc_now() + timedelta(days=1830))
    assert db.execute(acts).scalar_one() == ["changed"]


def test_what_went_is_written_down_in_counts(desk: Desk, db: Session) -> None:
    for _ in range(5):
        desk.person()
    now = desk.now + LATER
    let_go(db, now)
    rows = [row for row in last_forgotten(db, most=10) if row.what == "persons"]
    assert [(row.how_many, row.at, row.before) for row in rows] == [(5, now, now - timedelta(days=730))]
    later = now + timedelta(days=1)
    assert let_go(db, later)["persons"] == 0
    run = last_run(db, "persons")
    assert run is not None
    assert (run.at, run.how_many, run.ended_at) == (later, 0, later)


def test_the_command_says_first_and_does_then(commands: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with transaction(commands) as db:
        old = utc_now() - LATER
        command = NewPerson(id=uuid7(), nik=fresh_nik(), name=NAME)
        register_person(db, SYSTEM, command, vault=VAULT, now=old)
    assert main(["retention", "run", "--dry-run"]) == 0
    assert "persons: 1 would go (kept 730 days" in capsys.readouterr().out
    with transaction(commands) as db:
        assert "person" in tables_that_hold(db, NAME)
    assert main(["retention", "run"]) == 0
    with transaction(commands) as db:
        assert tables_that_hold(db, NAME) == set()
    capsys.readouterr()
    assert main(["retention", "show"]) == 0
    told = capsys.readouterr().out
    assert "persons: 1, from before" in told
    assert re.search(
        r"^persons: kept 730 days; last run .* UTC, 1 went; due now: only a run can tell$", told, re.MULTILINE
    )
    assert re.search(r"^messages: kept 180 days; last run .* UTC, 0 went; due now: 0$", told, re.MULTILINE)
