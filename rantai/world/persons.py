"""People of the demo. None of them exists.

Identity numbers have the right form and a serial from 9000 on, which real ones hardly reach; phones begin with 0860, which
no operator has, so that no message can ever reach a stranger.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from rantai.world.names import event_id
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import WithoutNik
from tracker.people.service import NewPerson

_GIVEN = (
    "Adi",
    "Ayu",
    "Budi",
    "Citra",
    "Dimas",
    "Endang",
    "Fajar",
    "Gita",
    "Hasan",
    "Indah",
    "Lia",
    "Made",
    "Wati",
    "Yanto",
)
_FAMILY = ("Saputra", "Lestari", "Nugroho", "Wulandari", "Siregar", "Hidayat", "Permata", "Kusuma", "Halim", "Utami")
# Days of age at which the first Pentabio is given: from the earliest day on which it is due, to some weeks after.
_TWO_MONTHS, _SOME_WEEKS = 65, 50


def made_up_adult(name: str, unit_id: UUID, residence: str) -> NewPerson:
    """An adult that belongs to `name`, registered by the unit."""
    person_id = event_id(f"person {name}")
    chance = person_id.int
    born = date(1950, 1, 1) + timedelta(days=chance % 19_000)
    woman = chance // 19_000 % 2
    serial = 9_000 + chance // 38_000 % 1_000
    return NewPerson(
        id=person_id,
        nik=f"3671{1 + chance % 13:02d}{born.day + 40 * woman:02d}{born.month:02d}{born.year % 100:02d}{serial:04d}",
        name=_name(chance),
        phone=f"+62860{chance % 100_000_000:08d}",
        residence=residence,
        unit_id=unit_id,
    )


def made_up_infant(name: str, unit_id: UUID, residence: str, day: date) -> NewPerson:
    """A child old enough for its first Pentabio on `day`; it has no number yet."""
    person_id = event_id(f"person {name}")
    chance = person_id.int
    return NewPerson(
        id=person_id,
        name=_name(chance),
        without_nik=WithoutNik.INFANT,
        birth_date=day - timedelta(days=_TWO_MONTHS + chance % _SOME_WEEKS),
        sex=Sex.FEMALE if chance // _SOME_WEEKS % 2 else Sex.MALE,
        residence=residence,
        unit_id=unit_id,
    )


def _name(chance: int) -> str:
    return f"{_GIVEN[chance % len(_GIVEN)]} {_FAMILY[chance // 7 % len(_FAMILY)]}"
