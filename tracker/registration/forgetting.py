"""Conversations and health answers whose time is over."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from tracker.kit.ids import first_at
from tracker.registration.models import Conversation, ConversationTurn, HealthAnswer


def old_conversations(before: datetime) -> Select[UUID]:
    """Talks in which nothing was said since."""
    return select(Conversation.id).where(Conversation.updated_at < before)


def forget_conversations(db: Session, ids: Collection[UUID], now: datetime) -> None:
    """Drop them with what was answered: who comes back begins anew."""
    del now
    db.execute(delete(ConversationTurn).where(ConversationTurn.conversation_id.in_(ids)))
    db.execute(delete(Conversation).where(Conversation.id.in_(ids)))


def old_health_answers(before: datetime) -> Select[UUID]:
    """What people said of their health before that instant, while booking."""
    return select(HealthAnswer.id).where(HealthAnswer.id < first_at(before))


def forget_health_answers(db: Session, ids: Collection[UUID], now: datetime) -> None:
    """Drop them; what staff found when they screened stays with the booking."""
    del now
    db.execute(delete(HealthAnswer).where(HealthAnswer.id.in_(ids)))
