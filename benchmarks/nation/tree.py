"""Units, facilities, fridges, products, lots and the accounts that look."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from benchmarks.nation.sizes import Nation
from benchmarks.nation.steps import run
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.access.service import NewAccount, add_account
from tracker.catalog.rules.storage import Band
from tracker.catalog.service import (
    NewPresentation,
    NewStorageClass,
    add_presentation,
    ensure_storage_class,
    ensure_vaccine,
)

PRODUCTS = 10
ACCOUNTS = (
    ("pusat", Role.NATIONAL, "nasional"),
    ("provinsi", Role.PROVINCE, "prov-000"),
    ("kota", Role.CITY, "kota-0000"),
    ("kepala", Role.MANAGER, "pkm-00018"),
)

_UNITS = """
    CREATE TEMP TABLE place_of AS
    SELECT 10000 + k AS unit, k AS n, 'puskesmas' AS kind, k * :cities / :puskesmas AS city,
           (k * :cities / :puskesmas) * :provinces / :cities AS province
    FROM generate_series(0, CAST(:puskesmas AS bigint) - 1) k;
    INSERT INTO place_of SELECT 1000 + c, c, 'city', c, c * :provinces / :cities
    FROM generate_series(0, CAST(:cities AS bigint) - 1) c;
    INSERT INTO place_of SELECT 100 + p, p, 'province', NULL, p FROM generate_series(0, CAST(:provinces AS bigint) - 1) p;
    INSERT INTO place_of VALUES (1, 0, 'warehouse', NULL, NULL), (0, 0, 'national', NULL, NULL);
    CREATE TEMP TABLE named AS
    SELECT p.*,
           CASE kind WHEN 'national' THEN 'nasional' WHEN 'warehouse' THEN 'biofarma'
                     WHEN 'province' THEN 'prov-' || lpad(n::text, 3, '0')
                     WHEN 'city' THEN 'kota-' || lpad(n::text, 4, '0') ELSE 'pkm-' || lpad(n::text, 5, '0') END AS code,
           CASE kind WHEN 'national' THEN 'Kementerian Kesehatan' WHEN 'warehouse' THEN 'Bio Farma'
                     WHEN 'province' THEN 'Dinkes Provinsi ' || n WHEN 'city' THEN 'Dinkes Kota ' || n
                     ELSE 'Puskesmas ' || n END AS name,
           CASE kind WHEN 'national' THEN NULL WHEN 'city' THEN 100 + province
                     WHEN 'puskesmas' THEN 1000 + city ELSE 0 END AS above
    FROM place_of p;
    ANALYZE named;
    INSERT INTO unit (id, code, name, kind, parent_id, path)
    SELECT pg_temp.unit(unit), code, name, kind, pg_temp.unit(above),
           (CASE kind WHEN 'national' THEN '' WHEN 'puskesmas' THEN 'nasional.prov_' || lpad(province::text, 3, '0')
                 || '.kota_' || lpad(city::text, 4, '0') || '.' WHEN 'city' THEN 'nasional.prov_'
                 || lpad(province::text, 3, '0') || '.' ELSE 'nasional.' END || replace(code, '-', '_'))::ltree
    FROM named ORDER BY named.unit;
    -- Provinces lie in a row from Sabang to Merauke, cities a degree round them, puskesmas round their city.
    INSERT INTO facility (id, code, name, kind, point, timezone, synthetic)
    SELECT pg_temp.unit(unit), code, name, kind,
           ST_SetSRID(ST_MakePoint(
               96 + coalesce(province, 13) * 44.0 / :provinces + coalesce(cos(city * 2.4) * 0.5, 0)
                  + CASE kind WHEN 'puskesmas' THEN cos(n * 2.4) * 0.1 ELSE 0 END,
               4 - coalesce(province, 13) * 12.0 / :provinces + coalesce(sin(city * 2.4) * 0.5, 0)
                  + CASE kind WHEN 'puskesmas' THEN sin(n * 2.4) * 0.1 ELSE 0 END), 4326)::geography,
           'Asia/Jakarta', true
    FROM named ORDER BY named.unit;
    INSERT INTO equipment (id, facility_id, code, name, kind, place_kind)
    SELECT pg_temp.place(unit, e), pg_temp.unit(unit), code || '-k' || e, 'Kulkas ' || e,
           CASE kind WHEN 'puskesmas' THEN 'fridge' ELSE 'cold_room' END, 'fridge'
    FROM named, generate_series(0, 1) e WHERE kind <> 'national' ORDER BY named.unit;
"""
_LOTS = """
    INSERT INTO batch (id, presentation_id, lot, expiry, manufacturer)
    SELECT pg_temp.lot(n), p.id, 'L' || lpad(n::text, 5, '0'), (:now)::date + (10 + n * 37 % 700)::int, 'Bio Farma'
    FROM generate_series(1, CAST(:lots AS bigint)) n
    JOIN presentation p ON p.code = 'vaksin-' || (n % 10)
"""


def make_tree(db: Session, nation: Nation, *, password: str | None) -> None:
    """Everything that stock, people and sensors hang on."""
    _products(db, nation.now)
    run(db, _UNITS + ";" + _LOTS, nation)
    for username, role, unit in ACCOUNTS:
        account = NewAccount(username=username, name=username.title(), password=password, role=role, unit=unit)
        add_account(db, SYSTEM, account, now=nation.now)


def _products(db: Session, now: datetime) -> None:
    cold = NewStorageClass(
        code="cold",
        name="cold",
        freeze_sensitive=True,
        shake_test_valid=True,
        vvm_type=None,
        bands=(Band(name="2-8", min_c=2, max_c=8),),
        source="made up for the measurement",
    )
    ensure_storage_class(db, SYSTEM, cold, now=now)
    for number in range(PRODUCTS):
        ensure_vaccine(db, SYSTEM, code=f"vaksin{number}", name=f"Vaksin {number}", now=now)
        presentation = NewPresentation(
            code=f"vaksin-{number}",
            name=f"Vaksin {number}, 5 dosis",
            vaccine=f"vaksin{number}",
            storage_class="cold",
            manufacturer="Bio Farma",
            doses_per_vial=5,
            vials_per_box=10,
            gtin=None,
            box_gtin=None,
            nie=f"DKL00000000{number:02d}A1",
            open_vial_hours=6,
            open_vial_days=None,
            uses_vvm=False,
            synthetic=True,
        )
        add_presentation(db, SYSTEM, presentation, now=now)
    db.flush()
