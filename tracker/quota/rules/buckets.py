"""For whom the places of a session are kept. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from uuid import UUID

from tracker.network.rules.residents import Nearness, nearness
from tracker.people.rules.groups import PersonGroup, groups_meant, plain
from tracker.quota.errors import BadShare, UnknownBucketKind
from tracker.quota.rules.words import BucketKind, Medium

_ALIASES = {
    "resident": BucketKind.KELURAHAN,
    "residents": BucketKind.KELURAHAN,
    "village": BucketKind.KELURAHAN,
    "city_resident": BucketKind.CITY,
    "city_residents": BucketKind.CITY,
    "kota": BucketKind.CITY,
    "walkin": BucketKind.WALK_IN,
    "go_show": BucketKind.WALK_IN,
    "dose2": BucketKind.SECOND_DOSE,
    "second": BucketKind.SECOND_DOSE,
    "health_worker": BucketKind.NAKES,
    "health_workers": BucketKind.NAKES,
    "public": BucketKind.GENERAL,
    "any": BucketKind.GENERAL,
    "open": BucketKind.GENERAL,
}


def bucket_kind(text: str, index: int = 0) -> BucketKind:
    """The kind a caller means; raises UnknownBucketKind naming the line."""
    word = plain(text)
    if word in _ALIASES:
        return _ALIASES[word]
    try:
        return BucketKind(word)
    except ValueError:
        raise UnknownBucketKind(line=index, field="kind", known=[kind.value for kind in BucketKind]) from None


def places_of(shares: Sequence[float], capacity: int) -> list[int]:
    """Places per bucket. A share up to 1 is a part of the capacity, a greater whole number is so many persons.

    Parts are rounded so that together they come to their sum (largest remainders first): thirds of 100 give
    34, 33, 33 and lose nobody. Raises BadShare.
    """
    exact: list[Fraction] = []
    for index, share in enumerate(shares):
        if not share > 0 or (share > 1 and not float(share).is_integer()):
            raise BadShare(line=index, field="share")
        # 0.1 is meant, not the binary number next to it.
        exact.append(Fraction(str(share)) * capacity if share <= 1 else Fraction(int(share)))
    # Thirds written as 0.333 come to a little less than all of it; nobody means a place for no one.
    total = sum(exact, Fraction(0))
    if total > capacity:
        raise BadShare(field="buckets", capacity=capacity)
    whole = [int(places) for places in exact]
    spare = round(total) - sum(whole)
    by_remainder = sorted(range(len(exact)), key=lambda i: (whole[i] - exact[i], i))
    for index in by_remainder[: max(0, spare)]:
        whole[index] += 1
    return whole


def share_of(places: int, capacity: int) -> float:
    """The share that `places_of` reads as so many places: whole persons, as parts of a capacity written out come to more than it.

    Trap: a sixth and five sixths are 1.00000000000000006 together.
    """
    return places if places > 1 else places / capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """One bucket as it stands: `places` kept, `taken` of them; from `release_at` on the rest is for anybody."""

    id: UUID
    kind: BucketKind
    places: int
    taken: int
    release_at: datetime | None = None

    @property
    def left(self) -> int:
        """Places not taken."""
        return max(0, self.places - self.taken)

    def released(self, now: datetime) -> bool:
        """Whether its rest is for anybody."""
        return self.release_at is not None and self.release_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """What matters of a person for the question which places are theirs; `not_before`: the day their dose is due."""

    dose: int
    medium: Medium
    groups: frozenset[str] = frozenset()
    residence: str | None = None
    not_before: date | None = None


def eligible(applicant: Applicant, served: Collection[str]) -> list[BucketKind]:
    """The kinds of places this person may take, the most particular first; `served`: codes of the areas served there."""
    kinds = []
    if applicant.dose > 1:
        kinds.append(BucketKind.SECOND_DOSE)
    if PersonGroup.NAKES in groups_meant(applicant.groups):
        kinds.append(BucketKind.NAKES)
    near = nearness(applicant.residence, served)
    if near >= Nearness.KELURAHAN:
        kinds.append(BucketKind.KELURAHAN)
    if near >= Nearness.CITY:
        kinds.append(BucketKind.CITY)
    if applicant.medium is Medium.WALK_IN:
        kinds.append(BucketKind.WALK_IN)
    kinds.append(BucketKind.GENERAL)
    return kinds


def choose(seats: Sequence[Seats], kinds: Sequence[BucketKind], now: datetime) -> Seats | None:
    """The bucket whose place the person takes: their own kinds first, then what was released; None: all taken."""
    by_kind: Mapping[BucketKind, Seats] = {seat.kind: seat for seat in seats}
    for kind in kinds:
        if kind in by_kind and by_kind[kind].left > 0:
            return by_kind[kind]
    return next((seat for seat in seats if seat.released(now) and seat.left > 0), None)


def seats_for(seats: Sequence[Seats], kinds: Sequence[BucketKind], now: datetime) -> int:
    """How many persons of these kinds may sit down one after another: places of their own kinds, and what was released."""
    return sum(seat.left for seat in seats if seat.kind in kinds or seat.released(now))


def open_to(seats: Sequence[Seats], kind: BucketKind, now: datetime) -> int:
    """Places somebody of this kind may take: the kind's own and what others released."""
    return sum(seat.left for seat in seats if seat.kind is kind or seat.released(now))


def serves_dose(kind: BucketKind, dose: int) -> bool:
    """Whether a bucket of this kind is for that dose at all."""
    return kind is not BucketKind.SECOND_DOSE or dose > 1
