"""What P-Care is told: a record for each version of each dose, days compared with it, and the state of the line."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0078_pcare"
down_revision = "0077_vials_that_never_were"
branch_labels = None
depends_on = None

_TRIED = "state IN ('waiting', 'sent') AND next_at IS NOT NULL"
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing was told yet; the worker finds the doses of before by itself."""
    op.create_table(
        "pcare_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("dose", postgresql.JSONB(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", _TIME, nullable=True),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.CheckConstraint("state <> 'accepted' OR number IS NOT NULL", name="ck_pcare_record_accepted_has_number"),
        sa.CheckConstraint("state <> 'sent' OR next_at IS NOT NULL", name="ck_pcare_record_sent_is_asked_again"),
        sa.CheckConstraint("state <> 'refused' OR why IS NOT NULL", name="ck_pcare_record_refused_has_reason"),
        sa.CheckConstraint(
            "state NOT IN ('accepted', 'handed') OR dose IS NOT NULL", name="ck_pcare_record_held_says_a_dose"
        ),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name="fk_pcare_record_booking_id_booking"),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_pcare_record_facility_id_facility"),
        sa.PrimaryKeyConstraint("id", name="pk_pcare_record"),
        sa.UniqueConstraint("booking_id", "version", name="uq_pcare_record_booking_id_version"),
    )
    for name, where in (
        ("held", "state IN ('accepted', 'handed')"),
        ("waiting", "state = 'waiting'"),
        ("sent", "state = 'sent'"),
    ):
        op.create_index(
            f"uq_pcare_record_{name}", "pcare_record", ["booking_id"], unique=True, postgresql_where=sa.text(where)
        )
    op.create_index("ix_pcare_record_next_at", "pcare_record", ["next_at"], postgresql_where=sa.text(_TRIED))
    op.create_index("ix_pcare_record_oldest", "pcare_record", ["id"], postgresql_where=sa.text(_TRIED))
    op.create_index(
        "ix_pcare_record_number", "pcare_record", ["number"], postgresql_where=sa.text("number IS NOT NULL")
    )
    op.create_index("ix_pcare_record_facility_id_state_id", "pcare_record", ["facility_id", "state", "id"])
    op.create_index("ix_pcare_record_facility_id_day", "pcare_record", ["facility_id", "day"])
    op.create_index("ix_pcare_record_state_id", "pcare_record", ["state", "id"])
    op.create_table(
        "pcare_facility",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("code_there", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_pcare_facility_facility_id_facility"),
        sa.PrimaryKeyConstraint("facility_id", name="pk_pcare_facility"),
    )
    op.create_table(
        "pcare_day",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("check_at", _TIME, nullable=True),
        sa.Column("checked_at", _TIME, nullable=True),
        sa.Column("there", sa.Integer(), server_default="0", nullable=False),
        sa.Column("here", sa.Integer(), server_default="0", nullable=False),
        sa.Column("only_there", sa.Integer(), server_default="0", nullable=False),
        sa.Column("only_here", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_pcare_day_facility_id_facility"),
        sa.PrimaryKeyConstraint("facility_id", "day", name="pk_pcare_day"),
    )
    op.create_index(
        "ix_pcare_day_check_at", "pcare_day", ["check_at"], postgresql_where=sa.text("check_at IS NOT NULL")
    )
    op.create_index(
        "ix_pcare_day_differs",
        "pcare_day",
        ["day", "facility_id"],
        postgresql_where=sa.text("only_there > 0 OR only_here > 0"),
    )
    op.create_table(
        "pcare_stranger",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_pcare_stranger_facility_id_facility"),
        sa.ForeignKeyConstraint(["record_id"], ["pcare_record.id"], name="fk_pcare_stranger_record_id_pcare_record"),
        sa.PrimaryKeyConstraint("number", name="pk_pcare_stranger"),
    )
    op.create_index("ix_pcare_stranger_facility_id_day_number", "pcare_stranger", ["facility_id", "day", "number"])
    link = op.create_table(
        "pcare_link",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("connected_at", _TIME, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", _TIME, nullable=True),
        sa.Column("answered_at", _TIME, nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("looked_up_to", sa.Uuid(), nullable=True),
        sa.Column("look_at", _TIME, nullable=True),
        sa.CheckConstraint("id = 1", name="ck_pcare_link_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_pcare_link"),
    )
    op.bulk_insert(link, [{"id": 1}])


def downgrade() -> None:
    """What P-Care was told is forgotten here: told again it would be there twice."""
    for table in ("pcare_link", "pcare_stranger", "pcare_day", "pcare_facility", "pcare_record"):
        op.drop_table(table)
