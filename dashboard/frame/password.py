"""`/akun`: who one is here, and a new password."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Member, check_csrf
from tracker.access.errors import BadCredentials, TooManyAttempts, WeakPassword
from tracker.access.service import MIN_PASSWORD, change_own_password
from tracker.edge.deps import LOGIN_COOKIE, Db
from tracker.edge.hop import Router

router = Router(include_in_schema=False)


@router.get("/akun")
def show_account(viewer: Member, berhasil: bool = False) -> Response:
    """The page; `berhasil` after a change."""
    viewer.known()
    return page(viewer, "frame/account.html", least=MIN_PASSWORD, problem="", done=berhasil)


@router.post("/akun")
def change_password(
    request: Request,
    viewer: Member,
    db: Db,
    csrf: Annotated[str, Form(max_length=200)] = "",
    current_password: Annotated[str, Form(max_length=200)] = "",
    new_password: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Change one's own password; every other log-in of the account ends."""
    check_csrf(viewer, csrf)
    principal = viewer.known()
    try:
        # Who found an open phone must not guess the old password here faster than at the door.
        request.app.state.login_throttle.hit(request.client.host if request.client else "?", principal.name)
        change_own_password(
            db, principal, current_password, new_password, keep=request.cookies.get(LOGIN_COOKIE, ""), now=viewer.now
        )
    except BadCredentials:
        problem = viewer.texts.gettext("Kata sandi yang sekarang tidak cocok.")
    except (WeakPassword, TooManyAttempts) as error:
        problem = sentence_of(error, viewer.language)
    else:
        return RedirectResponse("/akun?berhasil=1", status_code=303)
    return page(viewer, "frame/account.html", status=422, least=MIN_PASSWORD, problem=problem, done=False)
