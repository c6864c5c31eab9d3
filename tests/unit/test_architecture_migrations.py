"""Migrations are one line: each has one before it and one after it, and their numbers have neither holes nor twins."""

from __future__ import annotations

from alembic.script import ScriptDirectory

from tracker.database import migrations


def test_migrations_are_one_line_and_numbered_in_it() -> None:
    script = ScriptDirectory.from_config(migrations.alembic_config())
    assert len(script.get_heads()) == 1, f"several last migrations: {script.get_heads()}"
    numbers = [int(each.revision[:4]) for each in script.walk_revisions()]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers == list(range(numbers[0], 0, -1))
