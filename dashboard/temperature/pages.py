"""`/suhu/{sensor}`: one curve with limits, breaches and gaps."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
from fastapi import Request, Response

from dashboard.alarms.queries import alarms
from dashboard.frame import labels
from dashboard.frame.figure_answers import figure_answer
from dashboard.frame.rendering import page
from dashboard.frame.texts import Texts, mark, zone_label
from dashboard.frame.viewer import Member
from dashboard.temperature.curves import Curve, Sensor, breaches_of, curve_of, sensor_by_text
from dashboard.temperature.figures import CurveParts, temperature_figure
from dashboard.temperature.pictures import temperature_picture
from dashboard.temperature.told import told_by
from tracker.edge.deps import Db
from tracker.edge.hop import Router

router = Router(include_in_schema=False)

SPANS = {
    "24j": (timedelta(hours=24), mark("24 jam")),
    "7h": (timedelta(days=7), mark("7 hari")),
    "30h": (timedelta(days=30), mark("30 hari")),
    "180h": (timedelta(days=180), mark("6 bulan")),
}
DEFAULT_SPAN = "24j"


def window(span: str, now: datetime) -> tuple[datetime, datetime]:
    """The stretch a span stands for; its end is a whole minute, so that two requests see the same."""
    until = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return until - SPANS.get(span, SPANS[DEFAULT_SPAN])[0], until


@router.get("/suhu/{sensor}")
def show_temperature(
    *,
    sensor: str,
    viewer: Member,
    db: Db,
    rentang: str = DEFAULT_SPAN,
    sesudah: str = "",
    hari: str = "",
    kata: str = "",
) -> Response:
    """The page; `rentang` is 24j, 7h, 30h or 180h, `sesudah` where the page of its breaches before ended."""
    span = rentang if rentang in SPANS else DEFAULT_SPAN
    found = sensor_by_text(db, viewer.known(), sensor, viewer.now)
    from_at, until = window(span, viewer.now)
    curve = curve_of(db, found, from_at, until)
    return page(
        viewer,
        "temperature/temperature.html",
        charts=True,
        sensor=found,
        curve=curve,
        span=span,
        spans=SPANS,
        choices=[(f"?rentang={key}", viewer.texts.gettext(name), key == span) for key, (_, name) in SPANS.items()],
        picture=temperature_picture(
            _parts(found, curve, viewer.texts),
            local(from_at, found.zone),
            local(until, found.zone),
            viewer.texts,
            title=viewer.texts.gettext("Kurva suhu") + f": {found.place or found.device}, {found.facility}",
        ),
        hours=hourly(curve),
        told=told_by(db, viewer.known(), found.channel_id, from_at, until, days=hari, runs=kata),
        breaches=breaches_of(db, found, from_at, until, after=sesudah),
        alarms=alarms(db, viewer.known(), show="all", channel_id=found.channel_id, limit=10),
    )


@router.get("/suhu/{sensor}/gambar.json")
def temperature_json(sensor: str, request: Request, viewer: Member, db: Db, rentang: str = DEFAULT_SPAN) -> Response:
    """The curve's figure."""
    found = sensor_by_text(db, viewer.known(), sensor, viewer.now)
    curve = curve_of(db, found, *window(rentang, viewer.now))
    return figure_answer(request, temperature_figure(_parts(found, curve, viewer.texts), viewer.texts))


def _parts(sensor: Sensor, curve: Curve, texts: Texts) -> CurveParts:
    """What picture and figure are drawn from."""
    return CurveParts(
        readings=curve.readings,
        gaps=curve.gaps,
        episodes=curve.episodes.assign(label=named_rules(curve.episodes, texts)),
        low_c=sensor.low_c,
        high_c=sensor.high_c,
        zone=zone_label(sensor.zone),
    )


def local(moment: datetime, zone: str) -> datetime:
    """An instant as the naive local time of a place, as the frames have them."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def named_rules(episodes: pd.DataFrame, texts: Texts) -> list[str]:
    """The words for each episode's rule."""
    return [texts.gettext(labels.RULE.get(rule, rule)) for rule in episodes["rule"]]


def hourly(curve: Curve) -> list[dict[Hashable, object]]:
    """The curve as a table of at most 48 rows: lowest, mean, highest of equal stretches."""
    frame = curve.readings
    if frame.empty:
        return []
    spread = frame["at"].iloc[-1] - frame["at"].iloc[0]
    width = max(pd.Timedelta(hours=1), pd.Timedelta(spread / 47).ceil("h"))
    grouped = frame.groupby(frame["at"].dt.floor(width))
    table = pd.DataFrame({"low": grouped["low"].min(), "mean": grouped["value"].mean(), "high": grouped["high"].max()})
    return [{"at": at, **row} for at, row in zip(table.index, table.to_dict("records"), strict=True)][::-1]
