"""Every dose reaches P-Care once, over the wire, whatever is corrected meanwhile and however badly P-Care answers."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from simulators.outside.doses import TROUBLES, DoseRegister
from simulators.outside.pcare import FakePCare
from tests.support.counting import counted
from tests.support.pcare import Clock, PcareHouse, a_pcare, more_doses, pcare_settings
from tests.support.quota import VAULT, fresh_nik
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.feed.models import FeedEvent
from tracker.kit.errors import Forbidden
from tracker.pcare.client import PcareClient
from tracker.pcare.commands import HandOver, SetFacility
from tracker.pcare.errors import GoesByWire, NotToBeSent
from tracker.pcare.models import PcareDay, PcareLink, PcareRecord, PcareStranger
from tracker.pcare.rules.words import Reporting, State, Why
from tracker.pcare.service.changing import hand_over, send_again, set_facility
from tracker.pcare.service.comparing import compare_next, compare_now
from tracker.pcare.service.noting import LOOK_EVERY, look_again, look_for_doses, note_line
from tracker.pcare.service.sending import CLAIM, IN_VAIN
from tracker.people.correcting import ChangePerson, CorrectNik, change_person, correct_nik
from tracker.people.models import PersonRecord
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import WithoutNik
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import CorrectDose, MergePersons, TakeBack
from tracker.quota.service.correcting import correct_dose, take_back
from tracker.quota.service.merging import merge_persons


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[FakePCare, str, Clock]]:
    clock = Clock()
    with a_pcare(clock) as (fake, url):
        yield fake, url, clock


@pytest.fixture
def house(engine: Engine, committed_world: World, listening: tuple[FakePCare, str, Clock]) -> Iterator[PcareHouse]:
    fake, url, clock = listening
    fake.doses, clock.now = DoseRegister(slow_s=1.5), committed_world.now
    with httpx2.Client(timeout=1.0) as http:
        client = PcareClient(pcare_settings(url), http, clock)
        yield PcareHouse(engine, committed_world, fake, client, clock)


def test_a_dose_is_told_corrected_taken_back_and_told_again(house: PcareHouse) -> None:
    nik = fresh_nik()
    booking = house.given(nik=nik, name="Siti Rekaan")
    house.heard()
    assert house.states(booking) == [State.WAITING]
    assert house.send_all() == 1
    (record,) = house.records(booking)
    assert (record.state, record.number in house.register.records) == (State.ACCEPTED, True)
    told = house.register.records[record.number or ""]
    assert (told["nik"], told["nama"], told["dosisKe"], told["noBatch"], told["kdProvider"]) == (
        nik, "Siti Rekaan", 1, "AZ001", house.world.puskesmas.code,
    )  # fmt: skip

    house.later(hours=2)
    with transaction(house.engine) as db:
        earlier = house.world.now.replace(second=7)
        correct_dose(
            db, SYSTEM, CorrectDose(booking_id=booking, occurred_at=earlier, reason="salah jam"), now=house.clock()
        )
    house.heard()
    house.heard()  # the same news twice says nothing new
    assert house.states(booking) == [State.ACCEPTED, State.WAITING]
    house.send_all()
    assert house.states(booking) == [State.CORRECTED, State.ACCEPTED]
    assert list(house.register.records) == [record.number]

    with transaction(house.engine) as db:
        take_back(
            db,
            SYSTEM,
            TakeBack(booking_id=booking, state=BookingState.CONFIRMED, reason="keliru orang"),
            now=house.clock(),
        )
    house.heard()
    house.send_all()
    assert house.states(booking) == [State.CORRECTED, State.CORRECTED, State.DELETED]
    assert house.register.records == {}

    with house.desk() as desk:
        again = desk.db.get_one(Booking, booking)
        for state in (BookingState.ARRIVED, BookingState.FIT):
            again = desk.move(again, state)
        desk.vaccinate(again)
    house.heard()
    house.send_all()
    assert house.states(booking)[-1] is State.ACCEPTED
    assert len(house.register.records) == 1


def test_what_was_taken_back_before_it_left_is_never_told(house: PcareHouse) -> None:
    booking = house.given()
    house.heard()
    with transaction(house.engine) as db:
        take_back(
            db,
            SYSTEM,
            TakeBack(booking_id=booking, state=BookingState.CONFIRMED, reason="keliru orang"),
            now=house.clock(),
        )
    house.heard()
    house.send_all()
    assert house.states(booking) == [State.DELETED]
    assert not house.register.added


def test_who_has_no_number_waits_with_that_reason_until_it_is_linked(house: PcareHouse) -> None:
    birth = house.world.now.date().replace(year=1990)
    booking = house.given(nik=None, without_nik=WithoutNik.UNKNOWN, birth_date=birth, sex=Sex.FEMALE)
    house.heard()
    house.send_all()
    (record,) = house.records(booking)
    assert (record.state, record.why, record.next_at) == (State.WAITING, Why.NO_NIK, None)
    nik = fresh_nik()
    with transaction(house.engine) as db:
        person = db.get_one(Booking, booking).person_id
        correct_nik(
            db, SYSTEM, CorrectNik(person_id=person, nik=nik, reason="KTP dibawa"), vault=VAULT, now=house.clock()
        )
    house.heard()
    house.send_all()
    assert house.states(booking) == [State.ACCEPTED]
    assert [told["nik"] for told in house.register.records.values()] == [nik]


def test_a_number_that_a_stranger_typed_and_another_has_proven_is_not_told(house: PcareHouse) -> None:
    nik = fresh_nik()
    with house.desk() as desk:
        desk.person(nik=nik)
    booking = house.given(nik=nik, claimed=True)
    house.heard()
    house.send_all()
    assert house.records(booking)[0].why is Why.NO_NIK
    assert not house.register.added


def test_merged_persons_doses_are_told_as_the_one_persons(house: PcareHouse) -> None:
    nik = fresh_nik()
    with house.desk() as desk:
        keep = desk.person(nik=nik, name="Nama Benar")
    birth = house.world.now.date().replace(year=1990)
    booking = house.given(nik=None, without_nik=WithoutNik.UNKNOWN, birth_date=birth, sex=Sex.MALE, name="Nama Lain")
    house.heard()
    house.send_all()
    with transaction(house.engine) as db:
        gone = db.get_one(Booking, booking).person_id
        merge = MergePersons(person_id=keep, duplicate_id=gone, reason="orang yang sama")
        merge_persons(db, SYSTEM, merge, vault=VAULT, now=house.clock())
    house.heard()
    house.send_all()
    assert [(told["nik"], told["nama"]) for told in house.register.records.values()] == [(nik, "Nama Benar")]
    assert house.states(booking)[-1] is State.ACCEPTED
    with transaction(house.engine) as db:
        change_person(db, SYSTEM, ChangePerson(person_id=keep, changes={"name": "Nama Baru"}), now=house.clock())
    house.heard()
    house.send_all()
    assert [told["nama"] for told in house.register.records.values()] == ["Nama Baru"]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_whatever_goes_wrong_with_an_answer_the_dose_is_there(house: PcareHouse, trouble: str) -> None:
    """Slow beyond our patience, HTML, an error inside 200, an answer lost, one under another key: never twice of our doing."""
    booking = house.given()
    house.heard()
    house.register.troubles.append(trouble)
    house.send_all()
    if trouble != "twice":
        assert house.states(booking) == [State.SENT]
        house.send_all()
        assert house.states(booking) == [State.SENT], "nobody asks again before the first request can be through"
        house.later(seconds=CLAIM.total_seconds())
        house.send_all()
    (record,) = house.records(booking)
    assert (record.state, record.why) == (State.ACCEPTED, None)
    assert house.register.added[str(record.id)] == (2 if trouble == "twice" else 1)


def test_what_p_care_refuses_is_kept_with_its_words_and_nobodys_number(house: PcareHouse) -> None:
    nik = fresh_nik()
    house.register.refuses = lambda told: f"NIK {told['nik']} an. {told['nama'].upper()} tidak terdaftar"
    booking = house.given(nik=nik, name="Siti Rekaan")
    house.heard()
    house.send_all()
    (record,) = house.records(booking)
    assert (record.state, record.why) == (State.REFUSED, Why.REFUSED)
    assert record.words == "code 412: NIK … an. … tidak terdaftar"
    house.later(days=2)
    assert house.send_all() == 0, "what is refused is not tried again by itself"
    with transaction(house.engine) as db:
        number_of = db.scalars(select(FeedEvent.kind).where(FeedEvent.kind == "pcare.refused")).all()
        assert db.scalar(select(PcareRecord.words)) == record.words
    assert number_of == []  # not numbered yet: told in the same transaction, numbered by the worker
    house.heard()
    with transaction(house.engine) as db:
        assert db.scalar(select(FeedEvent.subject).where(FeedEvent.kind == "pcare.refused")) == str(record.id)


def test_days_of_outage_are_waited_for_by_a_few_and_then_all_goes_at_once(house: PcareHouse) -> None:
    first = house.given()
    with house.desk() as desk:
        more_doses(desk.db, first, 3 * IN_VAIN, desk)
        look_for_doses(desk.db, now=house.clock())
    house.register.troubles.extend(["html"] * 1000)
    for _ in range(20):
        house.send_all()
        house.later(hours=6)
    tried = 1000 - len(house.register.troubles)
    assert tried < 20 * (IN_VAIN + 1), "no more than a few a round"
    with transaction(house.engine) as db:
        link = db.get_one(PcareLink, 1)
        assert (link.failures > 15, link.trouble) == (True, "status 502 and no answer of P-Care's inside")
    house.register.troubles.clear()
    house.later(hours=2)
    assert house.send_all() == 3 * IN_VAIN + 1
    assert set(house.register.added.values()) == {1}
    with transaction(house.engine) as db:
        assert db.get_one(PcareLink, 1).failures == 0


def test_who_is_let_in_no_more_loses_nothing(house: PcareHouse) -> None:
    booking = house.given()
    house.heard()
    house.fake.password = "another"
    try:
        house.send_all()
    finally:
        house.fake.password = "p"
    (record,) = house.records(booking)
    assert (record.state, record.words) == (State.WAITING, "code 401: Unauthorized: user")
    house.later(minutes=10)
    house.send_all()
    assert house.states(booking) == [State.ACCEPTED]


def test_doses_of_before_and_doses_that_nobody_noted_are_found(house: PcareHouse) -> None:
    first = house.given()
    with house.desk() as desk:
        others = more_doses(desk.db, first, 3, desk)
        assert look_for_doses(desk.db, now=house.clock()) >= 4
        assert look_for_doses(desk.db, now=house.clock()) == 0, "not before tomorrow"
    house.send_all()
    assert [house.states(one) for one in (first, *others)] == [[State.ACCEPTED]] * 4
    with house.desk() as desk:
        late = more_doses(desk.db, first, 1, desk)
        assert look_for_doses(desk.db, now=house.clock() + LOOK_EVERY) >= 5
        look_again(desk.db, now=house.clock())
        assert look_for_doses(desk.db, now=house.clock()) >= 5
    assert house.states(late[0]) == [State.WAITING]


def test_the_line_is_noted_once(db: Session, world: World) -> None:
    for connected in (True, True, False, True):
        note_line(db, connected=connected, now=world.now)
        assert (db.get_one(PcareLink, 1).connected_at is not None) is connected


def compared_after(house: PcareHouse, **more: float) -> None:
    house.later(**(more or {"hours": 2}))
    while compare_next(house.engine, house.client, clock=house.clock):
        pass


def the_day(house: PcareHouse) -> PcareDay:
    with transaction(house.engine) as db:
        return db.scalars(select(PcareDay)).one()


def test_what_p_care_forgot_is_found_asked_about_and_told_again(house: PcareHouse) -> None:
    kept, lost = house.given(), house.given()
    house.heard()
    house.send_all()
    number = house.records(lost)[0].number or ""
    house.register.forget(number)
    compared_after(house)
    assert house.states(kept) == [State.ACCEPTED]
    (record,) = house.records(lost)
    assert (record.state, record.why, record.number) == (State.SENT, Why.FORGOTTEN, None)
    assert (the_day(house).only_here, the_day(house).only_there) == (1, 0)
    house.send_all()
    assert house.states(lost) == [State.ACCEPTED]
    compared_after(house, days=1)
    assert (the_day(house).here, the_day(house).there, the_day(house).only_here) == (2, 2, 0)


def test_a_list_that_is_wrong_makes_nothing_twice(house: PcareHouse) -> None:
    """A list that comes back empty, of another facility's code say, says that all is lost: each is asked for before it is sent."""
    bookings = [house.given(), house.given()]
    house.heard()
    house.send_all()
    with house.desk() as desk:
        set_facility(
            desk.db,
            SYSTEM,
            SetFacility(facility=house.world.puskesmas.id, mode=Reporting.WIRE, code_there="kode-salah"),
            now=house.clock(),
        )
    compared_after(house)
    assert [house.states(one) for one in bookings] == [[State.SENT]] * 2
    house.send_all()
    assert [house.states(one) for one in bookings] == [[State.ACCEPTED]] * 2
    assert set(house.register.added.values()) == {1}


