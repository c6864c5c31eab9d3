"""The ledger, its balances, and the table of what may still be promised.

Two triggers guard the ledger (migration 0003): events and entries are never updated or deleted, and the
entries of one event, inserted by one statement, sum to zero per batch.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.stock.rules.words import BALANCED, Account, Kind, OpenWaste, Status


def one_of(column: str, words: list[str]) -> str:
    """The text of a CHECK that a column holds one of these words."""
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


KINDS = one_of("kind", [kind.value for kind in Kind])
ACCOUNTS = one_of("account", [account.value for account in Account])
BALANCE_ACCOUNTS = one_of("account", sorted(account.value for account in BALANCED))
STATUSES = one_of("status", [status.value for status in Status])
PLACE_IS_HOLDER = "(account = 'place') = (place_id IS NOT NULL) AND (place_id IS NULL OR place_id = holder_id)"


class StockEvent(Base):
    """What happened, once and for ever.

    `number` rises under the locks of the accounts it touches and breaks ties between equal instants.
    `because_id` names the event that made the house write this one: the count that a late event met,
    or the event in which somebody read a spent vial monitor.
    """

    __tablename__ = "stock_event"
    __table_args__ = (
        CheckConstraint(KINDS, name="kind"),
        CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name="reversal_names"),
        Index("ix_stock_event_facility_id_number", "facility_id", "number"),
        # What happened within a time, and what was recorded from an instant on.
        Index("ix_stock_event_occurred_at", "occurred_at"),
        Index("ix_stock_event_recorded_at", "recorded_at", "number"),
        Index("ix_stock_event_cause", "cause", postgresql_where=text("cause IS NOT NULL")),
        Index("ix_stock_event_shipment_id", "shipment_id", postgresql_where=text("shipment_id IS NOT NULL")),
        Index("ix_stock_event_because_id", "because_id", postgresql_where=text("because_id IS NOT NULL")),
        Index("ix_stock_event_count_id", "count_id", postgresql_where=text("count_id IS NOT NULL")),
        Index(
            "uq_stock_event_reverses_id",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Identity(), unique=True)
    kind: Mapped[Kind] = mapped_column(StrEnumText(Kind))
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    recorded_by: Mapped[str]
    reason: Mapped[str | None]
    reference: Mapped[str | None]
    content: Mapped[str]  # digest of what was asked, to tell a repeat from another event under the same id
    said: Mapped[
        str | None
    ]  # digest of the very words of it, so that a repeat is known though names mean other things now
    cause: Mapped[UUID | None]  # a hold or recall: opaque, its table lies in a higher room
    shipment_id: Mapped[UUID | None]  # opaque, for the same reason
    reverses_id: Mapped[UUID | None] = mapped_column(ForeignKey("stock_event.id"))
    because_id: Mapped[UUID | None] = mapped_column(ForeignKey("stock_event.id"))
    count_id: Mapped[UUID | None] = mapped_column(ForeignKey("stock_event.id"))


class EventWitness(Base):
    """Who saw the vials of a destruction destroyed; guarded as the ledger is. Names are for papers, never for logs or the feed."""

    __tablename__ = "event_witness"
    __table_args__ = (CheckConstraint("seq BETWEEN 1 AND 2", name="two_of_them"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("stock_event.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    name: Mapped[str]
    position: Mapped[str | None]


class StockEntry(Base):
    """One side of an event: so many vials to (+) or from (−) an account.

    Order in time is (occurred_at, ordinal, number): `ordinal` is the event's own number, but a reversal
    stands beside what it reverses and the opposite of a late event beside the count it names.
    """

    __tablename__ = "stock_entry"
    __table_args__ = (
        CheckConstraint(ACCOUNTS, name="account"),
        CheckConstraint(STATUSES, name="status"),
        CheckConstraint("vials <> 0", name="vials_move"),
        CheckConstraint(PLACE_IS_HOLDER, name="place_is_holder"),
        CheckConstraint("vvm_stage BETWEEN 1 AND 4", name="vvm_stage"),
        Index("ix_stock_entry_batch_id_holder_id", "batch_id", "holder_id", "occurred_at"),
        # A batch at a facility or in a subtree, and its sums, without reading where else it went.
        Index(
            "ix_stock_entry_batch_id_facility_id",
            "batch_id",
            "facility_id",
            postgresql_include=["account", "vials"],
        ),
        # What came into the chain and what left it: few of a lot's entries.
        Index(
            "ix_stock_entry_outer",
            "batch_id",
            "facility_id",
            postgresql_include=["account", "vials"],
            postgresql_where=text("account IN ('supplier', 'used', 'wasted', 'lost', 'found', 'destroyed')"),
        ),
        Index("ix_stock_entry_facility_id_occurred_at", "facility_id", "occurred_at"),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("stock_event.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    account: Mapped[Account] = mapped_column(StrEnumText(Account))
    holder_id: Mapped[UUID]  # equipment, shipment, or (open and outer world) the facility
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"))
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    status: Mapped[Status] = mapped_column(StrEnumText(Status))
    vials: Mapped[int]
    vvm_stage: Mapped[int | None] = mapped_column(SmallInteger)
    reason: Mapped[str | None]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    number: Mapped[int]
    ordinal: Mapped[int]


class StockBalance(Base):
    """How many vials are at an account now; a row stays when it reaches zero, so zero differs from never reported.

    `packed` of them are set aside for shipments that have not left, since `packed_at`. A loss may leave fewer
    vials than were packed.
    """

    __tablename__ = "stock_balance"
    __table_args__ = (
        CheckConstraint("vials >= 0", name="vials_not_negative"),
        CheckConstraint("packed >= 0 AND (packed = 0 OR account = 'place')", name="packed_at_a_place"),
        CheckConstraint(BALANCE_ACCOUNTS, name="account"),
        CheckConstraint(STATUSES, name="status"),
        CheckConstraint(PLACE_IS_HOLDER, name="place_is_holder"),
        CheckConstraint("(account = 'transit') = (facility_id IS NULL)", name="transit_is_nowhere"),
        Index("ix_stock_balance_facility_id_batch_id", "facility_id", "batch_id"),
        Index("ix_stock_balance_batch_id", "batch_id"),
        # Balances are rewritten all the time; room on the page keeps the rewrite out of the indexes.
        {"postgresql_with": {"fillfactor": "70"}},
    )

    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    status: Mapped[Status] = mapped_column(StrEnumText(Status), primary_key=True)
    account: Mapped[Account] = mapped_column(StrEnumText(Account))
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"))
    facility_id: Mapped[UUID | None] = mapped_column(ForeignKey("facility.id"))
    vials: Mapped[int]
    packed: Mapped[int] = mapped_column(server_default="0")
    packed_at: Mapped[datetime | None]
    vvm_stage: Mapped[int | None] = mapped_column(SmallInteger)
    touched_at: Mapped[datetime]  # occurred_at of the newest event here
    touched_event_id: Mapped[UUID]
    counted_at: Mapped[datetime | None]
    counted_event_id: Mapped[UUID | None]


class StockDay(Base):
    """What one day of a place moved of one product: sums of the ledger's entries at places, kept as they are written.

    `used`: vials opened or sent on, less what was taken back. `moves`: entries. Told late, an event counts on its own day.
    """

    __tablename__ = "stock_day"
    __table_args__ = ({"postgresql_with": {"fillfactor": "70"}},)

    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"), primary_key=True)
    presentation_id: Mapped[UUID] = mapped_column(ForeignKey("presentation.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    used: Mapped[int]
    moves: Mapped[int]


class StockStanding(Base):
    """The state of a facility's stock, as the worker last reckoned it, and between which instants time alone does not change it.

    It is believed only then, and only while nothing in `stock_mark` says that the facility's books have changed since.
    """

    __tablename__ = "stock_standing"
    __table_args__ = (
        CheckConstraint("holds_from < holds_until", name="holds_for_a_while"),
        Index("ix_stock_standing_holds_until", "holds_until"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"), primary_key=True)
    state: Mapped[str]
    holds_from: Mapped[datetime]
    holds_until: Mapped[datetime]


class StockMark(Base):
    """That something on which a facility's state depends has changed; written by triggers (migration 0052) with the change itself.

    A row each time and never an update, so that nobody waits for anybody.
    """

    __tablename__ = "stock_mark"
    __table_args__ = (Index("ix_stock_mark_facility_id", "facility_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    facility_id: Mapped[UUID]


class StockCount(Base):
    """What a count found, differing or not: it asserts its instant against events that arrive late."""

    __tablename__ = "stock_count"
    __table_args__ = (
        CheckConstraint("vials >= 0", name="vials_not_negative"),
        Index("ix_stock_count_key", "holder_id", "batch_id", "status", "occurred_at"),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("stock_event.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    status: Mapped[Status] = mapped_column(StrEnumText(Status))
    vials: Mapped[int]
    occurred_at: Mapped[datetime]
    number: Mapped[int]


class OpenVial(Base):
    """One opened vial and where its doses went."""

    __tablename__ = "open_vial"
    __table_args__ = (
        CheckConstraint("given + discarded + remaining = doses_per_vial", name="doses_add_up"),
        CheckConstraint("given >= 0 AND discarded >= 0 AND remaining >= 0", name="doses_not_negative"),
        CheckConstraint(STATUSES, name="status"),
        Index("ix_open_vial_facility_id_open", "facility_id", "batch_id", postgresql_where=text("closed_at IS NULL")),
        Index("ix_open_vial_event_id", "event_id"),
        Index("ix_open_vial_discard_by", "discard_by", postgresql_where=text("closed_at IS NULL")),
        Index("ix_open_vial_open", "id", postgresql_where=text("closed_at IS NULL")),
        Index("ix_open_vial_session_id", "session_id", postgresql_where=text("session_id IS NOT NULL")),
        Index("ix_open_vial_discarded", "facility_id", "last_taken_at", postgresql_where=text("discarded > 0")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    place_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    event_id: Mapped[UUID] = mapped_column(ForeignKey("stock_event.id"))
    session_id: Mapped[UUID | None]  # opaque: sessions lie in a higher room
    status: Mapped[Status] = mapped_column(StrEnumText(Status))
    doses_per_vial: Mapped[int]
    given: Mapped[int]
    discarded: Mapped[int]
    remaining: Mapped[int]
    discard_reason: Mapped[OpenWaste | None] = mapped_column(StrEnumText(OpenWaste))
    opened_at: Mapped[datetime]
    discard_by: Mapped[datetime]
    last_taken_at: Mapped[datetime | None]  # of the latest dose given or thrown away, in whatever order they were told
    closed_at: Mapped[datetime | None]


class OpenVialChange(Base):
    """An opened vial as it was told until somebody set it right, or wrote down a dose beyond its doses."""

    __tablename__ = "open_vial_change"
    __table_args__ = (Index("ix_open_vial_change_open_vial_id", "open_vial_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    open_vial_id: Mapped[UUID]  # its opening may have been taken back since
    doses_per_vial: Mapped[int]
    given: Mapped[int]
    discarded: Mapped[int]
    remaining: Mapped[int]
    discard_reason: Mapped[OpenWaste | None] = mapped_column(StrEnumText(OpenWaste))
    reason: Mapped[str]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]


class LotCorrection(Base):
    """Vials that one event brought to a facility were told as lot `from_batch_id` and were `to_batch_id`; who said why.

    Both versions stay in the ledger: what was told, and the events of kind `relabel` that name this row.
    """

    __tablename__ = "lot_correction"
    __table_args__ = (
        CheckConstraint("vials > 0", name="vials_positive"),
        CheckConstraint("from_batch_id <> to_batch_id", name="lots_differ"),
        Index("ix_lot_correction_facility_id_id", "facility_id", "id"),
        Index("ix_lot_correction_event_id", "event_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    event_id: Mapped[UUID] = mapped_column(ForeignKey("stock_event.id"))  # what brought them
    from_batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    to_batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    vials: Mapped[int]  # that came; of these:
    on_hand: Mapped[int]
    opened: Mapped[int]
    doses: Mapped[int]  # given to people out of those opened
    reason: Mapped[str]
    content: Mapped[str]  # digest of what was asked, to tell a repeat from another correction under the same id
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]


class LotCorrectionEvent(Base):
    """An event of a lot correction: it takes the wrong lot out of `of_event_id`, or tells the right one in its stead.

    `beside_id` is the event that people told there in the first place; `of_event_id` may be an earlier correction of it.
    """

    __tablename__ = "lot_correction_event"
    __table_args__ = (
        Index("ix_lot_correction_event_correction_id", "correction_id"),
        Index("ix_lot_correction_event_of_event_id", "of_event_id"),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("stock_event.id"), primary_key=True)
    correction_id: Mapped[UUID] = mapped_column(ForeignKey("lot_correction.id"))
    of_event_id: Mapped[UUID] = mapped_column(ForeignKey("stock_event.id"))
    beside_id: Mapped[UUID] = mapped_column(ForeignKey("stock_event.id"))
    right_lot: Mapped[bool]  # the right lot is told (else the wrong one is taken back)


class StockAnchor(Base):
    """The one lock of (facility or shipment, presentation): who changes its balances or promises holds this row."""

    __tablename__ = "stock_anchor"

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    presentation_id: Mapped[UUID] = mapped_column(ForeignKey("presentation.id"), primary_key=True)


class StockStop(Base):
    """A standing order: vials of the batch at this unit and all below it are recalled from `since` on.

    It stays when the recall is closed, and ends (`until`) when that is withdrawn: what happened in between is still
    judged by it, whenever it is told. `cause` is the recall: opaque, its table lies in a higher room.
    """

    __tablename__ = "stock_stop"
    __table_args__ = (
        Index("ix_stock_stop_batch_id", "batch_id"),
        CheckConstraint("until >= since", name="ends_after_it_began"),
    )

    cause: Mapped[UUID] = mapped_column(primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    reason: Mapped[str]


class StockKeep(Base):
    """Held vials of a batch at a facility which a hold keeps from `since` on, whoever had held them before it.

    It is there until the hold is decided: `cause` is the hold, opaque, its table lies in a higher room. What the hold stopped
    itself stands in the ledger as well; what was held already, and what was told late, does not.
    """

    __tablename__ = "stock_keep"
    __table_args__ = (Index("ix_stock_keep_facility_id_batch_id", "facility_id", "batch_id"),)

    cause: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    since: Mapped[datetime]


class StockNeed(Base):
    """Vials promised for one day of one pool: the facility's own (`pool_id` is its id), or equipment that sessions take along."""

    __tablename__ = "stock_need"
    __table_args__ = (CheckConstraint("vials >= 0", name="vials_not_negative"),)

    pool_id: Mapped[UUID] = mapped_column(primary_key=True)
    presentation_id: Mapped[UUID] = mapped_column(ForeignKey("presentation.id"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    day: Mapped[date] = mapped_column(primary_key=True)
    vials: Mapped[int]


class Availability(Base):
    """The invariant of the house: vials usable on or after `step` against vials needed on or after it.

    A vial serves any day up to its expiry, so the sets are nested and these sums suffice (Hall). Steps are
    fixed days: date.min and the day after each expiry; time passing changes no row, only which rows bind.
    `pool_id` is the facility for what lies in its stores, or equipment that is `apart` for what lies in that.
    """

    __tablename__ = "availability"
    __table_args__ = (
        CheckConstraint("vials >= 0 AND needed >= 0", name="not_negative"),
        CheckConstraint("needed <= vials + short AND short >= 0", name="promise_is_backed"),
        Index("ix_availability_facility_id", "facility_id"),
        Index("ix_availability_short", "facility_id", postgresql_where=text("short > 0")),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    pool_id: Mapped[UUID] = mapped_column(primary_key=True)
    presentation_id: Mapped[UUID] = mapped_column(ForeignKey("presentation.id"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    step: Mapped[date] = mapped_column(primary_key=True)
    vials: Mapped[int] = mapped_column(BigInteger)
    needed: Mapped[int] = mapped_column(BigInteger)
    short: Mapped[int] = mapped_column(BigInteger)
