"""Who makes backups tells the house so through one door, and has no right to anything else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from tracker.database.backups import newest_backup
from tracker.kit.clock import utc_now


def told(db: Session, ago: timedelta) -> None:
    db.execute(text("SELECT backup_made(:at)"), {"at": utc_now() - ago})


def test_the_newest_counts_and_none_that_is_to_come(db: Session) -> None:
    assert newest_backup(db) is None
    told(db, timedelta(hours=3))
    told(db, timedelta(hours=20))
    newest = newest_backup(db)
    assert newest is not None
    assert timedelta(hours=3) <= utc_now() - newest < timedelta(hours=3, minutes=5)
    told(db, -timedelta(days=30))
    newest = newest_backup(db)
    assert newest is not None
    assert newest <= utc_now()


def test_a_role_without_any_right_may_tell_and_no_more(db: Session) -> None:
    db.execute(text("CREATE ROLE only_tells"))
    db.execute(text("SET LOCAL ROLE only_tells"))
    told(db, timedelta(hours=1))
    with pytest.raises(ProgrammingError, match="permission denied"), db.begin_nested():
        db.execute(text("SELECT * FROM backup_told"))
    db.execute(text("RESET ROLE"))
    assert newest_backup(db) is not None
