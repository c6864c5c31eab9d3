"""One puskesmas and its vials, and what must hold there: an independent count by brute force of every row."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import event
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from tests.support.quota import Desk
from tests.support.world import StandingWorld
from tracker.catalog.models import Batch
from tracker.feed.models import FeedPending
from tracker.kit.days import local_day
from tracker.quota.events import BookingDisplaced
from tracker.quota.models import Booking, Claim, VaccinationSession
from tracker.quota.rules.words import LIVE, SEATED, BookingState, ClaimState, SessionState
from tracker.stock.models import Availability, OpenVial, StockBalance
from tracker.stock.rules.words import Account, Status

PRODUCTS = {"az-10": ("az-10/AZ001", "az-10/AZ002", "az-10/AZ003"), "penta-5": ("penta-5/PB001", "penta-5/PB002")}


class LivingDesk(Desk):
    """Whose day goes on with the clock."""

    @property
    def today(self) -> date:
        return local_day(self.now, self.world.puskesmas.timezone)


class CountedPuskesmas:
    """One puskesmas, two products (one keeps 28 days once open), seven weeks."""

    connection: Connection
    standing: StandingWorld

    def __init__(self) -> None:
        self.trial = self.connection.begin_nested()
        self.db = Session(self.connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        self.world = self.standing.joined(self.db)
        self.desk = LivingDesk(self.db, self.world, self.world.now)
        self.sessions: list[tuple[str, UUID]] = []
        self.settled = False

    def teardown(self) -> None:
        self.db.close()
        self.trial.rollback()

    def doses_add_up(self) -> None:
        """Each dose given out of a vial is somebody's, and the other way round."""
        self.db.flush()
        given: dict[object, int] = {}
        for vial_id in self.db.scalars(select(Booking.open_vial_id).where(Booking.state == BookingState.VACCINATED)):
            given[vial_id] = given.get(vial_id, 0) + 1
        for vial in self.db.scalars(select(OpenVial).execution_options(populate_existing=True)):
            assert vial.given == given.get(vial.id, 0)

    def each_dose_was_there_then(self) -> None:
        """Its vial was open at the instant of the dose and still good, and its lot had not expired."""
        self.db.flush()
        rows = self.db.execute(
            select(Booking.vaccinated_at, OpenVial.opened_at, OpenVial.discard_by, Batch.expiry)
            .join(OpenVial, OpenVial.id == Booking.open_vial_id)
            .join(Batch, Batch.id == OpenVial.batch_id)
            .where(Booking.state == BookingState.VACCINATED)
        )
        for given_at, opened_at, discard_by, expiry in rows:
            assert given_at is not None
            assert opened_at <= given_at <= discard_by
            assert given_at.astimezone(ZoneInfo(self.world.puskesmas.timezone)).date() <= expiry

    def nobody_has_two_places(self) -> None:
        self.db.flush()
        live = self.db.execute(select(Booking.person_id, Booking.vaccine_id).where(Booking.state.in_(LIVE)))
        assert max(Counter(tuple(row) for row in live).values(), default=1) == 1

    def promises_are_backed(self) -> None:
        self.db.flush()
        for row in self.db.scalars(select(Availability).execution_options(populate_existing=True)):
            assert row.needed <= row.vials + row.short
            assert row.vials == self._usable(row.presentation_id, row.step)

    def counters_count(self) -> None:
        self.db.flush()
        for session in self.db.scalars(select(VaccinationSession).execution_options(populate_existing=True)):
            states = self.db.scalars(select(Booking.state).where(Booking.session_id == session.id)).all()
            assert session.live == sum(state in LIVE for state in states)
            assert session.taken == sum(state in SEATED for state in states) <= session.capacity
            assert session.vaccinated == states.count(BookingState.VACCINATED)

    def _check_settled(self, product: str, told: int) -> None:
        """After displacement every binding row is covered, unless those who have arrived alone are too many."""
        presentation = self.world.presentations[product]
        rows = self.db.scalars(
            select(Availability)
            .where(Availability.presentation_id == presentation.id)
            .execution_options(populate_existing=True)
        ).all()
        today = self.desk.today
        first = max((row.step for row in rows if row.step <= today), default=date.min)
        binding = [row for row in rows if row.step >= first]
        movable = self._persons(product, {BookingState.RESERVED, BookingState.CONFIRMED})
        worst = max((row.short for row in binding), default=0)
        assert worst == told
        for row in binding:
            need = self._needed(product, row.step)
            if need > row.vials:
                event("only those who have arrived are short")
                assert not self._could_help(product, row.step, movable)
            elif worst == 0:
                assert row.needed == need, "the stock room notes another need than the bookings have"

    def today(self, limit: int | None = None) -> list[Booking]:
        """Live bookings of today's sessions."""
        query = (
            select(Booking)
            .join(VaccinationSession)
            .where(Booking.state.in_(LIVE), VaccinationSession.day == self.desk.today)
            .order_by(Booking.id)
            .limit(limit)
        )
        return list(self.db.scalars(query.execution_options(populate_existing=True)))

    def worst(self) -> int:
        """The greatest shortage among the rows that bind today."""
        return max(self.desk.short(product) for product in PRODUCTS)

    def _gave_way(self) -> Counter[str]:
        self.db.flush()
        return Counter(map(str, self.db.scalars(select(Booking.id).where(Booking.state == BookingState.DISPLACED))))

    def _told(self) -> Counter[str]:
        self.db.flush()
        return Counter(self.db.scalars(select(FeedPending.subject).where(FeedPending.kind == BookingDisplaced.KIND)))

    def _could_help(self, product: str, step: date, movable: int) -> bool:
        """Whether withdrawing everybody who may be withdrawn would need fewer vials on these days."""
        if movable == 0:
            return False
        arrived = frozenset({BookingState.ARRIVED, BookingState.FIT})
        return self._needed(product, step, arrived) < self._needed(product, step)

    def _needed(self, product: str, step: date, states: frozenset[BookingState] = LIVE) -> int:
        """Vials needed on days from `step` on, counted afresh from the bookings."""
        presentation = self.world.presentations[product]
        size, whole_day = presentation.doses_per_vial, presentation.open_vial_days is not None
        waiting: list[list[Any]] = []  # [key, session, sorting, opens, persons]
        for session in self.db.scalars(
            select(VaccinationSession).where(VaccinationSession.presentation_id == presentation.id)
        ):
            if session.state is not SessionState.CLOSED:
                live = self.db.scalars(select(Booking.state).where(Booking.session_id == session.id)).all()
                over = session.closes_at <= self.desk.now
                key: object = session.day if whole_day else session.id
                order = (over, session.day, 0, session.opens_at, str(session.id))
                waiting.append([key, session.id, order, session.opens_at, sum(state in states for state in live)])
        if states is LIVE:
            claims = Counter(
                self.db.scalars(
                    select(Claim.due_day).where(
                        Claim.presentation_id == presentation.id, Claim.state == ClaimState.FUNDED
                    )
                )
            )
            for day, persons in claims.items():
                # Nobody knows at what hour they come: only a vial that lasts all day serves them.
                opens = datetime.combine(day, time(), ZoneInfo(self.world.puskesmas.timezone)) + timedelta(days=1)
                over = opens <= self.desk.now
                key = day if whole_day else ("claims", day)
                waiting.append([key, None, (over, day, 1, opens, str(day)), opens, persons])
        days = {key: order[1] for key, _, order, _, _ in waiting}
        for_claims = whole_day
        doses = [
            (vial.discard_by, vial.id, vial.session_id)
            for vial in self.db.scalars(
                select(OpenVial)
                .join(Batch, Batch.id == OpenVial.batch_id)
                .where(Batch.presentation_id == presentation.id, OpenVial.closed_at.is_(None))
                .execution_options(populate_existing=True)
            )
            if vial.discard_by > self.desk.now and vial.status is Status.USABLE
            for _ in range(vial.remaining)
        ]
        # Dose by dose: to its own session's people, then to whoever comes first and before the vial's time is up.
        for own in (True, False):
            for each in sorted(waiting, key=lambda w: w[2]):
                if each[1] is None and not for_claims:
                    continue
                for dose in sorted(doses):
                    fits = dose[2] == each[1] is not None if own else dose[0] > each[3]
                    if each[4] and fits:
                        each[4] -= 1
                        doses.remove(dose)
        groups: Counter[object] = Counter()
        for key, _, _, _, persons in waiting:
            groups[key] += persons
        return sum(-(-persons // size) for key, persons in groups.items() if days[key] >= step)

    def _usable(self, presentation_id: object, step: date) -> int:
        rows = self.db.execute(
            select(StockBalance.vials, Batch.expiry)
            .join(Batch, Batch.id == StockBalance.batch_id)
            .where(
                Batch.presentation_id == presentation_id,
                StockBalance.account == Account.PLACE,
                StockBalance.status == Status.USABLE,
            )
        )
        return sum(row.vials for row in rows if row.expiry >= step)

    def _persons(self, product: str, states: set[BookingState]) -> int:
        presentation = self.world.presentations[product]
        query = (
            select(Booking.id)
            .join(VaccinationSession)
            .where(VaccinationSession.presentation_id == presentation.id, Booking.state.in_(states))
        )
        return len(self.db.scalars(query).all())
