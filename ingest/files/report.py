"""What `rantai logger read` answers: the file's figures recomputed, beside what the device printed.

Times stay the file's naive local ones: for the arithmetic they are taken as if they were UTC, which is
exact because Indonesia's zones have no daylight saving.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np

from ingest.files.logger_file import DeviceDay, DeviceLimit, LoggerFile, Side
from tracker.coldchain.rules.episodes import evaluate
from tracker.coldchain.rules.instants import DAY, MINUTE, SECOND, Micros, from_micros, to_micros
from tracker.coldchain.rules.kinetics import ACTIVATION, mkt_c
from tracker.coldchain.rules.limits import Limit, Mode, Operator, Placement, windows_of
from tracker.coldchain.rules.seeds import SINCE, alarms_for
from tracker.coldchain.rules.standing import DEFAULT_INTERVAL, Series, Standing, intervals_of, series_of, standing_of
from tracker.coldchain.rules.tracking import Episode
from tracker.network.rules.words import PlaceKind
from tracker.telemetry.rules.words import Quantity, Role


class Rules(StrEnum):
    """Which limits judge the file."""

    WHO_FRIDGE = "who-fridge"
    WHO_FREEZER = "who-freezer"
    DEVICE = "device"


class NoDeviceLimits(Exception):
    """The file carries no limits of its own, so it cannot be judged by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """One local day: recomputed from readings, or as the device printed it."""

    min_c: float | None = None
    max_c: float | None = None
    minutes_below: float | None = None
    minutes_above: float | None = None


@dataclass(frozen=True, slots=True)
class _Standing:
    series: Series
    standing: Standing
    until: Micros
    interval: Micros


def report_of(file: LoggerFile, rules: Rules | None = None) -> dict[str, Any]:
    """The JSON answer of `rantai logger read` (docs: interfaces). `rules` None: the device's own if it has any."""
    chosen = rules or (Rules.DEVICE if file.limits else Rules.WHO_FRIDGE)
    limits = _limits(file, chosen)
    lived = _standing(file)
    frozen = chosen is Rules.WHO_FREEZER or any(limit.side is Side.ABOVE and limit.value_c < 0 for limit in file.limits)
    answer: dict[str, Any] = {
        "make": file.make,
        "model": file.model,
        "serial": file.serial,
        "readings": len(file.readings),
        "missing": file.missing,
        "first": None,
        "last": None,
        "min_c": None,
        "max_c": None,
        "mkt_c": None,
        "interval_s": file.interval_s,
        "rules": chosen.value,
        "signed": file.signed,
        "device_mkt_c": file.device_mkt_c,
    }
    episodes: Iterable[Episode] = ()
    if lived is not None:
        series, standing = lived.series, lived.standing
        answer |= {
            "first": _local(int(series.at[0])),
            "last": _local(int(series.at[-1])),
            "min_c": float(series.low.min()),
            "max_c": float(series.high.max()),
            "interval_s": lived.interval // SECOND,
        }
        if not frozen:
            seconds = (standing.end - standing.start) / SECOND
            mkt = mkt_c(series.high, seconds, file.mkt_energy_kj or ACTIVATION)
            answer["mkt_c"] = None if mkt is None else round(mkt, 3)
        windows = windows_of(limits, [_HERE], quantity=Quantity.TEMPERATURE, role=Role.STORAGE)
        intervals = intervals_of([(SINCE, lived.interval)])
        episodes = evaluate(series, windows, intervals, until=lived.until).episodes
    answer["days"] = _days(file, lived)
    by_id = {limit.id: limit for limit in limits}
    answer["episodes"] = [_episode(episode, by_id[episode.limit_id]) for episode in episodes]
    return answer


_HERE = Placement(key="file", place_kind=PlaceKind.FRIDGE, from_at=SINCE)


def _limits(file: LoggerFile, rules: Rules) -> tuple[Limit, ...]:
    if rules is Rules.WHO_FRIDGE:
        return alarms_for(PlaceKind.FRIDGE)
    if rules is Rules.WHO_FREEZER:
        # Judged as at a fridge's place: the file has one place only, and the limits are chosen by hand.
        return tuple(_anywhere(limit) for limit in alarms_for(PlaceKind.FREEZER))
    if not file.limits:
        raise NoDeviceLimits
    return tuple(_device_limit(number, limit) for number, limit in enumerate(file.limits))


