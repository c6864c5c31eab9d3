"""Fridges that were too warm or too cold in the world's past: what their loggers measured, and what people did about it.

Nothing here is an alarm. Readings are: the house evaluates them on the morning after, raises what follows and holds what lay
there; people answer and decide with the same use cases as on the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from rantai.world.calendar import Act, Calendar, Staff
from rantai.world.names import event_id
from tracker.catalog.models import Batch, Presentation
from tracker.coldchain.models import Alarm
from tracker.coldchain.rules.limits import Severity
from tracker.coldchain.service.commands import AcknowledgeAlarm
from tracker.coldchain.service.handling import acknowledge_alarm
from tracker.network.models import Equipment
from tracker.passport.models import Hold
from tracker.passport.rules.harm import Disposition, HoldState, ShakeTest
from tracker.passport.service.closing import close_alarm
from tracker.passport.service.commands import BatchDisposition, CloseAlarm, Decision
from tracker.stock.models import StockBalance
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event

Curve = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one product."""

    disposition: Disposition
    reason: str
    shake_test: ShakeTest | None = None


_USED_FIRST = Verdict(disposition=Disposition.USE_FIRST, reason="VVM tahap 2, masih baik; dipakai lebih dulu")
_NO_MONITOR = Verdict(disposition=Disposition.DISCARD, reason="Tanpa VVM, lewat 10 jam di atas 8 °C")
_TOO_WARM = Verdict(disposition=Disposition.DISCARD, reason="VVM tahap 3")
_SHAKEN = Verdict(disposition=Disposition.RELEASE, reason="Uji kocok lulus", shake_test=ShakeTest.PASSED)
_FROZEN = Verdict(disposition=Disposition.DISCARD, reason="Membeku; uji kocok tidak berlaku untuk vaksin ini")
_STILL_COLD = Verdict(disposition=Disposition.USE_FIRST, reason="VVM tahap 1; dua jam di atas −15 °C saja")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fever:
    """One night: it began `back` days ago at `starts` and lasted `hours`, up (or down) to `peak` °C.

    `verdicts` by product, else `otherwise`; `who` answers at `answered` on the next day, `decider` closes at `closed`.
    """

    equipment: str
    back: int
    starts: time
    hours: float
    limit: float
    peak: float
    rule: str
    who: str
    comment: str
    otherwise: Verdict
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    decider: str = "kota"
    answered: time = time(7, 40)
    closed: time = time(11, 30)

    @property
    def morning(self) -> int:
        """The day on which people find it, as days back."""
        return self.back - 1 if self.starts > time(12) else self.back


_DESTROYED = time(15, 20)
_COVID_GONE = {"coronavac-10": _NO_MONITOR, "astrazeneca-10": _NO_MONITOR}
FEVERS = (
    Fever(
        equipment="pkm-batuceper-k1",
        back=13,
        starts=time(18, 10),
        hours=11.5,
        limit=8.0,
        peak=14.2,
        rule="HEAT",
        who="kota",
        comment="Listrik padam semalam; vaksin dipindahkan ke cold box, PLN sudah dihubungi",
        otherwise=_USED_FIRST,
        verdicts={**_COVID_GONE, "bopv-10": _TOO_WARM},
    ),
    Fever(
        equipment="pkm-sukasari-k1",
        back=10,
        starts=time(1, 20),
        hours=4,
        limit=-0.5,
        peak=-2.4,
        rule="FRZE",
        who="kota",
        comment="Termostat diputar terlalu dingin; sudah disetel kembali",
        otherwise=_SHAKEN,
        verdicts={"coronavac-10": _FROZEN, "astrazeneca-10": _FROZEN, "ipv-5": _FROZEN},
        closed=time(13, 15),
    ),
    Fever(
        equipment="dinkes-kota-tangerang-f1",
        back=8,
        starts=time(2, 0),
        hours=3,
        limit=-15.0,
        peak=-10.5,
        rule="HEAT",
        who="gudang",
        comment="Freezer dicairkan bunga esnya, pintu tidak rapat; sudah ditutup",
        otherwise=_STILL_COLD,
        answered=time(7, 15),
        closed=time(9, 30),
    ),
    Fever(
        equipment="pkm-gondrong-k2",
        back=6,
        starts=time(18, 20),
        hours=11.3,
        limit=8.0,
        peak=10.1,
        rule="HEAT",
        who="gondrong",
        comment="Karet pintu kulkas 2 lepas; Td dipindahkan ke kulkas 1",
        otherwise=_USED_FIRST,
        decider="gondrong",
        closed=time(10, 15),
    ),
    Fever(
        equipment="pkm-cibodas-sari-k1",
        back=3,
        starts=time(18, 0),
        hours=11.7,
        limit=8.0,
        peak=11.8,
        rule="HEAT",
        who="kota",
        comment="Stop kontak longgar; sudah diganti, suhu turun kembali",
        otherwise=_USED_FIRST,
        verdicts=_COVID_GONE,
    ),
)


