"""Where somebody lives, as they write it: a kelurahan's name or code, or the puskesmas that serves them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.network.models import Area, Facility, ServiceArea
from tracker.network.queries import areas_named, names_of_areas
from tracker.network.rules.words import AreaLevel, is_village_code
from tracker.registration.rules.understanding import place_words

MOST_HOMES = 12
_CODE = re.compile(r"\d{2}\.\d{2}\.\d{2}\.\d{4}|\d{10}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A kelurahan by its code and a name that tells it from others of the same name."""

    code: str
    name: str

    @property
    def spelled(self) -> str:
        """As it stands in a field; read again, it is this one."""
        return self.code if self.name == self.code else f"{self.name} ({self.code})"


def homes_of(db: Session, text: str) -> list[Home]:
    """What somebody may mean: one for a code; nothing for no words; a dozen at most.

    Where no kelurahan of that name was imported, those that a puskesmas of that name serves.
    """
    given = _CODE.search(text)
    if given is not None:
        code = given[0]
        return [Home(code=code, name=names_of_areas(db, [code]).get(code, code))]
    words = place_words(text.replace("\x00", " "))
    if not words:
        return []
    villages = db.scalars(
        areas_named(words, AreaLevel.VILLAGE).order_by(Area.name, Area.code_kemendagri).limit(MOST_HOMES)
    ).all()
    if not villages:
        return _served(db, words)
    codes = {area.id: area.code_kemendagri or area.code_bps or "" for area in villages}
    above = names_of_areas(db, {part for code in codes.values() for part in _above(code)})
    found = []
    for area in villages:
        names = [area.name, *(above[part] for part in _above(codes[area.id]) if part in above)]
        found.append(Home(code=codes[area.id], name=", ".join(names)))
    return found


def _above(code: str) -> tuple[str, ...]:
    """Codes of the district and the city of a kelurahan."""
    return (code[:8], code[:5]) if "." in code else (code[:7], code[:4])


def _served(db: Session, words: list[str]) -> list[Home]:
    query = select(Facility).order_by(Facility.name, Facility.code).limit(MOST_HOMES)
    for word in words:
        query = query.where(Facility.name.icontains(word, autoescape=True))
    facilities = db.scalars(query).all()
    listed: dict[object, list[str]] = {}
    for row in db.scalars(
        select(ServiceArea)
        .where(ServiceArea.facility_id.in_([one.id for one in facilities]))
        .order_by(ServiceArea.area_code)
    ):
        listed.setdefault(row.facility_id, []).append(row.area_code)
    found = []
    for one in facilities:
        own = [code for code in (one.code_kemendagri, one.code_bps) if code is not None and is_village_code(code)]
        code = next(iter([*own, *listed.get(one.id, [])]), None)
        if code is not None:
            found.append(Home(code=code, name=one.name))
    return found
