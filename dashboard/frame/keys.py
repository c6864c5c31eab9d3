"""`/akun/kunci`: the API keys of accounts one manages: make, rotate, revoke. A key is shown once, on the answer itself."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Query, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Member, Viewer, check_csrf
from tracker.access import keys
from tracker.access.models import LoginAccount, RoleGrant, Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission, Role
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError, NotFound
from tracker.kit.ids import uuid7

router = Router(prefix="/akun/kunci", include_in_schema=False)

_OFFERED = 200
DAYS = (30, 90, 365, 1095)


@router.get("")
def show_keys(
    viewer: Member, db: Db, akun: Annotated[str, Query(max_length=100)] = "", dicabut: bool = False
) -> Response:
    """The keys of one account (`akun`, a user name); `dicabut` after one was revoked."""
    viewer.known().require(Permission.USER_WRITE)
    return _shown(db, viewer, akun, revoked=dicabut)


@router.post("")
def make(
    viewer: Member,
    db: Db,
    akun: Annotated[str, Form(max_length=100)] = "",
    label: Annotated[str, Seen, Form(max_length=100)] = "",
    hari: Annotated[int, Form(ge=1, le=3650)] = 365,
    peran: Annotated[str, Form(max_length=40)] = "",
    unit: Annotated[str, Form(max_length=64)] = "",
    nomor: Annotated[UUID | None, Form()] = None,
    csrf: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Make a key. `nomor` is the form's own number: sent twice, it is one key, shown the first time only."""
    check_csrf(viewer, csrf)
    if not label.strip():
        return _shown(db, viewer, akun, problem=viewer.texts.gettext("Tulis untuk apa kunci ini."))
    if bool(peran) is not bool(unit.strip()) or (peran and peran not in set(Role)):
        return _shown(
            db, viewer, akun, problem=viewer.texts.gettext("Peran dan unit diisi bersama, atau tidak sama sekali.")
        )
    command = keys.NewKey(
        account=akun,
        label=label.strip(),
        days=hari,
        role=Role(peran) if peran else None,
        unit=unit.strip() or None,
        id=nomor,
    )
    try:
        made = keys.make_key(db, viewer.known(), command, now=viewer.now)
    except DomainError as error:
        return _shown(db, viewer, akun, problem=sentence_of(error, viewer.language))
    return _shown(db, viewer, akun, made=made)


@router.post("/{key_id}/ganti")
def rotate(
    key_id: UUID,
    viewer: Member,
    db: Db,
    akun: Annotated[str, Form(max_length=100)] = "",
    jam: Annotated[int, Form(ge=0, le=168)] = 24,
    csrf: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """A new key for this one, which goes on for `jam` hours."""
    check_csrf(viewer, csrf)
    try:
        made = keys.rotate_key(db, viewer.known(), key_id, overlap_hours=jam, now=viewer.now)
    except NotFound:
        raise
    except DomainError as error:
        return _shown(db, viewer, akun, problem=sentence_of(error, viewer.language))
    return _shown(db, viewer, akun, made=made)


@router.post("/{key_id}/cabut")
def revoke(
    key_id: UUID,
    viewer: Member,
    db: Db,
    akun: Annotated[str, Form(max_length=100)] = "",
    csrf: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """The key opens nothing any more."""
    check_csrf(viewer, csrf)
    keys.revoke_key(db, viewer.known(), key_id, now=viewer.now)
    return RedirectResponse(f"/akun/kunci?{urlencode({'akun': akun, 'dicabut': '1'})}", status_code=303)


def _shown(
    db: Session,
    viewer: Viewer,
    username: str,
    *,
    made: keys.MadeKey | None = None,
    problem: str = "",
    revoked: bool = False,
) -> Response:
    found: list[keys.ShownKey] = []
    if username:
        try:
            found = keys.keys_of(db, viewer.known(), username)
        except DomainError as error:
            problem = problem or sentence_of(error, viewer.language)
    accounts = managed_usernames(db, viewer.known())
    return page(
        viewer,
        "frame/keys.html",
        status=422 if problem else 200,
        accounts=accounts[:_OFFERED],
        cut=len(accounts) > _OFFERED,
        username=username,
        keys=found,
        made=made,
        problem=problem,
        revoked=revoked,
        roles=list(Role),
        days=DAYS,
        number=uuid7(),
    )


def managed_usernames(db: Session, principal: Principal) -> list[str]:
    """User names to choose from, the first by name, and one more where there are more: others are typed."""
    managed = (
        select(RoleGrant.account_id)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(visible_to(principal, Unit.path, Permission.USER_WRITE))
    )
    query = select(LoginAccount.username).where(LoginAccount.id.in_(managed)).order_by(LoginAccount.username)
    return list(db.scalars(query.limit(_OFFERED + 1)))
