"""Identities made up for the simulation: UUIDv7 for acts, NIK for persons."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

DISTRICTS = ("367101", "367102", "367103", "367104", "367105", "367106", "367107", "367108", "367111", "367112")
"""Kecamatan of Kota Tangerang, as the first six digits of a NIK name them."""

FIRST_NAMES = (
    "Siti", "Budi", "Dewi", "Agus", "Nur", "Rina", "Joko", "Ayu", "Eko", "Fitri",
    "Hendra", "Lestari", "Made", "Putri", "Rizky", "Sari", "Tono", "Wati", "Yusuf", "Maria",
)  # fmt: skip
LAST_NAMES = (
    "Aminah", "Santoso", "Lestari", "Hidayat", "Wulandari", "Saputra", "Rahayu", "Nugroho", "Permata", "Kurniawan",
    "Handayani", "Setiawan", "Maharani", "Pratama", "Siregar", "Tanuwijaya", "Hutapea", "Suryani", "Iskandar", "Utami",
)  # fmt: skip


def uuid7(now: datetime, dice: random.Random) -> str:
    """A UUIDv7 of this instant, its random bits from the given dice."""
    value = int(now.timestamp() * 1000) << 80 | dice.getrandbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpPerson:
    """Somebody who does not exist. `nik` has the right form; its serial is drawn from the rarely used end."""

    nik: str
    name: str
    phone: str
    born: date
    female: bool


def make_up_person(dice: random.Random, today: date) -> MadeUpPerson:
    """An adult of Kota Tangerang between 18 and 80 years."""
    female = dice.random() < 0.5
    born = today - timedelta(days=dice.randint(18 * 366, 80 * 365))
    day = born.day + 40 if female else born.day
    # Real serials begin at 0001 for each district and day; a birthday seldom reaches 9000.
    nik = f"{dice.choice(DISTRICTS)}{day:02d}{born:%m%y}{dice.randint(9000, 9999)}"
    # No operator has 0860: it has the form of a mobile number, and no message can ever reach a stranger.
    phone = f"+62860{dice.randint(0, 99_999_999):08d}"
    name = f"{dice.choice(FIRST_NAMES)} {dice.choice(LAST_NAMES)}"
    return MadeUpPerson(nik=nik, name=name, phone=phone, born=born, female=female)
