"""What is kept under a secret key of the house, and what went out under it: the list of what a new key must take over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidTag
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.delivery.secrets import reseal_webhooks
from tracker.kit.days import earliest_day
from tracker.people.models import Person
from tracker.people.resealing import reseal_persons, reseal_records
from tracker.people.vault import NikVault
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import LIVE
from tracker.registration.service.codes import WINDOW
from tracker.sealing.errors import KeyNotHeld
from tracker.sealing.keyring import Keyring
from tracker.sealing.models import SecretKey
from tracker.sealing.service import Kept, key_to_write, keys_known, missing_keys

# In this order: a number that is replaced meanwhile goes from a person, who is under the new key by then, to a record.
KEPT = (
    Kept("persons", reseal_persons),
    Kept("replaced numbers", reseal_records),
    Kept("webhooks", reseal_webhooks),
)


@dataclass(frozen=True, slots=True)
class StillOut:
    """What went out under a former key and is good until then. `how_many` is None where nobody counts."""

    what: str
    until: datetime | date
    how_many: int | None = None


def check_keys(db: Session, keyring: Keyring) -> None:
    """The keys that are held are those of this database. Raises KeyNotHeld with the number of one that is not.

    A database that has met none yet takes this one, unless identity numbers lie there that it does not open.
    """
    if not keys_known(db):
        sealed = db.execute(select(Person.id, Person.nik_cipher).where(Person.nik_cipher.is_not(None)).limit(1)).first()
        if sealed is not None and not _opens(keyring, sealed.nik_cipher, sealed.id):
            raise KeyNotHeld(key=1)
        key_to_write(db, keyring)
    for row in missing_keys(db, keyring):
        raise KeyNotHeld(key=row.number)


def _opens(keyring: Keyring, sealed: bytes, person_id: UUID) -> bool:
    try:
        NikVault(Keyring(keyring.secrets[:1])).open(sealed, person_id)
    except InvalidTag:
        return False
    return True


def still_out(
    db: Session, former: SecretKey, *, token_minutes: int, answers_days: int, now: datetime
) -> list[StillOut]:
    """What a replaced key is still needed for outside the database, the soonest gone first; nothing when all of it ran out."""
    replaced = former.replaced_at or now
    first_day = earliest_day(now)
    tickets = (
        select(func.count(), func.max(VaccinationSession.day))
        .select_from(VaccinationSession)
        .join(Booking, Booking.session_id == VaccinationSession.id)
        .where(VaccinationSession.day >= first_day, Booking.state.in_(LIVE), Booking.made_at <= replaced)
    )
    count, last_day = db.execute(tickets).one()
    out = [
        StillOut("tokens", replaced + timedelta(minutes=token_minutes)),
        StillOut("codes for lost tickets", replaced + WINDOW),
        StillOut("answers kept for repeats", replaced + timedelta(days=answers_days)),
    ]
    out = [one for one in out if isinstance(one.until, datetime) and one.until > now]
    return [*out, StillOut("tickets", last_day, count)] if count else out
