"""people: no number, a claimed one, merged records, who serves a person, and who read or changed one"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0016_persons"
down_revision = "0015_ways_back_of_shipments"
branch_labels = None
depends_on = None

_CHECKS = {
    "nik_known": "(identity = 'none') = (nik_hash IS NULL) AND (nik_hash IS NULL) = (nik_cipher IS NULL)",
    "none_has_reason": "(identity = 'none') = (without_nik IS NOT NULL)",
    "not_oneself": "guardian_id <> id AND merged_into_id <> id",
}


def upgrade() -> None:
    """Numbers entered so far count as proven; phones kept with a trunk 0 after the country lose it."""
    op.add_column("person", sa.Column("identity", sa.Text(), server_default="proven", nullable=False))
    op.add_column("person", sa.Column("without_nik", sa.Text(), nullable=True))
    op.add_column("person", sa.Column("guardian_id", sa.Uuid(), nullable=True))
    op.add_column("person", sa.Column("merged_into_id", sa.Uuid(), nullable=True))
    op.add_column("person", sa.Column("content", sa.LargeBinary(), nullable=True))
    for column in ("guardian_id", "merged_into_id"):
        op.create_foreign_key(op.f(f"fk_person_{column}"), "person", "person", [column], ["id"])
    op.alter_column("person", "nik_hash", nullable=True)
    op.alter_column("person", "nik_cipher", nullable=True)
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_person_{name}"), "person", condition)
    op.create_index(
        "uq_person_nik_proven", "person", ["nik_hash"], unique=True, postgresql_where=sa.text("identity = 'proven'")
    )
    op.create_index(op.f("ix_person_nik_hash"), "person", ["nik_hash"])
    op.drop_constraint(op.f("uq_person_nik_hash"), "person")
    op.create_index(
        "ix_person_merged_into_id",
        "person",
        ["merged_into_id"],
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.execute("UPDATE person SET phone = '+62' || substr(phone, 5) WHERE phone LIKE '+620%'")
    op.create_table(
        "person_unit",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_unit_person_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_person_unit_unit_id")),
        sa.PrimaryKeyConstraint("person_id", "unit_id", name=op.f("pk_person_unit")),
    )
    op.create_index(op.f("ix_person_unit_unit_id"), "person_unit", ["unit_id"])
    op.execute(
        "INSERT INTO person_unit (person_id, unit_id) SELECT DISTINCT b.person_id, s.facility_id FROM booking b "
        "JOIN vaccination_session s ON s.id = b.session_id JOIN person p ON p.id = b.person_id "
        "WHERE p.unit_id IS DISTINCT FROM s.facility_id"
    )
    op.create_table(
        "person_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("nik_cipher", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_record_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_record")),
    )
    op.create_index(op.f("ix_person_record_person_id_at"), "person_record", ["person_id", "at"])


def downgrade() -> None:
    """Back to one number each; stops where a person has none, or two have the same."""
    op.drop_table("person_record")
    op.drop_table("person_unit")
    op.drop_index("ix_person_merged_into_id", table_name="person")
    op.create_unique_constraint(op.f("uq_person_nik_hash"), "person", ["nik_hash"])
    op.drop_index(op.f("ix_person_nik_hash"), table_name="person")
    op.drop_index("uq_person_nik_proven", table_name="person")
    for name in _CHECKS:
        op.drop_constraint(op.f(f"ck_person_{name}"), "person")
    op.alter_column("person", "nik_cipher", nullable=False)
    op.alter_column("person", "nik_hash", nullable=False)
    for column in ("guardian_id", "merged_into_id"):
        op.drop_constraint(op.f(f"fk_person_{column}"), "person")
    for column in ("content", "merged_into_id", "guardian_id", "without_nik", "identity"):
        op.drop_column("person", column)