def test_what_p_care_has_and_we_have_not_is_listed_also_a_second_copy(house: PcareHouse) -> None:
    booking = house.given()
    house.heard()
    house.register.troubles.append("twice")
    house.send_all()
    one = next(iter(house.register.records.values()))
    house.register.carry_out("POST", {}, {**one, "noReferensi": "diketik di P-Care"})
    compared_after(house)
    with transaction(house.engine) as db:
        found = {row.number: row.record_id for row in db.scalars(select(PcareStranger))}
    assert found == {"VAK000000002": house.records(booking)[0].id, "VAK000000003": None}
    house.register.forget("VAK000000003")
    compared_after(house, days=1)
    with transaction(house.engine) as db:
        assert db.scalars(select(PcareStranger.number)).all() == ["VAK000000002"]


def test_an_answer_that_never_came_is_known_from_the_list(house: PcareHouse) -> None:
    booking = house.given()
    house.heard()
    house.register.troubles.append("lost")
    house.send_all()
    with house.desk() as desk:
        compare_now(desk.db, house.world.puskesmas.id, house.records(booking)[0].day, now=house.clock())
    compared_after(house, minutes=1)
    assert house.states(booking) == [State.SENT], "it changed just now: this list proves nothing"
    with house.desk() as desk:
        compare_now(desk.db, house.world.puskesmas.id, house.records(booking)[0].day, now=house.clock())
    compared_after(house, minutes=6)
    assert house.states(booking) == [State.ACCEPTED]


