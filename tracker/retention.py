"""What is kept how long: the one list of what goes when its time is over. Each room says which rows, and how they go.

The worker runs the rules once a night, `rantai retention run` whenever it is asked; the page and `rantai retention show` tell how
they stand. UU 27/2022 on personal data asks to end processing when the time is over or the purpose reached (article 42) and to delete
what is needed no more (article 43); how long that is, it leaves to whoever answers for the data. So the days are settings. Doses,
screenings, claims and adverse events are medical records: PMK 24/2022 is reported to ask for 25 years after the last visit at least. Nothing here
touches them, nor the ledger with its balances: a balance of zero says that a place had a batch and has none, and on which any past day
is asked for (docs/adr/0026-what-is-kept-how-long.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tracker.access.forgetting import forget_logins, old_logins
from tracker.adverse.queries import something_followed
from tracker.coldchain.archiving import OldMonths
from tracker.coldchain.forgetting import WHAT as HOURS
from tracker.coldchain.forgetting import OldHours
from tracker.database.forgotten import Forgotten, begin_run, last_run
from tracker.database.letting_go import OldRows, Part
from tracker.delivery.forgetting import forget_messages, old_messages, webhooks_have_read
from tracker.edge.forgetting import forget_answers, old_answers
from tracker.feed.forgetting import WHAT as EVENTS
from tracker.feed.forgetting import forget_events, old_events, reactions_have_read
from tracker.handsets.forgetting import forget_handsets, old_handsets
from tracker.hotline.forgetting import forget_calls, old_calls
from tracker.interest.forgetting import forget_interests, old_interests
from tracker.kit.days import WESTERN, local_day
from tracker.people.forgetting import forget_lookups, old_lookups
from tracker.quota.forgetting import OldPersons
from tracker.reactions import REACTIONS
from tracker.registration.forgetting import (
    forget_browsers,
    forget_codes,
    forget_conversations,
    forget_health_answers,
    old_browsers,
    old_codes,
    old_conversations,
    old_health_answers,
)
from tracker.settings import RetentionSettings
from tracker.telemetry.forgetting import forget_dead_letters, old_dead_letters

# More are not counted: whether it is ten thousand or a million, they go.
MOST_COUNTED = 10_000
# In the night of the programme's headquarters; whoever missed it begins when they are back.
_BEGINS_AT = time(1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of rows: how long they are kept (None: they stay), why no longer, and how they go."""

    what: str
    setting: str
    kept: timedelta | None
    why: str
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a rule stands: its newest run, and how many are too old now, no more than `MOST_COUNTED`.

    `due` is None where nobody can say: only the run itself looks at every person; and what stays is never due.
    """

    rule: Rule
    last: Forgotten | None
    due: int | None


def rules_of(settings: RetentionSettings) -> Sequence[Rule]:
    """All rules, with the times that were set. Persons come after what speaks of them."""

    def rule(what: str, setting: str, why: str, part: Part) -> Rule:
        days = getattr(settings, setting)
        kept = None if days is None else timedelta(days=days)
        return Rule(what=what, setting=setting, kept=kept, why=why, part=part)

    return (
        rule("codes for lost tickets", "codes_days", "each is good for a quarter of an hour", OldRows(old_codes, forget_codes)),
        rule("log-ins that ran out", "logins_days", "nobody is logged in by them", OldRows(old_logins, forget_logins)),
        rule("answers kept for repeats", "answers_days", "nobody repeats a request after that long", OldRows(old_answers, forget_answers)),
        rule("conversations", "conversations_days", "who stopped talking begins anew", OldRows(old_conversations, forget_conversations)),
        rule("messages of devices that could not be read", "dead_letters_days", "what was not looked into is in no reading and will be in none", OldRows(old_dead_letters, forget_dead_letters)),
        rule("messages", "messages_days", "what was sent is of use while somebody may ask for it", OldRows(old_messages, forget_messages)),
        rule("browsers that are told", "browsers_days", "who has another browser by now asks there", OldRows(old_browsers, forget_browsers)),
        rule("health answers", "health_answers_days", "asked for the desk, which screens anew", OldRows(old_health_answers, forget_health_answers)),
        rule("calls of the hotline", "calls_days", "what they came to is of use while somebody may ask for it", OldRows(old_calls, forget_calls)),
        rule("wishes to be told", "interests_days", "who still wants to be told says so again", OldRows(old_interests, forget_interests)),
        rule("look-ups", "lookups_days", "kept so that misuse can be asked about", OldRows(old_lookups, forget_lookups)),
        rule("persons", "persons_days", "who never came is no patient", OldPersons(something_followed())),
        rule(EVENTS, "feed_days", "everybody has read them, and what they told of stands in its room", OldRows(_old_events, forget_events)),
        rule("phones laid aside", "handsets_days", "what their steps did stands in the ledger", OldRows(old_handsets, forget_handsets)),
        rule("months of readings", "readings_days", "what they said is summed up by hours and judged", OldMonths()),
        rule(HOURS, "hours_days", "no batch that may still be used was there", OldHours()),
    )  # fmt: skip


def _old_events(db: Session, before: datetime) -> Select[*tuple[Any, ...]]:
    read = reactions_have_read(db, [each.reader for each in REACTIONS]), webhooks_have_read(db)
    return old_events(before, read)


def night_before(now: datetime) -> datetime:
    """When the runs of this day began to be due."""
    begins = datetime.combine(local_day(now, WESTERN), _BEGINS_AT, ZoneInfo(WESTERN)).astimezone(UTC)
    return begins if begins <= now else begins - timedelta(days=1)


def standings(db: Session, rules: Sequence[Rule], *, now: datetime) -> list[Standing]:
    """How each rule stands."""
    return [
        Standing(
            rule=each,
            last=last_run(db, each.what),
            due=None if each.kept is None else each.part.count(db, now - each.kept, most=MOST_COUNTED),
        )
        for each in rules
    ]


def let_go_next(db: Session, rule: Rule, *, due_since: datetime, now: datetime, wait: bool = False) -> bool:
    """Do one piece of the rule's run; begins one where none has begun since `due_since`. False: there is nothing to do.

    Whoever takes a piece holds the rule until the commit: another meanwhile finds nothing to do or, with `wait`, comes after. May be
    stopped anywhere; the next who asks goes on where the last commit ended.
    """
    if rule.kept is None:
        return False
    mine = func.hashtextextended(f"retention {rule.what}", 0)
    if wait:
        db.execute(select(func.pg_advisory_xact_lock(mine)))
    elif not db.scalar(select(func.pg_try_advisory_xact_lock(mine))):
        return False
    run = last_run(db, rule.what)
    if run is None or (run.ended_at is not None and run.at < due_since):
        run = begin_run(db, rule.what, before=now - rule.kept, now=now)
    if run.ended_at is not None:
        return False
    # Should the days have been raised since it began, they count at once.
    piece = rule.part.next(db, min(run.before, now - rule.kept), run.reached, now=now)
    run.how_many += piece.how_many
    if piece.reached is None:
        run.ended_at = now
    else:
        run.reached = piece.reached
    db.flush()
    return True
