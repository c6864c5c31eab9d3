"""Conversations, health answers and codes whose time is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.orm import Session

from tracker.kit.ids import first_at
from tracker.registration.models import Conversation, ConversationTurn, HealthAnswer, PushBrowser, TicketCode


def old_conversations(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """Talks in which nothing was said since."""
    return select(Conversation.updated_at, Conversation.id).where(Conversation.updated_at < before)


def forget_conversations(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them with what was answered: who comes back begins anew."""
    del now
    ids = [row.id for row in rows]
    db.execute(delete(ConversationTurn).where(ConversationTurn.conversation_id.in_(ids)))
    db.execute(delete(Conversation).where(Conversation.id.in_(ids)))


def old_health_answers(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """What people said of their health before that instant, while booking."""
    return select(HealthAnswer.id).where(HealthAnswer.id < first_at(before))


def forget_health_answers(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them; what staff found when they screened stays with the booking."""
    del now
    db.execute(delete(HealthAnswer).where(HealthAnswer.id.in_([row.id for row in rows])))


def old_codes(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """Codes for lost tickets that were asked for before that instant: none opens anything any more."""
    return select(TicketCode.made_at, TicketCode.id).where(TicketCode.made_at < before)


def forget_codes(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them."""
    del now
    db.execute(delete(TicketCode).where(TicketCode.id.in_([row.id for row in rows])))


def old_browsers(_db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    """Browsers that took no message since."""
    return select(PushBrowser.told_at, PushBrowser.id).where(PushBrowser.told_at < before)


def forget_browsers(db: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Drop them: their owners are told by phone."""
    del now
    db.execute(delete(PushBrowser).where(PushBrowser.id.in_([row.id for row in rows])))
