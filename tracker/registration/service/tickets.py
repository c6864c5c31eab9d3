"""Tickets of two kinds: a signed code for the door, checked also by a phone that holds only the public key, and the
address of a page that only its owner knows.

A booking's id is no secret: it stands on the feed and in lists. The address holds the id sealed (AES-SIV, RFC 5297), so
nobody can make one from an id, and none need be kept; what was changed is counted (`addresses.py`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import zxingcpp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import to_bytes
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.tokens import derived_key
from tracker.kit.days import local_day
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState
from tracker.quota.service.arriving import arrive_at, session_giving_the_same
from tracker.quota.service.commands import ArriveAt, MoveBooking
from tracker.quota.service.moving import move_booking
from tracker.registration.errors import BadTicket, TicketElsewhere, TicketNotFound, TicketOtherDay
from tracker.registration.rules.tickets import Ticket
from tracker.settings import Settings

_ALGORITHM = "Ed25519"


@dataclass(frozen=True, slots=True)
class TicketOffice:
    """Signs and checks with the installation's own keys, derived from its secret; `address` is where its pages are."""

    key: OKPKey
    link_key: bytes = field(repr=False)
    code_key: bytes = field(repr=False)
    address: str

    @classmethod
    def from_secret(cls, secret: str, address: str = "") -> TicketOffice:
        """The office of an installation's RANTAI_SECRET_KEY and public address (`https://host`)."""
        private = Ed25519PrivateKey.from_private_bytes(derived_key(secret, "ticket"))
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return cls(
            OKPKey.import_key(pem), derived_key(secret, "ticket link"), derived_key(secret, "ticket code"), address
        )

    def sealed(self, booking_id: UUID, turn: int = 0) -> str:
        """The secret of a booking's page, 43 characters or 46: `turn` says how often it was changed."""
        told = booking_id.bytes + (turn.to_bytes(2) if turn else b"")
        return base64.urlsafe_b64encode(AESSIV(self.link_key).encrypt(told, None)).rstrip(b"=").decode()

    def unsealed(self, secret: str) -> tuple[UUID, int]:
        """The booking and the turn of a secret; raises TicketNotFound, also for a booking's id, which is no secret."""
        try:
            sealed = base64.b64decode(secret + "=" * (-len(secret) % 4), altchars="-_", validate=True)
            told = AESSIV(self.link_key).decrypt(sealed, None)
            return UUID(bytes=told[:16]), int.from_bytes(told[16:])
        except (ValueError, InvalidTag):
            raise TicketNotFound from None

    def link(self, secret: str) -> str:
        """The whole address of a booking's page, for messages."""
        return f"{self.address}/daftar/tiket/{secret}"

    def code_of(self, code_id: UUID) -> str:
        """The six digits that are sent for a question of that id."""
        drawn_from = hmac.new(self.code_key, code_id.bytes, hashlib.sha256).digest()
        return f"{int.from_bytes(drawn_from) % 1_000_000:06d}"

    def public_key(self) -> dict[str, str]:
        """The public half as a JWK, for phones that check offline."""
        return {name: str(value) for name, value in self.key.as_dict(private=False).items()}

    def sign(self, ticket: Ticket) -> str:
        """The ticket as a compact JWS."""
        payload = json.dumps(ticket.to_claims(), separators=(",", ":"))
        return jws.serialize_compact({"alg": _ALGORITHM}, payload, self.key, algorithms=[_ALGORITHM])

    def read(self, text: str) -> Ticket:
        """The ticket a code holds; raises BadTicket for anything that this installation did not sign."""
        try:
            signed = jws.deserialize_compact(to_bytes(text.strip()), self.key, algorithms=[_ALGORITHM])
            return Ticket.from_claims(json.loads(signed.payload))
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise BadTicket(field="ticket") from error


def ticket_office(settings: Settings) -> TicketOffice:
    """The office of this installation."""
    return TicketOffice.from_secret(settings.secret_key.get_secret_value(), settings.api.public_url)


def ticket_of(db: Session, booking: Booking) -> Ticket:
    """The ticket of a booking."""
    session = db.get_one(VaccinationSession, booking.session_id)
    facility = db.get_one(Facility, session.facility_id)
    return Ticket(booking=booking.id, facility=facility.code, day=session.day, dose=booking.dose)


def drawn(text: str) -> str:
    """The text as a QR code, SVG markup, scaled by the page."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    svg: str = code.to_svg(add_quiet_zones=True)
    return svg


def check_in(
    db: Session, principal: Principal, office: TicketOffice, ticket_text: str, facility_ref: str, *, now: datetime
) -> Booking:
    """Somebody shows a ticket at the door of a facility: the booking's owner has arrived.

    A ticket of another facility moves the booking here, where a session of this day gives the same dose. Raises BadTicket,
    FacilityNotFound, TicketElsewhere (none does), TicketOtherDay, and what moving a booking raises.
    """
    ticket = office.read(ticket_text)
    facility = facility_by_code_or_id(db, principal, facility_ref)
    today = local_day(now, facility.timezone)
    if ticket.day != today:
        raise TicketOtherDay(day=ticket.day.isoformat())
    if ticket.facility != facility.code:
        here = session_giving_the_same(db, ticket.booking, facility.id, today)
        if here is None:
            raise TicketElsewhere(facility=ticket.facility)
        return arrive_at(db, principal, ArriveAt(booking_id=ticket.booking, session_id=here), now=now)
    command = MoveBooking(booking_id=ticket.booking, state=BookingState.ARRIVED)
    return move_booking(db, principal, command, now=now)
