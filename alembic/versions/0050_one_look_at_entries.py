"""The entries of an event are judged by one query instead of three: the same refusals, in the same order and words."""

from __future__ import annotations

from alembic import op

revision = "0050_one_look_at_entries"
down_revision = "0049_archived_months"
branch_labels = None
depends_on = None

_CHECKED = """
    CREATE OR REPLACE FUNCTION stock_entries_checked() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        event uuid;
        wrong int;
    BEGIN
        -- 1: of a batch as many vials come as go. 2: only a status change (and what takes one back, or tells it of another
        -- lot) moves vials between statuses; the copies of the event's own columns, kept on entries for speed, are true
        -- copies. 3: all entries of an event come in the one statement that is looked at here: none is added later.
        SELECT judged.event_id, judged.wrong INTO event, wrong
        FROM (
            SELECT sums.event_id,
                   CASE WHEN sums.of_batch <> 0 THEN 1
                        WHEN (sums.of_status <> 0 AND sums.keeps_status) OR sums.differs THEN 2
                        WHEN sums.lines <> (SELECT count(*) FROM stock_entry e WHERE e.event_id = sums.event_id) THEN 3
                   END AS wrong
            FROM (
                SELECT f.event_id,
                       sum(f.vials) AS of_status,
                       sum(sum(f.vials)) OVER (PARTITION BY f.event_id, f.batch_id) AS of_batch,
                       sum(count(*)) OVER (PARTITION BY f.event_id) AS lines,
                       bool_and(v.kind NOT IN ('status', 'reversal') AND NOT (
                           v.kind = 'relabel'
                           AND EXISTS (SELECT FROM stock_event b WHERE b.number = f.ordinal AND b.kind = 'status'))
                       ) AS keeps_status,
                       bool_or((f.facility_id, f.occurred_at, f.recorded_at, f.number)
                               IS DISTINCT FROM (v.facility_id, v.occurred_at, v.recorded_at, v.number)) AS differs
                FROM fresh f
                -- One look-up a line, also where the plan was made while the ledger was empty.
                JOIN LATERAL (SELECT * FROM stock_event WHERE stock_event.id = f.event_id LIMIT 1) v ON true
                GROUP BY f.event_id, f.batch_id, f.status
            ) sums
        ) judged
        WHERE judged.wrong IS NOT NULL
        ORDER BY judged.wrong
        LIMIT 1;
        IF wrong = 1 THEN
            RAISE EXCEPTION 'the entries of event % do not sum to zero', event
                USING ERRCODE = 'integrity_constraint_violation';
        ELSIF wrong = 2 THEN
            RAISE EXCEPTION 'the entries of event % change a status, or differ from their event', event
                USING ERRCODE = 'integrity_constraint_violation';
        ELSIF wrong = 3 THEN
            RAISE EXCEPTION 'event % is closed: its entries were written by one statement', event
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$
"""
# As migration 0038 left it.
_BEFORE = """
    CREATE OR REPLACE FUNCTION stock_entries_checked() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        wrong uuid;
    BEGIN
        SELECT f.event_id INTO wrong FROM fresh f GROUP BY f.event_id, f.batch_id HAVING sum(f.vials) <> 0 LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'the entries of event % do not sum to zero', wrong
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        SELECT f.event_id INTO wrong
        FROM fresh f JOIN stock_event v ON v.id = f.event_id
        GROUP BY f.event_id, f.batch_id, f.status
        HAVING (sum(f.vials) <> 0 AND bool_and(v.kind NOT IN ('status', 'reversal') AND NOT (
                v.kind = 'relabel'
                AND EXISTS (SELECT FROM stock_event b WHERE b.number = f.ordinal AND b.kind = 'status'))))
            OR bool_or((f.facility_id, f.occurred_at, f.recorded_at, f.number)
                       IS DISTINCT FROM (v.facility_id, v.occurred_at, v.recorded_at, v.number))
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'the entries of event % change a status, or differ from their event', wrong
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        SELECT e.event_id INTO wrong
        FROM stock_entry e
        WHERE e.event_id IN (SELECT f.event_id FROM fresh f)
          AND NOT EXISTS (SELECT FROM fresh f WHERE f.event_id = e.event_id AND f.seq = e.seq)
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'event % is closed: its entries were written by one statement', wrong
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    """Replace the function; its trigger stays."""
    op.execute(_CHECKED)


def downgrade() -> None:
    """The three queries again."""
    op.execute(_BEFORE)
