"""`/tertunda`: what the house could not react to, and a button that has it tried again."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form, Response
from fastapi.responses import RedirectResponse

from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member, check_csrf
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.feed.aside import count_aside, waiting_aside
from tracker.feed.reacting import Again, try_again
from tracker.feed.waiting import count_waiting, first_waiting
from tracker.reactions import BY_NAME

router = Router(include_in_schema=False)

MOST = 20
# What is said after a try, by the word in the address.
OUTCOMES = {"selesai": Again.SETTLED, "gagal": Again.FAILED, "tidak-ada": Again.NOT_WAITING}


@router.get("/tertunda")
def show_set_aside(viewer: Member, db: Db, hasil: str = "") -> Response:
    """The oldest that were set aside, those that wait for a locked facility, and how many there are. For the nation only.

    `hasil` is what came of the last try.
    """
    viewer.known().require(Permission.FEED_REPAIR)
    return page(
        viewer,
        "aside/aside.html",
        rows=waiting_aside(db, most=MOST),
        total=count_aside(db),
        outcome=OUTCOMES.get(hasil),
        waiting=first_waiting(db, most=MOST),
        waiting_total=count_waiting(db),
    )


@router.post("/tertunda/{aside_id}/ulangi")
def retry(
    aside_id: UUID, viewer: Member, db: Db, now: Now, csrf: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Have one event tried again. For the nation only."""
    check_csrf(viewer, csrf)
    viewer.known().require(Permission.FEED_REPAIR)
    outcome = try_again(db, BY_NAME, aside_id, now=now)
    word = next(word for word, each in OUTCOMES.items() if each is outcome)
    return RedirectResponse(f"/tertunda?hasil={word}", status_code=303)
