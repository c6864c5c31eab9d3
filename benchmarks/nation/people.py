"""Persons, sessions, bookings and claims."""

from __future__ import annotations

from sqlalchemy.orm import Session

from benchmarks.nation.sizes import Nation
from benchmarks.nation.steps import run

# Three sessions a puskesmas: one that is over (36 had their first dose), one about now (24 of them come for the second,
# 12 have a claim), one to come (36 others). Of one in a hundred puskesmas four have lost their place.
_PEOPLE = """
    CREATE TEMP TABLE site AS
    SELECT p.n AS k, 10000 + p.n AS unit, b.presentation_id, r.vaccine_id, b.id AS batch_id, (:now)::date AS today
    FROM place_of p
    JOIN batch b ON b.id = pg_temp.lot(2 + (p.city * 12 + 11) % (:lots - 1))
    JOIN presentation r ON r.id = b.presentation_id
    WHERE p.kind = 'puskesmas';
    CREATE TEMP TABLE held AS
    SELECT s.*, w.which, w.day, w.taken,
           w.taken - CASE WHEN which = 2 AND k % 100 = 5 THEN 4 ELSE 0 END AS seated
    FROM site s CROSS JOIN LATERAL (VALUES (0, today - 20 - (k % 5)::int, 36), (1, today + (k % 3)::int, 24),
        (2, today + 3 + (k % 11)::int, 36)) AS w(which, day, taken);
    INSERT INTO vaccination_session (id, facility_id, presentation_id, vaccine_id, day, opens_at, closes_at, doses, capacity,
                                     taken, live, vaccinated, state, closed_at, content, created_at)
    SELECT pg_temp.nid(7, k * 4 + which), pg_temp.unit(unit), presentation_id, vaccine_id, day,
           (day + time '08:00') AT TIME ZONE 'Asia/Jakarta', (day + time '23:00') AT TIME ZONE 'Asia/Jakarta', '{1,2}', 50,
           seated, CASE which WHEN 0 THEN 0 ELSE seated END, CASE which WHEN 0 THEN seated ELSE 0 END, CASE which WHEN 0 THEN 'closed' ELSE 'planned' END,
           CASE which WHEN 0 THEN (day + time '23:30') AT TIME ZONE 'Asia/Jakarta' END, '{}', :now - interval '40 days'
    FROM held;
    INSERT INTO session_bucket (id, session_id, kind, places, taken)
    SELECT pg_temp.nid(8, k * 4 + which), pg_temp.nid(7, k * 4 + which), 'general', 50, seated FROM held;
    INSERT INTO person (id, identity, without_nik, name, birth_date, sex, phone, groups, unit_id, registered_at)
    SELECT pg_temp.nid(9, k * 128 + m), 'none', 'unknown', 'Warga ' || k * 128 + m, date '1960-01-01' + (k * 31 + m * 97)::int % 20000,
           CASE m % 2 WHEN 0 THEN 'female' ELSE 'male' END, '+62800' || lpad((k * 128 + m)::text, 8, '0'), '[]',
           pg_temp.unit(unit), :now - interval '40 days'
    FROM site CROSS JOIN generate_series(0, 71) m;
    INSERT INTO booking (id, session_id, bucket_id, person_id, vaccine_id, dose, medium, state, made_at, changed_at,
                         vaccinated_at, batch_id)
    SELECT pg_temp.nid(10, (k * 4 + which) * 64 + m), pg_temp.nid(7, k * 4 + which), pg_temp.nid(8, k * 4 + which),
           pg_temp.nid(9, k * 128 + CASE which WHEN 2 THEN 36 + m ELSE m END), vaccine_id,
           CASE which WHEN 1 THEN 2 ELSE 1 END, 'web',
           CASE WHEN which = 0 THEN 'vaccinated' WHEN m >= seated THEN 'displaced' ELSE 'confirmed' END,
           :now - interval '30 days' + (k * 7919 % 43200) * interval '1 minute' + m * interval '1 second', :now - interval '2 hours',
           CASE which WHEN 0 THEN (day + time '10:00') AT TIME ZONE 'Asia/Jakarta' + m * interval '1 minute' END,
           CASE which WHEN 0 THEN batch_id END
    FROM held CROSS JOIN LATERAL generate_series(0, taken - 1) m;
    INSERT INTO displacement (booking_id, displaced_at, state, changed_at)
    SELECT id, :now - interval '2 hours', 'pending', :now - interval '2 hours' FROM booking WHERE state = 'displaced';
    INSERT INTO dose_claim (id, person_id, vaccine_id, dose, facility_id, presentation_id, from_day, due_day, last_day, state,
                            given_booking_id, used_by_id, made_at)
    SELECT pg_temp.nid(16, k * 64 + m), pg_temp.nid(9, k * 128 + m), vaccine_id, 2, pg_temp.unit(unit), presentation_id,
           day + 14, day + 28, day + 180, CASE WHEN m < 24 THEN 'used' ELSE 'unfunded' END,
           pg_temp.nid(10, (k * 4) * 64 + m), CASE WHEN m < 24 THEN pg_temp.nid(10, (k * 4 + 1) * 64 + m) END,
           (day + time '10:00') AT TIME ZONE 'Asia/Jakarta'
    FROM held CROSS JOIN generate_series(0, 35) m WHERE which = 0;
    INSERT INTO stock_need (pool_id, presentation_id, facility_id, day, vials)
    SELECT pg_temp.unit(unit), presentation_id, pg_temp.unit(unit), day, sum((seated + 4) / 5)
    FROM held WHERE which > 0 GROUP BY unit, presentation_id, day
"""


def make_people(db: Session, nation: Nation) -> None:
    """Persons with their bookings, and what the sessions to come need."""
    run(db, _PEOPLE, nation)
