"""Vaccination cards: signed, so that anybody checks one without a network, and looked up by an id that nobody can guess.

Cards outlive the secret keys they were signed under, so the public half of each signing key is kept for good.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import to_bytes
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch, Vaccine
from tracker.kit.days import local_day
from tracker.network.models import Facility
from tracker.people.queries import person_now
from tracker.quota.errors import BookingNotFound
from tracker.quota.models import Booking, VaccinationSession
from tracker.registration.errors import BadCard, CardNotFound, NoDoseYet
from tracker.registration.models import CardKey, VaccinationCard
from tracker.registration.rules.cards import Card, CardState, Content, said
from tracker.registration.service.tickets import ALGORITHM, signing_key
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import keyring_in_use
from tracker.settings import Settings

_PURPOSE = "card"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A card, and the text of its code: where it is looked up and, behind the `#` that no browser sends, what is signed."""

    card: Card
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is true of a card, and how its dose stands now; None where there is none any more."""

    state: CardState
    version: int
    newest: int
    content: Content | None


def issue_card(db: Session, settings: Settings, booking_id: UUID, *, now: datetime) -> Issued:
    """The card of a booking's dose as it stands; the same again unless dose or owner stand otherwise since.

    Who may have it is for whoever asks. Raises BookingNotFound, NoDoseYet, KeyNotHeld.
    """
    booking = db.get(Booking, booking_id)
    if booking is None:
        raise BookingNotFound(booking=str(booking_id))
    content = _content_of(db, booking)
    if content is None:
        raise NoDoseYet(booking=str(booking_id))
    digest = _digest(booking_id, content)
    newest = _newest(db, booking_id)
    if newest is None or newest.digest != digest:
        row = {"id": uuid4(), "booking_id": booking_id, "digest": digest, "issued_at": now}
        version = 1 if newest is None else newest.version + 1
        db.execute(insert(VaccinationCard).values(version=version, **row).on_conflict_do_nothing())
        newest = _newest(db, booking_id)
    if newest is None:
        raise RuntimeError("the card that was just written is not there")
    card = Card(id=newest.id, version=newest.version, content=content)
    return Issued(card=card, code=f"{settings.api.public_url}/kartu/{card.id}#{_signed(db, settings, card, now)}")


def look_up(db: Session, card_id: UUID) -> Looked:
    """What is true of a card; raises CardNotFound."""
    row = db.get(VaccinationCard, card_id)
    if row is None:
        raise CardNotFound
    booking = db.get_one(Booking, row.booking_id)
    content = _content_of(db, booking)
    newest = _newest(db, row.booking_id)
    state = CardState.WITHDRAWN
    if content is not None:
        state = CardState.VALID if _digest(booking.id, content) == row.digest else CardState.CORRECTED
    return Looked(
        state=state, version=row.version, newest=row.version if newest is None else newest.version, content=content
    )


def check_card(db: Session, text: str) -> Looked:
    """What is true of a card whose code somebody shows; raises BadCard (none of ours, or changed), CardNotFound."""
    card_id = _card_in(db, text)
    if card_id is None:
        raise BadCard(field="card")
    return look_up(db, card_id)


def owner_of_card(db: Session, text: str) -> UUID | None:
    """Whose dose a shown code is of, whatever became of the card since; None for a text that is no card of this house."""
    card_id = _card_in(db, text)
    row = None if card_id is None else db.get(VaccinationCard, card_id)
    return None if row is None else db.get_one(Booking, row.booking_id).person_id


def public_keys(db: Session) -> list[CardKey]:
    """The public halves of all keys that ever signed a card, the newest first."""
    return list(db.scalars(select(CardKey).order_by(CardKey.since.desc(), CardKey.public)))


def _newest(db: Session, booking_id: UUID) -> VaccinationCard | None:
    query = select(VaccinationCard).where(VaccinationCard.booking_id == booking_id)
    return db.scalars(query.order_by(VaccinationCard.version.desc()).limit(1)).first()


def _content_of(db: Session, booking: Booking) -> Content | None:
    """What a card of this dose says now; None where no dose stands."""
    person = person_now(db, booking.person_id)
    if booking.vaccinated_at is None or person is None:
        return None
    facility, vaccine = db.execute(
        select(Facility, Vaccine.code)
        .join(VaccinationSession, VaccinationSession.facility_id == Facility.id)
        .join(Vaccine, Vaccine.id == VaccinationSession.vaccine_id)
        .where(VaccinationSession.id == booking.session_id)
    ).one()
    return Content(
        name=person.name,
        born=person.birth_date,
        vaccine=vaccine,
        dose=booking.dose,
        day=local_day(booking.vaccinated_at, facility.timezone),
        facility=facility.code,
        lot=db.scalar(select(Batch.lot).where(Batch.id == booking.batch_id)),
    )


def _digest(booking_id: UUID, content: Content) -> bytes:
    told = json.dumps({"booking": str(booking_id), **said(content)}, sort_keys=True)
    return hashlib.sha256(told.encode()).digest()


def _signed(db: Session, settings: Settings, card: Card, now: datetime) -> str:
    """The card as a compact JWS; its key's public half is known from now on."""
    key = signing_key(keyring_in_use(db, Keyring.of(settings)).derived(_PURPOSE)[0])
    public = base64.urlsafe_b64decode(str(key.as_dict(private=False)["x"]) + "=")
    db.execute(insert(CardKey).values(public=public, since=now).on_conflict_do_nothing())
    payload = json.dumps(card.to_claims(), separators=(",", ":"), ensure_ascii=False)
    return jws.serialize_compact({"alg": ALGORITHM, "typ": _PURPOSE}, payload, key, algorithms=[ALGORITHM])


def _card_in(db: Session, text: str) -> UUID | None:
    """The card whose code a text is; None for any other text."""
    signed = text.strip().rpartition("#")[2]
    if signed.count(".") != 2:
        return None
    return next((found for key in public_keys(db) if (found := _read(signed, key)) is not None), None)


def _read(signed: str, key: CardKey) -> UUID | None:
    """The card that a text holds which this key signed; None for any other text."""
    try:
        told = jws.deserialize_compact(to_bytes(signed), OKPKey.import_key({**jwk_of(key)}), algorithms=[ALGORITHM])
        return UUID(hex=json.loads(told.payload)["i"])
    except (JoseError, ValueError, KeyError, TypeError):
        return None


def jwk_of(key: CardKey) -> dict[str, str]:
    """The public half as JWK (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(key.public).rstrip(b"=").decode()}
