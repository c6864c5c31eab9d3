"""Browsers that are told instead of a phone: asked for behind a ticket's secret, and let go when they are gone."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from tracker.delivery.rules.addresses import refusal_of_url
from tracker.delivery.web_push import Browser
from tracker.kit.ids import uuid7
from tracker.people.models import Person
from tracker.people.queries import ids_of
from tracker.quota.models import Booking
from tracker.registration.errors import BadBrowser, TicketNotFound
from tracker.registration.models import PushBrowser
from tracker.registration.service.family import head_of
from tracker.registration.service.owning import tell_owner
from tracker.registration.service.tickets import TicketOffice
from tracker.settings import DeliverySettings

# A phone, a tablet, an old one; the one that was told longest ago makes room.
MOST_BROWSERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBrowser:
    """What a browser says when it subscribes (Push API): all of it secret, `repr` shows none."""

    endpoint: str = field(repr=False)
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)


def tell_browser(
    db: Session,
    office: TicketOffice,
    booking: Booking,
    new: NewBrowser,
    settings: DeliverySettings,
    *,
    language: str,
    now: datetime,
) -> None:
    """From now on this browser tells whoever the booking's phone belongs to; the phone is told that it does, once.

    Raises BadBrowser for a service that is not called and for keys that are none, TicketNotFound where there is no phone.
    """
    head = _head(db, booking)
    _check(new, settings)
    typed = json.dumps([new.endpoint, new.p256dh, new.auth, office.push_keys[0].text]).encode()
    # Two taps at once are one browser.
    db.scalar(select(Person.id).where(Person.id == head.id).with_for_update())
    known = office.hashes(new.endpoint.encode())
    row = db.scalar(
        select(PushBrowser).where(PushBrowser.person_id == head.id, PushBrowser.known_by.in_(known)).limit(1)
    )
    first = row is None
    if row is None:
        _make_room(db, head)
        row = PushBrowser(id=uuid7(), person_id=head.id)
        db.add(row)
    row.known_by, row.proven_by, row.told_at = known[0], office.hashes((head.phone or "").encode())[0], now
    row.sealed = office.seal_typed(typed, row.id)
    db.flush()
    if first:
        tell_owner(db, booking, "push_started", language=language, now=now)


def stop_browsers(db: Session, booking: Booking) -> None:
    """All browsers of whoever the booking's phone belongs to; the phone is told again. Raises TicketNotFound."""
    db.execute(delete(PushBrowser).where(PushBrowser.person_id.in_(ids_of(db, _head(db, booking)))))


def browsers_of(db: Session, office: TicketOffice, person_id: UUID) -> list[Browser]:
    """Where this person is told; none that was asked for while they had another phone, or under a key that is not held."""
    head = head_of(db, person_id)
    if head is None or head.phone is None:
        return []
    rows = select(PushBrowser).where(
        PushBrowser.person_id.in_(ids_of(db, head)),
        PushBrowser.proven_by.in_(office.hashes(head.phone.encode())),
    )
    opened = (_opened(office, row) for row in db.scalars(rows.order_by(PushBrowser.id)))
    return [one for one in opened if one is not None]


def browser_told(db: Session, browser_id: UUID, now: datetime) -> None:
    """It took something: it is still there."""
    db.execute(update(PushBrowser).where(PushBrowser.id == browser_id).values(told_at=now))


def drop_browser(db: Session, browser_id: UUID) -> None:
    """One that its service knows no more."""
    db.execute(delete(PushBrowser).where(PushBrowser.id == browser_id))


def _head(db: Session, booking: Booking) -> Person:
    head = head_of(db, booking.person_id)
    if head is None or head.phone is None:
        raise TicketNotFound
    return head


def _check(new: NewBrowser, settings: DeliverySettings) -> None:
    host = (urlsplit(new.endpoint).hostname or "") if new.endpoint.isascii() else ""
    known = any(host == one or host.endswith(f".{one}") for one in settings.push_hosts)
    if not known or refusal_of_url(new.endpoint, private_allowed=settings.private_webhooks) is not None:
        raise BadBrowser(field="endpoint")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(new.p256dh))
        if len(decoded(new.auth)) != 16:
            raise BadBrowser(field="auth")
    except ValueError as error:
        raise BadBrowser(field="p256dh") from error


def decoded(text: str) -> bytes:
    """Bytes as browsers write them; raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
    except binascii.Error as error:
        raise ValueError(text[:0]) from error


def _make_room(db: Session, head: Person) -> None:
    newest = select(PushBrowser.id).where(PushBrowser.person_id == head.id)
    kept = newest.order_by(PushBrowser.told_at.desc(), PushBrowser.id.desc()).limit(MOST_BROWSERS - 1)
    db.execute(delete(PushBrowser).where(PushBrowser.person_id == head.id, PushBrowser.id.not_in(kept)))


def _opened(office: TicketOffice, row: PushBrowser) -> Browser | None:
    try:
        endpoint, public, auth, key = json.loads(office.open_typed(row.sealed, row.id))
    except InvalidTag:
        return None
    held = next((one for one in office.push_keys if one.text == key), None)
    if held is None:
        return None
    return Browser(id=row.id, endpoint=endpoint, public=decoded(public), auth=decoded(auth), key=held)
