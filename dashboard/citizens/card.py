"""Vaccination cards: the owner's, behind their ticket's secret, and `/kartu/{card}`, where anybody sees whether one is still true."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.viewer import Anyone, Viewer
from dashboard.papers.codes import qr
from tracker.catalog.models import Vaccine
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router
from tracker.network.models import Facility
from tracker.registration.rules.cards import Content, masked
from tracker.registration.service.addresses import booking_at
from tracker.registration.service.cards import Issued, issue_card, look_up
from tracker.registration.service.tickets import ticket_office

router = Router(include_in_schema=False)


@router.get("/daftar/tiket/{secret}/kartu")
def show_own(secret: str, viewer: Anyone, db: Db, now: Now, shared: Shared) -> Response:
    """The card of the dose a ticket was for, to its owner, to keep and to print."""
    booking_id = booking_at(db, ticket_office(db, shared.settings), secret)
    issued = issue_card(db, shared.settings, booking_id, now=now)
    return card_page(viewer, db, issued, back=f"/daftar/tiket/{secret}")


@router.get("/kartu/{card_id}")
def show_state(card_id: UUID, viewer: Anyone, db: Db) -> Response:
    """Whether a card is valid, corrected or withdrawn; its owner by first letters only."""
    looked = look_up(db, card_id)
    told = looked.content
    return _private(
        page(
            viewer,
            "citizens/card_state.html",
            looked=looked,
            name=None if told is None else masked(told.name),
            words=None if told is None else _words(db, told),
        )
    )


def card_page(viewer: Viewer, db: Session, issued: Issued, *, back: str) -> Response:
    """A card as a page that can be printed; `back`: where whoever has it came from."""
    answer = page(
        viewer,
        "citizens/card.html",
        card=issued.card,
        words=_words(db, issued.card.content),
        code=qr(issued.code),
        back=back,
    )
    return _private(answer)


def _words(db: Session, told: Content) -> dict[str, str]:
    """Names for the codes on a card, as they stand now."""
    return {
        "vaccine": db.scalar(select(Vaccine.name).where(Vaccine.code == told.vaccine)) or told.vaccine,
        "facility": db.scalar(select(Facility.name).where(Facility.code == told.facility)) or told.facility,
    }


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
