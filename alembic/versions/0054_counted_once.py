"""What an overview and a trace count is found sooner: persons vaccinated in a session, silent channels, what left the chain."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0054_counted_once"
down_revision = "0053_witnesses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count those of the past."""
    op.add_column("vaccination_session", sa.Column("vaccinated", sa.Integer(), server_default="0", nullable=False))
    op.execute(
        """
        UPDATE vaccination_session SET vaccinated = given.persons
        FROM (SELECT session_id, count(*) AS persons FROM booking WHERE state = 'vaccinated' GROUP BY session_id) given
        WHERE given.session_id = vaccination_session.id
        """
    )
    op.create_check_constraint(
        op.f("ck_vaccination_session_vaccinated_are_seated"),
        "vaccination_session",
        "vaccinated BETWEEN 0 AND taken - live",
    )
    op.create_index(
        "ix_channel_evaluation_silent", "channel_evaluation", ["channel_id"], postgresql_where=sa.text("silent")
    )
    op.create_index(
        "ix_stock_entry_outer",
        "stock_entry",
        ["batch_id", "facility_id"],
        postgresql_include=["account", "vials"],
        postgresql_where=sa.text("account IN ('supplier', 'used', 'wasted', 'lost', 'found', 'destroyed')"),
    )


def downgrade() -> None:
    """It can be counted again."""
    op.drop_index("ix_stock_entry_outer", "stock_entry")
    op.drop_index("ix_channel_evaluation_silent", "channel_evaluation")
    op.drop_constraint(op.f("ck_vaccination_session_vaccinated_are_seated"), "vaccination_session")
    op.drop_column("vaccination_session", "vaccinated")
