"""Network (areas, facilities, equipment) and catalogue (vaccines, storage classes, presentations, batches)."""

from __future__ import annotations

import sqlalchemy as sa
from geoalchemy2 import Geography
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0002_network_catalog"
down_revision = "0001_foundation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    _network()
    _catalog()


def downgrade() -> None:
    """Remove them, users first."""
    for table in ("batch", "presentation", "storage_class", "vaccine", "equipment", "facility", "area"):
        op.drop_table(table)


def _network() -> None:
    op.create_table(
        "area",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_bps", sa.Text()),
        sa.Column("code_kemendagri", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("polygon", Geography("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.CheckConstraint("num_nonnulls(code_bps, code_kemendagri) >= 1", name=op.f("ck_area_has_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area")),
        sa.UniqueConstraint("code_bps", name=op.f("uq_area_code_bps")),
        sa.UniqueConstraint("code_kemendagri", name=op.f("uq_area_code_kemendagri")),
    )
    op.create_index(op.f("ix_area_polygon"), "area", ["polygon"], postgresql_using="gist")
    op.create_index("ix_area_level_name", "area", ["level", "name"])
    op.create_table(
        "facility",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("point", Geography("POINT", srid=4326, spatial_index=False)),
        sa.Column("timezone", sa.Text(), server_default="Asia/Jakarta", nullable=False),
        sa.Column("code_bps", sa.Text()),
        sa.Column("code_kemendagri", sa.Text()),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(["id"], ["unit.id"], name=op.f("fk_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility")),
        sa.UniqueConstraint("code", name=op.f("uq_facility_code")),
    )
    op.create_index(op.f("ix_facility_point"), "facility", ["point"], postgresql_using="gist")
    op.create_table(
        "equipment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place_kind", sa.Text(), nullable=False),
        sa.Column("in_service", sa.Boolean(), server_default="true", nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_equipment_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment")),
        sa.UniqueConstraint("code", name=op.f("uq_equipment_code")),
    )
    op.create_index(op.f("ix_equipment_facility_id"), "equipment", ["facility_id"])


def _catalog() -> None:
    op.create_table(
        "vaccine",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vaccine")),
        sa.UniqueConstraint("code", name=op.f("uq_vaccine_code")),
    )
    op.create_table(
        "storage_class",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("freeze_sensitive", sa.Boolean(), nullable=False),
        sa.Column("shake_test_valid", sa.Boolean(), nullable=False),
        sa.Column("vvm_type", sa.Text()),
        sa.Column("bands", postgresql.JSONB(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_class")),
        sa.UniqueConstraint("code", name=op.f("uq_storage_class_code")),
    )
    op.create_table(
        "presentation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("vaccine_id", sa.Uuid(), nullable=False),
        sa.Column("storage_class_id", sa.Uuid(), nullable=False),
        sa.Column("manufacturer", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text()),
        sa.Column("box_gtin", sa.Text()),
        sa.Column("nie", sa.Text()),
        sa.Column("doses_per_vial", sa.Integer(), nullable=False),
        sa.Column("vials_per_box", sa.Integer(), nullable=False),
        sa.Column("open_vial_hours", sa.Integer()),
        sa.Column("open_vial_days", sa.Integer()),
        sa.Column("uses_vvm", sa.Boolean(), nullable=False),
        sa.Column("diluent", sa.Text()),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("num_nonnulls(gtin, nie) >= 1", name=op.f("ck_presentation_has_code")),
        sa.CheckConstraint("doses_per_vial BETWEEN 1 AND 100", name=op.f("ck_presentation_doses_per_vial_range")),
        sa.CheckConstraint("vials_per_box BETWEEN 1 AND 10000", name=op.f("ck_presentation_vials_per_box_range")),
        sa.CheckConstraint(
            "num_nonnulls(open_vial_hours, open_vial_days) <= 1", name=op.f("ck_presentation_one_open_vial_policy")
        ),
        sa.CheckConstraint(
            "gtin ~ '^[0-9]{14}$' AND box_gtin ~ '^[0-9]{14}$'", name=op.f("ck_presentation_gtin_digits")
        ),
        sa.ForeignKeyConstraint(["vaccine_id"], ["vaccine.id"], name=op.f("fk_presentation_vaccine_id")),
        sa.ForeignKeyConstraint(
            ["storage_class_id"], ["storage_class.id"], name=op.f("fk_presentation_storage_class_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presentation")),
        sa.UniqueConstraint("code", name=op.f("uq_presentation_code")),
        sa.UniqueConstraint("gtin", name=op.f("uq_presentation_gtin")),
        sa.UniqueConstraint("box_gtin", name=op.f("uq_presentation_box_gtin")),
        sa.UniqueConstraint("nie", name=op.f("uq_presentation_nie")),
    )
    op.create_index(op.f("ix_presentation_vaccine_id"), "presentation", ["vaccine_id"])
    op.create_index(op.f("ix_presentation_storage_class_id"), "presentation", ["storage_class_id"])
    op.create_table(
        "batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("presentation_id", sa.Uuid(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("expiry", sa.Date(), nullable=False),
        sa.Column("manufacturer", sa.Text(), nullable=False),
        sa.CheckConstraint("length(lot) BETWEEN 1 AND 20", name=op.f("ck_batch_lot_length")),
        sa.ForeignKeyConstraint(["presentation_id"], ["presentation.id"], name=op.f("fk_batch_presentation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("presentation_id", "lot", name=op.f("uq_batch_presentation_id_lot")),
    )
    op.create_index(op.f("ix_batch_lot"), "batch", ["lot"])
    op.create_index(op.f("ix_batch_expiry"), "batch", ["expiry"])
