"""A phone's step is of the facility where it was done, wherever the phone is at home by now."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0087_steps_of_facilities"
down_revision = "0086_registration_phases"
branch_labels = None
depends_on = None

_KEY = "fk_handset_step_facility_id_facility"
_SAID = "ck_handset_step_facility_said"
_OPEN = sa.text("state IN ('conflict', 'waiting')")


def upgrade() -> None:
    """Until now a step was shown where its phone was at home: so it stands. NULL is forbidden by what was looked at before."""
    op.add_column(
        "handset", sa.Column("former", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column("handset_step", sa.Column("facility_id", sa.Uuid(), nullable=True))
    op.execute(
        "UPDATE handset_step SET facility_id = handset.facility_id FROM handset WHERE handset.id = handset_step.handset_id"
    )
    op.create_foreign_key(_KEY, "handset_step", "facility", ["facility_id"], ["id"], postgresql_not_valid=True)
    op.execute(f"ALTER TABLE handset_step VALIDATE CONSTRAINT {_KEY}")
    op.execute(f"ALTER TABLE handset_step ADD CONSTRAINT {_SAID} CHECK (facility_id IS NOT NULL) NOT VALID")
    op.execute(f"ALTER TABLE handset_step VALIDATE CONSTRAINT {_SAID}")
    op.alter_column("handset_step", "facility_id", nullable=False)
    op.drop_constraint(op.f(_SAID), "handset_step", type_="check")
    op.create_index("ix_handset_step_open_at", "handset_step", ["facility_id"], postgresql_where=_OPEN)


def downgrade() -> None:
    """As before."""
    op.drop_column("handset_step", "facility_id")
    op.drop_column("handset", "former")
