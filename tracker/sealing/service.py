"""Which key is in use is the database's word, not the order of settings: all processes write under the same one.

Whoever writes under it holds a shared lock until the end of its transaction, and whoever replaces it an exclusive one. So no
row under the former key is written once the new one is in use, and a number is looked for under both until all are sealed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.sealing.errors import KeyNotHeld
from tracker.sealing.keyring import Keyring, fingerprint_of
from tracker.sealing.models import Resealing, SecretKey

_LOCK = "hashtext('rantai secret key')"
CHUNK = 500


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """The key to write under, and all that are held, it first."""

    number: int
    keyring: Keyring


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that were looked at: the last one's id, None when there were none; how many, and how many were changed."""

    last: UUID | None
    looked_at: int
    changed: int


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of what is kept under a key, and how the next rows after an id are sealed anew under the first of the ring."""

    what: str
    reseal: Callable[[Session, KeyInUse, UUID | None, int], Chunk]


def key_to_write(db: Session, keyring: Keyring) -> KeyInUse:
    """The key in use, which stays so until the end of this transaction. Raises KeyNotHeld.

    The first key a database meets is its first.
    """
    db.execute(text(f"SELECT pg_advisory_xact_lock_shared({_LOCK})"))
    row = _in_use(db)
    if row is None:
        first = insert(SecretKey).values(
            number=1, fingerprint=fingerprint_of(keyring.secrets[0]), since=func.now(), replaced_at=None
        )
        db.execute(first.on_conflict_do_nothing())
        row = _in_use(db)
    if row is None:
        raise RuntimeError("no secret key is in use")
    return KeyInUse(row.number, _led(keyring, row))


def keyring_in_use(db: Session, keyring: Keyring) -> Keyring:
    """The ring with the key in use first, for what is signed and goes out. Raises KeyNotHeld."""
    row = _in_use(db)
    return keyring if row is None else _led(keyring, row)


def first_secret(db: Session, keyring: Keyring) -> str:
    """The secret that the database was first written under. Raises KeyNotHeld."""
    row = db.get(SecretKey, 1)
    secret = keyring.secrets[0] if row is None else keyring.by_fingerprint(row.fingerprint)
    if secret is None:
        raise KeyNotHeld(key=1)
    return secret


def missing_keys(db: Session, keyring: Keyring) -> list[SecretKey]:
    """Keys that something in the database is still under and that are not held."""
    rows = db.scalars(select(SecretKey).where(SecretKey.released_at.is_(None)).order_by(SecretKey.number))
    return [row for row in rows if keyring.by_fingerprint(row.fingerprint) is None]


def keys_known(db: Session) -> list[SecretKey]:
    """All keys the database was ever written under, the newest first."""
    return list(db.scalars(select(SecretKey).order_by(SecretKey.number.desc())))


def fingerprints_known(db: Session) -> set[bytes]:
    """The fingerprints of all keys the database was ever written under."""
    return {row.fingerprint for row in keys_known(db)}


def processes_without(db: Session, secret: str) -> list[tuple[str, int]]:
    """Connections of living programs that do not hold this secret, by the name that `shown_by` gave them and process id."""
    rows = db.execute(
        text(
            "SELECT application_name, pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name ~ '^rantai-(api|worker)' AND pid <> pg_backend_pid()"
        )
    )
    return [(row.application_name, row.pid) for row in rows if _short(secret) not in row.application_name]


def shown_by(name: str, keyring: Keyring) -> str:
    """The name of a program's connections: which keys it holds, so that whoever takes a new one into use sees who lacks it."""
    return f"{name} {'+'.join(_short(secret) for secret in keyring.secrets[:4])}"


def _short(secret: str) -> str:
    return fingerprint_of(secret).hex()[:8]


def take_into_use(db: Session, keyring: Keyring, secret: str, *, now: datetime) -> KeyInUse:
    """From now on everything is written under this secret; again, it changes nothing. Raises KeyNotHeld.

    Waits for whoever writes under the former key.
    """
    db.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    former = key_to_write(db, keyring)
    if former.keyring.secrets[0] == secret:
        return former
    db.execute(update(SecretKey).where(SecretKey.replaced_at.is_(None)).values(replaced_at=now))
    number = former.number + 1
    db.add(SecretKey(number=number, fingerprint=fingerprint_of(secret), since=now))
    db.flush()
    return KeyInUse(number, keyring.led_by(secret))


def reseal_next(db: Session, keyring: Keyring, kinds: Sequence[Kept], *, now: datetime, most: int = CHUNK) -> bool:
    """Seal the next rows anew; False when nothing is under a former key any more. Raises KeyNotHeld.

    Two at once take turns; what was sealed is passed, so it may be killed anywhere and done again.
    """
    key = key_to_write(db, keyring)
    if missing := missing_keys(db, keyring):
        raise KeyNotHeld(key=missing[0].number)
    for kind in kinds:
        start = insert(Resealing).values(key=key.number, what=kind.what, looked_at=0, changed=0)
        db.execute(start.on_conflict_do_nothing())
        row = db.scalars(
            select(Resealing).where(Resealing.key == key.number, Resealing.what == kind.what).with_for_update()
        ).one()
        if row.finished_at is not None:
            continue
        chunk = kind.reseal(db, key, row.position, most)
        row.position = chunk.last or row.position
        row.looked_at += chunk.looked_at
        row.changed += chunk.changed
        if chunk.looked_at < most:
            row.finished_at = now
        db.flush()
        return True
    former = (SecretKey.number < key.number) & SecretKey.released_at.is_(None)
    db.execute(update(SecretKey).where(former).values(released_at=now))
    return False


def progress(db: Session, kinds: Collection[str]) -> list[Resealing]:
    """How far each kind is with the key in use, those not begun left out."""
    in_use = select(SecretKey.number).where(SecretKey.replaced_at.is_(None)).scalar_subquery()
    rows = select(Resealing).where(Resealing.key == in_use, Resealing.what.in_(kinds)).order_by(Resealing.what)
    return list(db.scalars(rows))


def _in_use(db: Session) -> SecretKey | None:
    return db.scalar(select(SecretKey).where(SecretKey.replaced_at.is_(None)).execution_options(populate_existing=True))


def _led(keyring: Keyring, row: SecretKey) -> Keyring:
    secret = keyring.by_fingerprint(row.fingerprint)
    if secret is None:
        raise KeyNotHeld(key=row.number)
    return keyring.led_by(secret)
