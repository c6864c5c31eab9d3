"""P-Care's envelope and words, and the order of a record's states under whatever happens."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulators.outside import lzstring, pcare
from tracker.pcare.client import Absent, Letter, PcareClient, RefusedThere, Shut, Trouble
from tracker.pcare.envelope import Consumer, Unopened
from tracker.pcare.rules.answers import scrubbed
from tracker.pcare.rules.lzstring import NotPacked, unpack
from tracker.pcare.rules.steps import MAY, Version, done, on_change, on_lost, task
from tracker.pcare.rules.words import HELD, State, Task
from tracker.settings import PcareSettings

AT = datetime.fromtimestamp(433223232, UTC)
US = Consumer(cons_id="1234", secret="pwd", user_key="uk", username="u", password="p", app_code="095")
DOCUMENTED = "u0AsR6/ahAOwBY5r+Nb0zk7/w3cJ89yevRzkO8OQ0sUrxkfVnVjL2dwGjwofUNJnfi08isU34aVY994aasyeyOcOw3pCkcEPoAWTCaEUBX8bm/5AxhZFjtROtAaBUHb4"
LETTER = Letter(
    reference="r", nik="3671014203900001", name="Siti", born=date(1990, 3, 2), sex="P", facility="P1", vaccine="V",
    batch="B", dose=1, day=date(2026, 3, 4), time="10:00",
)  # fmt: skip


def test_requests_are_signed_and_answers_opened_as_bpjs_documents_it() -> None:
    head = US.headers(AT)
    assert head["X-signature"] == "eXMtvX2r7e7CLCIu3kpEpCrvciZgK8FuOhKv06NDAHk="
    assert base64.b64decode(head["X-authorization"].removeprefix("Basic ")) == b"u:p:095"
    assert US.opened(DOCUMENTED, head["X-timestamp"]) == {"count": 1, "list": [{"kdProvider": "0114A026"}]}
    for wrong in (DOCUMENTED[:-4], "x", "", DOCUMENTED[4:]):
        with pytest.raises(Unopened):
            US.opened(wrong, head["X-timestamp"])
    with pytest.raises(Unopened):
        US.opened(DOCUMENTED, "433223233")
    assert "pwd" not in repr(US)
    assert "Siti" not in repr(LETTER)


@given(st.text(alphabet=st.characters(min_codepoint=1, max_codepoint=0xD7FF), max_size=300))
@example("a" * 300)
def test_what_was_packed_is_read_again(text: str) -> None:
    packed = lzstring.compress(text)
    assert unpack(packed, most=1000) == text


@given(st.text(alphabet="ABCDwxyz0189+-$ ?", max_size=80))
def test_what_is_no_packing_is_refused_and_nothing_else(text: str) -> None:
    with contextlib.suppress(NotPacked):
        assert len(unpack(text, most=100)) <= 100


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("NIK 3671014203900001 tidak valid", "NIK … tidak valid"),
        ("3671 0142 0390 0001 an. SITI", "… an. …"),
        ("kode 412\x00\n baris", "kode 412 baris"),
        ("x" * 500, "x" * 200),
    ],
)
def test_their_words_are_kept_without_whom_they_speak_of(words: str, kept: str) -> None:
    assert scrubbed(words, ("3671014203900001", "Siti")) == kept


def answering(status: int, body: bytes) -> PcareClient:
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(status, content=body))
    settings = PcareSettings(url="https://pcare.example/rest", cons_id="1234", secret="pwd", user_key="uk")
    return PcareClient(settings, httpx2.Client(transport=transport), lambda: AT)


def told(code: object, words: str = "", response: str = "null") -> bytes:
    return f'{{"metaData": {{"code": {code}, "message": "{words}"}}, "response": {response}}}'.encode()


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        (200, told(412, "NIK 3671014203900001 salah"), RefusedThere),
        (200, told('"401"', "Unauthorized"), Shut),
        (403, b"<html>", Shut),
        (200, told(500), Trouble),
        (404, b"<html>Not Found</html>", Trouble),  # a proxy's, and no word on the record
        (200, b"<html>", Trouble),
        (200, b'{"metaData": 5}', Trouble),
        (200, told(201), Trouble),  # taken, and no number
        (200, told(201, response='"bukan sandi"'), Trouble),
        (200, told(True), Trouble),
        (204, b"", Trouble),
    ],
)
def test_an_answer_is_what_stands_inside_it(status: int, body: bytes, raised: type[Exception]) -> None:
    with pytest.raises(raised) as found:
        answering(status, body).add(LETTER)
    assert type(found.value) is raised
    assert "3671014203900001" not in str(found.value)


def test_only_p_care_itself_says_that_it_has_nothing() -> None:
    assert answering(200, told(204)).find("r") is None
    with pytest.raises(Absent):
        answering(200, told(404)).remove("7")
    with pytest.raises(Trouble):
        answering(404, b"<html>").find("r")


@pytest.mark.parametrize("more", [{"change_path": "x/{nik}"}, {"fields": {"nikk": "x"}}, {"url": "pcare"}])
def test_a_setting_that_cannot_be_is_named_at_the_start(more: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"(change_path|nikk|url)"):
        PcareSettings(**more)


def test_fields_and_vaccines_go_by_the_names_of_the_settings() -> None:
    seen: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.content)
        stamp = request.headers["X-timestamp"]
        packed = pcare.encrypt({"noReg": "7"}, cons_id="", secret="", timestamp=stamp)
        return httpx2.Response(200, json={"metaData": {"code": 200}, "response": packed})

    settings = PcareSettings(
        url="https://pcare.example", fields={"nik": "noKTP", "number": "noReg", "time": ""}, vaccine_codes={"V": "77"}
    )
    client = PcareClient(settings, httpx2.Client(transport=httpx2.MockTransport(answer)), lambda: AT)
    assert client.add(LETTER) == "7"
    assert b'"noKTP":"3671014203900001"' in seen[0]
    assert b'"kdVaksin":"77"' in seen[0]
    assert b"jamVaksinasi" not in seen[0]


# --- the order of the states, played against a P-Care that loses answers and records ---


@dataclass
class _Record:
    state: State
    dose: dict[str, object] | None
    number: int | None = None


@dataclass
class _Play:
    """One dose: its records, and what P-Care has of it."""

    records: list[_Record] = field(default_factory=list)
    there: dict[int, int] = field(default_factory=dict)  # number → index of the record that it says
    stands: dict[str, object] | None = None
    numbers: int = 0

    def goes(self, record: _Record, to: State) -> None:
        assert to in MAY[record.state], (record.state, to)
        record.state = to

    def changes(self, dose: dict[str, object] | None, *, anew: bool = False) -> None:
        self.stands = dose
        newest = Version(self.records[-1].state, self.records[-1].dose) if self.records else None
        known = any(one.state in HELD | {State.SENT} for one in self.records)
        change = on_change(newest, dose, known=known, anew=anew)
        if change.newest is not None:
            self.goes(self.records[-1], change.newest)
        if change.adds:
            self.records.append(_Record(State.WAITING, dose))

    def sends(self, fate: str) -> None:
        under_way = [one for one in self.records if one.state is State.SENT]
        waiting = [one for one in self.records if one.state is State.WAITING]
        if not under_way and not waiting:
            return
        record = (under_way or waiting)[0]
        asked_before = record.state is State.SENT
        if not asked_before:
            self.goes(record, State.SENT)
        if fate == "killed":
            return
        me = self.records.index(record)
        number = next((n for n, said in self.there.items() if said == me), None)
        if not (asked_before and record.dose is not None and number is not None):
            if fate == "refused":
                self.goes(record, State.REFUSED)
                return
            number = self.carries_out(record, me)
            if fate == "lost":
                return
        for one in self.records:
            if one.state in HELD:
                self.goes(one, State.CORRECTED)
        record.number = number
        self.goes(record, done(record.dose is not None))

    def carries_out(self, record: _Record, me: int) -> int | None:
        held = next((one.number for one in self.records if one.state is State.ACCEPTED), None)
        what = task(record.dose is not None, held=held is not None)
        if what is Task.REMOVE:
            self.there.pop(held or 0, None)
        if what in (Task.REMOVE, Task.NOTHING):
            return None
        number = held if what is Task.CHANGE and held in self.there else None
        if number is None:
            self.numbers += 1
            number = self.numbers
        self.there[number] = me
        return number

    def forgets(self) -> None:
        self.there.clear()

    def compares(self) -> None:
        for record in self.records:
            if record.state is State.ACCEPTED and record.number not in self.there:
                to = on_lost(newest=record is self.records[-1])
                self.goes(record, to)
                record.number = None

    def asks_again(self) -> None:
        if self.records and self.records[-1].state is State.REFUSED:
            self.goes(self.records[-1], State.WAITING)

    def check(self) -> None:
        for state in (State.WAITING, State.SENT):
            assert sum(one.state is state for one in self.records) <= 1
        assert sum(one.state in HELD for one in self.records) <= 1
        assert len(self.there) <= 1, "P-Care has the dose twice"


_EVENTS = st.sampled_from(
    ["given", "set right", "taken back", "renamed", "sent", "lost", "killed", "refused", "forgets", "compares", "again"]
)


@given(st.lists(_EVENTS, max_size=25))
@example(["given", "lost", "taken back", "sent", "sent"])
@example(["given", "sent", "set right", "killed", "forgets", "taken back", "sent", "sent"])
@example(["given", "sent", "set right", "refused", "forgets", "compares"])
def test_whatever_happens_p_care_ends_with_what_stands_and_once(events: list[str]) -> None:
    play = _Play()
    for turn, event in enumerate(events):
        match event:
            case "given" if play.stands is None:
                play.changes({"turn": turn})
            case "set right" if play.stands is not None:
                play.changes({"turn": turn})
            case "taken back":
                play.changes(None)
            case "renamed":
                play.changes(play.stands, anew=True)
            case "sent" | "lost" | "killed" | "refused":
                play.sends(event)
            case "forgets":
                play.forgets()
            case "compares":
                play.compares()
            case "again":
                play.asks_again()
        play.check()
    # In the end everything gets through, and is looked after once.
    for _ in range(4):
        play.asks_again()
        play.sends("sent")
        play.sends("sent")
        play.compares()
    assert [play.records[said].dose for said in play.there.values()] == ([] if play.stands is None else [play.stands])
