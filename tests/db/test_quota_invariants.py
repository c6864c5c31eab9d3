"""Whatever happens in whatever order: promises never exceed vials plus shortage, and displacement ends the shortage.

The machine books, cancels, changes days, opens vials in mid-session, throws doses away, loses, holds and receives vials of
batches that expire inside the horizon, tells doses late, and lets time pass, and the day with it (claims wait on or run out, next
doses are booked); an independent count by brute force checks every row.
Each act happens in each history, in an order of its own.

Seen red with a vial taken for a dose though its hours were over then (`discard_by` left out in `tracker/quota/service/vials.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, Select, select, text

from tests.db.test_quota_vials_then import release_everything, stop_everything
from tests.support.counted_puskesmas import PRODUCTS, CountedPuskesmas
from tests.support.world import StandingWorld
from tracker.access.principal import SYSTEM
from tracker.catalog.models import Batch
from tracker.kit.errors import DomainError
from tracker.quota.models import Booking, Claim, VaccinationSession
from tracker.quota.rules.words import DISPLACEABLE, LIVE, TAKEN_BACK, BookingState, SessionState
from tracker.quota.service.claims import OPEN, roll_claims
from tracker.quota.service.commands import ChangeDay, TakeBack, Vaccinate
from tracker.quota.service.correcting import take_back
from tracker.quota.service.displacing import displace
from tracker.quota.service.ending import close_session
from tracker.quota.service.pools import lock_pool, pool_facts
from tracker.quota.service.rebooking import change_day
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.models import OpenVial, StockBalance
from tracker.stock.queries.availability import pool_state
from tracker.stock.rules.words import Account, OpenWaste
from tracker.stock.service.commands import DiscardDoses
from tracker.stock.service.opening import discard_doses

# AZ001 can be used through the eighth day ahead: before it, on it, behind it.
DAYS = st.sampled_from([0, 0, 1, 8, 9, 9, 12])
# A vial lasts six hours once open: doses of before and of after its time.
_INTO_IT = [timedelta(minutes=minutes) for minutes in (0, 30, 120, 380, 420, 600)]

T = TypeVar("T")


class Puskesmas(CountedPuskesmas):
    """What happens there."""

    def begin(self, early: int, late: int, kept: int) -> None:
        """Vials that expire inside the horizon, vials that do not, and sessions on both sides of that day."""
        for batch, vials in (("az-10/AZ001", early), ("az-10/AZ003", late), ("penta-5/PB001", kept)):
            if vials:
                self.desk.stock(batch, vials)
        for product, ahead in (("az-10", 0), ("az-10", 9), ("penta-5", 0)):
            self.sessions.append((product, self.desk.session(product=product, ahead=ahead, capacity=15)))

    def plan(self, product: str, ahead: int, capacity: int) -> None:
        session = self.attempt(lambda: self.desk.session(product=product, ahead=ahead, capacity=capacity))
        if session is not None:
            self.sessions.append((product, session))

    def receive(self, product: str, which: int, vials: int) -> None:
        batches = PRODUCTS[product]
        self.desk.stock(batches[which % len(batches)], vials)
        event("vials were delivered")

    def book(self, data: st.DataObject, persons: int, dose: int, arrive: bool) -> None:
        _, session = data.draw(st.sampled_from(self.sessions))
        short = self.worst()
        for _ in range(persons):
            booking = self.attempt(lambda: self.desk.book(session, dose=dose))
            if booking is None:
                event("a booking was refused")
                break
            self.attempt(partial(self.desk.move, booking, BookingState.CONFIRMED))
            if arrive:
                self.attempt(partial(self.desk.move, booking, BookingState.ARRIVED))
        assert self.worst() <= short, "only the ledger raises a shortage, never a booking"

    def move(self, data: st.DataObject, to: BookingState) -> None:
        booking = self._one(data, select(Booking).where(Booking.state.in_(LIVE)).order_by(Booking.id))
        if booking is not None:
            self.attempt(lambda: self.desk.move(booking, to))

    def change_day(self, data: st.DataObject) -> None:
        """Another session, of whatever product: the seat and the vials go along, and no shortage comes of it."""
        booking = self._one(data, select(Booking).where(Booking.state.in_(DISPLACEABLE)).order_by(Booking.id))
        if booking is None or not self.sessions:
            return
        short = self.worst()
        _, session = data.draw(st.sampled_from(self.sessions))
        command = ChangeDay(booking_id=booking.id, session_id=session)
        if self.attempt(lambda: change_day(self.db, SYSTEM, command, now=self.desk.now)) is not None:
            event("a day was changed")
        assert self.worst() <= short, "only the ledger raises a shortage, never a change of day"

    def take_back(self, data: st.DataObject, to: BookingState) -> None:
        """A state reached by mistake, whichever: seats and vials are counted again, and no shortage comes of it."""
        booking = self._one(data, select(Booking).where(Booking.state.in_(TAKEN_BACK)).order_by(Booking.id))
        if booking is None:
            return
        short, was = self.worst(), booking.state
        command = TakeBack(booking_id=booking.id, state=to, reason="salah ketuk")
        if self.attempt(lambda: take_back(self.db, SYSTEM, command, now=self.desk.now)) is not None:
            event(f"{was.value} was taken back")
            assert self.worst() <= short, "only the ledger raises a shortage, never a correction"

    def vaccinate(self, data: st.DataObject, persons: int, calmly: bool) -> None:
        """Opening a vial takes it and the bookings it serves together: a pool in order stays without a shortage."""
        if calmly:
            self.settle()
        covered = calmly and self.worst() == 0
        for _ in range(persons):
            coming = self.today()
            booking = data.draw(st.sampled_from(coming)) if coming else None
            if booking is not None and self.attempt(partial(self.desk.vaccinate, booking)) is not None:
                event(f"a dose was given, {'all' if covered else 'not all'} promises covered before")
                assert not covered or self.worst() == 0

    def vaccinate_late(self, data: st.DataObject, persons: int) -> None:
        """Typed in afterwards, also of a session that is closed: what was given, and when."""
        came = LIVE | {BookingState.NO_SHOW}
        for _ in range(persons):
            booking = self._one(
                data,
                select(Booking)
                .join(VaccinationSession)
                .where(Booking.state.in_(came), VaccinationSession.opens_at <= self.desk.now)
                .order_by(Booking.id),
            )
            if booking is None:
                return
            opened = self.db.get_one(VaccinationSession, booking.session_id).opens_at
            at = min(self.desk.now, opened + data.draw(st.sampled_from(_INTO_IT)))
            command = Vaccinate(booking_id=booking.id, occurred_at=at)
            if self.attempt(partial(vaccinate, self.db, SYSTEM, command, now=self.desk.now)) is not None:
                event("a dose was told late" if at < self.desk.now else "a dose was told as it was given")
                if self.db.get_one(VaccinationSession, booking.session_id).state is SessionState.CLOSED:
                    event("a dose was told of a session that is closed")

    def hold(self, data: st.DataObject, lifted: bool) -> None:
        """All of a lot is stopped, closed and opened, as an alarm or a recall does it; or the stop ends."""
        batch = data.draw(st.sampled_from([batch for batches in PRODUCTS.values() for batch in batches]))
        stop_or_go = release_everything if lifted else stop_everything
        if self.attempt(lambda: [stop_or_go(self.desk, batch, self.desk.now)]) is not None:
            event("a stop ended" if lifted else "a lot was stopped")

    def throw_away(self, data: st.DataObject) -> None:
        vial = self._one(data, select(OpenVial).where(OpenVial.closed_at.is_(None)).order_by(OpenVial.id))
        if vial is not None:
            event("an open vial was thrown away in mid-session")
            command = DiscardDoses(open_vial_id=vial.id, occurred_at=self.desk.now, reason=OpenWaste.CONTAMINATION)
            self.attempt(lambda: discard_doses(self.db, SYSTEM, command, now=self.desk.now))

    def lose(self, data: st.DataObject, vials: int) -> None:
        lying = [batch for batches in PRODUCTS.values() for batch in batches if self.desk.ledger.vials(batch)]
        if lying:
            batch = data.draw(st.sampled_from(lying))
            self.desk.lose(batch, min(vials, self.desk.ledger.vials(batch)))
            event("vials were lost")
            self.settled = False

    def wait(self, hours: int) -> None:
        self.desk.now += timedelta(hours=hours)
        for session in self.db.scalars(select(VaccinationSession)):
            if session.closes_at < self.desk.now and session.state is not SessionState.CLOSED:
                close_session(self.db, SYSTEM, session.id, now=self.desk.now)
        self._roll()
        today = self.desk.today
        lying = (
            select(StockBalance.batch_id)
            .join(Batch, Batch.id == StockBalance.batch_id)
            .where(StockBalance.account == Account.PLACE, StockBalance.vials > 0, Batch.expiry < today)
        )
        if self.db.scalar(lying.limit(1)) is not None:
            event("vials lay there past their day")

    def _roll(self) -> None:
        """What the worker does of a night: claims past their day wait on, or run out."""
        for product in PRODUCTS:
            pool = pool_facts(self.db, self.world.puskesmas.id, self.world.presentations[product].id, self.desk.now)
            lock_pool(self.db, pool)
            if roll_claims(self.db, pool, self.desk.now):
                event("claims waited on, or ran out")

    def book_next_of_today(self, data: st.DataObject) -> None:
        """As `book_next`, of the session that was planned last."""
        self.book_next(data, self.sessions[-1:])

    def book_next(self, data: st.DataObject, sessions: list[tuple[str, UUID]] | None = None) -> None:
        """Whoever has a claim books its dose, of whatever session: too early, elsewhere, or as it should be."""
        claim = self._one(data, select(Claim).where(Claim.state.in_(OPEN)).order_by(Claim.id))
        if claim is None:
            return
        _, session = data.draw(st.sampled_from(sessions or self.sessions))
        short = self.worst()
        if self.attempt(lambda: self.desk.confirmed(session, claim.person_id, dose=claim.dose)) is not None:
            event("a next dose was booked on its claim")
        assert self.worst() <= short, "only the ledger raises a shortage, never a booking"

    def settle(self) -> None:
        for product in PRODUCTS:
            presentation = self.world.presentations[product]
            rows = pool_state(self.db, self.world.puskesmas.id, presentation.id, self.desk.today)
            if rows and rows[0].short == 0 and any(row.short for row in rows):
                event("only days behind an expiry were short")
            gone, told = self._gave_way(), self._told()
            done = displace(self.db, self.world.puskesmas.id, presentation.id, now=self.desk.now)
            assert self._told() - told == self._gave_way() - gone, "whoever gives way is told, once"
            event(f"{'some' if done.bookings else 'nobody'} displaced")
            self._check_settled(product, done.short)
        self.settled = True

    def _one(self, data: st.DataObject, query: Select[T]) -> T | None:
        found = self.db.scalars(query.execution_options(populate_existing=True)).all()
        return data.draw(st.sampled_from(found)) if found else None

    def attempt(self, act: Callable[[], T]) -> T | None:
        """A refusal changes nothing, so the machine goes on behind it."""
        self.settled = False
        attempt = self.db.begin_nested()
        try:
            done = act()
        except DomainError:
            attempt.rollback()
            return None
        attempt.commit()
        return done


@contextmanager
def one_transaction(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        outer = connection.begin()
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield connection
        outer.rollback()


Act = tuple[Callable[..., None], dict[str, st.SearchStrategy[Any]]]

crowds = st.lists(
    st.tuples(st.sampled_from([0, 1, 8, 9, 12]), st.integers(1, 14), st.sampled_from([1, 1, 2]), st.booleans()),
    min_size=2,
    max_size=5,
)


@settings(max_examples=25, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
@given(
    early=st.integers(1, 3),
    late=st.integers(1, 3),
    crowds=crowds,
    doses=st.integers(0, 5),
    spoilt=st.booleans(),
    lost_early=st.integers(0, 3),
    lost_late=st.integers(0, 3),
)
def test_after_any_loss_displacement_covers_every_day_again(
    world_savepoint_engine: Engine,
    standing: StandingWorld,
    early: int,
    late: int,
    crowds: list[tuple[int, int, int, bool]],
    doses: int,
    spoilt: bool,
    lost_early: int,
    lost_late: int,
) -> None:
    """The same checks on dense histories: people on both sides of an expiry, a vial open, vials spoilt and lost."""
    with one_transaction(world_savepoint_engine) as connection:
        Puskesmas.connection, Puskesmas.standing = connection, standing
        town = Puskesmas()
        desk = town.desk
        desk.stock("az-10/AZ001", early)
        desk.stock("az-10/AZ003", late)
        for ahead, persons, dose, arrived in crowds:
            session = desk.session(ahead=ahead, capacity=20)
            for _ in range(persons):
                booking = town.attempt(partial(desk.confirmed, session, dose=dose))
                if booking is not None and arrived and ahead == 0:
                    desk.move(booking, BookingState.ARRIVED)
        assert town.worst() == 0, "only the ledger raises a shortage, never a booking"
        for booking in town.today(limit=doses):
            town.attempt(partial(desk.vaccinate, booking))
        assert town.worst() == 0, "nor a vial that serves those it is opened for"
        town.promises_are_backed()
        if spoilt:
            for vial in town.db.scalars(select(OpenVial.id).where(OpenVial.closed_at.is_(None))).all():
                command = DiscardDoses(open_vial_id=vial, occurred_at=desk.now, reason=OpenWaste.CONTAMINATION)
                discard_doses(town.db, SYSTEM, command, now=desk.now)
        for batch, lost in (("az-10/AZ001", lost_early), ("az-10/AZ003", lost_late)):
            if there := min(lost, desk.ledger.vials(batch)):
                desk.lose(batch, there)
        town.promises_are_backed()
        town.settle()
        town.promises_are_backed()
        town.counters_count()
        town.teardown()


_FATES = [BookingState.CANCELLED, BookingState.FIT, BookingState.FIT, BookingState.REFUSED]
_BACK = [BookingState.CONFIRMED, BookingState.ARRIVED, BookingState.NO_SHOW]
_PRODUCT = st.sampled_from(sorted(PRODUCTS))
_BOOK: Act = (
    Puskesmas.book,
    {
        "data": st.data(),
        "persons": st.integers(1, 12),
        "dose": st.sampled_from([1, 1, 1, 2]),
        "arrive": st.booleans(),
    },
)
_DOSE: Act = (Puskesmas.vaccinate, {"data": st.data(), "persons": st.integers(1, 6), "calmly": st.booleans()})
_LATE: Act = (Puskesmas.vaccinate_late, {"data": st.data(), "persons": st.integers(2, 6)})
# What happens often stands here more than once.
ACTS: list[Act] = [
    (Puskesmas.plan, {"product": _PRODUCT, "ahead": DAYS, "capacity": st.integers(1, 30)}),
    (Puskesmas.receive, {"product": _PRODUCT, "which": st.integers(0, 2), "vials": st.integers(1, 3)}),
    *[_BOOK] * 4,
    *[_DOSE] * 4,
    *[_LATE] * 3,
    *[(Puskesmas.move, {"data": st.data(), "to": st.sampled_from(_FATES)})] * 2,
    (Puskesmas.change_day, {"data": st.data()}),
    *[(Puskesmas.book_next, {"data": st.data()})] * 2,
    (Puskesmas.take_back, {"data": st.data(), "to": st.sampled_from(_BACK)}),
    (Puskesmas.throw_away, {"data": st.data()}),
    *[(Puskesmas.lose, {"data": st.data(), "vials": st.sampled_from([1, 2, 50])})] * 2,
    *[(Puskesmas.hold, {"data": st.data(), "lifted": st.booleans()})] * 2,
    *[(Puskesmas.wait, {"hours": st.sampled_from([1, 1, 1, 2, 2, 7, 7, 24, 24 * 9, 24 * 28])})] * 2,
    (Puskesmas.settle, {}),
]
EACH = list({act: (act, drawn) for act, drawn in ACTS}.values())
# A day with paper typed in opens each history, while there are vials; at its end more paper, and the lot of before the horizon expires.
MORNING: list[Act] = [_BOOK, _BOOK, (Puskesmas.wait, {"hours": st.sampled_from([1, 7])}), _LATE, _LATE]
EVENING: list[Act] = [
    (Puskesmas.wait, {"hours": st.just(7)}),
    _LATE,
    (Puskesmas.settle, {}),
    (Puskesmas.wait, {"hours": st.just(24 * 9)}),
    (Puskesmas.settle, {}),
    # Weeks later those who had the first dose come for the next.
    (Puskesmas.wait, {"hours": st.just(24 * 47)}),
    (Puskesmas.plan, {"product": st.just("az-10"), "ahead": st.just(0), "capacity": st.just(20)}),
    (Puskesmas.receive, {"product": st.just("az-10"), "which": st.just(2), "vials": st.just(2)}),
    *[(Puskesmas.book_next_of_today, {"data": st.data()})] * 2,
    _DOSE,
    (Puskesmas.settle, {}),
]


@settings(max_examples=12, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
@given(
    data=st.data(),
    stock=st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(0, 2)),
    acts=st.lists(st.sampled_from(ACTS), min_size=8, max_size=12).flatmap(lambda more: st.permutations([*EACH, *more])),
)
def test_promises_are_always_backed_and_displacement_ends_every_shortage(
    world_savepoint_engine: Engine,
    standing: StandingWorld,
    data: st.DataObject,
    stock: tuple[int, int, int],
    acts: list[Act],
) -> None:
    with one_transaction(world_savepoint_engine) as connection:
        Puskesmas.connection, Puskesmas.standing = connection, standing
        town = Puskesmas()
        town.begin(*stock)
        for act, drawn in [*MORNING, *acts, *EVENING]:
            values = {name: data.draw(each) for name, each in drawn.items()}
            act(town, **values)
            town.promises_are_backed()
            town.counters_count()
            town.doses_add_up()
            town.each_dose_was_there_then()
            town.nobody_has_two_places()
        town.teardown()
