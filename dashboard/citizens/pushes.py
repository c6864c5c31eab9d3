"""`/daftar/tiket/…/kabar`: news of a booking as notifications of this browser instead of SMS, asked for and stopped by its owner."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.citizens.form import address_of
from dashboard.citizens.queries import ticket
from dashboard.frame.statics import static_body
from dashboard.frame.viewer import Anyone
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router, takes_fields
from tracker.registration.service.addresses import booking_at
from tracker.registration.service.pushes import NewBrowser, stop_browsers, tell_browser
from tracker.registration.service.tickets import ticket_office

router = Router(include_in_schema=False)

Words = Annotated[str, Form(max_length=2_000)]


@router.get("/daftar/sw.js")
def show_worker() -> Response:
    """The script that shows a notification and opens the ticket by a tap on it."""
    headers = {"Cache-Control": "no-cache"}
    return Response(static_body("push_worker.js"), media_type="text/javascript; charset=utf-8", headers=headers)


@router.post("/daftar/tiket/{secret}/kabar")
def begin(
    *,
    secret: str,
    request: Request,
    viewer: Anyone,
    db: Db,
    now: Now,
    shared: Shared,
    endpoint: Words = "",
    p256dh: Words = "",
    auth: Words = "",
) -> Response:
    """Let this browser tell from now on; the owner's phone hears of it by SMS, whoever did it."""
    request.app.state.citizen_throttle.hit(address_of(request), address_of(request))
    office = ticket_office(db, shared.settings)
    booking = ticket(db, booking_at(db, office, secret)).booking
    new = NewBrowser(endpoint=endpoint, p256dh=p256dh, auth=auth)
    tell_browser(db, office, booking, new, shared.settings.delivery, language=viewer.language, now=now)
    return RedirectResponse(f"/daftar/tiket/{secret}#kabar", status_code=303)


@router.post("/daftar/tiket/{secret}/kabar/berhenti")
@takes_fields()
def end(secret: str, db: Db, shared: Shared) -> Response:
    """By SMS again."""
    stop_browsers(db, ticket(db, booking_at(db, ticket_office(db, shared.settings), secret)).booking)
    return RedirectResponse(f"/daftar/tiket/{secret}#kabar", status_code=303)
