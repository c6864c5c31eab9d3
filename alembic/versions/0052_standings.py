"""The state of each facility's stock is kept: reckoned by the worker, and marked by triggers when its books have changed."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0052_standings"
down_revision = "0051_places_by_index"
branch_labels = None
depends_on = None

_MARK = """
    CREATE FUNCTION stock_mark_facility() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO stock_mark (facility_id) VALUES (NEW.facility_id);
        RETURN NULL;
    END $$;
    CREATE FUNCTION stock_mark_former() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO stock_mark (facility_id) VALUES (OLD.facility_id);
        RETURN NULL;
    END $$;
    CREATE FUNCTION stock_mark_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO stock_mark (facility_id) SELECT DISTINCT facility_id FROM fresh WHERE account = 'place';
        RETURN NULL;
    END $$;
    CREATE FUNCTION stock_mark_batch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO stock_mark (facility_id)
        SELECT DISTINCT facility_id FROM stock_balance WHERE batch_id = NEW.id AND account = 'place';
        RETURN NULL;
    END $$;
    CREATE FUNCTION stock_mark_zone() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO stock_mark (facility_id) VALUES (NEW.id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER stock_balance_written AFTER INSERT ON stock_balance REFERENCING NEW TABLE AS fresh
        FOR EACH STATEMENT EXECUTE FUNCTION stock_mark_balances();
    CREATE TRIGGER stock_balance_changed AFTER UPDATE ON stock_balance REFERENCING NEW TABLE AS fresh
        FOR EACH STATEMENT EXECUTE FUNCTION stock_mark_balances();
    CREATE TRIGGER availability_written AFTER INSERT ON availability
        FOR EACH ROW WHEN (NEW.short > 0) EXECUTE FUNCTION stock_mark_facility();
    CREATE TRIGGER availability_changed AFTER UPDATE OF short, step ON availability
        FOR EACH ROW WHEN ((OLD.short, OLD.step) IS DISTINCT FROM (NEW.short, NEW.step) AND OLD.short + NEW.short > 0)
        EXECUTE FUNCTION stock_mark_facility();
    CREATE TRIGGER availability_gone AFTER DELETE ON availability
        FOR EACH ROW WHEN (OLD.short > 0) EXECUTE FUNCTION stock_mark_former();
    CREATE TRIGGER equipment_written AFTER INSERT ON equipment
        FOR EACH ROW EXECUTE FUNCTION stock_mark_facility();
    CREATE TRIGGER equipment_changed AFTER UPDATE OF in_service ON equipment
        FOR EACH ROW WHEN (OLD.in_service IS DISTINCT FROM NEW.in_service) EXECUTE FUNCTION stock_mark_facility();
    CREATE TRIGGER batch_changed AFTER UPDATE OF expiry, presentation_id ON batch
        FOR EACH ROW WHEN ((OLD.expiry, OLD.presentation_id) IS DISTINCT FROM (NEW.expiry, NEW.presentation_id))
        EXECUTE FUNCTION stock_mark_batch();
    CREATE TRIGGER facility_moved AFTER UPDATE OF timezone ON facility
        FOR EACH ROW WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone) EXECUTE FUNCTION stock_mark_zone();
"""
_TRIGGERS = {
    "stock_balance": ("stock_balance_written", "stock_balance_changed"),
    "availability": ("availability_written", "availability_changed", "availability_gone"),
    "equipment": ("equipment_written", "equipment_changed"),
    "batch": ("batch_changed",),
    "facility": ("facility_moved",),
}


def upgrade() -> None:
    """Every facility is marked: the worker reckons them within a minute, and until then pages say how many are left."""
    op.create_table(
        "stock_standing",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("holds_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("holds_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("holds_from < holds_until", name="ck_stock_standing_holds_for_a_while"),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_stock_standing_facility_id_facility"),
        sa.PrimaryKeyConstraint("facility_id", name="pk_stock_standing"),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_stock_standing_holds_until", "stock_standing", ["holds_until"])
    op.create_table(
        "stock_mark",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stock_mark"),
    )
    op.create_index("ix_stock_mark_facility_id", "stock_mark", ["facility_id"])
    op.execute(_MARK)
    op.execute("INSERT INTO stock_mark (facility_id) SELECT DISTINCT facility_id FROM equipment")


def downgrade() -> None:
    """What is kept can be reckoned again."""
    for table, names in _TRIGGERS.items():
        for name in names:
            op.execute(f"DROP TRIGGER {name} ON {table}")
    for name in ("facility", "former", "balances", "batch", "zone"):
        op.execute(f"DROP FUNCTION stock_mark_{name}()")
    op.drop_table("stock_mark")
    op.drop_table("stock_standing")
