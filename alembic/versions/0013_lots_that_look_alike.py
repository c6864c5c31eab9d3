"""What is left of a lot when one reads it carelessly, so that whoever meets a lot is told of those that look like it."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0013_lots_that_look_alike"
down_revision = "0012_tries_of_reactions"
branch_labels = None
depends_on = None

_LOOK = "translate(upper(regexp_replace(lot, '[^A-Za-z0-9]', '', 'g')), 'OILSBZ', '011582')"


def upgrade() -> None:
    """The batches are written anew once: a nation has some thousands of them."""
    op.add_column("batch", sa.Column("look", sa.Text(), sa.Computed(_LOOK, persisted=True), nullable=False))
    op.create_index(op.f("ix_batch_presentation_id_look"), "batch", ["presentation_id", "look"])


def downgrade() -> None:
    """Remove it."""
    op.drop_index(op.f("ix_batch_presentation_id_look"), "batch")
    op.drop_column("batch", "look")
