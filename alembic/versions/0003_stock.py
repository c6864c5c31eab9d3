"""The ledger, its balances, open vials, and what may be promised."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0003_stock"
down_revision = "0002_network_catalog"
branch_labels = None
depends_on = None

# Written in the database, so that no program and no hand at psql can go round them.
_IMMUTABLE = """
    CREATE FUNCTION stock_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the ledger is written once: % on % is refused; write a reversal', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END $$
"""
_SUMS = """
    CREATE FUNCTION stock_entries_checked() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        wrong uuid;
    BEGIN
        SELECT f.event_id INTO wrong FROM fresh f GROUP BY f.event_id, f.batch_id HAVING sum(f.vials) <> 0 LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'the entries of event % do not sum to zero', wrong
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- Only a status change (and what takes one back) moves vials between statuses. The copies of the
        -- event's own columns, kept on entries for speed, must be true copies.
        SELECT f.event_id INTO wrong
        FROM fresh f JOIN stock_event v ON v.id = f.event_id
        GROUP BY f.event_id, f.batch_id, f.status
        HAVING (sum(f.vials) <> 0 AND bool_and(v.kind NOT IN ('status', 'reversal')))
            OR bool_or((f.facility_id, f.occurred_at, f.recorded_at, f.number)
                       IS DISTINCT FROM (v.facility_id, v.occurred_at, v.recorded_at, v.number))
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'the entries of event % change a status, or differ from their event', wrong
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- All entries of an event come in the one statement that is looked at here: none is added later.
        SELECT e.event_id INTO wrong
        FROM stock_entry e
        WHERE e.event_id IN (SELECT f.event_id FROM fresh f)
          AND NOT EXISTS (SELECT FROM fresh f WHERE f.event_id = e.event_id AND f.seq = e.seq)
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'event % is closed: its entries were written by one statement', wrong
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$
"""
_LEDGER = ("stock_event", "stock_entry", "stock_count")


def _guards() -> None:
    op.execute(_IMMUTABLE)
    for table in _LEDGER:
        op.execute(
            f"CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION stock_immutable()"
        )
    op.execute(_SUMS)
    op.execute(
        "CREATE TRIGGER stock_entries_checked AFTER INSERT ON stock_entry REFERENCING NEW TABLE AS fresh "
        "FOR EACH STATEMENT EXECUTE FUNCTION stock_entries_checked()"
    )


def upgrade() -> None:
    """Make them."""
    _stock_event()
    _stock_entry()
    _stock_balance()
    _stock_count()
    _open_vial()
    _stock_anchor()
    _stock_need()
    _availability()
    _guards()


def downgrade() -> None:
    """Remove them, users first."""
    for table in (
        "availability",
        "stock_need",
        "stock_anchor",
        "open_vial",
        "stock_count",
        "stock_balance",
        "stock_entry",
        "stock_event",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION stock_entries_checked")
    op.execute("DROP FUNCTION stock_immutable")


def _stock_event() -> None:
    op.create_table(
        "stock_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("cause", sa.Uuid(), nullable=True),
        sa.Column("shipment_id", sa.Uuid(), nullable=True),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("because_id", sa.Uuid(), nullable=True),
        sa.Column("count_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'reversal') = (reverses_id IS NOT NULL)", name=op.f("ck_stock_event_reversal_names")
        ),
        sa.CheckConstraint(
            "kind IN ('supply', 'dispatch', 'receipt', 'transfer', 'opening', 'use', 'return', 'count', 'waste', 'status', 'destruction', 'reversal')",
            name=op.f("ck_stock_event_kind"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_stock_event_account_id")),
        sa.ForeignKeyConstraint(["because_id"], ["stock_event.id"], name=op.f("fk_stock_event_because_id")),
        sa.ForeignKeyConstraint(["count_id"], ["stock_event.id"], name=op.f("fk_stock_event_count_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_stock_event_facility_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["stock_event.id"], name=op.f("fk_stock_event_reverses_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_event")),
        sa.UniqueConstraint("number", name=op.f("uq_stock_event_number")),
    )
    op.create_index(
        "ix_stock_event_because_id",
        "stock_event",
        ["because_id"],
        unique=False,
        postgresql_where=sa.text("because_id IS NOT NULL"),
    )
    op.create_index(
        "ix_stock_event_cause", "stock_event", ["cause"], unique=False, postgresql_where=sa.text("cause IS NOT NULL")
    )
    op.create_index(
        "ix_stock_event_count_id",
        "stock_event",
        ["count_id"],
        unique=False,
        postgresql_where=sa.text("count_id IS NOT NULL"),
    )
    op.create_index("ix_stock_event_facility_id_number", "stock_event", ["facility_id", "number"], unique=False)
    op.create_index(
        "ix_stock_event_shipment_id",
        "stock_event",
        ["shipment_id"],
        unique=False,
        postgresql_where=sa.text("shipment_id IS NOT NULL"),
    )
    op.create_index(
        "uq_stock_event_reverses_id",
        "stock_event",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )


def _stock_entry() -> None:
    op.create_table(
        "stock_entry",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=True),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("vials", sa.BigInteger(), nullable=False),
        sa.Column("vvm_stage", sa.SmallInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(account = 'place') = (place_id IS NOT NULL) AND (place_id IS NULL OR place_id = holder_id)",
            name=op.f("ck_stock_entry_place_is_holder"),
        ),
        sa.CheckConstraint(
            "account IN ('place', 'transit', 'open', 'supplier', 'used', 'wasted', 'lost', 'found', 'destroyed')",
            name=op.f("ck_stock_entry_account"),
        ),
        sa.CheckConstraint("status IN ('usable', 'held', 'recalled', 'unusable')", name=op.f("ck_stock_entry_status")),
        sa.CheckConstraint("vials <> 0", name=op.f("ck_stock_entry_vials_move")),
        sa.CheckConstraint("vvm_stage BETWEEN 1 AND 4", name=op.f("ck_stock_entry_vvm_stage")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_stock_entry_batch_id")),
        sa.ForeignKeyConstraint(["event_id"], ["stock_event.id"], name=op.f("fk_stock_entry_event_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_stock_entry_facility_id")),
        sa.ForeignKeyConstraint(["place_id"], ["equipment.id"], name=op.f("fk_stock_entry_place_id")),
        sa.PrimaryKeyConstraint("event_id", "seq", name=op.f("pk_stock_entry")),
    )
    op.create_index(
        "ix_stock_entry_batch_id_holder_id", "stock_entry", ["batch_id", "holder_id", "occurred_at"], unique=False
    )
    op.create_index(
        "ix_stock_entry_facility_id_occurred_at", "stock_entry", ["facility_id", "occurred_at"], unique=False
    )


def _stock_balance() -> None:
    op.create_table(
        "stock_balance",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=True),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("vials", sa.BigInteger(), nullable=False),
        sa.Column("vvm_stage", sa.SmallInteger(), nullable=True),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_event_id", sa.Uuid(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counted_event_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(account = 'place') = (place_id IS NOT NULL) AND (place_id IS NULL OR place_id = holder_id)",
            name=op.f("ck_stock_balance_place_is_holder"),
        ),
        sa.CheckConstraint(
            "(account = 'transit') = (facility_id IS NULL)", name=op.f("ck_stock_balance_transit_is_nowhere")
        ),
        sa.CheckConstraint("account IN ('open', 'place', 'transit')", name=op.f("ck_stock_balance_account")),
        sa.CheckConstraint(
            "status IN ('usable', 'held', 'recalled', 'unusable')", name=op.f("ck_stock_balance_status")
        ),
        sa.CheckConstraint("vials >= 0", name=op.f("ck_stock_balance_vials_not_negative")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_stock_balance_batch_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_stock_balance_facility_id")),
        sa.ForeignKeyConstraint(["place_id"], ["equipment.id"], name=op.f("fk_stock_balance_place_id")),
        sa.PrimaryKeyConstraint("holder_id", "batch_id", "status", name=op.f("pk_stock_balance")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_stock_balance_batch_id", "stock_balance", ["batch_id"], unique=False)
    op.create_index("ix_stock_balance_facility_id_batch_id", "stock_balance", ["facility_id", "batch_id"], unique=False)


def _stock_count() -> None:
    op.create_table(
        "stock_count",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("vials", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("vials >= 0", name=op.f("ck_stock_count_vials_not_negative")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_stock_count_batch_id")),
        sa.ForeignKeyConstraint(["event_id"], ["stock_event.id"], name=op.f("fk_stock_count_event_id")),
        sa.ForeignKeyConstraint(["holder_id"], ["equipment.id"], name=op.f("fk_stock_count_holder_id")),
        sa.PrimaryKeyConstraint("event_id", "seq", name=op.f("pk_stock_count")),
    )
    op.create_index(
        "ix_stock_count_key", "stock_count", ["holder_id", "batch_id", "status", "occurred_at"], unique=False
    )


def _open_vial() -> None:
    op.create_table(
        "open_vial",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("doses_per_vial", sa.BigInteger(), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.Column("discarded", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("discard_reason", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("discard_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('usable', 'held', 'recalled', 'unusable')", name=op.f("ck_open_vial_status")),
        sa.CheckConstraint("given + discarded + remaining = doses_per_vial", name=op.f("ck_open_vial_doses_add_up")),
        sa.CheckConstraint(
            "given >= 0 AND discarded >= 0 AND remaining >= 0", name=op.f("ck_open_vial_doses_not_negative")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_open_vial_batch_id")),
        sa.ForeignKeyConstraint(["event_id"], ["stock_event.id"], name=op.f("fk_open_vial_event_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_open_vial_facility_id")),
        sa.ForeignKeyConstraint(["place_id"], ["equipment.id"], name=op.f("fk_open_vial_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_open_vial")),
    )
    op.create_index("ix_open_vial_event_id", "open_vial", ["event_id"], unique=False)
    op.create_index(
        "ix_open_vial_facility_id_open",
        "open_vial",
        ["facility_id", "batch_id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _stock_anchor() -> None:
    op.create_table(
        "stock_anchor",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("presentation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["presentation_id"], ["presentation.id"], name=op.f("fk_stock_anchor_presentation_id")),
        sa.PrimaryKeyConstraint("owner_id", "presentation_id", name=op.f("pk_stock_anchor")),
    )


def _stock_need() -> None:
    op.create_table(
        "stock_need",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("presentation_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("vials", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("vials >= 0", name=op.f("ck_stock_need_vials_not_negative")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_stock_need_facility_id")),
        sa.ForeignKeyConstraint(["presentation_id"], ["presentation.id"], name=op.f("fk_stock_need_presentation_id")),
        sa.PrimaryKeyConstraint("facility_id", "presentation_id", "day", name=op.f("pk_stock_need")),
    )


def _availability() -> None:
    op.create_table(
        "availability",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("presentation_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Date(), nullable=False),
        sa.Column("vials", sa.BigInteger(), nullable=False),
        sa.Column("needed", sa.BigInteger(), nullable=False),
        sa.Column("short", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("needed <= vials + short AND short >= 0", name=op.f("ck_availability_promise_is_backed")),
        sa.CheckConstraint("vials >= 0 AND needed >= 0", name=op.f("ck_availability_not_negative")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_availability_facility_id")),
        sa.ForeignKeyConstraint(["presentation_id"], ["presentation.id"], name=op.f("fk_availability_presentation_id")),
        sa.PrimaryKeyConstraint("facility_id", "presentation_id", "step", name=op.f("pk_availability")),
        postgresql_with={"fillfactor": "70"},
    )
