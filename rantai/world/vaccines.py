"""Vaccines with their true storage classes; GTINs, NIEs and lots are made up.

Sources: WHO prequalification and emergency use listings (storage, VVM type, doses), WHO multi-dose vial policy
2014 (open vials), WHO shake-test protocol (aluminium-adsorbed vaccines only). Where two sources disagree, or
none says whether the shake test holds, the cautious answer stands and `source` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.rules.barcodes.digits import check_digit
from tracker.catalog.rules.storage import Band, Budget, VvmType
from tracker.catalog.service import (
    NewBatch,
    NewPresentation,
    NewStorageClass,
    add_batch,
    add_presentation,
    ensure_storage_class,
    ensure_vaccine,
)

COLD = (Band(name="2-8", min_c=2, max_c=8),)
FROZEN_OPV = (
    Band(name="frozen", min_c=-25, max_c=-15),
    # WHO: up to six months at 2-8 °C; OPV may be frozen again.
    Band(name="2-8", min_c=2, max_c=8, budget=Budget.CUMULATIVE, budget_h=4380),
)

STORAGE = (
    NewStorageClass(
        code="covid-inactivated",
        name="2-8 °C, peka beku, tanpa VVM (CoronaVac)",
        freeze_sensitive=True,
        # Adsorbed on aluminium hydroxide, but no published shake-test validation was found.
        shake_test_valid=False,
        vvm_type=None,
        bands=COLD,
        source="WHO EUL CoronaVac; shake test: cautious",
    ),
    NewStorageClass(
        code="covid-vector",
        name="2-8 °C, peka beku, tanpa VVM (vektor adenovirus)",
        freeze_sensitive=True,
        shake_test_valid=False,
        vvm_type=None,
        bands=COLD,
        source="WHO EUL ChAdOx1-S",
    ),
    NewStorageClass(
        code="adsorbed-vvm14",
        name="2-8 °C, peka beku, VVM14",
        freeze_sensitive=True,
        shake_test_valid=True,
        vvm_type=VvmType.VVM14,
        bands=COLD,
        source="WHO PQ: DTwP and Td type 14; WHO shake test",
    ),
    NewStorageClass(
        code="ipv-vvm7",
        name="2-8 °C, peka beku, VVM7 (IPV)",
        freeze_sensitive=True,
        shake_test_valid=False,
        vvm_type=VvmType.VVM7,
        bands=COLD,
        source="WHO PQ IPV; shake test not valid for IPV",
    ),
    NewStorageClass(
        code="lyophilised-vvm30",
        name="2-8 °C, kering beku, VVM30 (BCG)",
        freeze_sensitive=False,
        shake_test_valid=False,
        vvm_type=VvmType.VVM30,
        bands=COLD,
        source="WHO PQ BCG type 30",
    ),
    NewStorageClass(
        code="lyophilised-vvm14",
        name="2-8 °C, kering beku, VVM14 (MR)",
        freeze_sensitive=False,
        shake_test_valid=False,
        vvm_type=VvmType.VVM14,
        bands=COLD,
        source="WHO PQ MR type 14",
    ),
    NewStorageClass(
        code="opv-frozen",
        name="-25…-15 °C, VVM2 (bOPV)",
        freeze_sensitive=False,
        shake_test_valid=False,
        vvm_type=VvmType.VVM2,
        bands=FROZEN_OPV,
        source="WHO PQ bOPV type 2",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One presentation of the seed; `lots` are (lot, days from the first seeding to its expiry)."""

    code: str
    name: str
    vaccine: str
    vaccine_name: str
    storage: str
    maker: str
    doses: int
    per_box: int
    lots: tuple[tuple[str, int], ...]
    hours: int | None = None
    days: int | None = None
    vvm: bool = True
    diluent: str | None = None
    nie: str | None = None


