"""`/kuota/sesi/{session}/bagian`: for whom the places of a planned session are kept, and from when the rest is for anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.labels import BUCKET
from dashboard.frame.newer import FIELD, changed, insist_unchanged
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.planning.plan import KEPT_FOR
from dashboard.stock.forms import Fields, Typed
from tracker.access.rules import Permission
from tracker.catalog.models import Presentation
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.edge.versions import Stale, version_of
from tracker.kit.errors import DomainError, NotFound
from tracker.network.models import Facility
from tracker.quota.models import Bucket, VaccinationSession
from tracker.quota.queries.lists import buckets_by_session
from tracker.quota.rules.buckets import share_of
from tracker.quota.rules.words import BucketKind
from tracker.quota.service.changing import change_session
from tracker.quota.service.commands import ChangeSession, NewBucket
from tracker.quota.service.seating import lock_sessions
from tracker.quota.service.sessions import session_for

router = Router(include_in_schema=False)

_NO_NUMBER = mark("Tulis bilangan bulat.")
_WHY = mark("Tulis alasannya, supaya yang lain mengerti.")
_MOST_HOURS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One kind of places as the form shows it."""

    kind: BucketKind
    taken: int


@router.get("/kuota/sesi/{session_id}/bagian")
def show_shares(session_id: UUID, viewer: Member, db: Db) -> Response:
    """The shares as they stand, in persons."""
    session = session_for(db, viewer.known(), session_id, Permission.SESSION_WRITE)
    standing = _standing(db, session)
    return _form(db, viewer, session, standing, Typed(_saved(session, standing)))


@router.post("/kuota/sesi/{session_id}/bagian")
@takes_fields("csrf", FIELD, "alasan", "orang-{kind}", "lepas-{kind}")
def change_shares(session_id: UUID, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Share the places anew; the same again changes nothing."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    session = session_for(db, viewer.known(), session_id, Permission.SESSION_WRITE)
    session = lock_sessions(db, [session.id])[session.id]
    standing = _standing(db, session)
    buckets = _buckets(viewer, typed, session)
    if len(typed.get("alasan")) < 3:
        typed.faults["alasan"] = viewer.texts.gettext(_WHY)
    if not typed.faults:
        command = ChangeSession(session_id=session_id, reason=typed.get("alasan"), buckets=buckets)
        try:
            with db.begin_nested():
                insist_unchanged(typed.values, _saved(session, standing))
                change_session(db, viewer.known(), command, now=now)
        except NotFound:
            raise
        except Stale:
            typed.faults[""] = changed(viewer.texts, _worded(viewer, standing))
        except DomainError as error:
            typed.faults[""] = sentence_of(error, viewer.language)
        else:
            return RedirectResponse(f"/kuota/sesi/{session_id}", status_code=303)
    return _form(db, viewer, session, _standing(db, session), typed)


def _saved(session: VaccinationSession, standing: Mapping[BucketKind, Bucket]) -> dict[str, str]:
    """What the form shows of the shares, by field, and saves whole."""
    values = {}
    for kind in KEPT_FOR:
        bucket = standing.get(kind)
        release = bucket.release_at if bucket else None
        values[f"orang-{kind}"] = str(bucket.places or "") if bucket else ""
        values[f"lepas-{kind}"] = str(round((session.opens_at - release) / timedelta(hours=1))) if release else ""
    return values


def _worded(viewer: Viewer, standing: Mapping[BucketKind, Bucket]) -> Iterator[tuple[str, str]]:
    for kind in KEPT_FOR:
        if kind in standing and standing[kind].places:
            yield viewer.texts.gettext(BUCKET[kind]), str(standing[kind].places)


def _buckets(viewer: Viewer, typed: Typed, session: VaccinationSession) -> tuple[NewBucket, ...]:
    """Persons of each kind, and how many hours before the beginning what is left of them is for anybody."""
    found = []
    for kind in KEPT_FOR:
        persons, hours = (_number(viewer, typed, f"{field}-{kind}") for field in ("orang", "lepas"))
        if persons:
            release = None if hours is None else session.opens_at - timedelta(hours=min(hours, _MOST_HOURS))
            share = share_of(persons, session.capacity)
            found.append(NewBucket(kind=kind.value, share=share, release_at=release))
    return tuple(found)


def _number(viewer: Viewer, typed: Typed, field: str) -> int | None:
    text = typed.get(field)
    if text and not (text.isascii() and text.isdigit() and len(text) < 7):
        typed.faults[field] = viewer.texts.gettext(_NO_NUMBER)
        return None
    return int(text) if text else None


def _standing(db: Session, session: VaccinationSession) -> dict[BucketKind, Bucket]:
    return {bucket.kind: bucket for bucket in buckets_by_session(db, [session.id])[session.id]}


def _form(
    db: Session,
    viewer: Viewer,
    session: VaccinationSession,
    standing: Mapping[BucketKind, Bucket],
    typed: Typed,
) -> Response:
    def kept(kind: BucketKind) -> Kept:
        return Kept(kind=kind, taken=standing[kind].taken if kind in standing else 0)

    return page(
        viewer,
        "planning/shares.html",
        status=422 if typed.faults else 200,
        session=session,
        facility=db.get_one(Facility, session.facility_id),
        product=db.get_one(Presentation, session.presentation_id).name,
        kinds=[kept(kind) for kind in KEPT_FOR],
        general=kept(BucketKind.GENERAL),
        version=version_of(_saved(session, standing)),
        typed=typed,
    )
