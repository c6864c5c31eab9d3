"""`/kuota`: what may still be promised, session by session, and what limits it."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pandas as pd
from fastapi import Request, Response
from sqlalchemy.orm import Session

from dashboard.frame import labels
from dashboard.frame.exports import Parts
from dashboard.frame.figure_answers import figure_answer
from dashboard.frame.listing import Listed
from dashboard.frame.rendering import page
from dashboard.frame.texts import Texts, mark
from dashboard.frame.viewer import Member, Viewer
from dashboard.quota.displaced import SHOWS, count_displaced, displaced_people
from dashboard.quota.figures import quota_figure
from dashboard.quota.pictures import quota_picture
from dashboard.quota.queries import (
    SessionKey,
    SessionRow,
    count_by_day,
    next_sessions,
    promises_today,
    sessions_on,
    sessions_visible_to,
)
from tracker.access.rules import Permission
from tracker.edge.deps import Db
from tracker.edge.hop import Router

router = Router(include_in_schema=False)

AHEAD = timedelta(days=14)
# More bars than this fill more than a phone's screen; the table has all.
MOST_BARS = 8
MOST_SESSIONS = 500
MOST_ON_DAY = 100
FIRST = 12
MOST_PEOPLE = 20


@router.get("/kuota")
def show_quota(*, viewer: Member, db: Db, hari: str = "", semua: bool = False, sesudah: str = "") -> Response:
    """Sessions of the next two weeks, one day at a time; `hari` is a date, else the first day that has any.

    Of more than one can see at once the chosen day's are read some at a time, the scarcest first; `sesudah`: behind which.
    """
    counts = count_by_day(db, viewer.known(), viewer.now, ahead=AHEAD)
    days, total = list(counts), sum(counts.values())
    day = _day_of(hari, days)
    one_day = total > MOST_SESSIONS
    turned = _read(viewer, db, day, one_day=one_day, after=sesudah)
    every = turned.rows
    sessions = sorted((session for session in every if session.day == day), key=_need)
    on_day = counts.get(day, 0) if day is not None else 0
    drawn = sessions[:MOST_BARS]
    texts = viewer.texts
    lacking = Counter(session.day for session in every if session.lacking)
    return page(
        viewer,
        "quota/quota.html",
        charts=True,
        sessions=sessions if semua else sessions[:FIRST],
        hidden=0 if semua else max(0, len(sessions) - FIRST),
        one_day=one_day,
        read=len(sessions),
        on_day=on_day,
        turned=turned,
        drawn=drawn,
        picture=quota_picture(
            session_frame(drawn, texts, narrow=False),
            texts,
            title=texts.gettext("Kapasitas, vial, dan yang dapat dipesan"),
        ),
        total=total,
        days=[(f"/kuota?hari={d.isoformat()}", _named(d, lacking[d], texts), d == day) for d in days],
        first_lacking=next((d for d in days if lacking[d]), None),
        day=day,
        promises=promises_today(db, viewer.known(), viewer.now),
        shared=any(count > 1 for count in Counter(s.pool for s in sessions).values()),
        lacking=lacking.total(),
    )


@router.get("/kuota/tergeser")
def show_displaced(viewer: Member, db: Db, tampil: str = "waiting", sesudah: str = "") -> Response:
    """The people whose place was taken back; `tampil` is one of `SHOWS`, `sesudah` where the page before ended."""
    viewer.known().require(Permission.BOOKING_READ)
    show = tampil if tampil in SHOWS else "waiting"
    turned = displaced_people(db, viewer.known(), show=show, after=sesudah, most=MOST_PEOPLE)
    texts = viewer.texts
    counts = count_displaced(db, viewer.known())
    return page(
        viewer,
        "quota/displaced.html",
        turned=turned,
        address=f"/kuota/tergeser?tampil={show}",
        shows=[
            (
                f"/kuota/tergeser?tampil={name}",
                f"{texts.gettext(labels.DISPLACED_SHOW[name])} {texts.number(counts[name])}",
                name == show,
            )
            for name in SHOWS
        ],
    )


@router.get("/kuota.csv")
def export_quota(request: Request, viewer: Member, db: Db) -> Response:
    """One line a session of the next two weeks, all of them, for a spreadsheet."""
    texts = viewer.texts
    words = (
        mark("Fasilitas"),
        mark("Hari"),
        mark("Produk"),
        mark("Terdaftar"),
        mark("Kapasitas"),
        mark("Vial ada"),
        mark("Vial perlu"),
        mark("Kurang"),
        mark("Dapat dipesan"),
    )

    def read(db: Session, after: SessionKey | None) -> tuple[list[tuple[object, ...]], SessionKey | None]:
        sessions, last = next_sessions(db, viewer.known(), viewer.now, ahead=AHEAD, after=after, limit=MOST_SESSIONS)
        return [_line(session) for session in sessions], last

    return Parts(request, read).answer(db, "kuota", viewer.now, [texts.gettext(word) for word in words])


def _line(session: SessionRow) -> tuple[object, ...]:
    numbers = session.numbers
    return (
        session.facility,
        session.day.isoformat(),
        session.product,
        session.taken,
        session.capacity,
        numbers.vials,
        numbers.needed,
        numbers.short,
        session.persons,
    )


@router.get("/kuota/gambar.json")
def quota_json(request: Request, viewer: Member, db: Db, hari: str = "", lebar: str = "lebar") -> Response:
    """The chart of a day's sessions, those with the least left first."""
    counts = count_by_day(db, viewer.known(), viewer.now, ahead=AHEAD)
    day = _day_of(hari, list(counts))
    every = _read(viewer, db, day, one_day=sum(counts.values()) > MOST_SESSIONS).rows
    sessions = _drawn([session for session in every if session.day == day])
    frame = session_frame(sessions, viewer.texts, narrow=lebar == "sempit")
    return figure_answer(request, quota_figure(frame, viewer.texts))


