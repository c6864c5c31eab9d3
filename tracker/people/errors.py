"""What this room says when it must say no. No parameter ever repeats a person's data."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class PersonNotFound(NotFound):
    """There is no such person within the caller's reach."""

    code = "people.person_not_found"


class BadNik(Refused):
    """The identity number cannot be one; `reason` says why."""

    code = "people.bad_nik"


class BadPhone(Refused):
    """The phone number cannot be one."""

    code = "people.bad_phone"


class BadName(Refused):
    """A name has 1 to 200 characters."""

    code = "people.bad_name"


class BadResidence(Refused):
    """Where somebody lives is an area code: two, four, six or ten digits, with dots or without."""

    code = "people.bad_residence"


class UnknownGroup(Refused):
    """The group `name` is none of those in `known`, the nearest first."""

    code = "people.unknown_group"


class NoNikWithoutReason(Refused):
    """Either an identity number, or why there is none, a birth date and a sex."""

    code = "people.no_nik_without_reason"


class BadBirth(Refused):
    """The birth date cannot be one, or it or the sex contradicts the identity number."""

    code = "people.bad_birth"


class UnitUnsaid(Refused):
    """Whoever registers may do so at several units: `units` names them."""

    code = "people.unit_unsaid"


class UnknownUnit(Refused):
    """No unit of this code, or none where the caller registers people."""

    code = "people.unknown_unit"


class OwnGuardian(Refused):
    """Nobody answers for themself, nor for whoever answers for them."""

    code = "people.own_guardian"


class TwoNumbers(Conflict):
    """Both records have an identity number of their own: one is to be corrected before they are one person."""

    code = "people.two_numbers"


class MergedElsewhere(Conflict):
    """One of the two is part of another record already, or both are the same."""

    code = "people.merged_elsewhere"


class NikTaken(Conflict):
    """Somebody is registered under this identity number already; `person` is their id."""

    code = "people.nik_taken"


class OtherPerson(Conflict):
    """The id was used for a person with other data."""

    code = "people.other_content"
