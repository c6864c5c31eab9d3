"""What a step does: the very call that the house serves over HTTP, with its body as the phone wrote it.

A step and a request have one meaning, because they have one home: each kind names a route's own function and shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any
from uuid import UUID

import structlog
from fastapi import Response
from psycopg import DataError, OperationalError
from psycopg.errors import QueryCanceled
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.database.turns import Contended, LineFull
from tracker.edge.services import Services
from tracker.handsets.errors import BodyWrong, KindUnknown
from tracker.handsets.sealed import unsealed
from tracker.kit.errors import DomainError
from tracker.quota.routes import bookings
from tracker.quota.schemas import ArriveIn, ScreenIn, VaccinateIn, WalkInIn
from tracker.sealing.keyring import Keyring
from tracker.shipments import routes as shipments
from tracker.shipments.schemas import (
    ApprovalBackIn,
    ApproveIn,
    CancelIn,
    ConfirmIn,
    DeliveryIn,
    DispatchIn,
    PackIn,
    ReceiptIn,
    ReceiptReversalIn,
    ShipmentIn,
    UnpackIn,
)
from tracker.stock.count_schemas import CountIn
from tracker.stock.routes import counting
from tracker.stock.routes import ledger as stock
from tracker.stock.schemas import DiscardIn, KeepIn, ReversalIn, StockEventIn

log = structlog.get_logger("rantai.handsets")

_ID: TypeAdapter[UUID] = TypeAdapter(UUID)
_REF: TypeAdapter[str] = TypeAdapter(shipments.Ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A route's function and what it takes: the body's shape, and what its path names (field of the body, argument)."""

    call: Callable[..., Any]
    body: type[BaseModel] | None = None
    named: tuple[str, str, TypeAdapter[Any]] | None = None
    answers: bool = False
    """Whether the function sets the answer's status itself."""
    keeps_id: bool = False
    """Whether what comes of it has the id that its body says, not that of what is answered."""
    sealed: str | None = None
    """The field that a phone may have sealed for the house; the function then asks for keys, too."""


def _of_shipment(
    call: Callable[..., Any], body: type[BaseModel] | None, *, answers: bool = False, keeps_id: bool = False
) -> Act:
    return Act(call=call, body=body, named=("shipment", "ref", _REF), answers=answers, keeps_id=keeps_id)


def _of_booking(call: Callable[..., Any], body: type[BaseModel]) -> Act:
    return Act(call=call, body=body, named=("booking", "booking_id", _ID))


