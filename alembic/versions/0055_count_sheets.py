"""Count sheets: a place is counted by several people at once, and what they found is compared before it is written."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0055_count_sheets"
down_revision = "0054_counted_once"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody is counting yet."""
    op.create_table(
        "count_sheet",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("approved", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'posted', 'cancelled')", name="ck_count_sheet_state"),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="ck_count_sheet_closed_has_a_time"),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_count_sheet_facility_id_facility"),
        sa.ForeignKeyConstraint(["place_id"], ["equipment.id"], name="fk_count_sheet_place_id_equipment"),
        sa.PrimaryKeyConstraint("id", name="pk_count_sheet"),
    )
    op.create_index(
        "uq_count_sheet_place_id_open", "count_sheet", ["place_id"], unique=True, postgresql_where="state = 'open'"
    )
    op.create_index("ix_count_sheet_facility_id_id", "count_sheet", ["facility_id", "id"])
    op.create_table(
        "count_tally",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sheet_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("counted_by", sa.Text(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_count_tally_account_id_account"),
        sa.ForeignKeyConstraint(["sheet_id"], ["count_sheet.id"], name="fk_count_tally_sheet_id_count_sheet"),
        sa.PrimaryKeyConstraint("id", name="pk_count_tally"),
    )
    op.create_index("ix_count_tally_sheet_id", "count_tally", ["sheet_id"])
    op.create_table(
        "count_line",
        sa.Column("tally_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("vials", sa.BigInteger(), nullable=False),
        sa.Column("difference", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("vials >= 0", name="ck_count_line_vials_not_negative"),
        sa.CheckConstraint("status IN ('usable', 'held', 'recalled', 'unusable')", name="ck_count_line_status"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_count_line_batch_id_batch"),
        sa.ForeignKeyConstraint(["tally_id"], ["count_tally.id"], name="fk_count_line_tally_id_count_tally"),
        sa.PrimaryKeyConstraint("tally_id", "seq", name="pk_count_line"),
    )


def downgrade() -> None:
    """Counts that were posted stand in the ledger; what led to them is lost."""
    op.drop_table("count_line")
    op.drop_table("count_tally")
    op.drop_table("count_sheet")
