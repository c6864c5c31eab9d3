"""Who looks at a page, in which language; and how a page asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Request
from sqlalchemy.orm import Session

from dashboard.frame.texts import DEFAULT_LANGUAGE, LANGUAGES, Texts, texts_of
from tracker.access.errors import CsrfFailed
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.access.service import csrf_matches, login_of
from tracker.edge.deps import LOGIN_COOKIE
from tracker.edge.hop import Hop, Inside, services_of
from tracker.feed.queries import last_position
from tracker.kit.errors import Unauthenticated

LANGUAGE_COOKIE = "rantai_language"


class LoginNeeded(Unauthenticated):
    """The page is for people who have logged in; their way back is kept."""

    code = "access.unauthenticated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The one in front of the page."""

    principal: Principal | None
    csrf: str
    language: str
    path: str
    now: datetime
    position: int = 0
    """Where the feed ends as the page is made: the page follows from there, so nothing falls between."""

    @property
    def texts(self) -> Texts:
        """Words in the viewer's language."""
        return texts_of(self.language)

    def may(self, permission: str, path: str | None = None) -> bool:
        """Whether the viewer's role allows the act (by its name, for templates)."""
        return self.principal is not None and self.principal.may(Permission(permission), path)

    def known(self) -> Principal:
        """The principal; raises LoginNeeded for a stranger."""
        if self.principal is None:
            raise LoginNeeded
        return self.principal


def language_of(request: Request) -> str:
    """The cookie's language, else Indonesian: the browser's own wish is not followed, the switch is in sight."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in LANGUAGES else DEFAULT_LANGUAGE


def viewer_of(request: Request, db: Session, now: datetime) -> Viewer:
    """Whoever the cookie proves, or a stranger."""
    cookie = request.cookies.get(LOGIN_COOKIE)
    found = login_of(db, cookie, now=now) if cookie else None
    principal, csrf = found or (None, "")
    return Viewer(
        principal=principal,
        csrf=csrf,
        language=language_of(request),
        path=own_path(request),
        now=now,
        position=last_position(db) if principal is not None else 0,
    )


def stranger(request: Request) -> Viewer:
    """A viewer for pages that must not ask the database (errors)."""
    return Viewer(
        principal=None,
        csrf="",
        language=language_of(request),
        path=own_path(request),
        now=services_of(request).clock(),
    )


def own_path(request: Request) -> str:
    """Path and query of this request, as a way back."""
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def safe_path(target: str | None, otherwise: str = "/") -> str:
    """A path on this host, or `otherwise`: never an address a stranger chose."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return otherwise
    if any(ord(char) < 32 for char in target):
        return otherwise
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return otherwise
    return quote(parts.path, safe="/:@-._~%") + (f"?{parts.query}" if parts.query else "")


def _anyone(hop: Hop) -> Viewer:
    return viewer_of(hop.request, hop.db, hop.now)


def _member(hop: Hop) -> Viewer:
    viewer = _anyone(hop)
    viewer.known()
    return viewer


Anyone = Annotated[Viewer, Inside(_anyone)]
Member = Annotated[Viewer, Inside(_member)]


def check_csrf(viewer: Viewer, given: str) -> None:
    """Raise CsrfFailed unless the form came from a page of this log-in."""
    if not viewer.csrf or not csrf_matches(viewer.csrf, given):
        raise CsrfFailed
