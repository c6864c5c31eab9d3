"""What is kept how long: the one list of what goes when its time is over. Each room says which rows, and how they go.

UU 27/2022 on personal data asks to end processing when the time is over or the purpose reached (article 42) and to delete what is
needed no more (article 43); how long that is, it leaves to whoever answers for the data. So the days are settings. Doses,
screenings and claims are medical records: PMK 24/2022 is reported to ask for 25 years after the last visit at least. Nothing here
touches them, nor the ledger, nor the feed, in which only ids stand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tracker.database.forgotten import note_forgotten
from tracker.delivery.forgetting import forget_messages, old_messages
from tracker.people.forgetting import forget_lookups, old_lookups
from tracker.quota.forgetting import forget_persons, persons_without_use
from tracker.registration.forgetting import (
    forget_conversations,
    forget_health_answers,
    old_conversations,
    old_health_answers,
)
from tracker.settings import RetentionSettings

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of what is personal: how long it is kept, why no longer, which rows are too old and how they go."""

    what: str
    kept: timedelta
    why: str
    too_old: Callable[[datetime], Select[UUID]]
    forget: Callable[[Session, Collection[UUID], datetime], None]

    def before(self, now: datetime) -> datetime:
        """What is older goes."""
        return now - self.kept


def rules_of(settings: RetentionSettings) -> Sequence[Rule]:
    """All rules, with the days that were set. Persons come last: what speaks of them goes first."""
    return (
        Rule(
            "conversations", timedelta(days=settings.conversations_days),
            "who stopped talking begins anew", old_conversations, forget_conversations,
        ),
        Rule(
            "messages", timedelta(days=settings.messages_days),
            "what was sent is of use while somebody may ask for it", old_messages, forget_messages,
        ),
        Rule(
            "health answers", timedelta(days=settings.health_answers_days),
            "asked for the desk, which screens anew", old_health_answers, forget_health_answers,
        ),
        Rule(
            "look-ups", timedelta(days=settings.lookups_days),
            "kept so that misuse can be asked about", old_lookups, forget_lookups,
        ),
        Rule(
            "persons", timedelta(days=settings.persons_days),
            "who never came is no patient", persons_without_use, forget_persons,
        ),
    )  # fmt: skip


def count_too_old(db: Session, rule: Rule, *, now: datetime) -> int:
    """How many would go now."""
    return db.scalar(select(func.count()).select_from(rule.too_old(rule.before(now)).subquery())) or 0


def forget_next(db: Session, rule: Rule, after: UUID | None, *, now: datetime, most: int = CHUNK) -> UUID | None:
    """Let the next rows go that are too old, and note how many; the last one's id, None when there were none.

    May be stopped anywhere and done again.
    """
    rows = rule.too_old(rule.before(now))
    column = rows.selected_columns[0]
    following = rows.order_by(column).limit(most).with_for_update(skip_locked=True, of=column.table)
    ids = list(db.scalars(following if after is None else following.where(column > after)))
    if ids:
        rule.forget(db, ids, now)
        note_forgotten(db, rule.what, len(ids), before=rule.before(now), now=now)
    return ids[-1] if ids else None
