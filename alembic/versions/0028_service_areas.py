"""Whose people a facility, or one session, serves."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0028_service_areas"
down_revision = "0027_recall_closing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table and a nullable column: no wait for anybody."""
    op.create_table(
        "service_area",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.CheckConstraint(
            r"area_code ~ '^([0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}|[0-9]{10})$'",
            name=op.f("ck_service_area_village_code"),
        ),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_service_area_facility_id_facility")),
        sa.PrimaryKeyConstraint("facility_id", "area_code", name=op.f("pk_service_area")),
    )
    op.create_index(op.f("ix_service_area_area_code"), "service_area", ["area_code"])
    op.add_column("vaccination_session", sa.Column("areas", sa.ARRAY(sa.Text()), nullable=True))


def downgrade() -> None:
    """Remove them."""
    op.drop_column("vaccination_session", "areas")
    op.drop_table("service_area")
