"""What the page does: it writes to the house as the gateways would, signed and with their passwords."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from simulators.outside.whatsapp import Delivery, FakeWhatsApp
from simulators.phone.page import TABS, address, lines_of, page_of
from simulators.phone.phones import Button, Line, Phone, Phones

FIRST = "6281234000001"
_NUMBER = re.compile(r"[0-9]{8,15}")


@dataclass(slots=True, kw_only=True)
class House:
    """Where the house hears, and the passwords of its mouths."""

    address: str
    sms_password: str
    ussd_password: str
    transport: httpx2.AsyncBaseTransport | None = None

    async def post(self, path: str, **more: object) -> httpx2.Response | None:
        """One request of a gateway; None where the house does not answer."""
        async with httpx2.AsyncClient(base_url=self.address, timeout=15.0, transport=self.transport) as client:
            try:
                return await client.post(path, **more)  # type: ignore[arg-type]  # passes keywords of httpx2 on unchanged
            except httpx2.HTTPError:
                return None


@dataclass(slots=True, kw_only=True)
class PhonePage:
    """Routes below `/hp`; `whatsapp` signs what is said and takes what comes back."""

    house: House
    whatsapp: FakeWhatsApp
    phones: Phones = field(repr=False)

    def mount(self, app: Starlette) -> None:
        """Put its routes into an application."""
        app.router.routes.extend(
            [
                Route("/hp", self._show),
                Route("/hp/wa", self._say_whatsapp, methods=["POST"]),
                Route("/hp/sms", self._say_sms, methods=["POST"]),
                Route("/hp/panggil", self._dial, methods=["POST"]),
                Route("/hp/ussd", self._press, methods=["POST"]),
                Route("/hp/gambar/{media}", self._picture),
            ]
        )

    async def _show(self, request: Request) -> Response:
        number, medium = number_of(request.query_params.get("n")), request.query_params.get("m", "wa")
        medium = medium if medium in dict(TABS) else "wa"
        phone = self.phones.of(number)
        if medium == "wa":
            await self._read(phone)
        if request.headers.get("x-part") == "talk":
            return HTMLResponse(lines_of(number, medium, phone))
        return HTMLResponse(page_of(number, medium, phone))

    async def _read(self, phone: Phone) -> None:
        """Two blue ticks: whoever looks at the talk has read what came."""
        while phone.unread:
            report = self.whatsapp.report_if_kept(phone.unread.popleft(), "read")
            if report is not None:
                await self.house.post("/webhooks/whatsapp", content=report.body, headers=report.headers)

    async def _say_whatsapp(self, request: Request) -> Response:
        async with request.form() as form:
            number, pressed, said = number_of(_text(form, "n")), _text(form, "tombol"), _text(form, "text")
            chosen = _text(form, "baris")
        phone = self.phones.of(number)
        message = f"wamid.{uuid4().hex}"
        if pressed or chosen:
            label = _label_of(phone, pressed or chosen)
            press = self.whatsapp.presses if pressed else self.whatsapp.chooses
            await self._speak(phone, label, press(number, pressed or chosen, label, message_id=message))
        elif said:
            await self._speak(phone, said, self.whatsapp.says(number, said, message_id=message))
        return RedirectResponse(address(number, "wa"), 303)

    async def _speak(self, phone: Phone, shown: str, delivery: Delivery) -> None:
        phone.whatsapp.append(Line(mine=True, text=shown, at=self.phones.clock()))
        answer = await self.house.post("/webhooks/whatsapp", content=delivery.body, headers=delivery.headers)
        if answer is None or not answer.is_success:
            phone.whatsapp.append(Line(mine=False, text="(belum terkirim; coba lagi)", at=self.phones.clock()))

    async def _say_sms(self, request: Request) -> Response:
        async with request.form() as form:
            number, said = number_of(_text(form, "n")), _text(form, "text")
        if said:
            phone = self.phones.of(number)
            phone.sms.append(Line(mine=True, text=said, at=self.phones.clock()))
            headers = _basic(self.house.sms_password) | {
                "X-Kannel-From": f"+{number}",
                "Content-Type": "text/plain; charset=UTF-8",
            }
            answer = await self.house.post(f"/webhooks/sms?id={uuid4().hex}", content=said.encode(), headers=headers)
            if answer is None or not answer.is_success:
                phone.sms.append(Line(mine=False, text="(belum terkirim; coba lagi)", at=self.phones.clock()))
        return RedirectResponse(address(number, "sms"), 303)

    async def _dial(self, request: Request) -> Response:
        async with request.form() as form:
            number = number_of(_text(form, "n"))
        self.phones.dial(number)
        return await self._screen(number)

    async def _press(self, request: Request) -> Response:
        async with request.form() as form:
            number, keys = number_of(_text(form, "n")), _text(form, "text")
        return await self._screen(number, keys)

    async def _screen(self, number: str, *keys: str) -> Response:
        call = self.phones.of(number).call
        if call is not None:
            form = call.form(*keys)
            answer = await self.house.post("/webhooks/ussd", data=form, headers=_basic(self.house.ussd_password))
            self.phones.shown(number, "" if answer is None or not answer.is_success else answer.text)
        return RedirectResponse(address(number, "ussd"), 303)

    async def _picture(self, request: Request) -> Response:
        picture = self.whatsapp.media.get(request.path_params["media"])
        return PlainTextResponse("", 404) if picture is None else Response(picture, media_type="image/png")


def number_of(text: str | None) -> str:
    """A number as it is typed, in international form without the plus; the first phone's where it is none."""
    digits = "".join(char for char in text or "" if char.isdigit() and char.isascii())
    digits = "62" + digits[1:] if digits.startswith("0") else digits
    return digits if _NUMBER.fullmatch(digits) else FIRST


def _label_of(phone: Phone, answer: str) -> str:
    buttons: tuple[Button, ...] = phone.whatsapp[-1].buttons if phone.whatsapp else ()
    return next((one.label for one in buttons if one.answer == answer), answer)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip()[:1000] if isinstance(value, str) else ""


def _basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"gerbang:{password}".encode()).decode()}
