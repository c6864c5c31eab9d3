"""A router that has no path beginning like the one asked for says no at once, and never to one it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Match

from tracker.edge.hop import Router

PATHS = ("/a", "/a/{one}", "/a/{one}/c", "/b/c", "/{any:path}/end")
names = st.sampled_from(["a", "b", "c", "end", "x", ""])


def _app(paths: tuple[str, ...]) -> FastAPI:
    app = FastAPI()
    for number, path in enumerate(paths):
        router = Router()
        router.get(path)(_named(number))
        app.include_router(router)
    return app


def _named(number: int) -> Callable[..., Any]:
    async def endpoint() -> int:
        return number

    return endpoint


@given(parts=st.lists(names, min_size=1, max_size=4))
def test_what_one_router_of_all_routes_answers_many_routers_answer(parts: list[str]) -> None:
    together = FastAPI()
    for number, path in enumerate(PATHS):
        together.get(path)(_named(number))
    path = "/" + "/".join(parts)
    apart = TestClient(_app(PATHS)).get(f"http://testserver{path}")
    one = TestClient(together).get(f"http://testserver{path}")
    assert (apart.status_code, apart.text) == (one.status_code, one.text)


def test_a_route_added_later_is_found() -> None:
    router = Router()
    scope = {"type": "http", "path": "/later", "method": "GET", "headers": []}
    assert router.matches(scope)[0] is Match.NONE
    app = FastAPI()
    app.include_router(router)
    router.get("/later")(_named(7))
    assert TestClient(app).get("/later").text == "7"
