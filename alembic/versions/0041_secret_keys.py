"""Secret keys by fingerprint, one in use; under which a number and a webhook's secret are sealed, and how far that was done anew."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0041_secret_keys"
down_revision = "0040_wide_lists"
branch_labels = None
depends_on = None

# A row without a key's number is under the first. The lock is the one of tracker/sealing/service.py.
_CHECK = """
CREATE FUNCTION person_under_key_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    in_use smallint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('rantai secret key'));
    SELECT number INTO in_use FROM secret_key WHERE replaced_at IS NULL;
    IF coalesce(NEW.nik_key, 1) <> coalesce(in_use, 1) THEN
        RAISE EXCEPTION 'a number is kept under secret key %, but % is in use', coalesce(NEW.nik_key, 1), in_use
            USING ERRCODE = 'check_violation', CONSTRAINT = 'person_under_key_in_use';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    """Nullable columns and small tables; nothing is rewritten."""
    op.create_table(
        "secret_key",
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("number >= 1", name=op.f("ck_secret_key_number")),
        sa.CheckConstraint("length(fingerprint) = 16", name=op.f("ck_secret_key_fingerprint")),
        sa.CheckConstraint("released_at IS NULL OR replaced_at IS NOT NULL", name=op.f("ck_secret_key_replaced_first")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_secret_key")),
    )
    op.create_index("uq_secret_key_fingerprint", "secret_key", ["fingerprint"], unique=True)
    op.create_index(
        "uq_secret_key_in_use",
        "secret_key",
        [sa.text("(true)")],
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.create_table(
        "resealing",
        sa.Column("key", sa.SmallInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("position", sa.Uuid(), nullable=True),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["key"], ["secret_key.number"], name=op.f("fk_resealing_key_secret_key")),
        sa.PrimaryKeyConstraint("key", "what", name=op.f("pk_resealing")),
    )
    for table, column in (
        ("person", "nik_key"),
        ("person", "content_key"),
        ("person_record", "nik_key"),
        ("webhook", "secret_key"),
    ):
        # No foreign key: every registration would lock the one row in use for it.
        op.add_column(table, sa.Column(column, sa.SmallInteger(), nullable=True))
    op.add_column("webhook", sa.Column("secret_cipher", sa.LargeBinary(), nullable=True))
    op.execute(_CHECK)
    op.execute(
        "CREATE TRIGGER person_under_key_in_use BEFORE INSERT OR UPDATE OF nik_hash, nik_cipher, nik_key ON person "
        "FOR EACH ROW WHEN (NEW.nik_cipher IS NOT NULL) EXECUTE FUNCTION person_under_key_in_use()"
    )


def downgrade() -> None:
    """Remove them; what is under a later key than the first is readable no more."""
    op.execute("DROP TRIGGER person_under_key_in_use ON person")
    op.execute("DROP FUNCTION person_under_key_in_use()")
    op.drop_column("webhook", "secret_cipher")
    op.drop_column("webhook", "secret_key")
    op.drop_column("person_record", "nik_key")
    op.drop_column("person", "content_key")
    op.drop_column("person", "nik_key")
    op.drop_table("resealing")
    op.drop_table("secret_key")