def by_file(house: PcareHouse, mode: Reporting = Reporting.FILE) -> None:
    with house.desk() as desk:
        set_facility(desk.db, SYSTEM, SetFacility(facility=house.world.puskesmas.id, mode=mode), now=house.clock())


def file_of(house: PcareHouse, booking: UUID) -> list[tuple[str, str, bool]]:
    with house.desk() as desk:
        command = HandOver(facility=house.world.puskesmas.id, day=house.records(booking)[-1].day)
        handed = hand_over(desk.db, SYSTEM, command, vault=VAULT, now=house.clock())
        return [(row.task.value, row.letter.nik, row.again) for row in handed.rows]


def test_a_facility_without_a_line_hands_its_days_over_by_file(house: PcareHouse) -> None:
    nik = fresh_nik()
    waiting = house.given(nik=nik)
    house.heard()
    by_file(house)  # also what waited before
    house.send_all()
    assert not house.register.added
    assert house.records(waiting)[0].why is Why.BY_FILE
    assert file_of(house, waiting) == [("add", nik, False)]
    assert file_of(house, waiting) == [("add", nik, True)], "a download that broke off is made again"
    assert house.states(waiting) == [State.HANDED]
    house.later(hours=1)
    with transaction(house.engine) as db:
        person = db.get_one(Booking, waiting).person_id
        assert db.scalar(select(func.count()).where(PersonRecord.person_id == person)) == 2, "each download is kept"
        correct_dose(
            db,
            SYSTEM,
            CorrectDose(booking_id=waiting, occurred_at=house.world.now.replace(second=9), reason="salah jam"),
            now=house.clock(),
        )
    by_file(house, Reporting.WIRE)
    house.heard()
    house.send_all()
    assert not house.register.added, "what went by file is corrected by file"
    by_file(house)
    assert file_of(house, waiting) == [("change", nik, False)]
    with transaction(house.engine) as db:
        back = TakeBack(booking_id=waiting, state=BookingState.CONFIRMED, reason="keliru orang")
        take_back(db, SYSTEM, back, now=house.clock())
    house.heard()
    assert file_of(house, waiting) == [("remove", nik, False)]
    assert file_of(house, waiting) == [("remove", nik, True)]
    assert house.states(waiting) == [State.CORRECTED, State.CORRECTED, State.DELETED]
    by_file(house, Reporting.WIRE)
    with pytest.raises(GoesByWire):
        file_of(house, waiting)


