"""The look for selects that are not tied to the row they are asked of sees one, and takes none for one."""

from __future__ import annotations

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import aliased

from tests.support.untied import untied
from tracker.access.models import Unit
from tracker.people.models import Person, PersonUnit
from tracker.quota.models import Booking, VaccinationSession


def of_persons(*, tied: bool) -> Select[Person]:
    """Persons with a booking in a session of a unit that serves them: as it was written once."""
    serves = exists().where(PersonUnit.person_id == Person.id, PersonUnit.unit_id == VaccinationSession.facility_id)
    inner = serves.correlate(Person, VaccinationSession) if tied else serves
    return select(Person).where(exists().where(Booking.session_id == VaccinationSession.id, inner))


def test_a_table_of_the_outermost_select_two_levels_deep_is_seen() -> None:
    assert untied(of_persons(tied=False)) == ["person"]
    assert untied(of_persons(tied=True)) == []


def test_a_select_that_is_whole_by_itself_is_none() -> None:
    own = select(PersonUnit.person_id).where(PersonUnit.unit_id.in_(select(Unit.id).where(Unit.path == "id")))
    assert untied(select(Unit, Person).where(Person.id.in_(own))) == []


def test_neither_an_alias_nor_what_stands_in_a_from_is_one() -> None:
    other = aliased(Person)
    deep = exists().where(PersonUnit.person_id == other.id, PersonUnit.unit_id == VaccinationSession.facility_id)
    assert untied(select(Person).where(exists().where(Booking.session_id == VaccinationSession.id, deep))) == []
    within = select(PersonUnit.unit_id).where(PersonUnit.person_id == Person.id).subquery()
    assert untied(select(Person, within.c.unit_id).where(Person.unit_id == within.c.unit_id)) == []
