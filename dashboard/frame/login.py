"""Log-in, log-out, language."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.frame.rendering import page
from dashboard.frame.resuming import MOST_PACKED, unpacked
from dashboard.frame.texts import LANGUAGES
from dashboard.frame.viewer import LANGUAGE_COOKIE, Anyone, check_csrf, safe_path
from tracker.access.errors import BadCredentials, TooManyAttempts
from tracker.access.service import check_password, close_login, login_of, open_login
from tracker.edge.deps import LOGIN_COOKIE, Db, Now, Shared
from tracker.edge.hop import Router, services_of
from tracker.settings import Settings

router = Router(include_in_schema=False)

_YEAR_S = 365 * 24 * 3600


@router.get("/masuk")
def show_login(viewer: Anyone, ke: str = "/") -> Response:
    """The form; who is already in goes on."""
    target = safe_path(ke)
    if viewer.principal is not None:
        return RedirectResponse(target, status_code=303)
    return page(viewer, "frame/login.html", target=target, problem=None, username="", waiting=None)


@router.post("/masuk")
def log_in(
    request: Request,
    viewer: Anyone,
    db: Db,
    now: Now,
    shared: Shared,
    username: Annotated[str, Form(max_length=100)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    ke: Annotated[str, Form(max_length=2000)] = "/",
    tunda: Annotated[str, Form(max_length=MOST_PACKED)] = "",
) -> Response:
    """Check the password and set the cookie.

    No CSRF token yet: there is no log-in to ride on, and the cookie is SameSite.
    """
    target = safe_path(ke)
    waiting = unpacked(tunda)
    try:
        request.app.state.login_throttle.hit(request.client.host if request.client else "?", username)
        account = check_password(db, username, password)
    except (BadCredentials, TooManyAttempts) as error:
        status = 429 if isinstance(error, TooManyAttempts) else 401
        return page(
            viewer,
            "frame/login.html",
            status=status,
            target=target,
            problem=error.code,
            username=username,
            waiting=waiting,
        )
    request.app.state.login_throttle.got_in(request.client.host if request.client else "?", username)
    opened = open_login(db, account, now=now, hours=shared.settings.api.login_hours)
    answer: Response = RedirectResponse(target, status_code=303)
    if waiting is not None:
        principal, csrf = login_of(db, opened.cookie, now=now) or (None, "")
        answer = page(replace(viewer, principal=principal, csrf=csrf), "frame/resume.html", waiting=waiting)
    answer.set_cookie(
        LOGIN_COOKIE,
        opened.cookie,
        expires=opened.expires_at,
        httponly=True,
        samesite="lax",
        secure=shared.settings.api.secure_cookies,
    )
    if LANGUAGE_COOKIE not in request.cookies and account.language in LANGUAGES:
        _set_language(answer, account.language, shared.settings)
    return answer


@router.post("/keluar")
def log_out(request: Request, viewer: Anyone, db: Db, csrf: Annotated[str, Form(max_length=200)] = "") -> Response:
    """End the log-in."""
    answer = RedirectResponse("/masuk", status_code=303)
    if viewer.principal is not None:
        check_csrf(viewer, csrf)
        close_login(db, request.cookies.get(LOGIN_COOKIE, ""))
    answer.delete_cookie(LOGIN_COOKIE)
    return answer


@router.get("/bahasa/{language}")
def choose_language(language: str, request: Request, ke: str = "/") -> Response:
    """Remember the language and go back; harmless, so a plain link."""
    answer = RedirectResponse(safe_path(ke), status_code=303)
    if language in LANGUAGES:
        _set_language(answer, language, services_of(request).settings)
    return answer


def _set_language(answer: Response, language: str, settings: Settings) -> None:
    answer.set_cookie(
        LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax", httponly=True, secure=settings.api.secure_cookies
    )
