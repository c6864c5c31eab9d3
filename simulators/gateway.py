"""`python -m simulators.gateway`: an SMS gateway that nobody's phone hangs on, and a page of what it was given.

It speaks as Kannel does, on this machine only unless told otherwise. Its log has counts and no word of a message; the page shows the texts, for
whoever tries the demo, and the numbers masked.
"""

from __future__ import annotations

import html
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from simulators.outside.sms import FakeKannel, Sms

SHOWN = 100
_WIB = timezone(timedelta(hours=7), "WIB")
_TOLD_EVERY_S = 3.0
_PAGE = """<!doctype html>
<html lang="id"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10"><title>Gerbang SMS simulasi</title>
<style>body{{font:1rem/1.5 sans-serif;max-width:42rem;margin:1rem auto;padding:0 1rem;color:#222;background:#fff}}
li{{margin:.75rem 0;overflow-wrap:anywhere}}small{{color:#555}}ol{{padding-left:0;list-style:none}}</style></head>
<body><main><h1>Gerbang SMS simulasi</h1>
<p>{count}. Tidak ada yang sampai ke telepon sungguhan. <span lang="en">The simulated SMS gateway: what it took, newest
first. No real phone got anything.</span></p>
<ol>{items}</ol></main></body></html>"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def outbox_app(kannel: FakeKannel) -> Starlette:
    """The gateway with its page of what it took, at `/`."""

    async def show(_request: Request) -> HTMLResponse:
        return HTMLResponse(page_of(kannel.sent[: -SHOWN - 1 : -1], kannel.taken))

    served = kannel.app()
    served.router.routes.append(Route("/", show))
    return served


def page_of(newest_first: Sequence[Sms], taken: int) -> str:
    """The page; `taken` counts those no longer shown, too."""
    items = "".join(_item(sms) for sms in newest_first)
    return _PAGE.format(count=f"{taken} pesan diterima", items=items or "<li>Belum ada pesan. No message yet.</li>")


def _item(sms: Sms) -> str:
    at = "" if sms.taken_at is None else f"{sms.taken_at.astimezone(_WIB):%H.%M.%S} WIB · "
    return f"<li><small>{at}{html.escape(masked(sms.to))}</small><br>{_linked(sms.text)}</li>"


def _linked(text: str) -> str:
    """The text with the addresses in it as links."""
    words = (html.escape(word) for word in text.split(" "))
    return " ".join(
        f'<a href="{word}">{word}</a>' if word.startswith(("http://", "https://")) else word for word in words
    )


def masked(phone: str) -> str:
    """The number without its middle."""
    return f"{phone[:4]}…{phone[-3:]}"


def tell_counts(kannel: FakeKannel, stopped: threading.Event, tell: Callable[[str], None]) -> None:
    """Say how many messages were taken since the last time, until stopped; nothing where there were none."""
    told = 0
    while not stopped.wait(_TOLD_EVERY_S):
        taken = kannel.taken
        if taken > told:
            tell(f"{time.strftime('%H:%M:%S', time.gmtime())} gateway: took {taken - told} SMS, {taken} in all")
        told = taken


@app.command()
def serve(
    *,
    port: Annotated[int, typer.Option(help="Port.", min=1, max=65535)],
    host: Annotated[str, typer.Option(help="Address it listens on.")] = "127.0.0.1",
    username: Annotated[str, typer.Option(envvar="RANTAI_DELIVERY__SMS_USERNAME", help="Who may send.")],
    password: Annotated[str, typer.Option(envvar="RANTAI_DELIVERY__SMS_PASSWORD", help="With which password.")],
) -> None:
    """Take SMS as a Kannel would, until SIGTERM or Ctrl-C."""
    if not username or not password:
        print("the gateway needs a user name and a password, as the real one does", file=sys.stderr)
        raise typer.Exit(2)
    kannel = FakeKannel(username=username, password=password, most=SHOWN, clock=lambda: datetime.now(UTC))
    # No access log: Kannel's way is to put password, number and text into the address.
    config = uvicorn.Config(outbox_app(kannel), host=host, port=port, access_log=False, log_level="warning")
    stopped = threading.Event()
    # uvicorn repeats the signal that stopped it to whoever handled it before: here that is nobody.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    beside = threading.Thread(
        target=tell_counts, args=(kannel, stopped, lambda line: print(line, flush=True)), daemon=True
    )
    beside.start()
    uvicorn.Server(config).run()
    stopped.set()


if __name__ == "__main__":
    app()