def _anywhere(limit: Limit) -> Limit:
    return Limit(
        id=limit.id,
        rule=limit.rule,
        quantity=limit.quantity,
        operator=limit.operator,
        value=limit.value,
        mode=limit.mode,
        duration=limit.duration,
        place_kind=None,
        from_at=limit.from_at,
    )


def _device_limit(number: int, limit: DeviceLimit) -> Limit:
    return Limit(
        id=number,
        rule="HEAT" if limit.side is Side.ABOVE else "FRZE",
        quantity=Quantity.TEMPERATURE,
        operator=Operator.ABOVE if limit.side is Side.ABOVE else Operator.BELOW,
        value=limit.value_c,
        mode=Mode.FOREVER if limit.cumulative else Mode.CONTINUOUS,
        duration=limit.minutes * MINUTE,
        place_kind=None,
        from_at=SINCE,
    )


def _standing(file: LoggerFile) -> _Standing | None:
    if not file.readings:
        return None
    series = series_of(
        [to_micros(at.replace(tzinfo=UTC)) for at, _ in file.readings], [value for _, value in file.readings]
    )
    interval = file.interval_s * SECOND if file.interval_s else _usual_distance(series)
    # The device was read while its last reading stood.
    until = int(series.at[-1]) + interval
    standing = standing_of(series.at, intervals_of([(SINCE, interval)]), until)
    return _Standing(series, standing, until, interval)


def _usual_distance(series: Series) -> Micros:
    return int(np.median(np.diff(series.at))) if series.at.size > 1 else DEFAULT_INTERVAL


def _days(file: LoggerFile, lived: _Standing | None) -> list[dict[str, object]]:
    computed = _computed_days(file, lived) if lived is not None else {}
    printed = {one.day: one for one in file.days}
    answer: list[dict[str, object]] = []
    for day in sorted(computed.keys() | printed.keys()):
        device = printed.get(day)
        answer.append(
            {
                "date": day.isoformat(),
                **asdict(computed.get(day, DayFigures())),
                "device": asdict(_printed(device) if device else DayFigures()),
            }
        )
    return answer


def _printed(day: DeviceDay) -> DayFigures:
    return DayFigures(
        min_c=day.min_c, max_c=day.max_c, minutes_below=day.minutes_below, minutes_above=day.minutes_above
    )


def _computed_days(file: LoggerFile, lived: _Standing) -> dict[date, DayFigures]:
    series, standing = lived.series, lived.standing
    below = next((limit.value_c for limit in file.limits if limit.side is Side.BELOW), None)
    above = next((limit.value_c for limit in file.limits if limit.side is Side.ABOVE), None)
    figures = {}
    measured = series.at // DAY
    for number in np.unique(measured).tolist():
        inside = measured == number
        # A reading before midnight stands into the day until the day's first one.
        stood = np.minimum(standing.end, (number + 1) * DAY) - np.maximum(standing.start, number * DAY)
        minutes = np.maximum(stood, 0) / MINUTE
        figures[date(1970, 1, 1) + timedelta(days=number)] = DayFigures(
            min_c=float(series.low[inside].min()),
            max_c=float(series.high[inside].max()),
            minutes_below=None if below is None else round(float(minutes[series.low < below].sum()), 1),
            minutes_above=None if above is None else round(float(minutes[series.high > above].sum()), 1),
        )
    return figures


def _episode(episode: Episode, limit: Limit) -> dict[str, object]:
    return {
        "rule": limit.rule,
        "started_at": _local(episode.started_at),
        "alarmed_at": None if episode.alarmed_at is None else _local(episode.alarmed_at),
        "ended_at": None if episode.ended_at is None else _local(episode.ended_at),
        "peak_c": episode.peak,
        "exposed_minutes": round(episode.exposed / MINUTE, 1),
        "known_minutes": round(episode.known / MINUTE, 1),
        "limit_c": limit.value,
        "cumulative": limit.mode is not Mode.CONTINUOUS,
    }


def _local(micros: Micros) -> str:
    instant: datetime = from_micros(micros).replace(tzinfo=None)
    return instant.isoformat(timespec="minutes" if instant.second == 0 else "seconds")
