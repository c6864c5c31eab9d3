"""Roles and what each may do. Pure."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

from tracker.kit.seen import seen


def plain_username(text: str) -> str:
    """A user name in one form: small letters of one width, and no sign that nobody sees.

    Trap: an account whose name looks like another's stands in every list and log as that one.
    """
    plain = seen(unicodedata.normalize("NFKC", text))
    return "".join(char for char in plain if unicodedata.category(char) not in ("Cf", "Cc")).strip().lower()


class UnitKind(StrEnum):
    """Levels of the health system, and the places that hang below them."""

    NATIONAL = "national"
    PROVINCE = "province"
    CITY = "city"
    WAREHOUSE = "warehouse"
    PUSKESMAS = "puskesmas"
    POSYANDU = "posyandu"
    HOSPITAL = "hospital"
    POST = "post"


class Role(StrEnum):
    """What a person does, over one unit and everything below it."""

    NATIONAL = "national"
    PROVINCE = "province"
    CITY = "city"
    MANAGER = "facility_manager"
    WAREHOUSE = "warehouse_staff"
    VACCINATOR = "vaccinator"
    INTEGRATOR = "integrator"
    AUDITOR = "auditor"
    OPERATOR = "hotline_operator"


class Permission(StrEnum):
    """One kind of act; named room.act."""

    NETWORK_READ = "network.read"
    NETWORK_WRITE = "network.write"
    AREA_WRITE = "area.write"  # say whose people a facility serves
    CATALOG_WRITE = "catalog.write"
    BATCH_WRITE = "batch.write"  # register a lot that came in
    STOCK_READ = "stock.read"
    STOCK_WRITE = "stock.write"
    COUNT_APPROVE = "count.approve"  # let a large difference of a count stand that nobody else counted
    SHIPMENT_WRITE = "shipment.write"
    TELEMETRY_READ = "telemetry.read"
    TELEMETRY_WRITE = "telemetry.write"
    DEVICE_WRITE = "device.write"
    ALARM_READ = "alarm.read"
    ALARM_ACKNOWLEDGE = "alarm.acknowledge"
    HOLD_RELEASE = "hold.release"
    HOLD_OVERRIDE = "hold.override"
    RECALL_WRITE = "recall.write"
    SESSION_WRITE = "session.write"
    QUOTA_READ = "quota.read"
    BOOKING_READ = "booking.read"
    BOOKING_WRITE = "booking.write"
    BOOKING_SERVE = "booking.serve"  # at the desk: who came, what screening said, doses, overrides, corrections
    PERSON_READ = "person.read"
    PERSON_WRITE = "person.write"
    HOTLINE_SERVE = "hotline.serve"  # take calls: the conversation in one's mouth, tickets read out and sent
    HOTLINE_READ = "hotline.read"  # the log of calls, nobody who called named
    ADVERSE_ANSWER = "adverse.answer"  # say what was done about a serious adverse event
    PCARE_READ = "pcare.read"  # see what P-Care was told, nobody named
    PCARE_WRITE = "pcare.write"  # send again, compare, hand over by file
    USER_WRITE = "user.write"
    FEED_READ = "feed.read"
    FEED_READ_NATION = "feed.read_nation"  # events of no unit: the catalogue, imports, what a reaction could not handle
    FEED_REPAIR = "feed.repair"  # have events tried again that a reaction could not handle
    HOUSE_READ = "house.read"  # how the house keeps itself: what is let go, when, and what waits
    WEBHOOK_WRITE = "webhook.write"
    AUDIT_READ = "audit.read"
    HANDSET_CUT_OFF = "handset.cut_off"  # a lost phone of somebody else's


P = Permission

_LOOK = frozenset({P.NETWORK_READ, P.STOCK_READ, P.TELEMETRY_READ, P.ALARM_READ, P.QUOTA_READ, P.FEED_READ})
_MANAGE = _LOOK | {
    P.BATCH_WRITE,
    P.STOCK_WRITE,
    P.COUNT_APPROVE,
    P.SHIPMENT_WRITE,
    P.TELEMETRY_WRITE,
    P.ALARM_ACKNOWLEDGE,
    P.HOLD_RELEASE,
    P.SESSION_WRITE,
    P.AREA_WRITE,
    P.BOOKING_READ,
    P.BOOKING_WRITE,
    P.BOOKING_SERVE,
    P.PERSON_READ,
    P.PERSON_WRITE,
    P.ADVERSE_ANSWER,
    P.PCARE_READ,
    P.PCARE_WRITE,
    P.AUDIT_READ,
    P.HANDSET_CUT_OFF,
}
_OVERSEE = _MANAGE | {
    P.HOTLINE_READ,
    P.DEVICE_WRITE,
    P.HOLD_OVERRIDE,
    P.RECALL_WRITE,
    P.NETWORK_WRITE,
    P.USER_WRITE,
    P.WEBHOOK_WRITE,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.NATIONAL: frozenset(Permission),
    Role.PROVINCE: _OVERSEE,
    Role.CITY: _OVERSEE,
    Role.MANAGER: _MANAGE | {P.DEVICE_WRITE},
    Role.WAREHOUSE: _LOOK | {P.BATCH_WRITE, P.STOCK_WRITE, P.SHIPMENT_WRITE, P.ALARM_ACKNOWLEDGE, P.TELEMETRY_WRITE},
    Role.VACCINATOR: _LOOK
    | {P.STOCK_WRITE, P.BOOKING_READ, P.BOOKING_WRITE, P.BOOKING_SERVE, P.PERSON_READ, P.PERSON_WRITE},
    # A machine of another system (JAKI, a telemetry gateway): reads quota, books for its own people, delivers readings.
    Role.INTEGRATOR: _LOOK | {P.TELEMETRY_WRITE, P.BOOKING_READ, P.BOOKING_WRITE, P.PERSON_WRITE, P.WEBHOOK_WRITE},
    Role.AUDITOR: _LOOK | {P.BOOKING_READ, P.PCARE_READ, P.AUDIT_READ, P.HOTLINE_READ},
    # Nothing of stock: looks people up, talks with them, books for them.
    Role.OPERATOR: frozenset({P.PERSON_READ, P.BOOKING_READ, P.BOOKING_WRITE, P.HOTLINE_SERVE}),
}


def path_label(code: str) -> str:
    """A unit's code as an ltree label: letters, digits and underscore (PostgreSQL 15 takes no hyphen)."""
    return "".join(char if char.isalnum() and char.isascii() else "_" for char in code).lower()


def within(path: str, root: str) -> bool:
    """Whether `path` is `root` or lies below it."""
    return path == root or path.startswith(root + ".")
