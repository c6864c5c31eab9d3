"""`/alarm`: what rang, who answered, what is held because of it, and how it was closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Form, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from dashboard.alarms.actions import actions_for, told_in_words
from dashboard.alarms.holds import holds_of_alarms
from dashboard.alarms.queries import AlarmRow, alarm_list, alarms, count_open_alarms, steps_of, warnings_before
from dashboard.alarms.refuges import names_of, newest_of, refuges_of
from dashboard.alarms.responders import responders_of
from dashboard.frame import labels
from dashboard.frame.rendering import page
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.stock.forms import Fields
from tracker.coldchain.errors import AlreadyAcknowledged, CommentMissing
from tracker.coldchain.service.commands import AcknowledgeAlarm
from tracker.coldchain.service.handling import acknowledge_alarm
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError
from tracker.kit.seen import seen
from tracker.network.queries import as_id
from tracker.passport.errors import AlarmOngoing, DispositionMissing, ReasonMissing, ShakeTestNeeded
from tracker.passport.rules.harm import Disposition, ShakeTest
from tracker.passport.service.closing import close_alarm, decide_held
from tracker.passport.service.commands import BatchDisposition, CloseAlarm, DecideHeld, Decision

router = Router(include_in_schema=False)

SHOWS = ("open", "held", "closed", "all")
# As many as a phone shows at a time.
A_PAGE = 12
# What a person can put right; everything else becomes an error page.
REFUSALS: dict[type[DomainError], tuple[str, str]] = {
    CommentMissing: ("komentar", mark("Pilih atau tulis dahulu apa yang dilakukan.")),
    ReasonMissing: ("alasan", mark("Tulis alasan keputusan untuk setiap batch.")),
    DispositionMissing: ("putusan", mark("Setiap batch yang ditahan perlu keputusan.")),
    ShakeTestNeeded: (
        "uji",
        mark("Setelah membeku, batch hanya boleh dilepas bila lulus uji kocok atau atas kewenangan kota."),
    ),
    AlarmOngoing: ("berlangsung", mark("Alarm masih berlangsung; tutup setelah suhunya kembali aman.")),
}


# Of a decision about what a closed alarm holds on.
_NONE_CHOSEN = ("satu", mark("Pilih keputusan untuk paling sedikit satu batch."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A form that was refused: of which alarm, and why."""

    alarm: str
    sentence: str


@router.get("/alarm")
def show_alarms(
    viewer: Member,
    db: Db,
    tampil: str = "open",
    masalah: str = "",
    sebab: str = "",
    buka: str = "",
    sesudah: str = "",
) -> Response:
    """The alarms; `tampil` is open, held, closed or all, `buka` the one to show opened, `sesudah` where the page before ended.

    `masalah` names the alarm whose form was refused, `sebab` why.
    """
    show = tampil if tampil in SHOWS else "open"
    turned = alarm_list(db, viewer.known(), show=show, after=sesudah, most=A_PAGE)
    wanted = as_id(buka)
    found = _with(db, viewer, list(turned.rows), wanted)
    ids = [alarm.id for alarm in found]
    sentence = next((text for key, text in (*REFUSALS.values(), _NONE_CHOSEN) if key == sebab), "")
    return page(
        viewer,
        "alarms/alarms.html",
        alarms=found,
        steps=steps_of(db, ids),
        holds=holds_of_alarms(db, viewer.known(), ids),
        show=show,
        shows=[
            (f"/alarm?tampil={name}", viewer.texts.gettext(labels.ALARM_SHOW[name]), name == show) for name in SHOWS
        ],
        total=count_open_alarms(db, viewer.known())[0] if show == "open" else None,
        turned=turned,
        opened=wanted or (found[0].id if found and show == "open" else None),
        refuges=refuges_of(db, [alarm for alarm in found if alarm.stage == "open"], viewer.now),
        newest=newest_of(db, [alarm.channel_id for alarm in found], viewer.now),
        warned=warnings_before(db, ids),
        responders=responders_of(
            db,
            [a.unit_path for a in found if a.stage == "open" and not viewer.may("alarm.acknowledge", a.unit_path)],
        ),
        actions=actions_for(viewer.known()),
        trouble=Trouble(alarm=masalah, sentence=sentence) if sentence else None,
        dispositions=[item.value for item in Disposition],
        decisions=[item.value for item in Disposition if item is not Disposition.HOLD],
        shake_tests=[item.value for item in ShakeTest],
    )


