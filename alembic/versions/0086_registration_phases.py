"""From which day on who may register by themselves."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0086_registration_phases"
down_revision = "0085_silent_phones"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table."""
    op.create_table(
        "registration_phase",
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("only", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("from_day", name="pk_registration_phase"),
        sa.CheckConstraint("\"only\" IN ('nakes', 'lansia')", name="ck_registration_phase_only"),
    )


def downgrade() -> None:
    """Whoever wants to may register."""
    op.drop_table("registration_phase")
