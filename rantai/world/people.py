"""Accounts of each role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from rantai.world.manifest import Manifest, new_staff_password
from rantai.world.names import CITY_STORE
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.access.service import NewAccount, account_exists, add_account, set_password


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One account; `shown` ones are printed by the demo. `sends_to`: where a store sends, if not to every puskesmas played."""

    username: str
    name: str
    role: Role
    unit: str
    shown: bool = False
    sends_to: tuple[str, ...] | None = None


PEOPLE = (
    Person(username="pusat", name="Rina Kartika", role=Role.NATIONAL, unit="kemenkes", shown=True),
    Person(username="banten", name="Hendra Wijaya", role=Role.PROVINCE, unit="dinkes-banten", shown=True),
    Person(username="kota", name="Siti Rahmawati", role=Role.CITY, unit="dinkes-kota-tangerang", shown=True),
    Person(username="cipondoh", name="Agus Pranoto", role=Role.MANAGER, unit="pkm-cipondoh", shown=True),
    Person(username="vaksinator", name="Dewi Lestari", role=Role.VACCINATOR, unit="pkm-cipondoh", shown=True),
    Person(username="gudang", name="Bambang Susilo", role=Role.WAREHOUSE, unit="dinkes-kota-tangerang", shown=True),
    Person(username="biofarma", name="Yusuf Hidayat", role=Role.WAREHOUSE, unit="biofarma", sends_to=(CITY_STORE,)),
    Person(username="jaki", name="JAKI (antarmuka)", role=Role.INTEGRATOR, unit="kemenkes", shown=True),
    Person(username="auditor", name="Maria Situmorang", role=Role.AUDITOR, unit="kemenkes", shown=True),
    Person(username="hotline", name="Ratna Dewanti", role=Role.OPERATOR, unit="kemenkes", shown=True),
    Person(username="ketapang", name="Nur Aini", role=Role.MANAGER, unit="pkm-ketapang"),
    Person(username="gondrong", name="Eko Saputra", role=Role.MANAGER, unit="pkm-gondrong"),
    Person(
        username="vaksinator-ketapang", name="Fitri Handayani", role=Role.VACCINATOR, unit="pkm-ketapang", shown=True
    ),
    Person(username="vaksinator-gondrong", name="Joko Purnomo", role=Role.VACCINATOR, unit="pkm-gondrong"),
)


def shown_log_ins(manifest: Path) -> list[tuple[str, str, str]]:
    """(user name, password, who it is) of those the demo shows, as the manifest's file has them."""
    told = Manifest(manifest)
    known = ((person, told.staff_password(person.username)) for person in PEOPLE if person.shown)
    return [(person.username, password, _who(person)) for person, password in known if password is not None]


def _who(person: Person) -> str:
    return f"{person.role.value}, {person.unit}"


def seed_people(db: Session, manifest: Manifest, *, now: datetime) -> list[tuple[str, str, str]]:
    """Make what is missing; answers (user name, password, who it is) of those the demo shows."""
    shown: list[tuple[str, str, str]] = []
    for person in PEOPLE:
        password = manifest.staff_password(person.username)
        if not account_exists(db, person.username):
            password = password or new_staff_password()
            account = NewAccount(
                username=person.username, name=person.name, password=password, role=person.role, unit=person.unit
            )
            add_account(db, SYSTEM, account, now=now)
        elif password is None:
            password = new_staff_password()
            set_password(db, SYSTEM, person.username, password, now=now)
        played = {"username": person.username, "password": password, "role": person.role.value, "facility": person.unit}
        manifest.staff.append(played | ({} if person.sends_to is None else {"sends_to": list(person.sends_to)}))
        if person.shown:
            shown.append((person.username, password, _who(person)))
    return shown
