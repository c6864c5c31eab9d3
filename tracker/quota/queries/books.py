"""The truths of sessions and bookings, asked of the whole database at once (those of the ledger: the stock room's)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from tracker.quota.rules.words import LIVE, SEATED
from tracker.stock.queries.books import Contradiction, found_by


def contradictions(db: Session) -> list[Contradiction]:
    """What does not hold of sessions and bookings; empty when they are right."""
    return found_by(db, TRUTHS)


_LIVE, _SEATED = (", ".join(f"'{state.value}'" for state in sorted(states)) for states in (LIVE, SEATED))

TRUTHS: Mapping[str, str] = {
    "equipment that is kept apart is not what sessions take along": """
        SELECT id FROM equipment WHERE apart IS DISTINCT FROM (id IN (
            SELECT place_id FROM vaccination_session WHERE place_id IS NOT NULL AND state <> 'closed'))
    """,
    "a session's places taken are not its bookings": f"""
        SELECT s.id, s.taken, s.live, s.vaccinated, count(b.id) AS seated,
               count(b.id) FILTER (WHERE b.state IN ({_LIVE})) AS waiting,
               count(b.id) FILTER (WHERE b.state = 'vaccinated') AS done
        FROM vaccination_session s LEFT JOIN booking b ON b.session_id = s.id AND b.state IN ({_SEATED})
        GROUP BY s.id
        HAVING (s.taken, s.live, s.vaccinated) IS DISTINCT FROM (count(b.id), count(b.id) FILTER (WHERE b.state IN ({_LIVE})),
                                                                 count(b.id) FILTER (WHERE b.state = 'vaccinated'))
    """,
    "a bucket's places taken are not its bookings": f"""
        SELECT t.id, t.taken, count(b.id) AS seated
        FROM session_bucket t LEFT JOIN booking b ON b.bucket_id = t.id AND b.state IN ({_SEATED})
        GROUP BY t.id HAVING t.taken <> count(b.id)
    """,
    "more doses are somebody's than were given out of their vial": """
        SELECT v.id, v.given, count(b.id) AS vaccinated
        FROM open_vial v LEFT JOIN booking b ON b.open_vial_id = v.id AND b.state = 'vaccinated'
        GROUP BY v.id HAVING v.given < count(b.id)
    """,
}
