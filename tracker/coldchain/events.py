"""What the cold chain says on the feed.

The event that tells of a new alarm or advisory carries the alarm's own id as its id, and every later word about
the same alarm names it as its cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from tracker.coldchain.rules.limits import Mode, Operator, Severity
from tracker.feed.contract import Event, Part, formerly
from tracker.telemetry.rules.words import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLimit(Part):
    """The limit an episode is held against; `value` is °C for temperatures, else seconds."""

    id: int
    quantity: Quantity
    operator: Operator
    value: float
    mode: Mode
    duration_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeNews(Event):
    """An episode as it stands, with its evidence; `peak` is in the unit of the limit's value."""

    TOLD_AT: ClassVar[str] = "the facility of the equipment, or the unit that answers for the shipment"

    alarm_id: UUID | None
    episode_id: UUID
    rule: str
    severity: Severity
    channel_id: int
    assignment_id: UUID
    equipment_id: UUID | None
    shipment_id: UUID | None
    started_at: datetime
    alarmed_at: datetime | None
    ended_at: datetime | None
    void: bool
    merged_into_id: Annotated[UUID | None, formerly("merged_into")]
    peak: float
    exposed_s: float
    known_s: float
    limit: BrokenLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(EpisodeNews):
    """A limit that protects stock was broken for long enough: a new alarm."""

    KIND: ClassVar[str] = "coldchain.alarm_raised"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryRaised(EpisodeNews):
    """A limit that only warns was broken for long enough; nothing is held."""

    KIND: ClassVar[str] = "coldchain.advisory_raised"


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeChanged(EpisodeNews):
    """An alarmed episode joined an alarm, grew, shrank, ended, merged or was withdrawn by readings learnt since."""

    KIND: ClassVar[str] = "coldchain.episode_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfAlarm(Event):
    """Of one alarm at its place."""

    TOLD_AT: ClassVar[str] = EpisodeNews.TOLD_AT

    alarm_id: UUID
    equipment_id: UUID | None
    shipment_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmStepped(_OfAlarm):
    """What people, or nobody, did about an alarm; `level`: 0 facility, 1 city, 2 province."""

    rule: str
    severity: Severity
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmAcknowledged(AlarmStepped):
    """Somebody has seen the alarm and said what is being done; it is not escalated any more."""

    KIND: ClassVar[str] = "coldchain.alarm_acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSettled(AlarmStepped):
    """An alarm was closed: every batch it touched has been decided about."""

    KIND: ClassVar[str] = "coldchain.alarm_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEscalated(AlarmStepped):
    """Nobody acknowledged the alarm in time: the next level is told."""

    KIND: ClassVar[str] = "coldchain.alarm_escalated"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEnded(_OfAlarm):
    """The condition is over, or was withdrawn by readings learnt since; what is held stays held."""

    KIND: ClassVar[str] = "coldchain.alarm_ended"

    rule: str
    severity: Severity
    channel_id: int
    started_at: datetime
    ended_at: datetime | None
    withdrawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSilent(_OfAlarm):
    """A sensor that watches stock has not been heard of for too long: an alarm of its own kind."""

    KIND: ClassVar[str] = "coldchain.silent"

    device_id: UUID
    channel_id: int
    since: datetime
