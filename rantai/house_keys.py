"""A program starts with the secret keys of its database or not at all."""

from __future__ import annotations

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from rantai.errors import AnswerIsNo
from tracker.database.engine import transaction
from tracker.resealed import check_keys
from tracker.sealing.errors import KeyNotHeld
from tracker.sealing.keyring import Keyring
from tracker.settings import Settings

log = structlog.get_logger("rantai.keys")


def insist_on_keys(engine: Engine, current: Settings) -> None:
    """Raises AnswerIsNo when a key is missing: with a wrong one nobody would be found by their number.

    A database that is away, or not upgraded yet, is no reason not to start; `/readyz` looks again.
    """
    try:
        with transaction(engine) as db:
            check_keys(db, Keyring.of(current))
    except KeyNotHeld as missing:
        raise AnswerIsNo(
            f"the database is under secret key {missing.params['key']}, which is neither RANTAI_SECRET_KEY nor among "
            "RANTAI_OTHER_SECRET_KEYS; give this program that key (`rantai secrets status` lists them by fingerprint)."
        ) from None
    except SQLAlchemyError:
        log.warning("the secret key could not be compared with the database's")
