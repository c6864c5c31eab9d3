"""`python -m simulators.gateway`: gateways that nobody's phone hangs on, a page of what they were given, and a phone to play with.

SMS as a Kannel takes it, WhatsApp as Meta's Cloud API; from the phone at `/hp` people write to the house and dial `*119#`. On this machine only unless told otherwise. Its log has counts and no word of a message; the page shows the texts, for
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
from typing import Annotated, Any

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from simulators.outside.pcare import FakePCare, shown_app
from simulators.outside.sms import FakeKannel, Sms
from simulators.outside.whatsapp import FakeWhatsApp
from simulators.phone.app import House, PhonePage
from simulators.phone.phones import Phones

SHOWN = 100
PCARE_USER = "rantai"  # consumer and user at the P-Care beside
WHATSAPP_NUMBER = "119"  # the `phone_number_id` in `/v…/119/messages`
_WIB = timezone(timedelta(hours=7), "WIB")
_TOLD_EVERY_S = 3.0
_PAGE = """<!doctype html>
<html lang="id"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10"><title>Gerbang pesan simulasi</title>
<style>body{{font:1rem/1.5 sans-serif;max-width:42rem;margin:1rem auto;padding:0 1rem;color:#222;background:#fff}}
li{{margin:.75rem 0;overflow-wrap:anywhere}}small{{color:#555}}ol{{padding-left:0;list-style:none}}</style></head>
<body><main><h1>Gerbang pesan simulasi</h1>
<p>{count}. Tidak ada yang sampai ke telepon sungguhan. <span lang="en">The simulated gateways: what they took, newest
first. No real phone got anything.</span> {phone}</p>
<ol>{items}</ol></main></body></html>"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def outbox_app(
    kannel: FakeKannel,
    whatsapp: FakeWhatsApp | None = None,
    house: House | None = None,
    pcare: FakePCare | None = None,
) -> Starlette:
    """The gateways with a page of what they took, at `/`; the phone to play with, at `/hp`, where the house's mouths are known.

    A P-Care listens beside them, and shows at `/pcare` what it has.
    """

    async def show(_request: Request) -> HTMLResponse:
        return HTMLResponse(page_of(kannel.sent[: -SHOWN - 1 : -1], kannel.taken, phone=house is not None))

    served = kannel.app()
    served.router.routes.append(Route("/", show))
    if whatsapp is not None:
        served.router.routes.extend(whatsapp.app().routes)
        if house is not None:
            _with_phone(served, kannel, whatsapp, house)
    if pcare is not None:
        served.router.routes.extend(shown_app(pcare).routes)
    return served


def _with_phone(served: Starlette, kannel: FakeKannel, whatsapp: FakeWhatsApp, house: House) -> None:
    phones = Phones(whatsapp.clock)
    page = PhonePage(house=house, whatsapp=whatsapp, phones=phones)

    def took(message: dict[str, Any]) -> None:
        line = phones.take_whatsapp(message)
        kannel.keep(Sms(sender="WhatsApp", to=f"+{message['to']}", text=line.text, taken_at=whatsapp.clock()))

    whatsapp.told, kannel.told = took, phones.take_sms
    page.mount(served)


def page_of(newest_first: Sequence[Sms], taken: int, *, phone: bool = False) -> str:
    """The page; `taken` counts those no longer shown, too."""
    items = "".join(_item(sms) for sms in newest_first) or "<li>Belum ada pesan. No message yet.</li>"
    link = '<a href="/hp">Ponsel simulasi · a made-up phone</a>' if phone else ""
    return _PAGE.format(count=f"{taken} pesan diterima", items=items, phone=link)


def _item(sms: Sms) -> str:
    at = "" if sms.taken_at is None else f"{sms.taken_at.astimezone(_WIB):%H.%M.%S} WIB · "
    by = "WhatsApp · " if sms.sender == "WhatsApp" else ""
    return f"<li><small>{at}{by}{html.escape(masked(sms.to))}</small><br>{_linked(sms.text)}</li>"


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
    house: Annotated[str, typer.Option(help="Address of the house, for the phone to play with.")] = "",
    token: Annotated[
        str, typer.Option(envvar="RANTAI_DELIVERY__WHATSAPP_TOKEN", help="Who may send by WhatsApp.")
    ] = "",
    secret: Annotated[str, typer.Option(envvar="RANTAI_MOUTHS__WHATSAPP_SECRET", help="Signs what phones say.")] = "",
    sms_in: Annotated[str, typer.Option(envvar="RANTAI_MOUTHS__SMS_PASSWORD", help="For SMS to the house.")] = "",
    ussd: Annotated[str, typer.Option(envvar="RANTAI_MOUTHS__USSD_PASSWORD", help="For calls to the house.")] = "",
    pcare_secret: Annotated[str, typer.Option(envvar="RANTAI_PCARE__SECRET", help="Signs what P-Care is told.")] = "",
    pcare_key: Annotated[str, typer.Option(envvar="RANTAI_PCARE__USER_KEY", help="P-Care's user key.")] = "",
    pcare_password: Annotated[str, typer.Option(envvar="RANTAI_PCARE__PASSWORD", help="P-Care's password.")] = "",
) -> None:
    """Take messages as a Kannel and Meta would, until SIGTERM or Ctrl-C."""
    if not username or not password:
        print("the gateway needs a user name and a password, as the real one does", file=sys.stderr)
        raise typer.Exit(2)
    kannel = FakeKannel(username=username, password=password, most=SHOWN, clock=lambda: datetime.now(UTC))
    whatsapp = FakeWhatsApp(
        phone_number_id=WHATSAPP_NUMBER, token=token, app_secret=secret, clock=lambda: datetime.now(UTC), most=SHOWN
    )
    mouths = House(address=house, sms_password=sms_in, ussd_password=ussd) if house and secret else None
    pcare = FakePCare(
        cons_id=PCARE_USER,
        secret=pcare_secret,
        user_key=pcare_key,
        username=PCARE_USER,
        password=pcare_password,
        clock=lambda: datetime.now(UTC),
    )
    # No access log: Kannel's way is to put password, number and text into the address.
    config = uvicorn.Config(
        outbox_app(kannel, whatsapp if token else None, mouths, pcare if pcare_secret else None),
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
    )
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