def test_a_refused_record_is_sent_again_by_who_may(house: PcareHouse) -> None:
    house.register.refuses = lambda _told: "kode vaksin tidak dikenal"
    booking = house.given()
    house.heard()
    house.send_all()
    (record,) = house.records(booking)
    house.register.refuses = lambda _told: None
    with house.desk() as desk:
        auditor = desk.world.who(Role.AUDITOR)
        with pytest.raises(Forbidden):
            send_again(desk.db, auditor, record.id, now=house.clock())
        for _ in range(2):
            send_again(desk.db, SYSTEM, record.id, now=house.clock())
    house.send_all()
    assert house.states(booking) == [State.ACCEPTED]
    with house.desk() as desk, pytest.raises(NotToBeSent):
        send_again(desk.db, SYSTEM, record.id, now=house.clock())


def test_a_round_takes_as_many_statements_for_forty_doses_as_for_two(house: PcareHouse) -> None:
    first = house.given()

    def round_of(how_many: int) -> int:
        with house.desk() as desk:
            more_doses(desk.db, first, how_many, desk)
            look_again(desk.db, now=house.clock())
            look_for_doses(desk.db, now=house.clock())
        with counted(house.engine) as statements:
            assert house.send() >= how_many
        return len(statements)

    round_of(1)  # the first notes that the line answers
    assert round_of(2) == round_of(40) <= 14
