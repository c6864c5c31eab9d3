"""Adverse events after a dose: what somebody had, in a list of the country's and in words, its corrections and answers."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0063_adverse_events"
down_revision = "0062_wards"
branch_labels = None
depends_on = None

# The country's list starts with what the forms of the ministry and of WHO name.
_SYMPTOMS = (
    ("site_pain", "Nyeri di tempat suntikan", "Pain where it was given"),
    ("site_swelling", "Bengkak atau kemerahan di tempat suntikan", "Swelling or redness where it was given"),
    ("abscess", "Abses di tempat suntikan", "Abscess where it was given"),
    ("fever", "Demam", "Fever"),
    ("headache", "Sakit kepala", "Headache"),
    ("fatigue", "Lelah", "Tiredness"),
    ("muscle_pain", "Nyeri otot atau sendi", "Pain in muscles or joints"),
    ("nausea", "Mual atau muntah", "Nausea or vomiting"),
    ("diarrhoea", "Diare", "Diarrhoea"),
    ("rash", "Ruam atau gatal", "Rash or itching"),
    ("lymph_nodes", "Kelenjar getah bening bengkak", "Swollen lymph nodes"),
    ("dizziness", "Pusing", "Dizziness"),
    ("fainting", "Pingsan", "Fainting"),
    ("numbness", "Kesemutan atau kelemahan anggota gerak", "Numb or weak limbs"),
    ("chest_pain", "Nyeri dada", "Chest pain"),
    ("breathless", "Sesak napas", "Shortness of breath"),
    ("seizure", "Kejang", "Seizure"),
    ("anaphylaxis", "Anafilaksis", "Anaphylaxis"),
)


def upgrade() -> None:
    """Nothing was told yet."""
    symptom = op.create_table(
        "symptom",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("word_id", sa.Text(), nullable=False),
        sa.Column("word_en", sa.Text(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), server_default=sa.text("100"), nullable=False),
        sa.CheckConstraint("code ~ '^[a-z][a-z0-9_]{1,39}$'", name="ck_symptom_code_form"),
        sa.PrimaryKeyConstraint("code", name="pk_symptom"),
    )
    rows = [{"code": code, "word_id": own, "word_en": en, "seq": n} for n, (code, own, en) in enumerate(_SYMPTOMS, 1)]
    op.bulk_insert(symptom, rows)
    op.create_table(
        "adverse_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("onset_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("serious", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("outcome <> 'died' OR serious", name="ck_adverse_event_death_is_serious"),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name="fk_adverse_event_booking_id_booking"),
        sa.PrimaryKeyConstraint("id", name="pk_adverse_event"),
    )
    op.create_index("ix_adverse_event_booking_id", "adverse_event", ["booking_id"])
    op.create_index("ix_adverse_event_recorded_at_id", "adverse_event", ["recorded_at", "id"])
    op.create_index(
        "ix_adverse_event_serious",
        "adverse_event",
        ["recorded_at"],
        postgresql_where=sa.text("serious AND NOT withdrawn"),
    )
    op.create_table(
        "adverse_symptom",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("symptom_code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["adverse_event.id"], name="fk_adverse_symptom_event_id_adverse_event"),
        sa.ForeignKeyConstraint(["symptom_code"], ["symptom.code"], name="fk_adverse_symptom_symptom_code_symptom"),
        sa.PrimaryKeyConstraint("event_id", "symptom_code", name="pk_adverse_symptom"),
    )
    op.create_table(
        "adverse_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["adverse_event.id"], name="fk_adverse_change_event_id_adverse_event"),
        sa.PrimaryKeyConstraint("id", name="pk_adverse_change"),
    )
    op.create_index("ix_adverse_change_event_id_recorded_at", "adverse_change", ["event_id", "recorded_at"])
    op.create_table(
        "adverse_answer",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["adverse_event.id"], name="fk_adverse_answer_event_id_adverse_event"),
        sa.PrimaryKeyConstraint("event_id", "level", name="pk_adverse_answer"),
    )


def downgrade() -> None:
    """What was told of adverse events is lost."""
    for table in ("adverse_answer", "adverse_change", "adverse_symptom", "adverse_event", "symptom"):
        op.drop_table(table)
