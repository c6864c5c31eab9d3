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


class NikTaken(Conflict):
    """Somebody is registered under this identity number already; `person` is their id."""

    code = "people.nik_taken"


class OtherPerson(Conflict):
    """The id was used for a person with other data."""

    code = "people.other_content"
