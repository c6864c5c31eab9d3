"""Words, numbers and times of the pages in the two languages.

The text in the code is Indonesian and is the message's key; `locale/en` translates it. Catalogues are
read once, from the .po files, so there is no compiled file that could be stale.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LANGUAGES = ("id", "en")
DEFAULT_LANGUAGE = "id"
LOCALE_DIR = Path(__file__).parent / "locale"

# Indonesia's three zones; no daylight saving, so the label never changes.
ZONE_LABELS = {
    "Asia/Jakarta": "WIB",
    "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA",
    "Asia/Jayapura": "WIT",
}


def mark(text: str) -> str:
    """Marks a text for the catalogues where it is written; it is translated where it is shown."""
    return text


@lru_cache(maxsize=4)
def catalogue(language: str) -> Catalog:
    """The messages of one language as they stand in its .po file."""
    with (LOCALE_DIR / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@dataclass(frozen=True, slots=True)
class Texts:
    """One language: texts, and the ways it writes numbers, dates and times."""

    language: str

    def gettext(self, message: str, **values: object) -> str:
        """The message in this language, `%(name)s` filled in; the key itself where no text is given."""
        found = catalogue(self.language).get(message) if message else None
        text = found.string if found is not None and isinstance(found.string, str) and found.string else message
        return text % values if values else text

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """The message for `count` things; Indonesian has one form, English two. `%(n)s` is the count."""
        found = catalogue(self.language).get(one)
        forms = found.string if found is not None and isinstance(found.string, tuple) else ()
        index = 0 if self.language == "id" or count == 1 else 1
        text = forms[index] if len(forms) > index and forms[index] else (one, many)[index]
        return text % {"n": self.number(count), **values}

    def number(self, value: float | None, digits: int = 0) -> str:
        """A number with the language's separators; a dash where there is none."""
        if value is None:
            return "–"
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, format=pattern, locale=self.language)

    def celsius(self, value: float | None) -> str:
        """A temperature with one decimal, °C."""
        return "–" if value is None else f"{self.number(value, 1).replace('-', '−')} °C"

    def percent(self, share: float | None) -> str:
        """A share of one as per cent."""
        return "–" if share is None else format_percent(share, locale=self.language)

    def date(self, day: dt.date | None) -> str:
        """A calendar day: 23 Nov 2026."""
        return "–" if day is None else format_date(day, "d MMM y", locale=self.language)

    def short_day(self, day: dt.date) -> str:
        """A calendar day without its year: 23 Nov."""
        return format_date(day, "d MMM", locale=self.language)

    def short_weekday(self, day: dt.date) -> str:
        """A calendar day with its short name: Sen, 23 Nov."""
        return format_date(day, "EEE, d MMM", locale=self.language)

    def month(self, day: dt.date) -> str:
        """A month's short name: Nov."""
        return format_date(day, "LLL", locale=self.language)

    def clock_of(self, local: dt.datetime) -> str:
        """The time of day as it stands, already local: 10.32."""
        return f"{local.hour:02d}{self._colon()}{local.minute:02d}"

    def weekday(self, day: dt.date | None) -> str:
        """A calendar day with its name: Senin, 23 Nov."""
        return "–" if day is None else format_date(day, "EEEE, d MMM", locale=self.language)

    def clock(self, moment: dt.datetime | None, zone: str) -> str:
        """The time of day at a place, with the zone's label: 10.32 WIB."""
        if moment is None:
            return "–"
        local = moment.astimezone(ZoneInfo(zone))
        return f"{format_time(local, 'HH:mm', locale=self.language).replace(':', self._colon())} {zone_label(zone)}"

    def hours(self, opens: dt.datetime, closes: dt.datetime, zone: str) -> str:
        """From when to when at a place, the zone named once: 07.30–14.00 WIB."""
        return f"{self.clock(opens, zone).rpartition(' ')[0]}–{self.clock(closes, zone)}"

    def moment(self, moment: dt.datetime | None, zone: str) -> str:
        """Date and time at a place, with the zone's label: 23 Nov 2026 10.32 WIB."""
        if moment is None:
            return "–"
        local = moment.astimezone(ZoneInfo(zone))
        day = format_datetime(local, "d MMM y", locale=self.language)
        return f"{day} {self.clock(moment, zone)}"

    def short_moment(self, moment: dt.datetime, zone: str) -> str:
        """The same in a narrow column, where the page says the zone or it is the place's: 23 Nov 2026 10.32."""
        local = moment.astimezone(ZoneInfo(zone))
        return f"{self.short_day(local.date())} {local.year} {self.clock_of(local)}"

    def naive(self, local: dt.datetime) -> str:
        """Date and time as they stand, already local: 23 Nov 10.32."""
        return f"{format_datetime(local, 'd MMM', locale=self.language)} {self.clock_of(local)}"

    def soon(self, moment: dt.datetime, now: dt.datetime, zone: str) -> str:
        """A coming time at a place: the time of day when it is today there, else the day with it."""
        local, present = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
        return (
            self.clock(moment, zone)
            if local.date() == present.date()
            else f"{self.short_day(local.date())} {self.clock(moment, zone)}"
        )

    def ago(self, moment: dt.datetime | None, now: dt.datetime) -> str:
        """How long since, in the largest fitting unit: "12 menit lalu"."""
        if moment is None:
            return self.gettext("belum pernah")
        passed = now - moment
        if passed < dt.timedelta(minutes=1):
            return self.gettext("baru saja")
        return self.gettext("%(span)s lalu", span=self.span(passed))

    def span(self, length: dt.timedelta) -> str:
        """A length of time in its largest fitting unit."""
        seconds = max(0, int(length.total_seconds()))
        if seconds < 60:
            return self.ngettext("%(n)s detik", "%(n)s detik", seconds)
        if seconds < 3600:
            return self.ngettext("%(n)s menit", "%(n)s menit", seconds // 60)
        if seconds < 48 * 3600:
            return self.ngettext("%(n)s jam", "%(n)s jam", seconds // 3600)
        return self.ngettext("%(n)s hari", "%(n)s hari", seconds // 86400)

    def minutes(self, minutes: float | None) -> str:
        """Minutes as hours and minutes: 2 j 05 mnt."""
        if minutes is None:
            return "–"
        whole = round(minutes)
        if whole < 60:
            return self.gettext("%(m)s mnt", m=whole)
        return self.gettext("%(h)s j %(m)s mnt", h=self.number(whole // 60), m=f"{whole % 60:02d}")

    def _colon(self) -> str:
        """Indonesian writes 10.32, English 10:32."""
        return "." if self.language == "id" else ":"


def zone_label(zone: str) -> str:
    """WIB, WITA or WIT; the zone's own abbreviation elsewhere."""
    return ZONE_LABELS.get(zone) or dt.datetime.now(dt.UTC).astimezone(ZoneInfo(zone)).tzname() or zone


@lru_cache(maxsize=4)
def texts_of(language: str) -> Texts:
    """The texts of a language; the default for one we do not speak."""
    return Texts(language if language in LANGUAGES else DEFAULT_LANGUAGE)
