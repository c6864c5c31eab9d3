"""`/akun/webhook`: what other systems are sent and how it fares; switched off and on, sent again, another secret."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Query, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.keys import managed_usernames
from dashboard.frame.listing import Listed, newest
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Member, Viewer, check_csrf
from tracker.access.models import LoginAccount
from tracker.access.rules import Permission
from tracker.delivery import upkeep
from tracker.delivery.errors import BadPosition
from tracker.delivery.models import Webhook, WebhookDelivery
from tracker.delivery.secrets import secret_of
from tracker.delivery.service import remove_webhook, webhook_in_reach, webhooks_of
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router
from tracker.kit.days import WESTERN
from tracker.kit.errors import DomainError
from tracker.sealing.keyring import Keyring

router = Router(prefix="/akun/webhook", include_in_schema=False)

_SHOWN = 15
Token = Annotated[str, Form(max_length=200)]


@router.get("")
def show_webhooks(
    viewer: Member, db: Db, akun: Annotated[str, Query(max_length=100)] = "", dihapus: bool = False
) -> Response:
    """The webhooks of an account one manages (`akun`, a user name) or one's own; `dihapus` after one was removed."""
    principal = viewer.known()
    principal.require(Permission.WEBHOOK_WRITE)
    found: list[Webhook] = []
    problem = ""
    try:
        found = list(db.scalars(webhooks_of(db, principal, akun or None).order_by(Webhook.id.desc())))
    except DomainError as error:
        problem = sentence_of(error, viewer.language)
    return page(
        viewer,
        "frame/webhooks.html",
        status=422 if problem else 200,
        found=found,
        username=akun,
        accounts=managed_usernames(db, principal),
        problem=problem,
        removed=dihapus,
    )


@router.get("/{webhook_id}")
def show_webhook(
    webhook_id: UUID, viewer: Member, db: Db, sesudah: Annotated[str, Query(max_length=1000)] = ""
) -> Response:
    """One webhook and the last requests to it, the newest first."""
    return _shown(db, viewer, webhook_id, after=sesudah)


@router.post("/{webhook_id}/berhenti")
def stop(webhook_id: UUID, viewer: Member, db: Db, now: Now, csrf: Token = "") -> Response:
    """Send nothing until it is started again."""
    check_csrf(viewer, csrf)
    upkeep.stop_webhook(db, viewer.known(), webhook_id, now=now)
    return _back(webhook_id)


@router.post("/{webhook_id}/mulai")
def start(webhook_id: UUID, viewer: Member, db: Db, now: Now, csrf: Token = "") -> Response:
    """Go on at once."""
    check_csrf(viewer, csrf)
    try:
        upkeep.start_webhook(db, viewer.known(), webhook_id, now=now)
    except BadPosition as error:
        return _shown(db, viewer, webhook_id, problem=sentence_of(error, viewer.language))
    return _back(webhook_id)


@router.post("/{webhook_id}/ulang")
def replay(
    webhook_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    posisi: Annotated[int, Form(ge=0, lt=2**63)],
    csrf: Token = "",
) -> Response:
    """Send all again that comes behind a position."""
    check_csrf(viewer, csrf)
    try:
        upkeep.replay_webhook(db, viewer.known(), webhook_id, posisi, now=now)
    except BadPosition as error:
        return _shown(db, viewer, webhook_id, problem=sentence_of(error, viewer.language))
    return _back(webhook_id)


@router.post("/{webhook_id}/rahasia")
def renew(webhook_id: UUID, viewer: Member, db: Db, shared: Shared, csrf: Token = "") -> Response:
    """Another secret, told on this answer and nowhere else."""
    check_csrf(viewer, csrf)
    keyring = Keyring.of(shared.settings)
    webhook = upkeep.renew_secret(db, viewer.known(), webhook_id, keyring=keyring)
    return _shown(db, viewer, webhook_id, secret=secret_of(db, keyring, webhook))


@router.post("/{webhook_id}/hapus")
def remove(webhook_id: UUID, viewer: Member, db: Db, csrf: Token = "") -> Response:
    """Unsubscribe."""
    check_csrf(viewer, csrf)
    viewer.known().require(Permission.WEBHOOK_WRITE)
    username = _owner(db, viewer, webhook_in_reach(db, viewer.known(), webhook_id))
    remove_webhook(db, viewer.known(), webhook_id)
    return RedirectResponse(f"/akun/webhook?{urlencode({'akun': username, 'dihapus': '1'})}", status_code=303)


def _back(webhook_id: UUID) -> Response:
    return RedirectResponse(f"/akun/webhook/{webhook_id}", status_code=303)


def _owner(db: Session, viewer: Viewer, webhook: Webhook) -> str:
    """Whose it is, "" where it is one's own."""
    mine = webhook.account_id == viewer.known().account_id
    return "" if mine else db.get_one(LoginAccount, webhook.account_id).username


def _shown(
    db: Session, viewer: Viewer, webhook_id: UUID, *, after: str = "", secret: str = "", problem: str = ""
) -> Response:
    principal = viewer.known()
    principal.require(Permission.WEBHOOK_WRITE)
    webhook = webhook_in_reach(db, principal, webhook_id)
    sent: Listed[WebhookDelivery] = newest(
        db,
        upkeep.deliveries_of(db, principal, webhook_id),
        [WebhookDelivery.id],
        most=_SHOWN,
        after=after,
        field="sesudah",
    )
    return page(
        viewer,
        "frame/webhook.html",
        status=422 if problem else 200,
        hook=webhook,
        username=_owner(db, viewer, webhook),
        sent=sent,
        secret=secret,
        problem=problem,
        zone=WESTERN,
    )
