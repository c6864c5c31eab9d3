"""Phones have books of steps; each step is chained to the one before it, and the table proves it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0057_handsets"
down_revision = "0056_events_by_time"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No phone has a book yet."""
    op.create_table(
        "handset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_hash", sa.Text(), nullable=False),
        sa.Column("cut_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cut_off_by", sa.Text(), nullable=True),
        sa.Column("cut_off_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(cut_off_at, cut_off_by, cut_off_reason) IN (0, 3)", name="ck_handset_cut_off_whole"
        ),
        sa.CheckConstraint("last_number >= 0", name="ck_handset_counted"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_handset_account_id"),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_handset_facility_id"),
        sa.PrimaryKeyConstraint("id", name="pk_handset"),
    )
    op.create_index("ix_handset_account_id", "handset", ["account_id"])
    op.create_index("ix_handset_facility_id", "handset", ["facility_id"])
    op.create_table(
        "handset_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handset_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.BigInteger(), nullable=True),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("needs", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("params", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("result_id", sa.Uuid(), nullable=True),
        sa.Column("settle_id", sa.Uuid(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("way", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("corrected", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(
            "CASE WHEN number = 1 THEN previous IS NULL AND before = repeat('0', 64) ELSE previous = number - 1 END",
            name="ck_handset_step_follows",
        ),
        sa.CheckConstraint(
            "hash = encode(sha256(convert_to(before || text, 'UTF8')), 'hex')", name="ck_handset_step_proven"
        ),
        sa.CheckConstraint("state <> 'conflict' OR code IS NOT NULL", name="ck_handset_step_conflict_says_why"),
        sa.CheckConstraint(
            "num_nonnulls(settle_id, settled_at, settled_by, way, reason) IN (0, 5)",
            name="ck_handset_step_settled_whole",
        ),
        sa.CheckConstraint(
            "(way = 'correct') = (corrected IS NOT NULL) OR way IS NULL", name="ck_handset_step_corrected_whole"
        ),
        sa.ForeignKeyConstraint(["handset_id"], ["handset.id"], name="fk_handset_step_handset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_handset_step"),
        sa.UniqueConstraint("handset_id", "number", "hash", name="uq_handset_step_handset_id_number_hash"),
        sa.UniqueConstraint("handset_id", "number", name="uq_handset_step_handset_id_number"),
        sa.UniqueConstraint("settle_id", name="uq_handset_step_settle_id"),
        sa.ForeignKeyConstraint(
            ["handset_id", "previous", "before"],
            ["handset_step.handset_id", "handset_step.number", "handset_step.hash"],
            name="fk_handset_step_chain",
        ),
    )
    op.create_index(
        "ix_handset_step_open",
        "handset_step",
        ["handset_id", "number"],
        postgresql_where=sa.text("state IN ('conflict', 'waiting')"),
    )
    op.create_table(
        "handset_holding",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digests", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_handset_holding_account_id"),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_handset_holding_facility_id"),
        sa.PrimaryKeyConstraint("account_id", "facility_id", "token", name="pk_handset_holding"),
    )


def downgrade() -> None:
    """What phones wrote is lost; what it did stands in the ledger."""
    op.drop_table("handset_holding")
    op.drop_table("handset_step")
    op.drop_table("handset")
