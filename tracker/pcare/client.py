"""The adapter: what P-Care is asked, in its own words. Addresses and field names are settings, for no public contract exists."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote

import httpx2
import orjson

from tracker.kit.clock import Clock
from tracker.pcare.envelope import Consumer, Unopened
from tracker.pcare.rules.answers import Verdict, scrubbed, verdict_of
from tracker.settings import PcareSettings

_MOST_BYTES = 4_000_000
_PAGE = 200
_MOST_PAGES = 500
_OURS = {
    "reference": "noReferensi",
    "number": "noVaksinasi",
    "nik": "nik",
    "name": "nama",
    "born": "tglLahir",
    "sex": "sex",
    "facility": "kdProvider",
    "vaccine": "kdVaksin",
    "batch": "noBatch",
    "dose": "dosisKe",
    "day": "tglVaksinasi",
    "time": "jamVaksinasi",
}
"""Our names of the fields and theirs, where the settings say no other."""


class Trouble(Exception):
    """It did not work now. `arrived`: the request may have been carried out. The words name nobody."""

    def __init__(self, words: str, *, arrived: bool = True) -> None:
        self.arrived = arrived
        super().__init__(words)


class Shut(Trouble):
    """They let nothing of ours in: log-in, signature or clock."""

    def __init__(self, words: str) -> None:
        super().__init__(words, arrived=False)


class RefusedThere(Exception):
    """They will not have it like this; their words, scrubbed."""


class Absent(Exception):
    """They have no such record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One record as it is told. `repr` shows nobody."""

    reference: str
    nik: str = field(repr=False)
    name: str = field(repr=False)
    born: date = field(repr=False)
    sex: str = field(repr=False)
    facility: str
    vaccine: str
    batch: str
    dose: int
    day: date
    time: str


@dataclass(frozen=True, slots=True)
class Theirs:
    """One record that they have: its number and, where it came from us, what we called it."""

    number: str
    reference: str | None


class PcareClient:
    """Speaks to one P-Care. Threads may share it."""

    def __init__(self, settings: PcareSettings, http: httpx2.Client, clock: Clock) -> None:
        self._settings = settings
        self._base = (settings.url or "").rstrip("/")
        self._http = http
        self._clock = clock
        self._fields = _OURS | settings.fields
        self._consumer = Consumer(
            cons_id=settings.cons_id,
            secret=settings.secret.get_secret_value(),
            user_key=settings.user_key.get_secret_value(),
            username=settings.username,
            password=settings.password.get_secret_value(),
            app_code=settings.app_code,
        )

    def find(self, reference: str) -> str | None:
        """The number under which they have what we called so, None where they have nothing. Raises Trouble."""
        try:
            return self._number_in(self._call("GET", self._settings.lookup_path, reference=reference))
        except Absent:
            return None

    def add(self, letter: Letter) -> str:
        """Tell a dose; answers its number. Raises Trouble, RefusedThere."""
        try:
            return self._number_in(self._call("POST", self._settings.add_path, letter))
        except Absent:
            raise Trouble("no number in the answer") from None

    def change(self, number: str, letter: Letter) -> str:
        """Tell it otherwise. Raises Trouble, RefusedThere, Absent."""
        answer = self._call("PUT", self._settings.change_path, letter, number=number)
        return self._number(answer) or number

    def remove(self, number: str) -> None:
        """Take it back. Raises Trouble, RefusedThere, Absent."""
        self._call("DELETE", self._settings.remove_path, number=number)

    def listed(self, facility: str, day: date) -> Iterator[Theirs]:
        """What they have of a facility and day. Raises Trouble."""
        for page in range(_MOST_PAGES):
            try:
                answer = self._call(
                    "GET",
                    self._settings.list_path,
                    facility=facility,
                    day=day.strftime(self._settings.day_format),
                    offset=str(page * _PAGE),
                    limit=str(_PAGE),
                )
            except Absent:
                return
            except RefusedThere as refusal:
                raise Trouble(f"the list is refused: {refusal}", arrived=False) from None
            rows = answer.get("list") if isinstance(answer, dict) else answer
            if not isinstance(rows, list):
                raise Trouble("no list in the answer")
            for row in rows:
                number = self._number(row)
                if number is None:
                    raise Trouble("a record without a number in the list")
                named = row.get(self._fields["reference"]) if isinstance(row, dict) else None
                yield Theirs(number, str(named) if named else None)
            if len(rows) < _PAGE:
                return
        raise Trouble("a list without an end")

    def _call(self, method: str, path: str, letter: Letter | None = None, **places: str) -> object:
        """What the answer holds. Raises Trouble, Shut, RefusedThere, Absent."""
        url = (
            f"{self._base}/{path.format(**{name: quote(value, safe='') for name, value in places.items()}).lstrip('/')}"
        )
        headers = self._consumer.headers(self._clock())
        content = None
        if letter is not None:
            content = orjson.dumps(self._worded(letter, places))
            # JSON that calls itself a form: the interface's documented oddity.
            headers["Content-Type"] = "Application/x-www-form-urlencoded"
        status, body = self._ask(method, url, headers, content)
        return self._understood(status, body, headers["X-timestamp"], letter)

    def _ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> tuple[int, bytes]:
        """Status and body within the time and size allowed: one that drips or never ends is cut off."""
        until = time.monotonic() + self._settings.answer_seconds
        body = bytearray()
        try:
            with self._http.stream(method, url, headers=headers, content=content) as answer:
                for some in answer.iter_bytes():
                    body += some
                    if len(body) > _MOST_BYTES:
                        raise Trouble("an answer without an end")
                    if time.monotonic() > until:
                        raise Trouble("no answer in time")
                return answer.status_code, bytes(body)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Trouble(type(error).__name__, arrived=False) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise Trouble(type(error).__name__) from None

    def _understood(self, status: int, body: bytes, stamp: str, letter: Letter | None) -> object:
        told = _json(body)
        head = told.get("metaData") or told.get("metadata")
        if not isinstance(head, dict):
            # Somebody between answered: that a page is not there says nothing of the record.
            found = verdict_of(status) if status in (204, 401, 403) else Verdict.LATER
            self._judge(found, f"status {status} and no answer of P-Care's inside", "")
            return None
        # 200 outside says nothing: what counts stands inside.
        code = _code(head.get("code"))
        personal = () if letter is None else (letter.nik, letter.name)
        self._judge(verdict_of(code), f"code {code}", scrubbed(str(head.get("message", "")), personal))
        response = told.get("response")
        if not isinstance(response, str):
            return response
        try:
            return self._consumer.opened(response, stamp)
        except Unopened:
            raise Trouble("an answer that our key does not open") from None

    @staticmethod
    def _judge(verdict: Verdict, where: str, words: str) -> None:
        said = f"{where}: {words}" if words else where
        match verdict:
            case Verdict.ABSENT:
                raise Absent
            case Verdict.SHUT:
                raise Shut(said)
            case Verdict.LATER:
                raise Trouble(said)
            case Verdict.REFUSED:
                raise RefusedThere(said)
            case Verdict.DONE:
                return

    def _worded(self, letter: Letter, places: Mapping[str, str]) -> dict[str, object]:
        days = self._settings.day_format
        values: dict[str, object] = {
            "reference": letter.reference,
            "nik": letter.nik,
            "name": letter.name,
            "born": letter.born.strftime(days),
            "sex": letter.sex,
            "facility": letter.facility,
            "vaccine": self._settings.vaccine_codes.get(letter.vaccine, letter.vaccine),
            "batch": letter.batch,
            "dose": letter.dose,
            "day": letter.day.strftime(days),
            "time": letter.time,
            **({"number": places["number"]} if "number" in places else {}),
        }
        # A field that the settings name "" is not sent.
        return {self._fields[name]: value for name, value in values.items() if self._fields[name]}

    def _number_in(self, answer: object) -> str:
        number = self._number(answer)
        if number is None:
            raise Trouble("no number in the answer")
        return number

    def _number(self, answer: object) -> str | None:
        """BPJS answers a new record with `{"field": …, "message": NUMBER}`, a question with the record itself."""
        if not isinstance(answer, dict):
            return None
        wanted = self._fields["number"]
        found = answer.get("message") if answer.get("field") == wanted else answer.get(wanted)
        return str(found)[:100] if isinstance(found, str | int) and not isinstance(found, bool) and found else None


def _json(body: bytes) -> dict[str, object]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _code(told: object) -> int:
    """As a number, however it was written; 0 where it is none."""
    text = str(told)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
