"""Domain errors, refused shapes and surprises become RFC 9457 problem bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from tracker.api.problems import PROBLEMS
from tracker.api.problems.saying import say
from tracker.edge.hop import SAFE
from tracker.edge.line import InLine
from tracker.kit.errors import DomainError

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger("rantai.api")


def language_of(request: Request) -> str:
    """`id` unless the caller asks for English first."""
    wanted = request.headers.get("accept-language", "")
    return "en" if wanted.strip().lower().startswith("en") else "id"


def problem_response(
    request: Request,
    code: str,
    params: Mapping[str, object] | None = None,
    errors: Sequence[Mapping[str, object]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The problem body for a code, in the caller's language with the other beside it."""
    problem = PROBLEMS[code]
    safe = {name: _plain(value) for name, value in (params or {}).items()}
    sentences = {language: say(problem, safe, language) for language in ("id", "en")}
    body: dict[str, object] = {
        "type": problem.kind or f"urn:rantai:problem:{code}",
        "title": sentences["en"],
        "status": problem.status,
        "detail": sentences[language_of(request)],
        "detail_id": sentences["id"],
        "code": code,
        **({"params": safe} if safe else {}),
    }
    if errors:
        body["errors"] = [dict(error) for error in errors]
    elif isinstance(places := safe.get("problems"), list):
        # Every place that is wrong, each once: who mends only the first is refused again.
        body["errors"] = [{"field": where} for where in dict.fromkeys(place["where"] for place in places)]
    elif "field" in safe or "line" in safe:
        body["errors"] = [{key: safe[key] for key in ("field", "line") if key in safe}]
    return JSONResponse(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def _plain(value: object) -> object:
    """JSON values stay, everything else becomes text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value)


_HTTP_CODES = {
    400: "api.malformed",
    401: "access.unauthenticated",
    403: "access.forbidden",
    404: "api.not_found",
    405: "api.method_not_allowed",
    413: "api.too_large",
    415: "api.media_type",
}

# The database's own word on a collision that a repeat of the same request can mend.
_TRANSIENT = (psycopg.OperationalError, pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable)


# A question that was cut off: the machine may have been busy, but a moment will not help.
_LATER = {"Retry-After": "30"}

# When to come again; how to prove who asks.
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "60"}, 503: {"Retry-After": "1"}}


def _domain(request: Request, error: Exception) -> JSONResponse:
    error = cast("DomainError", error)
    code = error.code if error.code in PROBLEMS else "domain.error"
    headers = _HEADERS.get(PROBLEMS[code].status)
    if isinstance(error, InLine):
        headers = {"Retry-After": str(error.params["again_s"])}
    return problem_response(request, code, error.params, headers=headers)


# Here a wrong question has the name that EPCIS gives it.
_STANDARD = "/epcis"


def _shape(request: Request, error: Exception) -> JSONResponse:
    error = cast("RequestValidationError", error)
    found = error.errors()
    malformed = any(item["type"] == "json_invalid" for item in found)
    details = [
        {"field": ".".join(str(part) for part in item["loc"]), "message": _message(item), "kind": item["type"]}
        for item in found[:50]
    ]
    if request.url.path.startswith(_STANDARD):
        first = details[0]
        params = {"field": first["field"].removeprefix("query."), "reason": first["message"].rstrip(".")}
        return problem_response(request, "trace.query_parameter", params, errors=details)
    return problem_response(request, "api.malformed" if malformed else "api.invalid", errors=details)


def _message(item: Mapping[str, Any]) -> str:
    """What is wrong, in words; a space in a time of an address was a plus sign."""
    if item["loc"][0] == "query" and "datetime" in item["type"] and " " in str(item.get("input")):
        return f"{item['msg']}: in an address a + stands for a space, write %2B"
    return str(item["msg"])


def _http(request: Request, error: Exception) -> JSONResponse:
    error = cast("HTTPException", error)
    code = _HTTP_CODES.get(error.status_code, "domain.error" if error.status_code < 500 else "api.internal")
    return problem_response(request, code, headers=dict(error.headers or {}))


def _database(request: Request, error: Exception) -> JSONResponse:
    error = cast("DBAPIError", error)
    if isinstance(error.orig, pg.QueryCanceled) and request.method in SAFE:
        # Asked again as it is, it would be cut off again.
        log.warning("a question was cut off", path=_route(request))
        return problem_response(request, "api.took_too_long", {"narrow_by": _choices_left(request)}, headers=_LATER)
    if error.connection_invalidated or isinstance(error.orig, _TRANSIENT):
        log.warning("database busy or away", path=_route(request), kind=type(error.orig).__name__)
        return problem_response(request, "api.busy", headers={"Retry-After": "1"})
    if isinstance(error.orig, psycopg.DataError):
        # Text PostgreSQL cannot hold (NUL), a number out of range: the caller's value, not our fault.
        return problem_response(request, "api.invalid")
    return _surprise(request, error)


def _choices_left(request: Request) -> list[str]:
    """What the route can be asked besides, by which the same question would be narrower."""
    dependant: Any = getattr(request.scope.get("route"), "dependant", None)
    names = [field.alias for field in getattr(dependant, "query_params", ())]
    return [name for name in names if name != "cursor" and name not in request.query_params]


def _no_connection(request: Request, error: Exception) -> JSONResponse:
    """No connection of the pool became free in its time."""
    log.warning("no connection is free", path=_route(request), kind=type(error).__name__)
    return problem_response(request, "api.busy", headers=_HEADERS[503])


def _beyond_the_calendar(request: Request, error: Exception) -> JSONResponse:
    """An instant at the calendar's ends that no time zone can be applied to: the caller's value, not our fault."""
    log.warning("a value is out of range", path=_route(request), exc_info=error)
    return problem_response(request, "api.invalid")


def _gone(request: Request, error: Exception) -> Response:
    """Who asked hung up before the whole request had come: on a bad line that is ordinary, and nobody hears the answer."""
    log.info("who asked hung up", path=_route(request), kind=type(error).__name__)
    return Response(status_code=400)


def _surprise(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", path=_route(request), kind=type(error).__name__, exc_info=error)
    return problem_response(request, "api.internal")


def _route(request: Request) -> str:
    """The template, not the path, so that no identifier of a person gets into the log."""
    route: Any = request.scope.get("route")
    return str(getattr(route, "path", request.url.path))


def install(app: FastAPI) -> None:
    """Hang the handlers on the application."""
    app.add_exception_handler(DomainError, _domain)
    app.add_exception_handler(RequestValidationError, _shape)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(PoolTimeout, _no_connection)
    app.add_exception_handler(OverflowError, _beyond_the_calendar)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _surprise)
