"""`rantai secrets status|rotate`: the secret key is replaced by another while the house lives."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import Engine

from rantai.cli.context import current_settings, engine_for_commands
from rantai.errors import AnswerIsNo, WrongUse
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.resealed import KEPT, still_out
from tracker.sealing.keyring import Keyring, fingerprint_of
from tracker.sealing.models import SecretKey
from tracker.sealing.service import (
    CHUNK,
    fingerprints_known,
    keys_known,
    processes_without,
    progress,
    reseal_next,
    take_into_use,
)

app = typer.Typer()


@app.command()
def status() -> None:
    """Show which secret keys the database knows, and what each is still needed for (exit code 1: one is not held)."""
    keyring = Keyring.of(current_settings())
    with engine_for_commands() as engine, transaction(engine) as db:
        rows = keys_known(db)
        for row in rows:
            held = "held" if keyring.by_fingerprint(row.fingerprint) else "NOT HELD"
            print(f"key {row.number}  {row.fingerprint.hex()[:8]}  {_state(row)}  {held}")
        for done in progress(db, [kind.what for kind in KEPT]):
            print(f"  {done.what}: {done.looked_at} looked at, {done.changed} sealed anew{_finish(done.finished_at)}")
        for row in rows:
            if row.replaced_at is not None:
                _tell_need(engine, row)
    for secret in keyring.secrets:
        if all(row.fingerprint != fingerprint_of(secret) for row in rows):
            print(f"held and not in use yet: {fingerprint_of(secret).hex()[:8]}")
    if any(row.released_at is None and not keyring.by_fingerprint(row.fingerprint) for row in rows):
        raise AnswerIsNo("a key that the database is under is not held here")


@app.command()
def rotate(
    chunk: Annotated[int, typer.Option(help="Rows in one transaction.", min=1, max=10_000)] = CHUNK,
) -> None:
    """Take the new one of the given keys into use and seal everything anew under it; repeat it if it was stopped."""
    keyring = Keyring.of(current_settings())
    with engine_for_commands() as engine:
        _begin(engine, keyring)
        more, chunks = True, 0
        while more:
            with transaction(engine) as db:
                more = reseal_next(db, keyring, KEPT, now=utc_now(), most=chunk)
            chunks += 1
            if more and chunks % 20 == 0:
                _tell_progress(engine)
        _tell_progress(engine)
        print("Nothing in the database is under a former key any more.")
        with transaction(engine) as db:
            former = [row for row in keys_known(db) if row.replaced_at is not None]
        for row in former[:1]:
            _tell_need(engine, row)


def _begin(engine: Engine, keyring: Keyring) -> None:
    with transaction(engine) as db:
        known = fingerprints_known(db)
        fresh = [secret for secret in keyring.secrets if fingerprint_of(secret) not in known]
        if len(fresh) > 1 or (not known and len(keyring.secrets) > 1):
            raise WrongUse(
                "more than one of the given keys is new to this database; give the one in use and one new one"
            )
        if not fresh and len(known) == 1:
            raise WrongUse("no new key is given; put it into RANTAI_OTHER_SECRET_KEYS of every program first")
        if not fresh:
            return
        without = processes_without(db, fresh[0])
        if without:
            named = ", ".join(f"{name} (connection {pid})" for name, pid in without[:5])
            raise AnswerIsNo(f"{len(without)} connections are of programs that do not hold the new key yet: {named}")
        taken = take_into_use(db, keyring, fresh[0], now=utc_now())
    print(f"Key {taken.number} ({fingerprint_of(fresh[0]).hex()[:8]}) is in use.")


def _tell_progress(engine: Engine) -> None:
    with transaction(engine) as db:
        for done in progress(db, [kind.what for kind in KEPT]):
            print(f"  {done.what}: {done.looked_at} looked at, {done.changed} sealed anew{_finish(done.finished_at)}")


def _tell_need(engine: Engine, row: SecretKey) -> None:
    if row.released_at is None:
        print(f"Key {row.number} is needed: not everything is sealed anew; run `rantai secrets rotate`.")
        return
    current = current_settings()
    with transaction(engine) as db:
        out = still_out(
            db, row, token_minutes=current.api.token_minutes, answers_days=current.retention.answers_days, now=utc_now()
        )
    for one in out:
        many = "" if one.how_many is None else f"{one.how_many} "
        print(f"Key {row.number} is good for {many}{one.what} until {one.until.isoformat()}.")
    if not out:
        print(f"Key {row.number} is needed by nothing any more: take it out of the settings.")


def _state(row: SecretKey) -> str:
    return "in use" if row.replaced_at is None else f"replaced {row.replaced_at:%Y-%m-%d %H:%M} UTC"


def _finish(at: object) -> str:
    return "" if at is None else ", done"
