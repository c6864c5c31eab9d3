"""Vaccinators: the desk of a session by its pages, from the first ticket to the report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from simulators.chance import dice
from simulators.people.browser import Browser, done, form_in
from simulators.people.http import Answer
from simulators.people.ids import make_up_person
from simulators.people.planners import LAST_HOUR, days_own
from simulators.people.work import Worker, western_clock

DEFERRED = 0.05
"""Share of people that screening sends home for the day (4.8 % in Jakarta in June 2021)."""

NO_SHOW = 0.15
"""Share of people who have a place and do not come."""

WALKS_IN = 0.1
"""Share of those who come without a place."""

PUT_OFF_DAYS = 7
WITHOUT_DOSE = "vaksin tidak tersedia"
QUEUE = 5
"""So many wait at most before one of them is served: whoever opens the desk's page sees a queue."""

_SESSION = re.compile(r'href="/meja/([0-9a-f-]{36})"')
_EXPECTED = re.compile(r'href="/meja/orang/([0-9a-f-]{36})"><span>([^<]+)<br>')
_WAITING = re.compile(r'href="/meja/orang/([0-9a-f-]{36})"><span><strong>')
_LINE = re.compile(r"<dt>([^<]+)</dt>\s*<dd>(\d+)</dd>")


class Vaccinator(Worker):
    """Serves the sessions of one facility, a tap at a time. `tickets`: what those who come have in their hands, by booking."""

    pace_s = 6.0

    def __init__(self, phone: Browser, facility: str, *, seed: str, tickets: Mapping[str, str]) -> None:
        super().__init__(phone, "serves the desk", seed=seed)
        self.browser = phone
        self._facility = facility
        self._tickets = tickets
        self._served: set[str] = set()
        self._given = 0

    def act(self, now: datetime) -> str | None:
        """One tap at one desk, the day's own first; a session that is over is ended once nobody waits any more."""
        own = days_own(self, self._facility, western_clock(now).date())
        for session in sorted(self._sessions(), key=lambda one: one != own):
            desk = self.phone.get(f"/meja/{session}").text
            serves = form_in(desk, f"/meja/{session}/cari") is not None
            if serves:
                self._served.add(session)
            elif session not in self._served:
                continue
            waiting = _section(desk, "menunggu", _WAITING)
            if serves and self._may_come(session == own, now) and (not waiting or self._calls_next(waiting)):
                expected = [one for one in _EXPECTED.findall(desk) if one[0] not in waiting and self._comes(one[0])]
                if expected or self.dice.random() < WALKS_IN:
                    return self._arrive(session, expected, now)
            if waiting:
                return self._serve(self.dice.choice(waiting[:2]), now)
            if not serves:
                self._served.discard(session)
                return self._end(session)
        return None

    def _sessions(self) -> list[str]:
        """Those the desk's page offers; with one alone it leads there at once."""
        offered = self.phone.get("/meja")
        return _SESSION.findall(offered.text) or [offered.leads_to.rpartition("/")[2]][: bool(offered.leads_to)]

    def _may_come(self, own: bool, now: datetime) -> bool:
        return own or 7 <= western_clock(now).hour < LAST_HOUR

    def _calls_next(self, waiting: list[str]) -> bool:
        return len(waiting) < QUEUE and self.dice.random() < 0.4

    def _comes(self, booking: str) -> bool:
        return dice("comes", self.seed, booking).random() >= NO_SHOW

    def _arrive(self, session: str, expected: list[tuple[str, str]], now: datetime) -> str | None:
        """The next one comes: with a ticket, with a name, or with nothing at all."""
        desk = f"/meja/{session}"
        if not expected or self.dice.random() < WALKS_IN:
            return self._walk_in(f"{desk}/baru", now)
        booking, name = self.dice.choice(expected)
        said = self._tickets.get(booking, name)
        found = self.browser.submit(desk, f"{desk}/cari", {"siapa": said})
        came = found if done(found) else self.browser.send(found, f"{desk}/datang", {"tempat": booking})
        return None if done(came) else f"somebody who came was refused: {came.status}"

    def _walk_in(self, page: str, now: datetime) -> str | None:
        made_up = make_up_person(self.dice, western_clock(now).date())
        said = {"nik": made_up.nik, "nama": made_up.name, "telepon": made_up.phone, "dosis": "1"}
        came = self.browser.submit(page, page, said)
        # Where every dose is promised nobody can be served besides: they are sent home.
        return None if came.status in (303, 422) else f"a person without a place was refused: {came.status}"

    def _serve(self, booking: str, now: datetime) -> str | None:
        """What the person's page offers first: the questions before the dose, else the dose."""
        to = f"/meja/orang/{booking}"
        page = self.phone.get(to)
        if form_in(page.text, f"{to}/layak") is not None:
            if self.dice.random() < DEFERRED:
                return self._put_off(page, to, "tekanan darah tinggi", now)
            answer = self.browser.send(page, f"{to}/layak", {})
            return None if done(answer) else f"screening was refused: {answer.status}"
        answer = self.browser.send(page, f"{to}/suntik", {})
        if not done(answer):
            self._put_off(answer, to, WITHOUT_DOSE, now)
            return f"no usable vial is left at {self._facility}; a person comes another day"
        self._given += 1
        if self._given % 5 == 0:
            return f"{self._given} people have their dose at {self._facility}"
        return None

    def _put_off(self, page: Answer, to: str, why: str, now: datetime) -> str | None:
        until = (western_clock(now) + timedelta(days=PUT_OFF_DAYS)).date()
        answer = self.browser.send(page, f"{to}/tunda", {"catatan": why, "sampai": until.isoformat()})
        return None if done(answer) else f"putting somebody off was refused: {answer.status}"

    def _end(self, session: str) -> str:
        """What no one can be given any more is thrown away; then the report is read."""
        to = f"/meja/{session}/selesai"
        page = self.phone.get(to)
        if form_in(page.text, f"{to}/buang") is not None:
            self.browser.send(page, f"{to}/buang", {})
            page = self.phone.get(to)
        report = {what.strip(): int(count) for what, count in _LINE.findall(page.text)}
        thrown = sum(count for what, count in report.items() if what.startswith("Dosis terbuang"))
        missing = report.get("Belum datang", 0) + report.get("Tidak datang", 0)
        return (
            f"a session at {self._facility} is over: {report.get('Datang', 0)} came, {missing} did not, "
            f"{thrown} doses of open vials thrown away; its report is at {to}"
        )


def _section(page: str, part: str, people: re.Pattern[str]) -> list[str]:
    """The people of one part of a page, as it lists them."""
    found = re.search(rf'id="{part}".*?</section>', page, re.DOTALL)
    return people.findall(found[0]) if found else []
