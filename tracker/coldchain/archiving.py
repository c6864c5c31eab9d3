"""Months of readings that are taken out of the table, once nothing is judged by them any more."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from tracker.database.letting_go import Piece
from tracker.database.partitions import ensure_months, months_of, next_month
from tracker.telemetry.models import ArchivedMonth, ReadingMark

SCHEMA = "archive"


def archive_month(db: Session, month: date, *, now: datetime) -> None:
    """Take a month out of `reading`; its table goes to the schema `archive`, where nothing of the house looks.

    Of a channel that has been silent since, the newest reading stays: from it evaluation goes on.
    """
    name = f"reading_y{month:%Y}m{month:%m}"
    start, end = _instant(month), _instant(next_month(month))
    heads = db.execute(
        text(
            f"SELECT r.* FROM channel_evaluation e JOIN {name} r ON r.channel_id = e.channel_id "
            "AND r.measured_at = e.head_at WHERE e.head_at >= :start AND e.head_at < :end"
        ),
        {"start": start, "end": end},
    ).mappings()
    kept = [dict(row) for row in heads]
    db.execute(text(f"ALTER TABLE reading DETACH PARTITION {name}"))
    db.execute(text(f"ALTER TABLE {name} SET SCHEMA {SCHEMA}"))
    db.execute(insert(ArchivedMonth).values(month=month, archived_at=now))
    if kept:
        ensure_months(db, "reading", [month])
        db.execute(
            text(
                "INSERT INTO reading (channel_id, measured_at, value, received_at, time_source, flags, message_id) "
                "VALUES (:channel_id, :measured_at, :value, :received_at, :time_source, :flags, :message_id)"
            ),
            kept,
        )


class OldMonths:
    """Months that ended before an instant and are not archived yet; the oldest goes first."""

    def count(self, db: Session, before: datetime, *, most: int) -> int:
        """How many months."""
        return min(most, len(_old(db, before)))

    def count_all(self, db: Session, before: datetime) -> int:
        """How many months."""
        return len(_old(db, before))

    def next(self, db: Session, before: datetime, reached: str | None, *, now: datetime) -> Piece:
        """Archive the oldest; while some of its readings wait to be judged it stays for another night."""
        del reached
        months = _old(db, before)
        if not months:
            return Piece(how_many=0, reached=None)
        end = _instant(next_month(months[0]))
        if db.scalar(select(ReadingMark.id).where(ReadingMark.earliest_at < end).limit(1)) is not None:
            return Piece(how_many=0, reached=None)
        archive_month(db, months[0], now=now)
        return Piece(how_many=1, reached=months[0].isoformat())


def _old(db: Session, before: datetime) -> list[date]:
    archived = set(db.scalars(select(ArchivedMonth.month)))
    return [each for each in months_of(db, "reading") if each not in archived and _instant(next_month(each)) <= before]


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
