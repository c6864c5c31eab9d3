"""Tables of this room."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from tracker.coldchain.rules.escalation import Level
from tracker.coldchain.rules.limits import Mode, Operator, Severity
from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.network.rules.words import PlaceKind
from tracker.telemetry.rules.words import Quantity


class Limit(Base):
    """What a channel must not do, in force in [from_at, to_at). Changed by ending a row and adding one."""

    __tablename__ = "coldchain_limit"
    __table_args__ = (
        CheckConstraint("(mode = 'window') = (window_s IS NOT NULL)", name="window"),
        CheckConstraint("duration_s >= 0", name="duration"),
        CheckConstraint("to_at > from_at", name="order"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(start=100), primary_key=True)
    rule: Mapped[str]
    quantity: Mapped[Quantity] = mapped_column(StrEnumText(Quantity))
    operator: Mapped[Operator] = mapped_column(StrEnumText(Operator))
    value: Mapped[float] = mapped_column(Double)
    mode: Mapped[Mode] = mapped_column(StrEnumText(Mode))
    duration_s: Mapped[int] = mapped_column(Integer)
    window_s: Mapped[int | None] = mapped_column(Integer)
    # None: any place.
    place_kind: Mapped[PlaceKind | None] = mapped_column(StrEnumText(PlaceKind))
    severity: Mapped[Severity] = mapped_column(StrEnumText(Severity))
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]


class Alarm(Base):
    """A human matter grown from episodes of one piece of equipment (or one shipment), or from silence.

    It ends by itself, is acknowledged by a person, and is closed by the passport with a disposition per
    batch. Withdrawn: late readings showed that it never was one; holds stay until a person lifts them.
    """

    __tablename__ = "alarm"
    __table_args__ = (
        Index("ix_alarm_equipment_id_rule", "equipment_id", "rule"),
        Index("ix_alarm_shipment_id_rule", "shipment_id", "rule"),
        Index("ix_alarm_raised_at_id", "raised_at", "id"),
        Index("ix_alarm_escalate_at", "escalate_at", postgresql_where=text("escalate_at IS NOT NULL")),
        # A device lost to a place is one matter there, however many channels it has and however many workers look.
        Index(
            "uq_alarm_device_id_place_silent",
            "device_id",
            "equipment_id",
            "shipment_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("rule = 'SILENT' AND ended_at IS NULL"),
        ),
        CheckConstraint("(acknowledged_at IS NULL) = (acknowledged_name IS NULL)", name="acknowledged"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    rule: Mapped[str]
    severity: Mapped[Severity] = mapped_column(StrEnumText(Severity))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("unit.id"), index=True)
    equipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"))
    # Opaque here: the shipment's room keeps its own.
    shipment_id: Mapped[UUID | None]
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    # The channel that raised it; others of the same place may have joined.
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    started_at: Mapped[datetime]
    alarmed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    raised_at: Mapped[datetime]
    level: Mapped[int] = mapped_column(SmallInteger, server_default=str(int(Level.FACILITY)))
    escalate_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    acknowledged_name: Mapped[str | None]
    comment: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None]
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("alarm.id"))


class AlarmStep(Base):
    """What happened to an alarm, in order. Append-only."""

    __tablename__ = "alarm_step"
    __table_args__ = (Index(None, "alarm_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarm.id"))
    at: Mapped[datetime]
    # raised, escalated, acknowledged, ended, reopened, withdrawn, merged, closed
    kind: Mapped[str]
    level: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str | None]
    comment: Mapped[str | None]


class Episode(Base):
    """One episode of one limit on one channel at one place, as known now.

    Rows are never deleted: one that merged into another, or of which nothing is left because limits or
    placements were changed, says so and stays answerable.
    """

    __tablename__ = "episode"
    __table_args__ = (
        # What readings from an instant on may touch: few rows, however long the channel's history.
        Index(
            "ix_episode_channel_id_settled_at",
            "channel_id",
            text("coalesce(settled_at, 'infinity'::timestamptz)"),
            postgresql_where=text("void_at IS NULL AND merged_into IS NULL"),
        ),
        Index("ix_episode_channel_id_started_at", "channel_id", "started_at"),
        Index("ix_episode_equipment_id_started_at", "equipment_id", "started_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    limit_id: Mapped[int] = mapped_column(Integer, ForeignKey("coldchain_limit.id"))
    # No foreign key: an assignment corrected at its first instant is replaced, its episodes are then void.
    assignment_id: Mapped[UUID]
    rule: Mapped[str]
    severity: Mapped[Severity] = mapped_column(StrEnumText(Severity))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("unit.id"))
    equipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"))
    shipment_id: Mapped[UUID | None] = mapped_column(index=True)
    started_at: Mapped[datetime]
    alarmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # No later reading can touch it; None: any may.
    settled_at: Mapped[datetime | None]
    peak: Mapped[float] = mapped_column(Double)
    exposed_s: Mapped[float] = mapped_column(Double)
    known_s: Mapped[float] = mapped_column(Double)
    alarm_id: Mapped[UUID | None] = mapped_column(ForeignKey("alarm.id"), index=True)
    split_from: Mapped[UUID | None]
    merged_into: Mapped[UUID | None]
    void_at: Mapped[datetime | None]
    first_known_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class EpisodeVersion(Base):
    """An episode as known from an instant on, kept when its start, alarm or end changed."""

    __tablename__ = "episode_version"

    episode_id: Mapped[UUID] = mapped_column(ForeignKey("episode.id"), primary_key=True)
    known_from: Mapped[datetime] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    alarmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    peak: Mapped[float] = mapped_column(Double)
    exposed_s: Mapped[float] = mapped_column(Double)
    known_s: Mapped[float] = mapped_column(Double)
    merged_into: Mapped[UUID | None]
    void: Mapped[bool]


class ChannelEvaluation(Base):
    """How far a channel has been evaluated; its row is also the lock that keeps two workers apart.

    `head_*` is what evaluation needs to go on at the newest reading without reading anything older.
    """

    __tablename__ = "channel_evaluation"
    __table_args__ = (
        Index("ix_channel_evaluation_silent_after", "silent_after", postgresql_where=text("NOT silent")),
        Index("ix_channel_evaluation_silent", "channel_id", postgresql_where=text("silent")),
    )

    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"), primary_key=True)
    newest_at: Mapped[datetime | None]
    # From then on the channel counts as silent unless a reading comes (three intervals after the newest
    # reading, or after readings last came where those were old).
    silent_after: Mapped[datetime | None]
    silent: Mapped[bool] = mapped_column(server_default="false")
    evaluated_at: Mapped[datetime | None]
    head_at: Mapped[datetime | None]
    head_before: Mapped[datetime | None]
    head_carries: Mapped[list[Any] | None]
    # The thermal aggregate of head_at's hour up to head_at (rules.thermal.COLUMNS as doubles).
    head_partial: Mapped[bytes | None] = mapped_column(LargeBinary)


class ChannelCheckpoint(Base):
    """The same for the first reading of each UTC day, so that late readings cost a day and not a history."""

    __tablename__ = "channel_checkpoint"

    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    before: Mapped[datetime | None]
    carries: Mapped[list[Any]]
    partial: Mapped[bytes | None] = mapped_column(LargeBinary)


class ChannelHour(Base):
    """The thermal aggregate of one channel and one UTC hour (rules.thermal: seconds, °C, °C·s, shares of VVM life)."""

    __tablename__ = "channel_hour"

    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    known_s: Mapped[float] = mapped_column(Double)
    integral_c_s: Mapped[float] = mapped_column(Double)
    arrhenius_s: Mapped[float] = mapped_column(Double)
    vvm2_used: Mapped[float] = mapped_column(Double)
    vvm7_used: Mapped[float] = mapped_column(Double)
    vvm14_used: Mapped[float] = mapped_column(Double)
    vvm30_used: Mapped[float] = mapped_column(Double)
    s_below_m90: Mapped[float] = mapped_column(Double)
    s_m90_to_m60: Mapped[float] = mapped_column(Double)
    s_m60_to_m25: Mapped[float] = mapped_column(Double)
    s_m25_to_m15: Mapped[float] = mapped_column(Double)
    s_m15_to_m05: Mapped[float] = mapped_column(Double)
    s_m05_to_0: Mapped[float] = mapped_column(Double)
    s_0_to_2: Mapped[float] = mapped_column(Double)
    s_2_to_8: Mapped[float] = mapped_column(Double)
    s_8_to_10: Mapped[float] = mapped_column(Double)
    s_10_to_25: Mapped[float] = mapped_column(Double)
    s_25_to_30: Mapped[float] = mapped_column(Double)
    s_30_to_45: Mapped[float] = mapped_column(Double)
    s_from_45: Mapped[float] = mapped_column(Double)
    min_c: Mapped[float] = mapped_column(Double)
    max_c: Mapped[float] = mapped_column(Double)
