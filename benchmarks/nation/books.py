"""Half a year of the ledger, as the program itself would have left it: what moved, then all that follows from it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from benchmarks.nation.sizes import Nation
from benchmarks.nation.steps import run

# Every event moves vials of one lot from one account to another, so one row tells it whole. The lots of a city's j-th
# delivery are its own; the first lot of all goes to every second puskesmas besides, so it lies at half the nation.
_MOVED = """
    CREATE TEMP TABLE moved (
        at timestamptz, kind text, unit bigint, shipment bigint, from_account text, from_id uuid, from_status text,
        to_account text, to_id uuid, to_status text, lot bigint, vials int, vial bigint, cause uuid, reason text);
    CREATE TEMP TABLE delivery AS
    SELECT p.n AS k, p.city, p.province, j,
           CASE WHEN j = 0 AND p.n % 2 = 0 THEN 1 ELSE 2 + (p.city * 12 + least(j, 11)) % (:lots - 1) END AS lot,
           :now - interval '180 days' + j * interval '15 days' + p.n % 24 * interval '1 hour' AS sent_at
    FROM place_of p CROSS JOIN generate_series(0, 11) j WHERE p.kind = 'puskesmas';
    INSERT INTO delivery
    SELECT p.n, p.city, p.province, 12, 2 + (p.city * 12 + 11) % (:lots - 1), :now - interval '20 hours'
    FROM place_of p WHERE p.kind = 'puskesmas' AND p.n % 10 = 3;
    ANALYZE delivery;
    CREATE TEMP TABLE city_lot AS
    SELECT city, province, lot, count(*) * :vials_each + 40 AS vials FROM delivery GROUP BY 1, 2, 3;
    CREATE TEMP TABLE province_lot AS
    SELECT province, lot, sum(vials) + 100 AS vials FROM city_lot GROUP BY 1, 2;

    INSERT INTO moved
    SELECT :now - interval '400 days', 'supply', 1, NULL, 'supplier', pg_temp.unit(1), 'usable',
           'place', pg_temp.place(1, 0), 'usable', n, 1000 + coalesce(sum(p.vials), 0)
    FROM generate_series(1, CAST(:lots AS bigint)) n LEFT JOIN province_lot p ON p.lot = n GROUP BY n;
    INSERT INTO moved
    SELECT :now - interval '200 days', 'dispatch', 1, 100000000 + province * 10000 + lot, 'place', pg_temp.place(1, 0),
           'usable', 'transit', pg_temp.nid(4, 100000000 + province * 10000 + lot), 'usable', lot, vials
    FROM province_lot;
    INSERT INTO moved
    SELECT :now - interval '199 days', 'receipt', 100 + province, 100000000 + province * 10000 + lot, 'transit',
           pg_temp.nid(4, 100000000 + province * 10000 + lot), 'usable', 'place', pg_temp.place(100 + province, 0), 'usable',
           lot, vials
    FROM province_lot;
    INSERT INTO moved
    SELECT :now - interval '195 days', 'dispatch', 100 + province, 200000000 + city * 10000 + lot, 'place',
           pg_temp.place(100 + province, 0), 'usable', 'transit', pg_temp.nid(4, 200000000 + city * 10000 + lot), 'usable',
           lot, vials
    FROM city_lot;
    INSERT INTO moved
    SELECT :now - interval '194 days', 'receipt', 1000 + city, 200000000 + city * 10000 + lot, 'transit',
           pg_temp.nid(4, 200000000 + city * 10000 + lot), 'usable', 'place', pg_temp.place(1000 + city, 0), 'usable',
           lot, vials
    FROM city_lot;
    INSERT INTO moved
    SELECT sent_at, 'dispatch', 1000 + city, 300000000 + k * 16 + j, 'place', pg_temp.place(1000 + city, 0), 'usable',
           'transit', pg_temp.nid(4, 300000000 + k * 16 + j), 'usable', lot, :vials_each
    FROM delivery;
    INSERT INTO moved
    SELECT sent_at + interval '1 day', 'receipt', 10000 + k, 300000000 + k * 16 + j, 'transit',
           pg_temp.nid(4, 300000000 + k * 16 + j), 'usable', 'place', pg_temp.place(10000 + k, j % 2), 'usable',
           lot, :vials_each
    FROM delivery WHERE j < 12;
    CREATE TEMP TABLE opened AS
    SELECT (k * 12 + j) * 16 + i AS vial, k, j, i, lot, sent_at + interval '27 hours' + i * interval '36 hours' AS at,
           NOT (k % 10 = 0 AND j = 11 AND i = 8) AS emptied
    FROM delivery CROSS JOIN generate_series(0, :opened_each - 1) i WHERE j < 12;
    INSERT INTO moved
    SELECT at, 'opening', 10000 + k, NULL, 'place', pg_temp.place(10000 + k, j % 2), 'usable', 'open',
           pg_temp.unit(10000 + k), 'usable', lot, 1, vial
    FROM opened;
    INSERT INTO moved
    SELECT at + interval '2 hours', 'use', 10000 + k, NULL, 'open', pg_temp.unit(10000 + k), 'usable', 'used',
           pg_temp.unit(10000 + k), 'usable', lot, 1, vial
    FROM opened WHERE emptied;
    INSERT INTO moved
    SELECT :now - interval '1 day', 'waste', 10000 + k, NULL, 'place', pg_temp.place(10000 + k, j % 2), 'usable', 'wasted',
           pg_temp.unit(10000 + k), 'usable', lot, :vials_each - :opened_each, NULL, NULL, 'broken'
    FROM delivery WHERE k % 37 = 0 AND j IN (1, 11);
    -- A fridge got warm: its lot is held (the episode's id is its cause).
    INSERT INTO moved
    SELECT :now - interval '2 hours', 'status', 10000 + k, NULL, 'place', pg_temp.place(10000 + k, 0), 'usable', 'place',
           pg_temp.place(10000 + k, 0), 'held', lot, :vials_each - :opened_each, NULL, pg_temp.nid(13, k), 'hold:HEAT'
    FROM delivery WHERE k % 36 = 0 AND j = 10;
    -- The second lot is called back everywhere.
    INSERT INTO moved
    SELECT :now - interval '1 hour', 'status', p.unit, NULL, 'place', s.id, 'usable', 'place', s.id, 'recalled', 2, s.vials,
           NULL, pg_temp.nid(17, 1), 'partikel asing'
    FROM (SELECT id, sum(vials) AS vials FROM (
              SELECT to_id AS id, vials FROM moved WHERE lot = 2 AND to_account = 'place' AND to_status = 'usable'
              UNION ALL SELECT from_id, -vials FROM moved WHERE lot = 2 AND from_account = 'place'
                  AND from_status = 'usable') each
          GROUP BY id HAVING sum(vials) > 0) s
    JOIN equipment e ON e.id = s.id JOIN place_of p ON pg_temp.unit(p.unit) = e.facility_id;
    CREATE TEMP TABLE told AS SELECT row_number() OVER (ORDER BY at, lot, unit) AS number, * FROM moved;
    ANALYZE told
"""
_LEDGER = """
    INSERT INTO stock_event (id, number, kind, facility_id, occurred_at, recorded_at, recorded_by, reason, content, cause,
                             shipment_id, reference)
    OVERRIDING SYSTEM VALUE
    SELECT pg_temp.nid(5, number), number, kind, pg_temp.unit(unit), at, at, 'Petugas', reason, 'nation', cause,
           pg_temp.nid(4, shipment), CASE kind WHEN 'use' THEN pg_temp.nid(6, vial)::text END
    FROM told ORDER BY number;
    SELECT setval('stock_event_number_seq', (SELECT max(number) FROM told));
    INSERT INTO stock_entry (event_id, seq, account, holder_id, place_id, facility_id, batch_id, status, vials, reason,
                             occurred_at, recorded_at, number, ordinal)
    SELECT pg_temp.nid(5, number), s.seq, s.account, s.holder, CASE s.account WHEN 'place' THEN s.holder END,
           pg_temp.unit(unit), pg_temp.lot(lot), s.status, s.sign * vials, reason, at, at, number, number
    FROM told CROSS JOIN LATERAL (VALUES (0, from_account, from_id, from_status, -1), (1, to_account, to_id, to_status, 1))
        AS s(seq, account, holder, status, sign)
    ORDER BY number, s.seq;
    INSERT INTO stock_balance (holder_id, batch_id, status, account, place_id, facility_id, vials, touched_at,
                               touched_event_id)
    SELECT holder_id, batch_id, status, account, place_id,
           CASE WHEN account <> 'transit' THEN (min(facility_id::text))::uuid END, sum(vials),
           max(occurred_at), pg_temp.nid(5, max(number))
    FROM stock_entry WHERE account IN ('place', 'transit', 'open')
    GROUP BY holder_id, batch_id, status, account, place_id;
    INSERT INTO stock_day (facility_id, presentation_id, day, used, moves)
    SELECT e.facility_id, b.presentation_id, CAST(e.occurred_at AT TIME ZONE 'Asia/Jakarta' AS date),
           coalesce(sum(-e.vials) FILTER (WHERE v.kind IN ('opening', 'dispatch')), 0), count(*)
    FROM stock_entry e JOIN stock_event v ON v.id = e.event_id JOIN batch b ON b.id = e.batch_id
    WHERE e.account = 'place' GROUP BY 1, 2, 3;
    INSERT INTO stock_anchor (owner_id, presentation_id)
    SELECT DISTINCT coalesce(b.facility_id, b.holder_id), t.presentation_id
    FROM stock_balance b JOIN batch t ON t.id = b.batch_id;
    INSERT INTO open_vial (id, facility_id, batch_id, place_id, event_id, status, doses_per_vial, given, discarded,
                           remaining, opened_at, discard_by, last_taken_at, closed_at, discard_reason)
    SELECT pg_temp.nid(6, o.vial), pg_temp.unit(10000 + k), pg_temp.lot(o.lot), pg_temp.place(10000 + k, j % 2),
           pg_temp.nid(5, t.number), 'usable', 5, 0, CASE WHEN emptied THEN 5 ELSE 2 END,
           CASE WHEN emptied THEN 0 ELSE 3 END,
           o.at, o.at + interval '6 hours', o.at + interval '2 hours', CASE WHEN emptied THEN o.at + interval '2 hours' END,
           'session_end'
    FROM opened o JOIN told t ON t.vial = o.vial AND t.kind = 'opening';
    INSERT INTO recall (id, batch_id, reason, recall_class, started_at)
    VALUES (pg_temp.nid(17, 1), pg_temp.lot(2), 'partikel asing', 2, :now - interval '1 hour');
    INSERT INTO stock_stop (cause, unit_id, batch_id, since, reason)
    VALUES (pg_temp.nid(17, 1), pg_temp.unit(0), pg_temp.lot(2), :now - interval '1 hour', 'partikel asing')
"""
_SHIPMENTS = """
    CREATE TEMP TABLE road AS
    SELECT d.shipment, d.unit AS from_unit, coalesce(r.unit, 10000 + (d.shipment - 300000000) / 16) AS to_unit, d.lot,
           d.vials, d.at AS sent_at, r.at AS received_at, r.number
    FROM told d LEFT JOIN told r ON r.shipment = d.shipment AND r.kind = 'receipt' WHERE d.kind = 'dispatch';
    INSERT INTO shipment (id, code, kind, state, from_facility_id, to_facility_id, sideways, content, created_at,
                          created_by, expected_at, packed_at, dispatched_at, received_at)
    SELECT pg_temp.nid(4, shipment), 'K' || shipment, 'direct',
           CASE WHEN received_at IS NULL THEN 'in_transit' ELSE 'received' END, pg_temp.unit(from_unit),
           pg_temp.unit(to_unit), false, 'nation', sent_at - interval '1 hour', 'Petugas',
           sent_at + interval '1 day' - from_unit % 2 * interval '12 hours', sent_at - interval '30 minutes', sent_at, received_at
    FROM road;
    INSERT INTO shipment (id, code, kind, state, from_facility_id, to_facility_id, sideways, content, created_at, created_by)
    SELECT pg_temp.nid(4, 400000000 + n), 'K' || 400000000 + n, 'order', 'requested', pg_temp.unit(1000 + city),
           pg_temp.unit(unit), false, 'nation', :now - interval '2 days', 'Petugas'
    FROM place_of WHERE kind = 'puskesmas' AND n % 10 = 7;
    INSERT INTO shipment_line (shipment_id, seq, presentation_id, vials, approved)
    SELECT pg_temp.nid(4, r.shipment), 0, b.presentation_id, r.vials, r.vials
    FROM road r JOIN batch b ON b.id = pg_temp.lot(r.lot);
    INSERT INTO shipment_line (shipment_id, seq, presentation_id, vials)
    SELECT pg_temp.nid(4, 400000000 + n), 0, (SELECT id FROM presentation WHERE code = 'vaksin-1'), 20
    FROM place_of WHERE kind = 'puskesmas' AND n % 10 = 7;
    INSERT INTO shipment_box (id, shipment_id, sscc)
    SELECT pg_temp.nid(19, shipment), pg_temp.nid(4, shipment), lpad(shipment::text, 18, '0') FROM road;
    INSERT INTO packed_line (shipment_id, seq, box_id, batch_id, place_id, vials)
    SELECT pg_temp.nid(4, shipment), 0, pg_temp.nid(19, shipment), pg_temp.lot(lot), pg_temp.place(from_unit, 0), vials
    FROM road;
    INSERT INTO shipment_receipt (id, shipment_id, occurred_at, recorded_at, recorded_by, final, content)
    SELECT pg_temp.nid(5, number), pg_temp.nid(4, shipment), received_at, received_at, 'Petugas', true, 'nation'
    FROM road WHERE number IS NOT NULL;
    INSERT INTO receipt_line (receipt_id, seq, batch_id, place_id, accepted, rejected, missing, surplus)
    SELECT pg_temp.nid(5, number), 0, pg_temp.lot(lot),
           CASE WHEN to_unit >= 10000 THEN pg_temp.place(to_unit, (shipment - 300000000) % 16 % 2)
                ELSE pg_temp.place(to_unit, 0) END, vials, 0, 0, 0
    FROM road WHERE number IS NOT NULL
"""
_POOLS = """
    CREATE TEMP TABLE pool AS
    SELECT b.facility_id, t.presentation_id, t.expiry, sum(b.vials) AS vials
    FROM stock_balance b JOIN batch t ON t.id = b.batch_id
    WHERE b.account = 'place' AND b.status = 'usable' AND b.vials > 0 GROUP BY 1, 2, 3;
    CREATE INDEX pool_key ON pool (facility_id, presentation_id);
    ANALYZE pool;
    ANALYZE stock_need;
    INSERT INTO availability (pool_id, presentation_id, facility_id, step, vials, needed, short)
    SELECT facility_id, presentation_id, facility_id, step, v.vials, n.needed, greatest(0, n.needed - v.vials)
    FROM (SELECT facility_id, presentation_id, date '0001-01-01' AS step FROM pool
          UNION SELECT facility_id, presentation_id, expiry + 1 FROM pool
          UNION SELECT facility_id, presentation_id, date '0001-01-01' FROM stock_need) s
    CROSS JOIN LATERAL (SELECT coalesce(sum(vials), 0) AS vials FROM pool p
        WHERE (p.facility_id, p.presentation_id) = (s.facility_id, s.presentation_id) AND p.expiry >= s.step) v
    CROSS JOIN LATERAL (SELECT coalesce(sum(vials), 0) AS needed FROM stock_need p
        WHERE (p.pool_id, p.presentation_id) = (s.facility_id, s.presentation_id) AND p.day >= s.step) n
"""


def make_books(db: Session, nation: Nation) -> None:
    """Events, entries, balances, opened vials, shipments, a recall."""
    run(db, _MOVED, nation)
    run(db, _LEDGER, nation)
    run(db, _SHIPMENTS, nation)


def make_pools(db: Session, nation: Nation) -> None:
    """What may still be promised, after sessions have said what they need."""
    run(db, _POOLS, nation)
