"""Wire shapes of this room."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tracker.edge.words import Seen
from tracker.handsets.rules import StepState, Way

Name = Annotated[str, Seen, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
Reason = Annotated[str, Seen, StringConstraints(min_length=3, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class HandsetIn(BaseModel):
    """A phone begins its book of steps. `id` is made by the phone, once for each account on it."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    facility: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
    name: Name


class HandsetOut(BaseModel):
    """A handset, and how far its book has come; `now` is the server's clock."""

    id: UUID
    facility: str
    name: str
    account: str
    enrolled_at: datetime
    heard_at: datetime
    last_number: int
    last_hash: str
    cut_off_at: datetime | None
    now: datetime


class StepLineIn(BaseModel):
    """A step as the phone wrote it: its JSON text, and the hex SHA-256 of the hash before it and that text.

    The text holds `number` (from 1, without gaps), `id` (UUID version 7), `at`, `facility` (where it was done, code or id: there
    it waits for a person if it is refused), `needs` (ids of steps it builds upon), `kind` and `body`. Kinds and bodies are those of the calls: stock.event, stock.count, stock.reversal (with `event`), stock.discard and
    stock.take_back (with `open_vial`), shipment.create, with `shipment` shipment.approve, cancel, pack, dispatch, receipt
    and return, with `booking` booking.arrive, screen and vaccinate, and session.walk_in (with `session`, and instead of `person`
    what the phone `sealed` for the house). A field that names a step of `needs` means what came of it. Before the first step the hash is
    64 zeros.
    """

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(min_length=2, max_length=200_000)]
    hash: Hash


class StepsIn(BaseModel):
    """The next steps of a book, in order; known ones may be among the first."""

    model_config = ConfigDict(extra="forbid")

    steps: Annotated[list[StepLineIn], Field(min_length=1, max_length=100)]


class StepOut(BaseModel):
    """What became of a step. `code` and the sentences say why a person must decide."""

    number: int
    id: UUID
    kind: str
    state: StepState
    result_id: UUID | None
    code: str | None
    params: dict[str, Any]
    detail: str | None
    message: str | None
    message_id: str | None


class StepsOut(BaseModel):
    """What became of the steps that came; `now` is the server's clock."""

    now: datetime
    last_number: int
    last_hash: str
    items: list[StepOut]


class ConflictOut(StepOut):
    """A step that waits for a person: whose it is, what it said, and what a person made of it."""

    handset: UUID
    handset_name: str
    account: str
    facility: str
    said_at: datetime
    received_at: datetime
    needs: list[UUID]
    body: dict[str, Any]
    way: Way | None
    reason: str | None
    settled_by: str | None
    settled_at: datetime | None


class SettleIn(BaseModel):
    """What a person decides: `again` as it is, `correct` with another `body`, or `drop`."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    way: Way
    reason: Reason
    body: dict[str, Any] | None = None


class CutOffIn(BaseModel):
    """Why nothing is taken from a phone any more."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class StandingOut(BaseModel):
    """Whether a phone is to forget what it holds; `now` is the server's clock."""

    cut_off: bool
    now: datetime


class HoldingsOut(BaseModel):
    """What a phone needs of its facility. `whole`: forget what you had; else rows replace those of their key, `gone` go.

    `conflicts`: refused steps done at the facility that wait for a person, told to whoever may settle them.
    Keys: code of a place, a product and a facility (of whom goods are asked: the one `above`, and those beside); place, batch and status of stock; of all others the id. Who prefers it (`Prefer:
    stock-in-batches`) is told in a whole answer what lies of a batch in its `lies`, and `stock` is empty. `sessions` are today's whose
    desk the caller serves; with `session` its `guests`, and in `keys` what tickets are signed with and phones seal with.
    """

    as_of: datetime
    token: UUID
    whole: bool
    facility: str
    timezone: str
    conflicts: int | None
    places: list[dict[str, Any]]
    products: list[dict[str, Any]]
    batches: list[dict[str, Any]]
    stock: list[dict[str, Any]]
    shipments: list[dict[str, Any]]
    open_vials: list[dict[str, Any]]
    facilities: list[dict[str, Any]] = []
    sessions: list[dict[str, Any]] = []
    guests: list[dict[str, Any]] = []
    keys: list[dict[str, Any]] = []
    gone: dict[str, list[Any]]
