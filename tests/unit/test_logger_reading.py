"""Reading exports: every form, every line end, and nothing that can make the reader fall over."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.files.logger_file import LoggerFileError, Side
from ingest.files.outline import MAX_BYTES
from ingest.files.reader import read_logger_file
from ingest.files.report import NoDeviceLimits, Rules, report_of
from tests.support.logger_files import fridge_tag, q_tag

ROWS = [
    ("2026-03-01 08:00", "4.5"),
    ("2026-03-01 08:05", "--.-"),
    ("2026-03-01 08:10", "+8.1"),
    ("2026-03-01 08:15", "-0.5"),
]


def test_a_fridge_tag_tells_serial_interval_limits_and_readings() -> None:
    file = read_logger_file(fridge_tag(ROWS, days=[("2026-03-01", "-0.5", "+8.1", 5, 5)]))
    assert (file.make, file.model, file.serial, file.interval_s) == ("Berlinger", "Fridge-tag 2 L", "900000000001", 300)
    assert [(one.side, one.value_c, one.minutes) for one in file.limits] == [
        (Side.BELOW, -0.5, 60),
        (Side.ABOVE, 8.0, 600),
    ]
    assert file.missing == 1
    assert file.readings[1] == (datetime.fromisoformat("2026-03-01T08:10"), 8.1)
    assert (file.days[0].day, file.days[0].minutes_above) == (date(2026, 3, 1), 5)
    assert file.signed


@pytest.mark.parametrize("change", [lambda raw: raw.replace(b"\n", b"\r\n"), lambda raw: b"\xef\xbb\xbf" + raw])
def test_line_ends_and_a_byte_order_mark_change_nothing(change: object) -> None:
    raw = fridge_tag(ROWS)
    assert read_logger_file(change(raw)) == read_logger_file(raw)  # type: ignore[operator]  # one of the lambdas above


def test_an_ultra_low_logger_is_judged_by_its_own_limits_and_has_no_mkt() -> None:
    raw = fridge_tag([("2026-03-01 08:00", "-59.0")], model="Q-tag Fridge-tag Ultra Low", low="-90.0", high="-60.0")
    answer = report_of(read_logger_file(raw))
    assert (answer["model"], answer["rules"], answer["mkt_c"]) == ("Fridge-tag Ultra Low", "device", None)
    assert [one["rule"] for one in answer["episodes"]] == ["HEAT"]


def test_a_device_set_to_fahrenheit_is_read_in_celsius() -> None:
    file = read_logger_file(fridge_tag([("2026-03-01 08:00", "41.0")], low="+31.1", high="+46.4", unit="F"))
    assert file.readings[0][1] == 5.0
    assert [one.value_c for one in file.limits] == [-0.5, 8.0]


def test_a_q_tag_tells_its_alarm_types_and_the_energy_it_computes_with() -> None:
    file = read_logger_file(q_tag([("2026-03-01 08:00", "4.5"), ("2026-03-01 08:10", "9.5")]))
    assert (file.model, file.interval_s, file.mkt_energy_kj, file.device_mkt_c) == ("Q-tag CLm doc LR", 600, 83.0, 8.1)
    assert [(one.side, one.cumulative, one.minutes) for one in file.limits] == [
        (Side.ABOVE, False, 30),
        (Side.ABOVE, True, 60),
    ]


def test_a_day_without_a_figure_says_null_and_not_zero() -> None:
    answer = report_of(read_logger_file(fridge_tag(None, days=[("2026-03-01", "---", "--.-", 0, 1440)], interval=None)))
    (day,) = answer["days"]
    assert day["device"] == {"min_c": None, "max_c": None, "minutes_below": 0, "minutes_above": 1440}
    assert day["minutes_above"] is None
    assert (answer["readings"], answer["interval_s"], answer["episodes"]) == (0, None, [])


def test_a_reading_before_midnight_stands_into_the_next_day() -> None:
    rows = [("2026-03-01 23:58", "9.0"), ("2026-03-02 00:03", "5.0")]
    days = report_of(read_logger_file(fridge_tag(rows)))["days"]
    assert [(day["date"], day["minutes_above"]) for day in days] == [("2026-03-01", 2), ("2026-03-02", 3)]


def test_readings_in_any_order_and_told_twice_give_one_answer() -> None:
    assert (
        report_of(read_logger_file(fridge_tag([*ROWS[::-1], *ROWS[::2]])))["episodes"]
        == (report_of(read_logger_file(fridge_tag(ROWS)))["episodes"])
    )


def test_the_devices_own_rules_need_a_device_that_has_some() -> None:
    raw = fridge_tag(ROWS).replace(b"T AL:", b"X AL:")
    assert report_of(read_logger_file(raw))["rules"] == "who-fridge"
    with pytest.raises(NoDeviceLimits):
        report_of(read_logger_file(raw), Rules.DEVICE)


def test_a_freezer_is_judged_at_minus_fifteen() -> None:
    rows = [(f"2026-03-01 {8 + minute // 60:02}:{minute % 60:02}", "-14.0") for minute in range(0, 70, 5)]
    (episode,) = report_of(read_logger_file(fridge_tag(rows)), Rules.WHO_FREEZER)["episodes"]
    assert (episode["rule"], episode["limit_c"], episode["alarmed_at"]) == ("HEAT", -15.0, "2026-03-01T09:00")


@pytest.mark.parametrize(
    ("found", "put", "says"),
    [
        (b"4.5", b"4.x", "not a temperature"),
        (b"\t4.5", b"", "no temperature"),
        (b"2026-03-01 08:00\t", b"2026-02-30 08:00\t", "not a time"),
        (b"2026-03-01 08:00\t", b"9999-12-31 23:59\t", "not a time"),
        (b"Logging Interval: 5", b"Logging Interval: 0", "not possible"),
        (b"Logging Interval: 5", b"Logging Interval: five", "not a whole number"),
        (b"Serial: 900000000001", b"Serial:", "serial number is empty"),
        (b" Serial: 900000000001\n", b"", "no “Serial”"),
        (b"Hist:", b"Hust:", "no “Hist”"),
        (b"Conf:", b"   Conf:", "indented deeper"),
        (b"Vers: 0.5", b"Vers 0.5", "Key: value"),
        (b"Device: Q-tag Fridge-tag 2 L", b"Device: Toaster 9", "not known"),
        (b"Device:", b"Gadget:", "does not begin"),
        (b"Sensor: 1", b"Sensor: \x00\x01", "control characters"),
        (b"Sensor: 1", b"Sensor: \xff\xfe", "not text"),
        (b"Sensor: 1", b"Sensor: " + b"1" * 3000, "too long"),
    ],
)
def test_a_damaged_file_says_what_is_wrong_and_in_which_line(found: bytes, put: bytes, says: str) -> None:
    raw = fridge_tag(ROWS)
    assert found in raw
    at = raw.index(found)
    damaged = raw[:at] + put + raw[at + len(found) :]
    with pytest.raises(LoggerFileError, match=says) as problem:
        read_logger_file(damaged)
    shown = damaged.split(b"\n")[problem.value.line - 1]
    assert not put or put.strip() in shown or says.startswith(("no “", "too long"))


def test_a_file_cut_off_in_mid_line_is_refused_at_that_line() -> None:
    raw = fridge_tag(ROWS)
    end = raw.index(b"+8.1") + 2
    with pytest.raises(LoggerFileError) as problem:
        read_logger_file(raw[:end])
    assert problem.value.line == raw[:end].count(b"\n") + 1


def test_a_file_cut_off_between_lines_is_seen_by_its_missing_signature() -> None:
    raw = fridge_tag(ROWS)
    assert not read_logger_file(raw[: raw.index(b"Cert:")]).signed


def test_a_huge_file_is_refused_unread() -> None:
    with pytest.raises(LoggerFileError, match="larger"):
        read_logger_file(b"Device: x\n" * (MAX_BYTES // 10 + 1))


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_binary_junk_is_an_error_and_never_a_crash(junk: bytes) -> None:
    with pytest.raises(LoggerFileError):
        read_logger_file(junk)


@settings(max_examples=500)
@given(st.data())
def test_any_cut_and_any_changed_byte_give_a_file_or_an_error_with_a_line(data: st.DataObject) -> None:
    raw = bytearray(
        data.draw(st.sampled_from([fridge_tag(ROWS, days=[("2026-03-01", "+1.0", "+2.0", 0, 0)]), q_tag(ROWS)]))
    )
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    line = 1
    try:
        report_of(read_logger_file(cut))
    except LoggerFileError as problem:
        line = problem.line
    assert 1 <= line <= cut.count(b"\n") + 1
