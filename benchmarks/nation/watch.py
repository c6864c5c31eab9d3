"""Sensors with their alarms and holds, and the feed that told of it all."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from benchmarks.nation.sizes import Nation
from benchmarks.nation.steps import run
from tracker.database.partitions import ensure_months, month_of

# Every fridge has its watch. One puskesmas in nine has an alarm that rings, one in three had one last month; of one in
# a hundred nothing was heard for two days.
_SENSORS = """
    CREATE TEMP TABLE watch AS
    SELECT p.n AS k, 10000 + p.n AS unit, e, p.n * 2 + e + 1 AS channel, p.n % 100 = 50 AS silent
    FROM place_of p CROSS JOIN generate_series(0, 1) e WHERE p.kind = 'puskesmas';
    INSERT INTO device (id, code, kind, unit_id, status, last_seen_at, created_at)
    SELECT pg_temp.nid(11, k), 'dev-' || lpad(k::text, 5, '0'), 'native', pg_temp.unit(unit), 'online',
           :now - interval '5 minutes', :now - interval '300 days'
    FROM watch WHERE e = 0;
    INSERT INTO channel (id, device_id, name, quantity, role, created_at) OVERRIDING SYSTEM VALUE
    SELECT channel, pg_temp.nid(11, k), 't' || e, 'temperature', 'storage', :now - interval '300 days' FROM watch;
    SELECT setval(pg_get_serial_sequence('channel', 'id'), (SELECT max(channel) FROM watch));
    INSERT INTO channel_interval (channel_id, from_at, interval_s) SELECT channel, '2015-01-01Z', 600 FROM watch;
    INSERT INTO assignment (id, channel_id, equipment_id, from_at)
    SELECT pg_temp.nid(15, channel), channel, pg_temp.place(unit, e), :now - interval '300 days' FROM watch;
    INSERT INTO channel_evaluation (channel_id, newest_at, silent_after, silent, evaluated_at)
    SELECT channel, :now - CASE WHEN silent THEN interval '2 days' ELSE interval '5 minutes' END,
           :now + CASE WHEN silent THEN interval '-47 hours' ELSE interval '25 minutes' END, silent, :now
    FROM watch;
    INSERT INTO reading (channel_id, measured_at, value, received_at, time_source, flags)
    SELECT channel, :now - interval '5 minutes' - i * interval '10 minutes', 4 + (channel + i) % 10 / 10.0, :now, 0, 0
    FROM watch CROSS JOIN generate_series(0, 11) i WHERE NOT silent;
    CREATE TEMP TABLE rang AS
    SELECT k, unit, e, channel, k AS n, :now - interval '14 hours' AS started_at, :now - interval '4 hours' AS alarmed_at,
           NULL::timestamptz AS ended_at
    FROM watch WHERE e = 0 AND k % 9 = 0
    UNION ALL
    SELECT k, unit, e, channel, 100000 + k, :now - interval '30 days' + k % 20 * interval '1 day',
           :now - interval '29 days' + k % 20 * interval '1 day', :now - interval '28 days' + k % 20 * interval '1 day'
    FROM watch WHERE e = 0 AND k % 3 = 1;
    INSERT INTO alarm (id, rule, severity, unit_id, equipment_id, device_id, channel_id, started_at, alarmed_at, ended_at,
                       raised_at, level, acknowledged_at, acknowledged_name, comment, closed_at)
    SELECT pg_temp.nid(12, n), 'HEAT', 'alarm', pg_temp.unit(unit), pg_temp.place(unit, e), pg_temp.nid(11, k), channel,
           started_at, alarmed_at, ended_at, alarmed_at, 1, ended_at, CASE WHEN ended_at IS NOT NULL THEN 'Petugas' END,
           CASE WHEN ended_at IS NOT NULL THEN 'dipindahkan' END, ended_at
    FROM rang;
    INSERT INTO episode (id, channel_id, limit_id, assignment_id, rule, severity, unit_id, equipment_id, started_at,
                         alarmed_at, ended_at, settled_at, peak, exposed_s, known_s, alarm_id, first_known_at, changed_at)
    SELECT pg_temp.nid(13, n), channel, 1, pg_temp.nid(15, channel), 'HEAT', 'alarm', pg_temp.unit(unit),
           pg_temp.place(unit, e), started_at, alarmed_at, ended_at, ended_at, 9.5, 36000, 36000, pg_temp.nid(12, n),
           alarmed_at, alarmed_at
    FROM rang;
    INSERT INTO hold (id, episode_id, alarm_id, harm, account, holder_id, facility_id, batch_id, vials, placed_at, evidence,
                      state)
    SELECT pg_temp.nid(14, e.number), e.cause, pg_temp.nid(12, e.unit - 10000), 'heat', 'place', e.from_id,
           pg_temp.unit(e.unit), pg_temp.lot(e.lot), e.vials, e.at, CAST(
           '{"rule": "HEAT", "limit": {"operator": ">", "value_c": 8, "duration_s": 36000, "mode": "continuous"}, "device": "d",'
           '"channel": "t0", "channel_id": 1, "equipment": "k", "started_at": "2026-01-01T00:00:00+00:00", "alarmed_at": null,'
           '"ended_at": null, "peak_c": 9.5, "exposed_minutes": 600, "known_minutes": 600, "readings": "/"}' AS jsonb), 'held'
    FROM told e WHERE e.reason = 'hold:HEAT'
"""
_FEED = """
    INSERT INTO feed_event (position, id, kind, subject, unit_id, data, occurred_at, recorded_at)
    SELECT row_number() OVER (ORDER BY number), pg_temp.nid(18, number), 'stock.moved', pg_temp.nid(5, number)::text,
           pg_temp.unit(unit), jsonb_build_object('stock_event_id', pg_temp.nid(5, number), 'kind', kind,
               'facility_id', pg_temp.unit(unit), 'presentation_id', b.presentation_id,
               'presentation_ids', jsonb_build_array(b.presentation_id), 'batch_ids', jsonb_build_array(b.id),
               'cause_id', cause, 'shipment_id', pg_temp.nid(4, shipment)), at, at
    FROM told t JOIN batch b ON b.id = pg_temp.lot(t.lot)
    WHERE number > (SELECT max(number) * 3 / 5 FROM told)
"""


def make_watch(db: Session, nation: Nation) -> None:
    """Sensors, alarms, holds."""
    ensure_months(
        db, "reading", {month_of(day) for day in (nation.now.date(), (nation.now - timedelta(hours=3)).date())}
    )
    run(db, _SENSORS, nation)


def make_feed(db: Session, nation: Nation) -> None:
    """The latest two fifths of what happened."""
    run(db, _FEED, nation)