PRODUCTS = (
    Product(
        code="coronavac-10",
        name="CoronaVac, vial 10 dosis",
        vaccine="coronavac",
        vaccine_name="COVID-19 (CoronaVac)",
        storage="covid-inactivated",
        maker="Bio Farma",
        doses=10,
        per_box=40,
        hours=6,
        vvm=False,
        nie="EUA2099900143A1",
        lots=(("CV21060A", 24), ("CV21073B", 118)),
    ),
    Product(
        code="astrazeneca-10",
        name="Vaksin AstraZeneca, vial 10 dosis",
        vaccine="astrazeneca",
        vaccine_name="COVID-19 (AstraZeneca)",
        storage="covid-vector",
        maker="AstraZeneca",
        doses=10,
        per_box=10,
        hours=6,
        vvm=False,
        nie="EUA2099900243A1",
        lots=(("AZ4120", 19), ("AZ4188", 96)),
    ),
    Product(
        code="pentabio-5",
        name="Pentabio, vial 5 dosis",
        vaccine="pentabio",
        vaccine_name="DPT-HB-Hib (Pentabio)",
        storage="adsorbed-vvm14",
        maker="Bio Farma",
        doses=5,
        per_box=10,
        days=28,
        nie="DKL9999900343A1",
        lots=(("5012324", 210), ("5014424", 430)),
    ),
    Product(
        code="bcg-20",
        name="BCG, vial 20 dosis",
        vaccine="bcg",
        vaccine_name="BCG",
        storage="lyophilised-vvm30",
        maker="Bio Farma",
        doses=20,
        per_box=10,
        hours=6,
        diluent="NaCl 0,9 % 4 ml",
        lots=(("1120423", 180), ("1120524", 390)),
    ),
    Product(
        code="mr-10",
        name="Vaksin MR, vial 10 dosis",
        vaccine="mr",
        vaccine_name="Campak-Rubela (MR)",
        storage="lyophilised-vvm14",
        maker="Serum Institute of India",
        doses=10,
        per_box=10,
        hours=6,
        diluent="Aqua pro injeksi 5 ml",
        # The first was called back before the world was made.
        lots=(("0119M044", 75), ("0120M031", 150), ("0121M006", 330)),
    ),
    Product(
        code="bopv-10",
        name="bOPV, vial 10 dosis",
        vaccine="bopv",
        vaccine_name="Polio tetes (bOPV)",
        storage="opv-frozen",
        maker="Bio Farma",
        doses=10,
        per_box=10,
        days=28,
        lots=(("2080623", 140), ("2081124", 365)),
    ),
    Product(
        code="ipv-5",
        name="IPV, vial 5 dosis",
        vaccine="ipv",
        vaccine_name="Polio suntik (IPV)",
        storage="ipv-vvm7",
        maker="Bilthoven Biologicals",
        doses=5,
        per_box=10,
        days=28,
        lots=(("A2330X", 200), ("A2418K", 480)),
    ),
    Product(
        code="td-10",
        name="Td, vial 10 dosis",
        vaccine="td",
        vaccine_name="Tetanus-difteri (Td)",
        storage="adsorbed-vvm14",
        maker="Bio Farma",
        doses=10,
        per_box=10,
        days=28,
        lots=(("7300124", 260), ("7301024", 510)),
    ),
)


def made_up_gtin(number: int) -> str:
    """A GTIN-14 with a right check digit under GS1 Indonesia's prefix 899, of no real company."""
    body = f"0899900{number:06d}"
    return body + check_digit(body)


def seed_vaccines(db: Session, *, today: date, now: datetime) -> dict[str, Batch]:
    """Make what is missing; answers the batches by `product/lot`.

    A lot's expiry is counted from `today`, the day at the place on which the world was first made: a known lot keeps the
    one it has.
    """
    for storage in STORAGE:
        ensure_storage_class(db, SYSTEM, storage, now=now)
    batches: dict[str, Batch] = {}
    for number, product in enumerate(PRODUCTS, start=1):
        ensure_vaccine(db, SYSTEM, code=product.vaccine, name=product.vaccine_name, now=now)
        presentation = _presentation(db, number, product, now)
        for lot, days in product.lots:
            found = db.scalar(select(Batch).where(Batch.presentation_id == presentation.id, Batch.lot == lot))
            expiry = today + timedelta(days=days)
            batches[f"{product.code}/{lot}"] = found or add_batch(
                db, SYSTEM, NewBatch(presentation=presentation.id, lot=lot, expiry=expiry), now=now
            )
    return batches


def _presentation(db: Session, number: int, product: Product, now: datetime) -> Presentation:
    command = NewPresentation(
        code=product.code,
        name=product.name,
        vaccine=product.vaccine,
        storage_class=product.storage,
        manufacturer=product.maker,
        doses_per_vial=product.doses,
        vials_per_box=product.per_box,
        gtin=made_up_gtin(number),
        box_gtin=made_up_gtin(number + 500),
        nie=product.nie,
        open_vial_hours=product.hours,
        open_vial_days=product.days,
        uses_vvm=product.vvm,
        diluent=product.diluent,
        synthetic=True,
    )
    return add_presentation(db, SYSTEM, command, now=now)
