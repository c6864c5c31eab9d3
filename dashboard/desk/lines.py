"""One line of a paper session: who, when, which dose; recorded as it happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.desk.newcomer import FIELD_OF, newcomer
from dashboard.desk.pages import DOSES, NO_DOSE
from dashboard.desk.sessions import Served
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Viewer
from dashboard.stock.forms import Typed
from tracker.catalog.models import Batch
from tracker.kit.errors import DomainError
from tracker.people.errors import NikTaken
from tracker.people.service import find_persons, register_person
from tracker.people.vault import NikVault
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.vaccinating import vaccinate
from tracker.quota.service.walking_in import place_for

_NOBODY = mark("Tulis NIK, atau nama dengan tanggal lahir dan alasan tanpa NIK.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A line that was recorded."""

    name: str
    at: datetime
    dose: int
    lot: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the grid and what is needed to record it."""

    viewer: Viewer
    db: Session
    typed: Typed
    here: Served
    vault: NikVault
    number: int
    now: datetime

    def record(self, at: datetime) -> Kept | None:
        """Find or register the person, find or make their place, and record the dose; None where it is refused."""
        db, who = self.db, self.viewer.known()
        if self.typed.get(f"dosis-{self.number}") not in ("", *DOSES):
            self.typed.faults[f"dosis-{self.number}"] = self.viewer.texts.gettext(NO_DOSE)
            return None
        try:
            with db.begin_nested():
                person_id, name = self._person()
                if person_id is None:
                    return None
                booking_id, dose = self._place(person_id)
                reason = self.typed.get(f"alasan-{self.number}") or None
                command = Vaccinate(booking_id=booking_id, occurred_at=at, override=reason)
                booking = vaccinate(db, who, command, now=self.now)
                return Kept(name=name, at=booking.vaccinated_at or at, dose=dose, lot=_lot(db, booking.batch_id))
        except DomainError as error:
            field = FIELD_OF.get(str(error.params.get("field")), "baris")
            self.typed.faults[f"{field}-{self.number}"] = sentence_of(error, self.viewer.language)
            return None

    def _person(self) -> tuple[UUID | None, str]:
        suffix = f"-{self.number}"
        nik, name = self.typed.get(f"nik{suffix}"), self.typed.get(f"nama{suffix}")
        if nik:
            found = find_persons(self.db, self.viewer.known(), nik, vault=self.vault, now=self.now)
            if found:
                return found[0].id, found[0].name
        if not name:
            self.typed.faults[f"nama{suffix}"] = self.viewer.texts.gettext(_NOBODY)
            return None, ""
        person = newcomer(self.viewer, self.typed, self.here, uuid5(self.typed.number(), f"person{suffix}"), [], suffix)
        if person is None:
            return None, ""
        try:
            made = register_person(self.db, self.viewer.known(), person, vault=self.vault, now=self.now).person
        except NikTaken as taken:
            return UUID(str(taken.params["person"])), name
        return made.id, made.name

    def _place(self, person_id: UUID) -> tuple[UUID, int]:
        """The booking of this session, or else one made for whoever came without: of the dose typed, or of the one that is next."""
        booking = place_for(
            self.db,
            self.viewer.known(),
            self.here.session,
            person_id,
            made=uuid5(self.typed.number(), f"booking-{self.number}"),
            dose=int(self.typed.get(f"dosis-{self.number}") or 0) or None,
            override=self.typed.get(f"alasan-{self.number}") or None,
            now=self.now,
        )
        return booking.id, booking.dose


def _lot(db: Session, batch_id: UUID | None) -> str | None:
    return db.scalar(select(Batch.lot).where(Batch.id == batch_id))
