"""Tickets of two kinds: a signed code for the door, checked also by a phone that holds only the public key, and the
address of a page that only its owner knows.

A booking's id is no secret: it stands on the feed and in lists. The address holds the id sealed (AES-SIV, RFC 5297), so
nobody can make one from an id, and none need be kept; what was changed is counted (`addresses.py`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import zxingcpp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import to_bytes
from PIL import Image
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.delivery.web_push import PushKey
from tracker.kit.days import local_day
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id
from tracker.quota.errors import BookingNotFound
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState
from tracker.quota.service.arriving import arrive_at, session_giving_the_same
from tracker.quota.service.commands import ArriveAt, MoveBooking
from tracker.quota.service.moving import move_booking
from tracker.registration.errors import BadTicket, TicketElsewhere, TicketNotFound, TicketOtherDay
from tracker.registration.rules.tickets import Ticket
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import keyring_in_use
from tracker.settings import Settings

ALGORITHM = "Ed25519"
_NONCE = 12
_SIZED = re.compile(r'<svg width="([0-9]+)" height="([0-9]+)"')
_DOTS = 8  # of a picture, to a module of the code


@dataclass(frozen=True, slots=True)
class TicketOffice:
    """Signs with the first of the keys it was given and takes what any of them signed; `address` is where its pages are."""

    keys: tuple[OKPKey, ...]
    link_keys: tuple[bytes, ...] = field(repr=False)
    code_keys: tuple[bytes, ...] = field(repr=False)
    typed_keys: tuple[bytes, ...] = field(repr=False)
    push_keys: tuple[PushKey, ...] = field(repr=False)
    address: str

    @classmethod
    def of(cls, keyring: Keyring, address: str = "") -> TicketOffice:
        """The office of an installation's secret keys and public address (`https://host`)."""
        return cls(
            tuple(signing_key(seed) for seed in keyring.derived("ticket")),
            keyring.derived("ticket link"),
            keyring.derived("ticket code"),
            keyring.derived("typed beside a code"),
            tuple(PushKey.of(seed) for seed in keyring.derived("web push")),
            address,
        )

    @classmethod
    def from_secret(cls, secret: str, address: str = "") -> TicketOffice:
        """The office of one secret key."""
        return cls.of(Keyring((secret,)), address)

    def sealed(self, booking_id: UUID, turn: int = 0) -> str:
        """The secret of a booking's page, 43 characters or 46: `turn` says how often it was changed."""
        told = booking_id.bytes + (turn.to_bytes(2) if turn else b"")
        return base64.urlsafe_b64encode(AESSIV(self.link_keys[0]).encrypt(told, None)).rstrip(b"=").decode()

    def unsealed(self, secret: str) -> tuple[UUID, int]:
        """The booking and the turn of a secret; raises TicketNotFound, also for a booking's id, which is no secret."""
        for key in self.link_keys:
            with suppress(ValueError, InvalidTag):
                sealed = base64.b64decode(secret + "=" * (-len(secret) % 4), altchars="-_", validate=True)
                told = AESSIV(key).decrypt(sealed, None)
                return UUID(bytes=told[:16]), int.from_bytes(told[16:])
        raise TicketNotFound

    def link(self, secret: str) -> str:
        """The whole address of a booking's page, for messages."""
        return f"{self.address}/daftar/tiket/{secret}"

    def code_of(self, code_id: UUID) -> str:
        """The six digits that are sent for a question of that id."""
        return self.codes_of(code_id)[0]

    def codes_of(self, code_id: UUID) -> list[str]:
        """What may have been sent for that question, one for each key."""
        return [f"{int.from_bytes(drawn_from) % 1_000_000:06d}" for drawn_from in self.hashes(code_id.bytes)]

    def hashes(self, said: bytes) -> list[bytes]:
        """The keyed hashes of what somebody said, one for each key; the first is the one to keep."""
        return [hmac.new(key, said, hashlib.sha256).digest() for key in self.code_keys]

    def seal_typed(self, typed: bytes, code_id: UUID) -> bytes:
        """What somebody typed, kept beside a code until it is told: bound to that code."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.typed_keys[0]).encrypt(nonce, typed, code_id.bytes)

    def open_typed(self, sealed: bytes, code_id: UUID) -> bytes:
        """The same again; raises cryptography's InvalidTag for another code's, or under a key not held."""
        for key in self.typed_keys:
            with suppress(InvalidTag):
                return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], code_id.bytes)
        raise InvalidTag

    def public_keys(self) -> list[dict[str, str]]:
        """The public halves as JWKs, for phones that check offline; new tickets are signed with the first."""
        return [{name: str(value) for name, value in key.as_dict(private=False).items()} for key in self.keys]

    def sign(self, ticket: Ticket) -> str:
        """The ticket as a compact JWS."""
        payload = json.dumps(ticket.to_claims(), separators=(",", ":"))
        return jws.serialize_compact({"alg": ALGORITHM}, payload, self.keys[0], algorithms=[ALGORITHM])

    def read(self, text: str) -> Ticket:
        """The ticket a code holds; raises BadTicket for anything that this installation did not sign."""
        for key in self.keys:
            with suppress(JoseError, ValueError, KeyError, TypeError):
                signed = jws.deserialize_compact(to_bytes(text.strip()), key, algorithms=[ALGORITHM])
                return Ticket.from_claims(json.loads(signed.payload))
        raise BadTicket(field="ticket")


@lru_cache(maxsize=16)
def signing_key(seed: bytes) -> OKPKey:
    """The Ed25519 key of a seed."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return OKPKey.import_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def ticket_office(db: Session, settings: Settings) -> TicketOffice:
    """The office of this installation; raises KeyNotHeld."""
    return TicketOffice.of(keyring_in_use(db, Keyring.of(settings)), settings.api.public_url)