def _with(db: Db, viewer: Viewer, found: list[AlarmRow], wanted: UUID | None) -> list[AlarmRow]:
    """The list with the alarm somebody came for, on top when it would not be in it."""
    if wanted is None or any(alarm.id == wanted for alarm in found):
        return found
    return [*alarms(db, viewer.known(), show="all", alarm_id=wanted), *found]


@router.post("/alarm/{alarm_id}/tanggapi")
def acknowledge(
    alarm_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Annotated[str, Form(max_length=200)] = "",
    comment: Annotated[str, Seen, Form(max_length=2000)] = "",
    tindakan: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    pindah: Annotated[list[UUID], Form(max_length=50)] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Answer an alarm with what was done (`tindakan`, and `pindah`: where vials went) or a comment.

    Without any, or when somebody was faster, the page says so.
    """
    check_csrf(viewer, csrf)
    comment = told_in_words(tindakan, names_of(db, pindah), comment, viewer.texts)
    try:
        acknowledge_alarm(db, viewer.known(), AcknowledgeAlarm(alarm_id=alarm_id, comment=comment), now=now)
    except CommentMissing as error:
        return _refused(alarm_id, error)
    except AlreadyAcknowledged:
        pass  # What the faster person wrote stands on the card; there is nothing more to say.
    return RedirectResponse(f"/alarm?buka={alarm_id}#a-{alarm_id}", status_code=303)


@router.post("/alarm/{alarm_id}/tutup")
@takes_fields(*("csrf", "comment", "putusan-{id}", "alasan-{id}", "uji-{id}", "wewenang-{id}"), most=2_000)
def close(alarm_id: UUID, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Close an alarm with a decision per batch: fields `putusan-ID`, `alasan-ID`, `uji-ID`, and `comment`."""
    check_csrf(viewer, str(fields.get("csrf", "")))
    try:
        command = CloseAlarm(
            alarm_id=alarm_id,
            dispositions=_dispositions(fields),
            comment=seen(str(fields.get("comment", "")))[:2000] or None,
        )
        with db.begin_nested():
            close_alarm(db, viewer.known(), command, now=now)
    except tuple(REFUSALS) as error:
        return _refused(alarm_id, error)
    return RedirectResponse(f"/alarm?tampil=closed&buka={alarm_id}#a-{alarm_id}", status_code=303)


@router.post("/alarm/{alarm_id}/putuskan")
@takes_fields(*("csrf", "putusan-{id}", "alasan-{id}", "uji-{id}", "wewenang-{id}"), most=2_000)
def decide(alarm_id: UUID, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Decide what a closed alarm holds on: the same fields; batches without a `putusan` stay held."""
    check_csrf(viewer, str(fields.get("csrf", "")))
    command = DecideHeld(alarm_id=alarm_id, dispositions=_dispositions(fields))
    if not command.dispositions:
        return _back(alarm_id, _NONE_CHOSEN[0])
    try:
        with db.begin_nested():
            decide_held(db, viewer.known(), command, now=now)
    except tuple(REFUSALS) as error:
        return _refused(alarm_id, error)
    return RedirectResponse(f"/alarm?tampil=held&buka={alarm_id}#a-{alarm_id}", status_code=303)


def _dispositions(fields: FormData) -> list[BatchDisposition]:
    found = []
    for name in fields:
        kind, _, batch = name.partition("-")
        if kind != "putusan" or not fields[name]:
            continue
        test = str(fields.get(f"uji-{batch}", ""))
        decision = Decision(
            reason=seen(str(fields.get(f"alasan-{batch}", "")))[:2000],
            shake_test=ShakeTest(test) if test in set(ShakeTest) else None,
            override=fields.get(f"wewenang-{batch}") == "ya",
        )
        try:
            batch_id, disposition = UUID(batch), Disposition(str(fields[name]))
        except ValueError:
            # No form of ours sends that.
            raise HTTPException(400) from None
        found.append(BatchDisposition(batch_id=batch_id, disposition=disposition, decision=decision))
    return found


def _refused(alarm_id: UUID, error: DomainError) -> Response:
    return _back(alarm_id, REFUSALS[type(error)][0])


def _back(alarm_id: UUID, cause: str) -> Response:
    return RedirectResponse(
        f"/alarm?masalah={alarm_id}&sebab={quote(cause)}&buka={alarm_id}#a-{alarm_id}", status_code=303
    )
