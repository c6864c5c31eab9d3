"""The worker's loops that tell P-Care of doses, and look whether each was told."""

from __future__ import annotations

import httpx2
from sqlalchemy import Engine

from rantai.supervisor import Loop
from tracker.database.engine import transaction
from tracker.feed import bell
from tracker.kit.clock import Clock
from tracker.pcare.client import PcareClient
from tracker.pcare.service.comparing import compare_next
from tracker.pcare.service.noting import look_for_doses, note_line
from tracker.pcare.service.sending import send_due
from tracker.people.vault import NikVault
from tracker.settings import Settings

_CONNECT_S = 5.0


def pcare_loops(engine: Engine, current: Settings, clock: Clock) -> list[Loop]:
    """One finds doses that nobody noted; where P-Care's address is set, another tells what waits."""
    connected = current.pcare.url is not None

    def look() -> int:
        with transaction(engine) as db:
            note_line(db, connected=connected, now=clock())
            return look_for_doses(db, now=clock())

    loops = [Loop(name="pcare look", step=look, every_s=30.0)]
    if connected:
        settings = current.pcare
        limits = httpx2.Limits(max_connections=settings.parallel + 1, max_keepalive_connections=settings.parallel + 1)
        timeout = httpx2.Timeout(settings.answer_seconds, connect=_CONNECT_S)
        client = PcareClient(settings, httpx2.Client(timeout=timeout, limits=limits, follow_redirects=False), clock)
        vault = NikVault.of(current)

        def send() -> int:
            return send_due(engine, client, vault, clock=clock, parallel=settings.parallel)

        loops += [
            Loop(name="pcare", step=send, channels=(bell.NUMBERED,)),
            Loop(name="pcare compare", step=lambda: compare_next(engine, client, clock=clock), every_s=10.0),
        ]
    return loops