def _read(viewer: Viewer, db: Session, day: date | None, *, one_day: bool, after: str = "") -> Listed[SessionRow]:
    """All sessions to come where they are few; else some of the day's."""
    if not one_day:
        few = sessions_visible_to(db, viewer.known(), viewer.now, ahead=AHEAD, limit=MOST_SESSIONS)
        return Listed(rows=few, onward="", begun=False)
    if day is None:
        return Listed(rows=[], onward="", begun=False)
    return sessions_on(db, viewer.known(), viewer.now, day, most=MOST_ON_DAY, after=after)


def _day_of(text: str, days: list[date]) -> date | None:
    return next((day for day in days if day.isoformat() == text), days[0] if days else None)


def _named(day: date, lacking: int, texts: Texts) -> str:
    """The day, and how many of its sessions lack vials."""
    name = texts.short_weekday(day)
    return f"{name} · " + texts.gettext("%(n)s kurang", n=lacking) if lacking else name


def _need(session: SessionRow) -> tuple[bool, bool, int, str]:
    """Promises without vials first, then sessions that can offer nothing though they have room, then the least left."""
    return (not session.numbers.short, not session.lacking, session.persons, session.facility)


def _drawn(sessions: list[SessionRow]) -> list[SessionRow]:
    """The sessions of the chart: where the least is left, at most as many as can be told apart."""
    return sorted(sessions, key=_need)[:MOST_BARS]


def session_frame(sessions: list[SessionRow], texts: Texts, *, narrow: bool) -> pd.DataFrame:
    """The frame of the chart: session (its label), facility, note, capacity_left, pool_available, available (persons)."""
    rows = [
        {
            # Bars of one label would be drawn as one: a sign without width tells them apart.
            "session": _label(s, texts, narrow=narrow) + "\u200b" * number,
            "facility": s.facility,
            "note": f"{texts.short_weekday(s.day)} · {s.product}",
            "capacity_left": s.capacity_left,
            "pool_available": s.numbers.persons,
            "available": s.persons,
        }
        for number, s in enumerate(sessions)
    ]
    return pd.DataFrame(rows, columns=["session", "facility", "note", "capacity_left", "pool_available", "available"])


def _label(session: SessionRow, texts: Texts, *, narrow: bool) -> str:
    """Two lines beside the bars; on a phone only what tells sessions apart."""
    if not narrow:
        return f"{session.facility}<br>{texts.weekday(session.day)} · {session.product}"
    short = session.facility.removeprefix("Puskesmas ")[:14]
    return f"{short}<br>{session.product[:18]}"
