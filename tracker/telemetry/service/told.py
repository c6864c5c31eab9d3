"""What devices say of themselves, beside readings: their own alarms, and figures of whole days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, or_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.telemetry.models import DayFigures, ToldAlarm
from tracker.telemetry.rules.clocks import is_wrong
from tracker.telemetry.service.writer import mark

# (device, code, claimed instant, receipt)
Told = tuple[UUID, str, datetime, datetime]


def note_told_alarms(db: Session, told: Iterable[Told]) -> int:
    """Keep codes that devices gave as their alarms; the same again adds nothing. Returns how many are new."""
    rows = {
        (device_id, code, claimed_at): {
            "device_id": device_id,
            "code": code,
            "claimed_at": claimed_at,
            "at": received_at if is_wrong(claimed_at, received_at) else claimed_at,
            "received_at": received_at,
        }
        for device_id, code, claimed_at, received_at in told
    }
    new = 0
    ordered = [rows[key] for key in sorted(rows, key=lambda key: (str(key[0]), key[1], key[2]))]
    for start in range(0, len(ordered), _CHUNK):
        statement = upsert(ToldAlarm).values(ordered[start : start + _CHUNK]).on_conflict_do_nothing()
        new += len(db.execute(statement.returning(ToldAlarm.claimed_at)).all())
    return new


# A statement takes 65,535 parameters; a row has at most sixteen.
_CHUNK = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggerDay:
    """One day as a logger printed it; instants aware, temperatures °C. Fields as in `DayFigures`."""

    day: date
    from_at: datetime
    to_at: datetime
    min_c: float
    max_c: float
    minutes_unknown: int
    below_c: float | None
    below_minutes: int | None
    minutes_below: int | None
    below_alarm_at: datetime | None
    above_c: float | None
    above_minutes: int | None
    minutes_above: int | None
    above_alarm_at: datetime | None


def store_days(db: Session, channel_id: int, days: Sequence[LoggerDay], *, received_at: datetime) -> int:
    """Keep days of a channel and have them judged; returns how many are new or tell more than before.

    Files may come in any order: of one day the export that tells of more of it counts, and never less than was known.
    """
    if not days:
        return 0
    table = upsert(DayFigures).values(
        [{"channel_id": channel_id, "received_at": received_at, **asdict(one)} for one in days]
    )
    told, known = table.excluded, DayFigures
    merged = {
        "to_at": func.greatest(known.to_at, told.to_at),
        "min_c": func.least(known.min_c, told.min_c),
        "max_c": func.greatest(known.max_c, told.max_c),
        **{name: func.greatest(getattr(known, name), told[name]) for name in ("minutes_below", "minutes_above")},
        "minutes_unknown": func.greatest(known.minutes_unknown, told.minutes_unknown),
        **{name: func.least(getattr(known, name), told[name]) for name in ("below_alarm_at", "above_alarm_at")},
    }
    changed = db.execute(
        table.on_conflict_do_update(
            index_elements=[known.channel_id, known.day],
            set_={**merged, "received_at": told.received_at},
            where=or_(*(getattr(known, name).is_distinct_from(value) for name, value in merged.items())),
        ).returning(known.from_at)
    ).all()
    if changed:
        mark(db, channel_id, min(row.from_at for row in changed))
    return len(changed)
