"""HTTP of devices after they are made known: moved, retired, revoked, their watches corrected."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.telemetry import schemas
from tracker.telemetry.presenting import channel_out, device_out
from tracker.telemetry.queries.devices import device_by_ref
from tracker.telemetry.service.assigning import correct_watch
from tracker.telemetry.service.commands import CorrectWatch
from tracker.telemetry.service.devices import move_device, reinstate_device, retire_device, revoke_password

router = Router(prefix="/api/v1", tags=["telemetry"])

Ref = Annotated[str, Path(max_length=150, pattern=r"^[^\x00-\x1f\x7f]+$")]


@router.delete("/devices/{device}/credentials", operation_id="revoke_device_password")
def delete_credentials(device: Ref, db: Db, caller: Caller, now: Now) -> schemas.DeviceOut:
    """End the device's password: the broker and the API let it in no more. Again: nothing changes."""
    return device_out(revoke_password(db, caller, device, now=now))


@router.post("/devices/{device}/move", operation_id="move_device")
def post_move(device: Ref, body: schemas.MoveIn, db: Db, caller: Caller, now: Now) -> schemas.DeviceOut:
    """Give the device to another unit. What was measured stays with the places it watched. Again: nothing changes."""
    return device_out(move_device(db, caller, device, body.facility, now=now))


@router.post("/devices/{device}/retire", operation_id="retire_device")
def post_retire(device: Ref, db: Db, caller: Caller, now: Now) -> schemas.DeviceOut:
    """Take the device out of use: its password and its watches end. Again: nothing changes."""
    return device_out(retire_device(db, caller, device, now=now))


@router.post("/devices/{device}/reinstate", operation_id="reinstate_device")
def post_reinstate(device: Ref, db: Db, caller: Caller, now: Now) -> schemas.DeviceOut:
    """Take a retired device back into use; ask for a password and say what it watches. Again: nothing changes."""
    return device_out(reinstate_device(db, caller, device, now=now))


@router.post("/devices/{device}/channels/{name}/corrections", status_code=201, operation_id="correct_watch")
def post_correction(
    device: Ref,
    name: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,32}$")],
    body: schemas.CorrectionIn,
    *,
    db: Db,
    caller: Caller,
    now: Now,
) -> schemas.ChannelOut:
    """Say that a watch was of other equipment: episodes and holds move there, both versions stay answerable."""
    command = CorrectWatch(
        device=device,
        name=name,
        quantity=body.quantity,
        equipment=body.equipment,
        at=body.at,
        reason=body.reason,
    )
    channel = correct_watch(db, caller, command, now=now)
    return channel_out(channel, device_by_ref(db, caller, device).code)
