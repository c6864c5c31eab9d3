"""A lot that was registered twice, through two spellings, names the one that it is."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0068_joined_lots"
down_revision = "0067_standby"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is joined yet, so the checks look at nothing."""
    op.add_column("batch", sa.Column("joined_into_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_batch_joined_into_id_batch"), "batch", "batch", ["joined_into_id"], ["id"], postgresql_not_valid=True
    )
    op.execute("ALTER TABLE batch VALIDATE CONSTRAINT fk_batch_joined_into_id_batch")
    op.execute("ALTER TABLE batch ADD CONSTRAINT ck_batch_joined_to_another CHECK (joined_into_id <> id) NOT VALID")
    op.execute("ALTER TABLE batch VALIDATE CONSTRAINT ck_batch_joined_to_another")
    op.create_index(
        "ix_batch_joined_into_id", "batch", ["joined_into_id"], postgresql_where=sa.text("joined_into_id IS NOT NULL")
    )


def downgrade() -> None:
    """The ledger tells of the right lot already."""
    op.drop_column("batch", "joined_into_id")