ACTS: Mapping[str, Act] = {
    "stock.event": Act(call=stock.post_stock_event, body=StockEventIn, answers=True),
    "stock.count": Act(call=counting.count_a_place, body=CountIn, answers=True),
    "stock.reversal": Act(
        call=stock.reverse_stock_event, body=ReversalIn, named=("event", "event_id", _ID), answers=True
    ),
    "stock.discard": Act(call=stock.discard_open_vial, body=DiscardIn, named=("open_vial", "open_vial_id", _ID)),
    "stock.take_back": Act(call=stock.keep_open_vial, body=KeepIn, named=("open_vial", "open_vial_id", _ID)),
    "shipment.create": Act(call=shipments.post_shipment, body=ShipmentIn, answers=True),
    "shipment.tell": Act(call=shipments.post_unannounced, body=DeliveryIn, answers=True),
    "shipment.confirm": _of_shipment(shipments.confirm, ConfirmIn),
    "shipment.approve": _of_shipment(shipments.approve, ApproveIn),
    "shipment.take_approval_back": _of_shipment(shipments.take_back_approval, ApprovalBackIn),
    "shipment.cancel": _of_shipment(shipments.cancel, CancelIn),
    "shipment.pack": _of_shipment(shipments.pack, PackIn),
    "shipment.dispatch": _of_shipment(shipments.dispatch, DispatchIn),
    "shipment.receipt": _of_shipment(shipments.receive, ReceiptIn, answers=True, keeps_id=True),
    "shipment.receipt_reversal": _of_shipment(shipments.reverse_receipt, ReceiptReversalIn, answers=True),
    "shipment.unpack": _of_shipment(shipments.unpack, UnpackIn),
    "shipment.return": _of_shipment(shipments.take_back, ReceiptIn, answers=True, keeps_id=True),
    "booking.arrive": _of_booking(bookings.arrive, ArriveIn),
    "booking.screen": _of_booking(bookings.screen, ScreenIn),
    "booking.vaccinate": _of_booking(bookings.give_dose, VaccinateIn),
    "session.walk_in": Act(
        call=bookings.add_walk_in, body=WalkInIn, named=("session", "session_id", _ID), sealed="person"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a step was not carried out: a problem's code with its parameters, JSON values."""

    code: str
    params: dict[str, Any]


def carry_out(
    db: Session, principal: Principal, kind: str, body: Mapping[str, Any], *, shared: Services, now: datetime
) -> UUID | None:
    """Do it, or raise what the route would refuse it with; ValidationError for a body of another shape. The result's id."""
    act = ACTS.get(kind)
    if act is None:
        raise KindUnknown(kind=kind[:40])
    rest, made = dict(body), {}
    if act.named is not None:
        field, argument, shape = act.named
        made[argument] = shape.validate_python(rest.pop(field, None))
    if act.sealed is not None:
        made["shared"] = shared
        if "sealed" in rest:
            rest[act.sealed] = unsealed(Keyring.of(shared.settings), rest.pop("sealed"))
    if act.body is not None:
        made["body"] = act.body.model_validate(rest)
    if act.answers:
        made["response"] = Response()
    done = act.call(**made, db=db, caller=principal, now=now)
    return getattr(made["body"] if act.keeps_id else done, "id", None)


def try_out(
    db: Session, principal: Principal, kind: str, body: Mapping[str, Any], *, shared: Services, now: datetime
) -> tuple[UUID | None, Refusal | None]:
    """Do it within a savepoint: the result's id, or why it could not be done and left nothing behind.

    What a moment may mend (a lock, a lost connection, a full line) is raised: the whole batch is sent again.
    """
    try:
        with db.begin_nested():
            return carry_out(db, principal, kind, body, shared=shared, now=now), None
    except ValidationError as error:
        return None, Refusal(code=BodyWrong.code, params={"fields": fields_of(error)})
    except DomainError as error:
        if error.passes:
            raise
        return None, Refusal(code=error.code, params=_plain(error.params))
    except (Contended, LineFull):
        raise
    except DBAPIError as error:
        if isinstance(error.orig, DataError):
            return None, Refusal(code=BodyWrong.code, params={"fields": []})
        # A statement that took its whole time would take it again with every batch.
        passes = isinstance(error.orig, OperationalError) and not isinstance(error.orig, QueryCanceled)
        if error.connection_invalidated or passes:
            raise
        fault: Exception = error
    except Exception as error:
        log.exception("handsets.step_raised", step_kind=kind)
        fault = error
    # A fault of the house must not keep all that the phone did after it: a person sees the step, we see the log.
    log.error("handsets.step_failed", step_kind=kind, error=type(fault).__name__)
    return None, Refusal(code="api.internal", params={})


def _plain(params: Mapping[str, object]) -> dict[str, Any]:
    """JSON values a column can hold: it knows no NUL, no half of a letter, no number without end."""
    plain: dict[str, Any] = _held(to_jsonable_python(params, fallback=str))
    return plain


def _held(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode().replace("\0", "")
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {_held(key): _held(each) for key, each in value.items()}
    return [_held(each) for each in value] if isinstance(value, list) else value


def fields_of(error: ValidationError) -> list[str]:
    """The fields of a body that are wrong, as paths."""
    paths = (".".join(str(part)[:60] for part in one["loc"]) for one in error.errors(include_input=False)[:20])
    return [_held(path) or "body" for path in paths]
