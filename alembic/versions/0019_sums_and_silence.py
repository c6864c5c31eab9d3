"""A door's sum that is full counts as open all the time, for five minutes; a watch that never had a voice falls silent."""

from __future__ import annotations

from alembic import op

revision = "0019_sums_and_silence"
down_revision = "0018_packed_status"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row of the limits; channels that never spoke are looked at with the next check of silence."""
    op.execute("UPDATE coldchain_limit SET duration_s = 300 WHERE id = 4 AND rule = 'DOOR' AND duration_s = 0")
    op.execute("UPDATE channel_evaluation SET silent_after = now() WHERE newest_at IS NULL AND silent_after IS NULL")


def downgrade() -> None:
    """The limit as it was."""
    op.execute("UPDATE coldchain_limit SET duration_s = 0 WHERE id = 4 AND rule = 'DOOR' AND duration_s = 300")
