"""Small hand-made exports in the makers' forms, so that parsing is tested where no real file is at hand."""

from __future__ import annotations

from collections.abc import Sequence

FRIDGE_TAG_HEAD = """\
Device: {model}
Vers: 0.5
Fw Vers: 4.0p1o
Sensor: 1
Conf:
 Serial: {serial}
 PCB: V1
 Lot: 1_1
 Zone: 0.00
 Measurement delay: 10
 Temp unit: {unit}
 Alarm:
  0:
   T AL: {low}, t AL: 60
  1:
   T AL: {high}, t AL: 600
 Int Sensor:
  Timeout: 1, Offset: +0.0
 Report history length: 60
{interval} Test Res: 1, Test TS: 2025-01-02 07:00
Hist:
 TS Actv: 2026-03-01 08:00
 TS Report Creation: 2026-03-02 12:00
"""

DAY = """\
 {number}:
  Date: {date}
  Min T: {low}, TS Min T: 00:42
  Max T: {high}, TS Max T: 09:52
  Avrg T: +4.5
  Alarm:
   0:
    t Acc: {below}
   1:
    t Acc: {above}, TS A: 10:00, C A: 0
  Int Sensor timeout:
   t AccST: 0
  Events: 0
"""

TAIL = """\
Cert:
 Vers: 1.0
 Lot: 1_1
 Issuer: Berlinger & Co. AG
 Owner: Berlinger & Co. AG
 Public Key: 00ff
Sig Cert: 11ee
Sig: 22dd
"""

Q_TAG_HEAD = """\
Device: Q-tag CLm doc LR
Vers: 1.9
Fw Vers: 4.7.04o
Device ID: 80
Sensor: 1
Conf:
 Serial: TEST00001
 Zone: 0.00
 MKT Energy: 83.0
 User String 1: lot A, second pallet: left
 User String 2:
 Logging Interval: 10
 Alarm:
  1:
   Type: 2, T AL: 8.0, t AL: 30
  2:
   Type: 4, T AL: 8.0, t AL: 60
  3:
   Type: 0
Res:
 TS Start: 2026-03-01 08:00
 TS Stop: 2026-03-01 12:00
 MKT: 8.1
 Alarm:
  1:
   TS S: 2026-03-01 09:00, t A: 30, TS A: 2026-03-01 09:30, TS E:, T M: 9.5, TS M: 2026-03-01 09:20
  2:
Marker:
\tNumber\tT\tyyyy-MM-dd hh:mm\t
"""


def table(rows: Sequence[tuple[str, str]]) -> str:
    """The `Data` table; each row is (time, temperature as printed)."""
    lines = [f"\t{at}\t{value}\t{'x' if index % 2 else ''}" for index, (at, value) in enumerate(rows)]
    return "\n".join(["Data:", "\tyyyy-MM-dd hh:mm\tT\tOut of limits", *lines]) + "\n"


def fridge_tag(
    rows: Sequence[tuple[str, str]] | None,
    *,
    model: str = "Q-tag Fridge-tag 2 L",
    serial: str = "900000000001",
    low: str = "-0.5",
    high: str = "+8.0",
    unit: str = "C",
    days: Sequence[tuple[str, str, str, int, int]] = (),
    interval: int | None = 5,
) -> bytes:
    """A whole Fridge-tag export; `days` are (date, min, max, minutes below, minutes above), newest first."""
    text = FRIDGE_TAG_HEAD.format(
        model=model,
        serial=serial,
        low=low,
        high=high,
        unit=unit,
        interval="" if interval is None else f" Logging Interval: {interval}\n",
    )
    for number, (date, least, most, below, above) in enumerate(days, start=1):
        text += DAY.format(number=number, date=date, low=least, high=most, below=below, above=above)
    return (text + (table(rows) if rows is not None else "") + TAIL).encode()


def q_tag(rows: Sequence[tuple[str, str]]) -> bytes:
    """A whole Q-tag export."""
    return (Q_TAG_HEAD + table(rows) + TAIL).encode()


def fridge_tag_2(
    days: Sequence[tuple[str, str, str, int, str, int, str]],
    *,
    serial: str = "910000000001",
    low: tuple[str, int] = ("-0.5", 60),
    high: tuple[str, int] = ("+8.0", 600),
    activated: str = "2026-01-01 08:00",
    reported: str | None = None,
) -> bytes:
    """An export that has no readings, only days, newest first.

    A day is (date, lowest, highest, minutes below, its alarm's time or "", minutes above, its alarm's time or "").
    """
    lines = [
        "Device: Q-tag Fridge-tag 2",
        "Vers: 0.5",
        "Sensor: 1",
        "Conf:",
        f" Serial: {serial}",
        " Temp unit: C",
        " Alarm:",
        f"  0:\n   T AL: {low[0]}, t AL: {low[1]}",
        f"  1:\n   T AL: {high[0]}, t AL: {high[1]}",
        " Report history length: 60",
        "Hist:",
        f" TS Actv: {activated}",
    ]
    if reported is not None:
        lines.append(f" TS Report Creation: {reported}")
    for number, (date, least, most, below, cold_at, above, hot_at) in enumerate(days, start=1):
        lines += [
            f" {number}:",
            f"  Date: {date}",
            f"  Min T: {least}, TS Min T: 00:42",
            f"  Max T: {most}, TS Max T: 09:52",
            "  Avrg T: +4.5",
            "  Alarm:",
            "   0:",
            f"    t Acc: {below}" + (f", TS A: {cold_at}, C A: 0" if cold_at else ""),
            "   1:",
            f"    t Acc: {above}" + (f", TS A: {hot_at}, C A: 0" if hot_at else ""),
            "  Int Sensor timeout:\n   t AccST: 0\n  Events: 0",
        ]
    return ("\r\n".join("\n".join(lines).split("\n")) + "\r\n" + TAIL).encode()
