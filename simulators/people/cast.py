"""Who is played: an actor for each account of the manifest whose role has something to do."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from simulators.manifest import StaffEntry, World
from simulators.people.browser import Browser
from simulators.people.citizens import Citizens
from simulators.people.http import Phone
from simulators.people.keepers import Keeper
from simulators.people.planners import Planner
from simulators.people.vaccinators import Vaccinator
from simulators.people.work import Actor

PROMISED = ("coronavac", "astrazeneca")
"""Vaccines people book; the others are given to whoever comes on the day of the posyandu."""


KEEPS = ("warehouse_staff", "facility_manager")
"""Who does the work of a store."""

CALLED = ("integrator", "vaccinator", "warehouse_staff", "facility_manager")
"""Whose turn comes first."""


def cast_of(world: World, api_url: str, seed: str, stopped: threading.Event) -> Iterator[Actor]:
    """All actors of a world. One phone an account: who does two things logs in once. Only other systems call the API."""
    tickets: dict[str, str] = {}
    promised = [one.code for one in world.presentations if one.code.startswith(PROMISED)]
    promised = promised or [one.code for one in world.presentations[:2]]
    playing = [account for account in world.staff if account.role in CALLED]
    for account in sorted(playing, key=lambda account: CALLED.index(account.role)):
        if account.role == "integrator":
            phone = Phone(api_url, account.username, account.password, stopped=stopped)
            yield Citizens(phone, world, promised, seed=seed, tickets=tickets)
            continue
        browser = Browser(api_url, account.username, account.password, stopped=stopped)
        if account.role == "vaccinator":
            yield Vaccinator(browser, account.facility, seed=seed, tickets=tickets)
        if account.role == "facility_manager":
            yield Planner(browser, account.facility, promised, seed=seed)
        if account.role in KEEPS:
            sends_to = _served_by(world, account) if account.role == "warehouse_staff" else ()
            yield Keeper(browser, account.facility, seed=seed, sends_to=sends_to)


def _served_by(world: World, account: StaffEntry) -> Sequence[str]:
    """Where a store sends vaccine, as the manifest says; else the facilities whose managers can take it in."""
    if account.sends_to is not None:
        return account.sends_to
    return [one.facility for one in world.staff if one.role == "facility_manager" and one.facility != account.facility]
