"""What was set right of an opened vial is kept on when its opening is taken back."""

from __future__ import annotations

from alembic import op

revision = "0077_vials_that_never_were"
down_revision = "0076_receipt_loggers"
branch_labels = None
depends_on = None

_KEY = "fk_open_vial_change_open_vial_id"


def upgrade() -> None:
    """The key forbade to take such an opening back."""
    op.drop_constraint(_KEY, "open_vial_change", type_="foreignkey")


def downgrade() -> None:
    """Changes of vials that are there no more stay, so the key is not asked of them."""
    op.create_foreign_key(_KEY, "open_vial_change", "open_vial", ["open_vial_id"], ["id"], postgresql_not_valid=True)
