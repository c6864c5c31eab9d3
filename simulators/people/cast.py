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
"""Who does the work of a store, by the pages."""

CALLED = ("integrator", "vaccinator", "warehouse_staff", "facility_manager")
"""Whose turn comes first."""


def cast_of(world: World, api_url: str, seed: str, stopped: threading.Event) -> Iterator[Actor]:
    """All actors of a world. One phone an account: who does two things logs in once."""
    promised = [one.code for one in world.presentations if one.code.startswith(PROMISED)]
    promised = promised or [one.code for one in world.presentations[:2]]
    playing = [account for account in world.staff if account.role in CALLED]
    for account in sorted(playing, key=lambda account: CALLED.index(account.role)):
        if account.role in KEEPS:
            browser = Browser(api_url, account.username, account.password, stopped=stopped)
            if account.role == "facility_manager":
                yield Planner(browser, account.facility, promised, seed=seed)
            sends_to = _served_by(world, account) if account.role == "warehouse_staff" else ()
            yield Keeper(browser, account.facility, seed=seed, sends_to=sends_to)
            continue
        phone = Phone(api_url, account.username, account.password, stopped=stopped)
        if account.role == "vaccinator":
            yield Vaccinator(phone, account.facility, seed=seed)
        else:
            yield Citizens(phone, world, promised, seed=seed)


def _served_by(world: World, account: StaffEntry) -> Sequence[str]:
    """Where a store sends vaccine, as the manifest says; else the facilities whose managers can take it in."""
    if account.sends_to is not None:
        return account.sends_to
    return [one.facility for one in world.staff if one.role == "facility_manager" and one.facility != account.facility]
