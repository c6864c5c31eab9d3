"""From the release before to this one and back, with a house that has worked: nothing both know is lost on either way."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, inspect, text

from rantai.cli import main
from tests.support.books import check_books
from tests.support.coldchain import new_channel, send
from tests.support.quota import Desk
from tests.support.world import World
from tracker.database import migrations
from tracker.database.engine import transaction
from tracker.settings import settings

Content = dict[tuple[str, str], tuple[int, str]]


def content_of(engine: Engine) -> Content:
    """Of each column of each table how many rows there are, and a digest of what they hold."""
    found: Content = {}
    with engine.connect() as connection:
        # A partition is told by its parent.
        parts = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")))
        seen = inspect(connection)
        for table in sorted(set(seen.get_table_names()) - parts - {"alembic_version", "spatial_ref_sys"}):
            names = [column["name"] for column in seen.get_columns(table)]
            digests = ", ".join(f'md5(string_agg("{n}"::text, \'|\' ORDER BY "{n}"::text))' for n in names)
            rows, *told = connection.execute(text(f"SELECT count(*), {digests} FROM {table}")).one()
            found.update({(table, name): (rows, str(digest)) for name, digest in zip(names, told, strict=True)})
    return found


def shared(one: Content, other: Content) -> Content:
    """What `one` holds where both have the column."""
    return {column: one[column] for column in one.keys() & other.keys()}


def test_the_release_before_and_this_one_keep_each_others_rows(
    engine: Engine, committed_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with transaction(engine) as db:
        desk = Desk(db, committed_world, committed_world.now)
        desk.stock("az-10/AZ001", 5)
        session = desk.session(ahead=0)
        desk.vaccinate(desk.confirmed(session))
        desk.confirmed(session)
        send(db, new_channel(db, committed_world), [(minute, 4.5) for minute in range(0, 600, 10)])
    made = content_of(engine)
    assert len({table for (table, _), (rows, _) in made.items() if rows}) > 25, "a house that has worked"

    monkeypatch.setenv("RANTAI_DATABASE_URL", engine.url.set(drivername="postgresql").render_as_string(False))
    monkeypatch.setenv("RANTAI_SECRET_KEY", "for tests of commands, 32 characters")
    settings.cache_clear()
    try:
        assert main(["db", "downgrade"]) == 0
        assert "Install the release before" in capsys.readouterr().out
        before = content_of(engine)
        assert {table for table, _ in before} & {table for table, _ in made}
        assert shared(before, made) == shared(made, before)
        assert main(["db", "check"]) == 1

        assert main(["db", "upgrade"]) == 0
        after = content_of(engine)
        assert after.keys() == made.keys()
        assert shared(after, before) == shared(before, after)
        with transaction(engine) as db:
            check_books(db)
        migrations.check(engine)
    finally:
        settings.cache_clear()
