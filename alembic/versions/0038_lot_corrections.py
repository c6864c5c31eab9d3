"""The wrong lot was written: a correction of its own, told in the ledger by events of kind `relabel`."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0038_lot_corrections"
down_revision = "0037_hold_looks"
branch_labels = None
depends_on = None

_BEFORE = (
    "kind IN ('supply', 'dispatch', 'receipt', 'transfer', 'opening', 'use', 'return', 'count', 'waste', 'status', "
    "'destruction', 'reversal'"
)
# The trigger of migration 0003: which kinds may move vials between statuses.
_CHECKED = """
    CREATE OR REPLACE FUNCTION stock_entries_checked() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        wrong uuid;
    BEGIN
        SELECT f.event_id INTO wrong FROM fresh f GROUP BY f.event_id, f.batch_id HAVING sum(f.vials) <> 0 LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'the entries of event %% do not sum to zero', wrong
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- Only a status change (and what takes one back, or tells it of another lot) moves vials between statuses. The
        -- copies of the event's own columns, kept on entries for speed, must be true copies.
        SELECT f.event_id INTO wrong
        FROM fresh f JOIN stock_event v ON v.id = f.event_id
        GROUP BY f.event_id, f.batch_id, f.status
        HAVING (sum(f.vials) <> 0 AND bool_and(v.kind NOT IN ('status', 'reversal')%s))
            OR bool_or((f.facility_id, f.occurred_at, f.recorded_at, f.number)
                       IS DISTINCT FROM (v.facility_id, v.occurred_at, v.recorded_at, v.number))
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'the entries of event %% change a status, or differ from their event', wrong
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- All entries of an event come in the one statement that is looked at here: none is added later.
        SELECT e.event_id INTO wrong
        FROM stock_entry e
        WHERE e.event_id IN (SELECT f.event_id FROM fresh f)
          AND NOT EXISTS (SELECT FROM fresh f WHERE f.event_id = e.event_id AND f.seq = e.seq)
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'event %% is closed: its entries were written by one statement', wrong
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$
"""
_BUT_A_STATUS_TOLD_AGAIN = """ AND NOT (
                v.kind = 'relabel'
                AND EXISTS (SELECT FROM stock_event b WHERE b.number = f.ordinal AND b.kind = 'status'))"""


def upgrade() -> None:
    """Two new tables, one kind more. The check is validated apart, so writers of the ledger do not wait for it."""
    _kinds(f"{_BEFORE}, 'relabel')")
    op.execute(_CHECKED % _BUT_A_STATUS_TOLD_AGAIN)
    op.create_table(
        "lot_correction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("from_batch_id", sa.Uuid(), nullable=False),
        sa.Column("to_batch_id", sa.Uuid(), nullable=False),
        sa.Column("vials", sa.BigInteger(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("doses", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("vials > 0", name=op.f("ck_lot_correction_vials_positive")),
        sa.CheckConstraint("from_batch_id <> to_batch_id", name=op.f("ck_lot_correction_lots_differ")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_lot_correction_account_id")),
        sa.ForeignKeyConstraint(["event_id"], ["stock_event.id"], name=op.f("fk_lot_correction_event_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_lot_correction_facility_id")),
        sa.ForeignKeyConstraint(["from_batch_id"], ["batch.id"], name=op.f("fk_lot_correction_from_batch_id")),
        sa.ForeignKeyConstraint(["to_batch_id"], ["batch.id"], name=op.f("fk_lot_correction_to_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_correction")),
    )
    op.create_index("ix_lot_correction_facility_id_id", "lot_correction", ["facility_id", "id"])
    op.create_index("ix_lot_correction_event_id", "lot_correction", ["event_id"])
    op.create_table(
        "lot_correction_event",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("correction_id", sa.Uuid(), nullable=False),
        sa.Column("of_event_id", sa.Uuid(), nullable=False),
        sa.Column("beside_id", sa.Uuid(), nullable=False),
        sa.Column("right_lot", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correction_id"], ["lot_correction.id"], name=op.f("fk_lot_correction_event_correction_id")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["stock_event.id"], name=op.f("fk_lot_correction_event_event_id")),
        sa.ForeignKeyConstraint(["beside_id"], ["stock_event.id"], name=op.f("fk_lot_correction_event_beside_id")),
        sa.ForeignKeyConstraint(["of_event_id"], ["stock_event.id"], name=op.f("fk_lot_correction_event_of_event_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_lot_correction_event")),
    )
    op.create_index("ix_lot_correction_event_correction_id", "lot_correction_event", ["correction_id"])
    op.create_index("ix_lot_correction_event_of_event_id", "lot_correction_event", ["of_event_id"])


def downgrade() -> None:
    """Remove them; refused by the check while the ledger holds a correction."""
    op.drop_table("lot_correction_event")
    op.drop_table("lot_correction")
    op.execute(_CHECKED % "")
    _kinds(f"{_BEFORE})")


def _kinds(check: str) -> None:
    op.drop_constraint(op.f("ck_stock_event_kind"), "stock_event")
    op.execute(f"ALTER TABLE stock_event ADD CONSTRAINT ck_stock_event_kind CHECK ({check}) NOT VALID")
    op.execute("ALTER TABLE stock_event VALIDATE CONSTRAINT ck_stock_event_kind")