def feverish(equipment: str) -> bool:
    """Whether the past of this fridge has a fever in it, so that it must be told night by night."""
    return any(fever.equipment == equipment for fever in FEVERS)


def with_fevers(equipment: str, calendar: Calendar, at: Curve, values: Curve) -> Curve:
    """The curve with the fridge's fevers in it: `at` in seconds since the epoch, `values` in °C."""
    for fever in FEVERS:
        if fever.equipment != equipment:
            continue
        start = calendar.at(fever.back, fever.starts).timestamp()
        part = (at - start) / (fever.hours * 3_600)
        ill = (part >= 0) & (part <= 1)
        # Just beyond the limit at once, at its worst after two thirds, and beyond it to the end.
        shape = np.where(part < 2 / 3, part * 1.5, 1 - (part - 2 / 3) * 2.4)
        towards = 1.0 if fever.peak > fever.limit else -1.0
        values = np.where(ill, fever.limit + towards * 0.3 + shape * (fever.peak - fever.limit - towards * 0.3), values)
    return np.round(values, 1)


def answers_on(calendar: Calendar, back: int) -> list[Act]:
    """What people did that day about the fever of the night."""
    acts = []
    for fever in FEVERS:
        if fever.morning == back:
            acts.append(Act(at=calendar.at(back, fever.answered), do=partial(_answer, fever)))
            acts.append(Act(at=calendar.at(back, fever.closed), do=partial(_close, fever)))
            acts.append(Act(at=calendar.at(back, _DESTROYED), do=partial(_destroy, fever, calendar.day(back))))
    return acts


def _answer(fever: Fever, db: Session, staff: Staff, now: datetime) -> None:
    command = AcknowledgeAlarm(alarm_id=_alarm_of(db, fever).id, comment=fever.comment)
    acknowledge_alarm(db, staff(db, fever.who), command, now=now)


def _close(fever: Fever, db: Session, staff: Staff, now: datetime) -> None:
    alarm = _alarm_of(db, fever)
    held = db.execute(
        select(Hold.batch_id, Presentation.code)
        .distinct()
        .join(Batch, Batch.id == Hold.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(Hold.alarm_id == alarm.id, Hold.state == HoldState.HELD)
        .order_by(Hold.batch_id)
    ).all()
    dispositions = []
    for batch_id, product in held:
        verdict = fever.verdicts.get(product, fever.otherwise)
        decision = Decision(reason=verdict.reason, shake_test=verdict.shake_test)
        dispositions.append(BatchDisposition(batch_id=batch_id, disposition=verdict.disposition, decision=decision))
    close_alarm(db, staff(db, fever.decider), CloseAlarm(alarm_id=alarm.id, dispositions=dispositions), now=now)


def _destroy(fever: Fever, day: date, db: Session, staff: Staff, now: datetime) -> None:
    """What was condemned leaves the fridge, with a document."""
    place = _place(db, fever)
    condemned = db.scalars(
        select(StockBalance).where(
            StockBalance.place_id == place.id, StockBalance.status == Status.UNUSABLE, StockBalance.vials > 0
        )
    ).all()
    if not condemned:
        return
    event = PostEvent(
        id=event_id(f"destruction {fever.equipment} {day}"),
        kind=Kind.DESTRUCTION,
        facility_id=place.facility_id,
        occurred_at=now,
        reference=f"BA pemusnahan {day:%d-%m-%Y}",
        lines=tuple(
            Line(batch_id=each.batch_id, place_id=place.id, vials=each.vials, status=Status.UNUSABLE)
            for each in condemned
        ),
    )
    post_event(db, staff(db, fever.decider), event, now=now)


def _place(db: Session, fever: Fever) -> Equipment:
    return db.scalars(select(Equipment).where(Equipment.code == fever.equipment)).one()


def _alarm_of(db: Session, fever: Fever) -> Alarm:
    """The alarm that the readings of the night raised."""
    return db.scalars(
        select(Alarm).where(
            Alarm.equipment_id == _place(db, fever).id,
            Alarm.rule == fever.rule,
            Alarm.severity == Severity.ALARM,
            Alarm.closed_at.is_(None),
        )
    ).one()
