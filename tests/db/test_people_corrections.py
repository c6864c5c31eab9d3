"""A record that is wrong can be made right: by whom, why, and both versions are kept. Some people have no number."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.support.quota import VAULT, Desk, fresh_nik
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.people.correcting import ChangePerson, CorrectNik, change_person, correct_nik
from tracker.people.errors import BadBirth, NikTaken, NoNikWithoutReason, OwnGuardian, PersonNotFound, TwoNumbers
from tracker.people.models import Person, PersonRecord
from tracker.people.queries import person_by_id, person_now, person_who_says, phone_of
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import Identity, PersonAct, WithoutNik
from tracker.people.service import NewPerson, find_persons, read_person, register_person
from tracker.quota.models import Booking, Claim
from tracker.quota.queries.history import appointments_of, dues_of
from tracker.quota.rules.words import BookingState, ClaimState
from tracker.quota.service.commands import MergePersons
from tracker.quota.service.merging import merge_persons


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


def register(desk: Desk, **more: object) -> Person:
    values = {"id": uuid7(), "nik": fresh_nik(), "name": "Warga Rekaan", "unit_id": desk.world.puskesmas.id, **more}
    command = NewPerson(**values)  # type: ignore[arg-type]  # test data
    return register_person(desk.db, SYSTEM, command, vault=VAULT, now=desk.now).person


def merge(desk: Desk, keep: Person, gone: Person, by: Role = Role.MANAGER) -> Person:
    command = MergePersons(person_id=keep.id, duplicate_id=gone.id, reason="orang yang sama")
    return merge_persons(desk.db, desk.world.who(by), command, vault=VAULT, now=desk.now)


def correct(desk: Desk, person: Person, by: Role = Role.MANAGER, **more: object) -> Person:
    command = CorrectNik(person_id=person.id, reason="KTP diperiksa", **more)  # type: ignore[arg-type]  # test data
    return correct_nik(desk.db, desk.world.who(by), command, vault=VAULT, now=desk.now)


def change_guardian(desk: Desk, person: Person, guardian: Person) -> Person:
    command = ChangePerson(person_id=person.id, changes={"guardian_id": guardian.id}, reason="wali")
    return change_person(desk.db, desk.world.who(Role.MANAGER), command, now=desk.now)


def acts(desk: Desk, person: Person) -> list[PersonAct]:
    desk.db.flush()
    return list(
        desk.db.scalars(select(PersonRecord.act).where(PersonRecord.person_id == person.id).order_by(PersonRecord.id))
    )


def test_a_number_typed_into_another_s_record_is_corrected_and_its_owner_registers(desk: Desk) -> None:
    theirs, mine = fresh_nik(), fresh_nik()
    wrong = register(desk, nik=theirs)
    with pytest.raises(NikTaken):
        register(desk, nik=theirs)
    assert correct(desk, wrong, nik=mine).identity is Identity.PROVEN
    assert register(desk, nik=theirs).id != wrong.id
    (entry,) = desk.db.scalars(select(PersonRecord).where(PersonRecord.person_id == wrong.id))
    assert (entry.reason, entry.who) == ("KTP diperiksa", desk.world.who(Role.MANAGER).name)
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["nik"], entry.after["nik"]) == (f"{'•' * 12}{theirs[-4:]}", f"{'•' * 12}{mine[-4:]}")
    assert entry.nik_cipher is not None
    assert VAULT.open(entry.nik_cipher, wrong.id) == theirs


def test_a_number_can_be_taken_away_before_the_right_one_is_known(desk: Desk) -> None:
    theirs = fresh_nik()
    wrong = register(desk, nik=theirs)
    born = date(1988, 4, 1)
    bare = correct(desk, wrong, nik=None, without_nik=WithoutNik.UNKNOWN, birth_date=born, sex=Sex.FEMALE)
    assert (bare.identity, bare.birth_date, bare.nik_hash) == (Identity.NONE, born, None)
    assert register(desk, nik=theirs).id != wrong.id
    with pytest.raises(NoNikWithoutReason):
        correct(desk, bare, nik=None)


def test_a_number_that_is_another_s_is_refused_and_names_whom_to_merge_with(desk: Desk) -> None:
    holder, other = register(desk), register(desk)
    with pytest.raises(NikTaken) as refused:
        correct(desk, other, nik=VAULT.open(holder.nik_cipher or b"", holder.id))
    assert refused.value.params["person"] == str(holder.id)


@pytest.mark.parametrize("why", list(WithoutNik))
def test_somebody_without_a_number_is_registered_with_the_reason_and_linked_later(desk: Desk, why: WithoutNik) -> None:
    made = register(desk, nik=None, without_nik=why, birth_date=date(2026, 1, 20), sex=Sex.MALE)
    assert (made.identity, made.without_nik, made.nik_cipher) == (Identity.NONE, why, None)
    nik = "3671052001260042"
    linked = correct(desk, made, nik=nik)
    assert (linked.identity, linked.without_nik, linked.birth_date) == (Identity.PROVEN, None, date(2026, 1, 20))
    assert PersonAct.NIK_CORRECTED in acts(desk, made)


@pytest.mark.parametrize(
    "given",
    [
        {"nik": None},
        {"nik": None, "without_nik": WithoutNik.INFANT},
        {"nik": None, "without_nik": WithoutNik.INFANT, "birth_date": date(2026, 1, 1)},
        {"without_nik": WithoutNik.INFANT},
    ],
)
def test_neither_number_nor_reason_or_both_at_once_is_refused(desk: Desk, given: dict[str, object]) -> None:
    with pytest.raises(NoNikWithoutReason):
        register(desk, **given)


@pytest.mark.parametrize("born", [date(2026, 3, 3), date(1899, 1, 1)])
def test_nobody_is_born_tomorrow_or_two_centuries_ago(desk: Desk, born: date) -> None:
    with pytest.raises(BadBirth):
        register(desk, nik=None, without_nik=WithoutNik.FOREIGNER, birth_date=born, sex=Sex.FEMALE)
    with pytest.raises(BadBirth):
        register(desk, birth_date=date(1991, 5, 5))


def test_a_child_is_told_through_its_guardian_s_phone(desk: Desk) -> None:
    mother = register(desk, phone="0812-3456-789")
    child = register(
        desk, nik=None, without_nik=WithoutNik.INFANT, birth_date=desk.today, sex=Sex.MALE, guardian_id=mother.id
    )
    assert phone_of(desk.db, child.id) == "+628123456789"
    with pytest.raises(PersonNotFound):
        register(desk, guardian_id=UUID(int=9))


def test_nobody_answers_for_themself_or_for_whoever_answers_for_them(desk: Desk) -> None:
    mother, child = register(desk), register(desk)
    twice = register(desk, nik=None, without_nik=WithoutNik.INFANT, birth_date=desk.today, sex=Sex.MALE)
    change_guardian(desk, child, mother)
    merge(desk, child, twice)
    for person, guardian in ((child, child), (child, twice), (mother, child)):
        with pytest.raises(OwnGuardian):
            change_guardian(desk, person, guardian)
    assert (child.guardian_id, mother.guardian_id) == (mother.id, None)


def test_who_turns_out_to_be_their_own_guardian_has_none(desk: Desk) -> None:
    twice = register(desk, phone="0812-3456-789")
    keep = register(
        desk,
        nik=None,
        without_nik=WithoutNik.NO_PAPERS,
        birth_date=date(1990, 1, 1),
        sex=Sex.MALE,
        guardian_id=twice.id,
    )
    merge(desk, keep, twice)
    assert (keep.guardian_id, phone_of(desk.db, keep.id)) == (None, "+628123456789")


def test_guardians_never_go_round_in_a_ring(desk: Desk) -> None:
    grandmother, mother, child = register(desk), register(desk), register(desk)
    change_guardian(desk, mother, grandmother)
    change_guardian(desk, child, mother)
    with pytest.raises(OwnGuardian):
        change_guardian(desk, grandmother, child)
    papers = {"without_nik": WithoutNik.NO_PAPERS, "birth_date": date(1960, 1, 1), "sex": Sex.FEMALE}
    again = register(desk, nik=None, guardian_id=child.id, **papers)
    merge(desk, grandmother, again)
    assert grandmother.guardian_id is None


def test_name_phone_and_residence_change_and_both_versions_are_kept(desk: Desk) -> None:
    person = register(desk, phone="0812-3456-789", residence="36.71.05.1001")
    vaccinator = desk.world.who(Role.VACCINATOR)
    wanted = {"name": " Siti  Aminah ", "phone": "+62 0813 1111 2222", "residence": "36.71.01.1001"}
    command = ChangePerson(person_id=person.id, changes=wanted, reason="menikah dan pindah")
    for _ in range(2):
        change_person(desk.db, vaccinator, command, now=desk.now)
    assert (person.name, person.phone, person.residence) == ("Siti Aminah", "+6281311112222", "36.71.01.1001")
    (entry,) = desk.db.scalars(select(PersonRecord).where(PersonRecord.person_id == person.id))
    assert entry.before == {"name": "Warga Rekaan", "phone": "+628••••••789", "residence": "36.71.05.1001"}
    assert entry.after is not None
    assert entry.after["name"] == "Siti Aminah"
    with pytest.raises(BadBirth):
        change_person(
            desk.db, vaccinator, ChangePerson(person_id=person.id, changes={"birth_date": desk.today}), now=desk.now
        )


def test_a_repeat_of_the_registration_is_a_repeat_whatever_was_changed_since(desk: Desk) -> None:
    nik, person_id = fresh_nik(), uuid7()
    register(desk, id=person_id, nik=nik, name="Siti")
    change = ChangePerson(person_id=person_id, changes={"name": "Siti Aminah"})
    change_person(desk.db, SYSTEM, change, now=desk.now)
    assert register(desk, id=person_id, nik=nik, name="Siti").name == "Siti Aminah"


def test_who_serves_a_person_may_see_them_and_others_may_not(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 1)
    vaccinator = desk.world.who(Role.VACCINATOR)
    person = register(desk, unit_id=desk.world.warehouse.id)
    with pytest.raises(PersonNotFound):
        person_by_id(desk.db, vaccinator, person.id)
    desk.confirmed(desk.session(), person.id)
    assert read_person(desk.db, vaccinator, person.id, now=desk.now).id == person.id
    assert acts(desk, person) == [PersonAct.READ]
    with pytest.raises(PersonNotFound):
        person_by_id(desk.db, desk.world.who(Role.INTEGRATOR), person.id)


def test_a_whole_number_finds_its_person_anywhere_and_the_search_is_kept(desk: Desk) -> None:
    nik = fresh_nik()
    person = register(desk, nik=nik, unit_id=desk.world.neighbour.id)
    found = find_persons(desk.db, desk.world.who(Role.VACCINATOR), nik, vault=VAULT, now=desk.now)
    assert [one.id for one in found] == [person.id]
    assert acts(desk, person) == [PersonAct.SEARCHED]
    for role in (Role.INTEGRATOR, Role.AUDITOR, Role.WAREHOUSE):
        with pytest.raises(Forbidden):
            find_persons(desk.db, desk.world.who(role), nik, vault=VAULT, now=desk.now)


def test_a_number_a_stranger_typed_keeps_nobody_from_theirs_and_is_proven_by_who_sees_the_card(desk: Desk) -> None:
    nik = fresh_nik()
    strangers = register(desk, nik=nik, claimed=True)
    owner = register(desk, nik=nik, phone="0812-3456-789")
    assert (strangers.identity, owner.identity) == (Identity.CLAIMED, Identity.PROVEN)
    again = register(desk, nik=nik, claimed=True)
    assert len({strangers.id, owner.id, again.id}) == 3
    told = person_who_says(desk.db, nik, "+62 0812 3456 789", vault=VAULT, now=desk.now)
    assert told is not None
    assert told.id == owner.id
    for phone in (None, "", "0812-3456-780", "nonsense"):
        assert person_who_says(desk.db, nik, phone, vault=VAULT, now=desk.now) is None
    with pytest.raises(NikTaken):
        correct(desk, strangers, nik=nik)


def test_merging_gives_one_person_all_bookings_doses_and_claims(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 5)
    session = desk.session(ahead=0)
    keep, gone = register(desk), register(desk, nik=None, without_nik=WithoutNik.UNKNOWN, birth_date=date(1990, 1, 1),
                                          sex=Sex.MALE, phone="0812-3456-789")  # fmt: skip
    desk.vaccinate(desk.move(desk.book(session, gone.id), BookingState.CONFIRMED))
    merged = merge(desk, keep, gone)
    assert (merged.id, merged.phone) == (keep.id, "+628123456789")
    assert [(one.dose, one.state) for one in appointments_of(desk.db, keep.id)] == [(1, BookingState.VACCINATED)]
    assert [due.dose for due in dues_of(desk.db, keep.id)] == [2]
    assert merge(desk, keep, gone).id == keep.id
    now = person_now(desk.db, gone.id)
    assert now is not None
    assert now.id == keep.id
    assert person_by_id(desk.db, desk.world.who(Role.MANAGER), gone.id).id == keep.id
    assert phone_of(desk.db, gone.id) == "+628123456789"


def test_of_two_live_bookings_for_a_dose_the_further_one_stays_and_its_seat_is_one(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 5)
    session = desk.session(ahead=0)
    keep, gone = register(desk), register(desk, claimed=True)
    mine = desk.confirmed(session, keep.id)
    theirs = desk.move(desk.confirmed(session, gone.id), BookingState.ARRIVED)
    merge(desk, keep, gone)
    assert desk.states([mine, theirs]) == [BookingState.CANCELLED, BookingState.ARRIVED]
    assert desk.read(session).taken == 1
    assert set(desk.db.scalars(select(Booking.person_id))) == {keep.id}


def test_who_had_the_dose_under_one_record_waits_for_it_under_none(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 5)
    today, later = desk.session(ahead=0), desk.session(ahead=3)
    keep, gone = register(desk), register(desk, claimed=True)
    desk.vaccinate(desk.confirmed(today, keep.id))
    waiting = desk.confirmed(later, gone.id)
    merge(desk, keep, gone)
    assert desk.state(waiting) is BookingState.CANCELLED
    assert (desk.read(later).taken, desk.read(later).live) == (0, 0)


def test_of_two_claims_to_a_dose_one_stays_and_the_other_s_vial_comes_free(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 5)
    session = desk.session(ahead=0)
    keep, gone = register(desk), register(desk, claimed=True)
    for person in (keep, gone):
        desk.vaccinate(desk.confirmed(session, person.id))
    merge(desk, keep, gone)
    claims = desk.db.execute(select(Claim.person_id, Claim.state)).all()
    assert {row.person_id for row in claims} == {keep.id}
    assert sorted(row.state for row in claims) == sorted([ClaimState.FUNDED, ClaimState.EXPIRED])
    assert len(dues_of(desk.db, keep.id)) == 1


def test_a_claim_to_a_dose_the_other_record_had_is_used_up(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 5)
    session = desk.session(ahead=0)
    keep, gone = register(desk), register(desk, claimed=True)
    desk.vaccinate(desk.confirmed(session, keep.id))
    second = desk.confirmed(session, gone.id)
    vaccinated = "UPDATE booking SET dose = 2, state = 'vaccinated', vaccinated_at = :now WHERE id = :id"
    desk.db.execute(text(vaccinated), {"id": second.id, "now": desk.now})
    desk.db.expire_all()
    merge(desk, keep, gone)
    assert [due.dose for due in dues_of(desk.db, keep.id)] == []


def test_two_different_proven_numbers_are_not_merged_before_one_is_corrected(desk: Desk) -> None:
    keep, gone = register(desk), register(desk)
    with pytest.raises(TwoNumbers):
        merge(desk, keep, gone)
    hidden = register(desk, nik=None, without_nik=WithoutNik.UNKNOWN, birth_date=date(1990, 1, 1), sex=Sex.MALE,
                      unit_id=desk.world.neighbour.id)  # fmt: skip
    with pytest.raises(PersonNotFound):
        merge(desk, keep, hidden)


def test_the_kept_record_takes_over_the_other_s_number(desk: Desk) -> None:
    nik = fresh_nik()
    keep = register(desk, nik=None, without_nik=WithoutNik.NO_PAPERS, birth_date=date(1990, 1, 1), sex=Sex.MALE)
    gone = register(desk, nik=nik)
    merge(desk, keep, gone)
    assert keep.identity is Identity.PROVEN
    assert VAULT.open(keep.nik_cipher or b"", keep.id) == nik
    found = find_persons(desk.db, desk.world.who(Role.MANAGER), nik, vault=VAULT, now=desk.now + timedelta(days=1))
    assert [one.id for one in found] == [keep.id]
