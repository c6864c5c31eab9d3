"""What people are told, in two languages. Pure. A template's parameters hold no name and no identity number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from enum import IntEnum
from string import Formatter

from tracker.kit.days import wall_clock

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(T.+)?$")

CHAT_REPLY = "chat_reply"

# name: (Indonesian, English)
TEMPLATES: dict[str, tuple[str, str]] = {
    "quota_confirmed": (
        "Vaksinasi Anda dicatat: {facility}, {day}, {hours}. Tunjukkan tiket Anda saat datang: {ticket}",
        "Your vaccination is booked: {facility}, {day}, {hours}. Show your ticket when you come: {ticket}",
    ),
    "quota_moved": (
        "Jadwal vaksinasi Anda pindah ke {facility}, {day}, {hours}. Tiket: {ticket}",
        "Your vaccination has moved to {facility}, {day}, {hours}. Your ticket: {ticket}",
    ),
    "quota_reminder": (
        "Pengingat vaksinasi: {facility}, {day}, {hours}. Tiket: {ticket}",
        "Your vaccination: {facility}, {day}, {hours}. Ticket: {ticket}",
    ),
    "dose_next": (
        "Dosis {dose} Anda: {due}, {facility}. Pesan tempat: {ticket}",
        "Your dose {dose}: {due}, {facility}. Book a place: {ticket}",
    ),
    "dose_due": (
        "Dosis {dose} Anda jatuh tempo {due}, {facility}. Pesan: {ticket}",
        "Your dose {dose} is due {due}, {facility}. Book: {ticket}",
    ),
    "dose_awaited": (
        "Dosis {dose} Anda ditunggu sejak {due}, {facility}. Pesan: {ticket}",
        "Your dose {dose} was due {due}, {facility}. Book: {ticket}",
    ),
    "quota_offer": (
        (
            "Vaksin untuk jadwal Anda tanggal {day} di {facility} tidak dapat dipakai. Tempat pengganti sudah "
            "dipesankan: {new_facility}, {new_day}, {new_hours}. Balas YA atau TIDAK sebelum {answer_by}, "
            "atau buka {ticket}"
        ),
        (
            "The vaccine for your booking on {day} at {facility} cannot be used. Another place is reserved for you: "
            "{new_facility}, {new_day}, {new_hours}. Answer YES or NO before {answer_by}, or open {ticket}"
        ),
    ),
    "quota_displaced_no_place": (
        (
            "Vaksin untuk jadwal Anda tanggal {day} tidak dapat dipakai, dan belum ada tempat pengganti. "
            "Anda akan dikabari begitu ada."
        ),
        (
            "The vaccine for your booking on {day} cannot be used and there is no other place yet. "
            "You will hear from us as soon as there is."
        ),
    ),
    "quota_session_changed": (
        "Jam vaksinasi Anda di {facility} tanggal {day} berubah: {opens} sampai {closes}.",
        "The hours of your vaccination at {facility} on {day} have changed: {opens} to {closes}.",
    ),
    "quota_cancelled": (
        "Pendaftaran vaksinasi Anda tanggal {day} dibatalkan.",
        "Your vaccination booking of {day} is cancelled.",
    ),
    "ticket_code": (
        "Kode tiket vaksinasi Anda: {code}. Berlaku sampai {until}. Jangan berikan kepada siapa pun.",
        "The code for your vaccination ticket: {code}. Good until {until}. Give it to nobody.",
    ),
    "phone_code": (
        (
            "Kode pendaftaran vaksinasi: {code}. Berlaku sampai {until}. Jangan berikan kepada siapa pun. "
            "Bila bukan Anda yang meminta, abaikan."
        ),
        (
            "The code for your vaccination booking: {code}. Good until {until}. Give it to nobody. "
            "If you did not ask for it, do nothing."
        ),
    ),
    # What the conversation says to somebody's message; the words are its own (`tracker/registration/rules/texts.py`).
    CHAT_REPLY: ("{text}", "{text}"),
    "push_started": (
        (
            "Kabar jadwal vaksinasi Anda kini muncul sebagai pemberitahuan di peramban yang memintanya, bukan SMS. "
            "Bila bukan Anda, hentikan di {ticket}"
        ),
        (
            "News of your vaccination now comes as notifications in the browser that asked for them, not by SMS. "
            "If that was not you, stop it at {ticket}"
        ),
    ),
    "places_open": (
        "Ada tempat {vaccine}: {facility}, {day}, {hours}. Siapa cepat, dia dapat: {link}",
        "Places for {vaccine}: {facility}, {day}, {hours}. First come, first served: {link}",
    ),
    "recall_notice": (
        "Penarikan {product} batch {lot}: hentikan pemakaian dan pisahkan semua vial.",
        "Recall of {product} batch {lot}: stop using it and set all vials apart.",
    ),
}


# What a locked phone may show to whoever holds it: that there is news, not of what, where or when. Codes never: they prove a phone.
_ON_THE_LOCK_SCREEN: dict[str, tuple[str, str]] = {
    "quota_confirmed": (
        "Tempat Anda sudah dicatat. Ketuk untuk tiketnya.",
        "Your place is booked. Tap for the ticket.",
    ),
    "quota_moved": ("Jadwal Anda pindah. Ketuk untuk melihatnya.", "Your appointment has moved. Tap to see it."),
    "quota_reminder": ("Giliran Anda segera tiba. Ketuk untuk tiketnya.", "Your turn is near. Tap for the ticket."),
    "dose_next": ("Ada tanggal berikutnya untuk Anda. Ketuk untuk melihatnya.", "You have a next date. Tap to see it."),
    "dose_due": ("Tanggal Anda sudah dekat. Ketuk untuk memesan tempat.", "Your date is near. Tap to book a place."),
    "dose_awaited": ("Anda masih ditunggu. Ketuk untuk memesan tempat.", "You are awaited. Tap to book a place."),
    "quota_offer": (
        "Tempat Anda digeser; penggantinya menunggu jawaban Anda. Ketuk untuk menjawab.",
        "Your place was moved; another waits for your answer. Tap to answer.",
    ),
    "quota_displaced_no_place": (
        "Jadwal Anda tidak dapat dipakai. Kami kabari begitu ada tempat lain.",
        "Your appointment cannot be kept. You will hear from us as soon as there is another place.",
    ),
    "quota_session_changed": ("Jam Anda berubah. Ketuk untuk melihatnya.", "Your hours have changed. Tap to see them."),
    "quota_cancelled": (
        "Pendaftaran Anda dibatalkan. Ketuk untuk melihatnya.",
        "Your booking is cancelled. Tap to see it.",
    ),
}


def on_the_lock_screen(template: str, language: str) -> str | None:
    """What a message is on a locked phone; None for one that does not go there."""
    found = _ON_THE_LOCK_SCREEN.get(template)
    return None if found is None else found[language == "en"]


# Which parameter says until when a message is worth its words: after that it would send people to what is gone.
_UNTIL = {"quota_offer": "answer_by", "ticket_code": "until", "phone_code": "until", "places_open": "until"}


def has_run_out(template: str, params: Mapping[str, object], now: datetime) -> bool:
    """Whether what a message says is over; one that tells no end never is."""
    told = params.get(_UNTIL.get(template, ""))
    return bool(told) and datetime.fromisoformat(str(told)) <= now


# What can wait for the morning of the place whose `zone` it names.
REMINDERS = frozenset({"quota_reminder", "dose_next", "dose_due", "dose_awaited"})

# What is read again as it leaves: what it says of a booking may have changed since, or be over.
READ_AGAIN = REMINDERS | {
    "quota_confirmed",
    "quota_moved",
    "quota_offer",
    "quota_displaced_no_place",
    "quota_session_changed",
    "quota_cancelled",
}


# What answers something that its owner does: whoever wants no messages still has it.
ASKED_FOR = frozenset({CHAT_REPLY, "ticket_code", "phone_code", "quota_confirmed", "quota_moved", "quota_cancelled"})


class Urgency(IntEnum):
    """Which messages leave first, whatever lay there before."""

    AT_ONCE = 0  # somebody waits for it with the phone in their hand, or a place runs out
    NEWS = 1
    REMINDER = 2


_AT_ONCE = frozenset({CHAT_REPLY, "ticket_code", "phone_code", "quota_offer"})


def urgency_of(template: str) -> Urgency:
    """How soon a message should leave."""
    if template in REMINDERS:
        return Urgency.REMINDER
    return Urgency.AT_ONCE if template in _AT_ONCE else Urgency.NEWS


# What a message asks to be answered with, where the phone can show buttons: what is said, and the label in both languages.
ANSWERS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "quota_offer": (("YA", "Ya, saya datang", "Yes, I will come"), ("TIDAK", "Tidak", "No")),
}


def values_in(template: str, params: Mapping[str, object], language: str) -> list[str]:
    """What fills a template's gaps, in the order in which they stand in it. Raises KeyError for an unknown template."""
    indonesian, english = TEMPLATES[template]
    gaps = [name for _, name, _, _ in Formatter().parse(english if language == "en" else indonesian) if name]
    return [_shown(params[name]) if name in params else "…" for name in gaps]


def render(template: str, params: Mapping[str, object], language: str) -> str:
    """The text; a parameter that is missing leaves an ellipsis. Raises KeyError for an unknown template."""
    indonesian, english = TEMPLATES[template]
    return (english if language == "en" else indonesian).format_map(
        _Lenient({name: _shown(value) for name, value in params.items()})
    )


def _shown(value: object) -> str:
    """Days and instants as people write them; instants by the clock of the place, whose offset they carry."""
    text = str(value)
    # Only the long form: a name or number that happens to be eight digits is no date.
    if not _ISO.match(text):
        return text
    try:
        if len(text) == 10:
            return date.fromisoformat(text).strftime("%d-%m-%Y")
        at = datetime.fromisoformat(text)
        return wall_clock(at) if at.tzinfo else text
    except ValueError:
        return text


class _Lenient(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"