def ticket_of(db: Session, booking: Booking) -> Ticket:
    """The ticket of a booking."""
    session = db.get_one(VaccinationSession, booking.session_id)
    facility = db.get_one(Facility, session.facility_id)
    return Ticket(booking=booking.id, facility=facility.code, day=session.day, dose=booking.dose)


def drawn(text: str, wide: int | None = None) -> str:
    """The text as a QR code, SVG markup that grows with the place it is given; `wide`: so many pixels, where no page says."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    svg: str = code.to_svg(add_quiet_zones=True)
    # Without a viewBox it stays a module a pixel, however large the page makes it: no scanner reads that from a phone.
    across, down = (r"\1", r"\2") if wide is None else (str(wide), str(wide))
    return _SIZED.sub(rf'<svg width="{across}" height="{down}" viewBox="0 0 \1 \2"', svg, count=1)


def picture_of(text: str) -> bytes:
    """The text as a QR code, a PNG that a phone shows whole and another phone reads from it."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    drawing = Image.fromarray(code.to_image(scale=_DOTS, add_quiet_zones=True))
    kept = io.BytesIO()
    drawing.save(kept, "PNG", optimize=True)
    return kept.getvalue()


def check_in(
    db: Session, principal: Principal, office: TicketOffice, ticket_text: str, facility_ref: str, *, now: datetime
) -> Booking:
    """Somebody shows a ticket at the door of a facility: the booking's owner has arrived.

    What the ticket says of place and day is what was booked; where the booking is now counts, for it may have moved. One of
    another facility moves here, where a session of this day gives the same dose. Raises BadTicket, BookingNotFound,
    FacilityNotFound, TicketElsewhere (none does), TicketOtherDay, and what moving a booking raises.
    """
    ticket = office.read(ticket_text)
    facility = facility_by_code_or_id(db, principal, facility_ref)
    today = local_day(now, facility.timezone)
    booking = db.get(Booking, ticket.booking)
    if booking is None:
        raise BookingNotFound(booking=str(ticket.booking))
    session = db.get_one(VaccinationSession, booking.session_id)
    booked_at = db.get_one(Facility, session.facility_id)
    if session.day != today:
        raise TicketOtherDay(day=session.day.isoformat(), facility=booked_at.code, name=booked_at.name)
    if session.facility_id != facility.id:
        here = session_giving_the_same(db, ticket.booking, facility.id, today)
        if here is None:
            raise TicketElsewhere(facility=booked_at.code, name=booked_at.name)
        return arrive_at(db, principal, ArriveAt(booking_id=ticket.booking, session_id=here), now=now)
    command = MoveBooking(booking_id=ticket.booking, state=BookingState.ARRIVED)
    return move_booking(db, principal, command, now=now)
