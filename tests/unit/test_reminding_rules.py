"""When somebody is reminded: by the clock of the place, never at night, and in the words of one SMS."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.delivery.rules.night import Night
from tracker.delivery.rules.plain import plain_signs
from tracker.delivery.rules.templates import REMINDERS, render
from tracker.kit.days import WESTERN, hours_there
from tracker.network.rules.words import TIME_ZONES
from tracker.quota.rules.reminding import DoseWord, Reminding, begins, days_to_remind, following, is_worth_saying

USUAL = Reminding()
MOMENTS = st.integers(0, 366 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
TODAY, TOMORROW = date(2026, 3, 2), date(2026, 3, 3)


@pytest.mark.parametrize("zone", TIME_ZONES)
@pytest.mark.parametrize(
    ("clock", "days"),
    [
        ("00:00", ()),
        ("06:59", ()),
        ("07:00", (TODAY,)),
        ("15:59", (TODAY,)),
        ("16:00", (TODAY, TOMORROW)),
        ("19:59", (TODAY, TOMORROW)),
        ("20:00", ()),
        ("23:45", ()),
    ],
)
def test_tomorrow_s_sessions_from_four_on_and_by_day_those_that_were_missed(
    zone: str, clock: str, days: tuple[date, ...]
) -> None:
    now = datetime.fromisoformat(f"2026-03-02T{clock}").replace(tzinfo=ZoneInfo(zone))
    assert days_to_remind(now.astimezone(UTC), zone, USUAL) == days


@given(
    now=MOMENTS,
    zone=st.sampled_from(TIME_ZONES),
    night=st.builds(Night, begins=st.integers(0, 23), ends=st.integers(0, 23)),
)
def test_a_night_ends_within_a_day_at_its_hour_and_a_moment_later_it_is_day(
    now: datetime, zone: str, night: Night
) -> None:
    morning = night.over_at(now, zone)
    if morning is None:
        return
    there = morning.astimezone(ZoneInfo(zone))
    assert (there.hour, there.minute, there.second) == (night.ends, 0, 0)
    assert timedelta(0) < morning - now <= timedelta(days=1)
    assert night.over_at(morning, zone) is None
    assert days_to_remind(now, zone, Reminding(night=night)) == ()


@given(now=MOMENTS, zone=st.sampled_from(TIME_ZONES))
def test_nobody_is_reminded_before_the_hour_of_the_day_before(now: datetime, zone: str) -> None:
    for day in days_to_remind(now, zone, USUAL):
        assert begins(day, zone, USUAL) <= now


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("template", sorted(REMINDERS))
def test_a_reminder_is_one_sms(template: str, language: str) -> None:
    opens = datetime(2026, 3, 3, 1, tzinfo=UTC)
    told = {
        "facility": "Puskesmas Tanah Tinggi",
        "day": "2026-03-03",
        "hours": hours_there(opens, opens + timedelta(hours=4), WESTERN),
        "dose": 2,
        "due": "2026-03-30",
        "ticket": "https://rantai.example/daftar/tiket/" + "x" * 43,
    }
    text = plain_signs(render(template, told, language))
    assert text.isascii()
    assert len(text) <= 160
    assert "…" not in text


DUE = date(2026, 3, 30)
BEFORE, AFTER = date(2026, 3, 27), date(2026, 4, 6)


@pytest.mark.parametrize(
    ("word", "said_on", "then"),
    [
        (DoseWord.GIVEN, TODAY, (DoseWord.DUE, BEFORE)),
        # Typed in late: who has just been told the day is not told it again within three days of it.
        (DoseWord.GIVEN, BEFORE, (DoseWord.AWAITED, AFTER)),
        (DoseWord.GIVEN, AFTER, None),
        (DoseWord.DUE, BEFORE, (DoseWord.AWAITED, AFTER)),
        # Nobody was there to say it, or it was booked then: the word after it stands.
        (DoseWord.GIVEN, None, (DoseWord.DUE, BEFORE)),
        (DoseWord.DUE, None, (DoseWord.AWAITED, AFTER)),
        (DoseWord.AWAITED, AFTER, None),
        (DoseWord.AWAITED, None, None),
    ],
)
def test_what_is_said_next_of_a_dose(word: DoseWord, said_on: date | None, then: tuple[DoseWord, date] | None) -> None:
    assert following(word, DUE, said_on, USUAL) == then


@pytest.mark.parametrize("word", list(DoseWord))
@pytest.mark.parametrize("today", [BEFORE, DUE, DUE + timedelta(days=1)])
def test_that_a_dose_is_due_soon_is_not_said_once_it_was(word: DoseWord, today: date) -> None:
    assert is_worth_saying(word, DUE, today) == (word is not DoseWord.DUE or today <= DUE)
