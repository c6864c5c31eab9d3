"""The phone reads codes as the server does: one set of texts through both readers, which must agree to the position."""

from __future__ import annotations

import json
import random
import string
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dashboard.scan.gs1_table import FILE, written
from tests.conformance.test_gs1 import VECTORS
from tracker.catalog.rules.barcodes import ScanError, parse_scan
from tracker.catalog.rules.barcodes.dictionary import Component, Identifier, identifiers
from tracker.catalog.rules.barcodes.digits import check_digit

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 3, 2)
GTIN = "08991234567891"
NIE = "DKL9822206510A1"
SSCC = "18991234500000001" + check_digit("18991234500000001")

LABELS = [
    f"]d201{GTIN}1726093010CV002\x1d21A1B2C3",
    f"^01{GTIN}1726090010CV002^21A1",
    f"(01){GTIN}(17)260900(10)CV002(21)A1",
    f"https://id.gs1.org/01/{GTIN}/10/CV002/21/A1?17=260900&linkType=all#x",
    f"(90){NIE}(10)PB001(17)270131(21)77X",
    "90NA18240104109",
    "(90)bukan-nie(10)PB001",
    f"(01){GTIN}(90){NIE}(10)PB001",
    f"]C100{SSCC}02{GTIN}3740^10CV002",
    SSCC,
    "]E08991234567891",
    "]E3899123456789152999",
    "]I31899123456789",
    "]E0123",
    f"]Q4\\00002601{GTIN}10AB",
    f"01{GTIN}10AB<GS>17270831",
    f"01{GTIN}10AB%1D17270831",
    f"01{GTIN}10AB\u241d17270831",
    f"01{GTIN}10AB<RS>17270831",
    f"<FNC1>01{GTIN}10AB<GS>17271301",
    f"10QA7701{GTIN}17270831",
    f"]d210QA772100101{GTIN}17270831",
    f"10QA77(01){GTIN}(17)270831",
    f"10QA77-(01){GTIN}",
    f"10QA77(01){GTIN}(10)QA78",
    f"(00){SSCC}(8030)123=",
    f"(00){SSCC}(8030)12=",
    "Kulkas 2, rak atas",
    "\x1d",
    "",
    "x" * 2001,
    "\U0001f600" * 2001,
    "\U0001f600a\x07",
    f"^01{GTIN}10\U0001f600",
    f"^01{GTIN}10{'A' * 21}",
    f"^01{GTIN}02{GTIN}",
    "a\x07b",
    "\ufeff",
    "\x85",
    "] ",
    "]\u00e9x1",
    "https://\u0661/01/\u0661",
    "(01)\u0661\u0661",
]


def phone_reads(texts: list[str], today: date = TODAY) -> list[dict[str, Any]]:
    """What the phone's reader makes of them."""
    node = Path(sys.executable).with_name("node")
    done = subprocess.run(  # our own script, run by the environment's node
        [node, ROOT / "tests" / "support" / "read_codes.mjs"],
        input=json.dumps([[text, today.isoformat()] for text in texts]),
        capture_output=True,
        text=True,
        check=True,
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def server_reads(text: str, today: date = TODAY) -> dict[str, Any]:
    """What the server's makes of one, in the phone's words."""
    try:
        said = asdict(parse_scan(text, today))
    except ScanError as error:
        return {"code": error.code, "position": error.position}
    said["contentGtin"] = said.pop("content_gtin")
    return {**said, "expiry": said["expiry"] and said["expiry"].isoformat()}


def agree(texts: list[str], today: date = TODAY) -> None:
    phone = phone_reads(texts, today)
    server = [server_reads(text, today) for text in texts]
    assert len(phone) == len(texts)
    assert list(zip(texts, phone, strict=True)) == list(zip(texts, server, strict=True))


def a_value(component: Component, chance: random.Random) -> str:
    kinds = {"N": string.digits, "X": string.ascii_letters + "-/.", "Y": "AB#-/12", "Z": "aZ9-_"}
    length = chance.choice([component.least, component.most, component.most + 1, max(component.least - 1, 0)])
    value = "".join(chance.choice(kinds[component.kind]) for _ in range(length))
    return value[:-1] + check_digit(value[:-1]) if "csum" in component.checks and len(value) > 1 else value


def made_up(spec: Identifier, chance: random.Random) -> str:
    """A value that is right or wrong in some way the table knows of; dates and times are often right."""
    value = "".join(a_value(component, chance) for component in spec.components)
    return chance.choice([value, value, "270131", "2701311200", "1" + value[1:], value[:-1] + "%"])


def test_the_table_of_the_phone_is_that_of_the_server() -> None:
    assert FILE.read_text(encoding="utf-8") == written(), "run: python -m dashboard.scan.gs1_table"


def test_labels_in_use_are_read_alike() -> None:
    agree(LABELS)


@pytest.mark.parametrize("today", [date(2060, 1, 1), date(2095, 6, 30), date(2028, 2, 29)])
def test_years_of_two_digits_are_read_alike(today: date) -> None:
    days = [
        f"{year:02d}{month:02d}{day:02d}"
        for year in range(0, 100, 3)
        for month in (0, 2, 11, 13)
        for day in (0, 29, 31)
    ]
    agree([f"(01){GTIN}(17){day}" for day in days], today)


def test_every_identifier_is_judged_alike() -> None:
    chance = random.Random(20260302)  # made-up codes, the same at each run
    texts = []
    for spec in identifiers().values():
        for _ in range(2):
            value = made_up(spec, chance)
            texts += [f"({spec.ai}){value}", f"^01{GTIN}{spec.ai}{value}^21A", f"https://a.example/{spec.ai}/{value}"]
            texts.append(f"https://a.example/01/{GTIN}?{spec.ai}={value}")
    agree(texts)


def test_broken_labels_are_refused_alike() -> None:
    chance = random.Random(17)  # made-up codes, the same at each run
    odd = "01724()[]^\x1d%/?=&#: .abcN\u00e9\u0661\U0001f600]<>GSFNC1{}\\hts-\u00a0\x85"
    texts = []
    for label in LABELS * 12:
        at, kept = chance.randrange(len(label) + 1), label[:300]
        cut = chance.randrange(3)
        texts.append(kept[:at] + "".join(chance.choices(odd, k=chance.randrange(3))) + kept[at + cut :])
    texts += ["".join(chance.choices(odd, k=chance.randrange(40))) for _ in range(600)]
    agree(texts)


@pytest.mark.skipif(not VECTORS.is_file(), reason=f"GS1 vectors are not at {VECTORS}")
def test_the_vectors_of_gs1_are_read_alike() -> None:
    groups = json.loads(VECTORS.read_text(encoding="utf-8"))
    texts = [row["in"] for rows in groups.values() if isinstance(rows, list) for row in rows]
    assert len(texts) > 200
    agree(texts)
