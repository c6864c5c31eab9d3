"""What can be asked of the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from uuid import UUID

from tracker.stock.rules.lines import Line, NamedLine
from tracker.stock.rules.witnesses import Witness
from tracker.stock.rules.words import Account, Kind, OpenWaste, ReceiptOutcome, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEvent:
    """One event at one facility. `id` is made by whoever acts first; the same again is the same event.

    `said` is the digest of the words it came in, which name things by codes. `beside` of a count: what else lies there was counted, too, in other events. `cause` is the hold or recall behind a status change, `shipment_id` the shipment of a dispatch or receipt.
    """

    id: UUID
    kind: Kind
    facility_id: UUID
    occurred_at: datetime
    lines: tuple[Line, ...]
    reason: str | None = None
    reference: str | None = None
    said: str | None = None
    cause: UUID | None = None
    shipment_id: UUID | None = None
    session_id: UUID | None = None
    beside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvent:
    """An event as somebody said it; `facility` is an id or code. `beside`: as of PostEvent; no word of it."""

    id: UUID
    kind: Kind
    facility: str
    occurred_at: datetime
    lines: tuple[NamedLine, ...]
    reason: str | None = None
    reference: str | None = None
    witnesses: tuple[Witness, ...] = field(default=(), repr=False)
    beside: bool = field(default=False, repr=False)


def words_of(command: RecordEvent) -> str:
    """A digest of the very words of an event: what they name plays no part. Without witnesses it is what it was before there were any."""
    same_instant = replace(command, occurred_at=command.occurred_at.astimezone(UTC))
    said = repr(same_instant) + (repr(command.witnesses) if command.witnesses else "")
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseEvent:
    """Take back an event, from its own instant on. `id` is the reversal's."""

    id: UUID
    event_id: UUID
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusLine:
    """Move vials of a batch at one account from one status to another; `vials` None means all that are there."""

    batch_id: UUID
    holder_id: UUID
    from_status: Status
    to_status: Status
    vials: int | None = None
    account: Account = Account.PLACE


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """What a hold, a release or a recall does to stock of one facility (or of a shipment it sent).

    `stands_at`: as of when it acts, if it would have acted before now had all been told in time; its lines then say how
    many vials, and whoever asks has seen that they lie there since.
    """

    id: UUID
    facility_id: UUID
    lines: tuple[StatusLine, ...]
    cause: UUID
    stands_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenForSession:
    """Open vials and take the promises they serve out of the rule, in one transaction.

    `need` is how many vials fewer are needed, by day (positive numbers), of the facility's own pool or of the equipment
    `need_of`.
    """

    id: UUID
    facility_id: UUID
    session_id: UUID | None
    batch_id: UUID
    place_id: UUID
    occurred_at: datetime
    vials: int = 1
    need: Mapping[date, int] = field(default_factory=dict)
    need_of: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveDoses:
    """Doses of an opened vial that went into people."""

    open_vial_id: UUID
    occurred_at: datetime
    doses: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardDoses:
    """Doses of an opened vial that were thrown away; all that are left when `doses` is None."""

    open_vial_id: UUID
    occurred_at: datetime
    reason: OpenWaste
    doses: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBackDoses:
    """Doses of an opened vial that were told as given, or as thrown away, and were not."""

    open_vial_id: UUID
    doses: int
    reason: str
    thrown_away: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectLot:
    """Vials that an event brought as lot `wrong` were lot `right`: all of them, or `vials`. Lots by id, `PRODUCT/LOT` or lot."""

    id: UUID
    event_id: UUID
    wrong: str
    right: str
    reason: str
    vials: int | None = None

    def words(self) -> str:
        """A digest of the very words of it."""
        return hashlib.blake2b(repr(self).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSheet:
    """Begin to count a place; facility and place by id or code."""

    id: UUID
    facility: str
    place: str
    blind: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTally:
    """What somebody found on a sheet, at one instant; the lines name batches, and a status where several lie there."""

    id: UUID
    sheet_id: UUID
    counted_at: datetime
    lines: tuple[NamedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountPlace:
    """What one person found in a place, in one go; facility and place by id or code, a line's reason where it may differ."""

    id: UUID
    facility: str
    place: str
    counted_at: datetime
    lines: tuple[NamedLine, ...]


CountKey = tuple[UUID, Status | None]
"""A line of a count sheet: batch and status, None for the shelf's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostSheet:
    """Write a sheet's counts into the ledger. `approve`: also where a second count is wanted, by who counted nothing."""

    sheet_id: UUID
    reasons: Mapping[CountKey, str] = field(default_factory=dict)
    approve: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSheet:
    """Give a sheet up: nothing of it is written."""

    sheet_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Posted:
    """The event, and whether it was written now (False: it was here already, and may stand elsewhere in time).

    `alike`: of the batches that now came in, those that one may take for other lots.
    """

    event_id: UUID
    fresh: bool
    facility_id: UUID
    occurred_at: datetime
    alike: tuple[UUID, ...] = ()


def digest(command: PostEvent) -> str:
    """Two events say the same exactly when their digests are equal.

    Fields left at their default add nothing, so a field that a later version brings changes no old digest.
    """
    return hashlib.blake2b("\x1f".join(_words(command)).encode(), digest_size=16).hexdigest()


def _words(command: PostEvent) -> Iterator[str]:
    yield f"{command.kind}\x1e{command.facility_id}\x1e{command.occurred_at.astimezone(UTC).isoformat()}"
    for name in ("reason", "reference", "cause", "shipment_id", "session_id"):
        value = getattr(command, name)
        if value is not None:
            yield f"{name}={value}"
    for line in command.lines:
        yield f"\x1d{line.batch_id}\x1e{line.vials}"
        for name, default in _LINE_DEFAULTS:
            value = getattr(line, name)
            if value is not default:
                yield f"{name}={value}"


_LINE_DEFAULTS: tuple[tuple[str, object], ...] = (
    ("place_id", None),
    ("to_place_id", None),
    ("status", Status.USABLE),
    ("to_status", None),
    ("vvm_stage", None),
    ("reason", None),
    ("outcome", ReceiptOutcome.ACCEPTED),
    ("account", Account.PLACE),
    ("holder_id", None),
)
