"""What this room says when it must say no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracker.kit.errors import Conflict, NotFound, Refused

if TYPE_CHECKING:  # the rules say no by these errors
    from tracker.quota.rules.buckets import Applicant


class SessionNotFound(NotFound):
    """There is no such session within the caller's reach."""

    code = "quota.session_not_found"


class BookingNotFound(NotFound):
    """There is no such booking within the caller's reach."""

    code = "quota.booking_not_found"


class UnknownPerson(Refused):
    """Nobody is registered under this id."""

    code = "quota.unknown_person"


class Exhausted(Conflict):
    """There is no place left: `reason` is capacity, bucket or vials.

    `alternatives`, the nearest with room for `applicant`, are added by whoever shows the refusal, once the session's lock
    is let go: see `queries.nearby.with_alternatives`.
    """

    code = "quota.exhausted"
    applicant: Applicant | None = None


class AlreadyBooked(Conflict):
    """The person has a live booking for this vaccine and dose."""

    code = "quota.already_booked"


class DoseGiven(Conflict):
    """The person has had this dose."""

    code = "quota.dose_given"


class OtherBooking(Conflict):
    """The id was used for a booking with other content."""

    code = "quota.other_content"


class OtherStandby(Conflict):
    """The id was used for somebody else's place on the standby list, or for another dose."""

    code = "quota.other_standby"


class OtherSession(Conflict):
    """The id was used for a session with other content."""

    code = "quota.other_session"


class TemplateNotFound(NotFound):
    """There is no such template of sessions within the caller's reach."""

    code = "quota.template_not_found"


class OtherTemplate(Conflict):
    """The facility has another template of this name."""

    code = "quota.other_template"


class TooManyTemplates(Conflict):
    """A facility keeps so many templates at most."""

    code = "quota.too_many_templates"


class BadStep(Conflict):
    """A booking cannot go from its state to that one."""

    code = "quota.bad_step"


class ReservationLapsed(Conflict):
    """The reservation was not confirmed in time; the place is given back."""

    code = "quota.lapsed"


class SessionClosed(Conflict):
    """The session is closed or over."""

    code = "quota.session_closed"


class NotDue(Conflict):
    """Too few days have passed since the dose before; `first_day` is the earliest."""

    code = "quota.not_due"


class TooYoung(NotDue):
    """The person has not reached the age of this vaccine; `first_day` is the earliest."""

    code = "quota.too_young"


class TooNear(NotDue):
    """Another vaccine was given too few days before; `first_day` is the earliest."""

    code = "quota.too_near"


class DoseBefore(NotDue):
    """The dose before this one is not recorded; `first_day` is the earliest if it were given today."""

    code = "quota.dose_before"


class DoseNotForeseen(Conflict):
    """The schedule knows no such dose of this vaccine."""

    code = "quota.dose_not_foreseen"


class OtherDay(Conflict):
    """The dose was given on another day than the session's."""

    code = "quota.other_day"


class DoseDiffers(Conflict):
    """The dose is recorded, with another instant or reason, or out of another vial."""

    code = "quota.dose_differs"


class CannotAwait(Conflict):
    """What a booking should have been cannot stand in its session: closed ones await nobody."""

    code = "quota.cannot_await"


class BookingOver(SessionClosed):
    """The session is about to end; who books now could not come in time."""

    code = "quota.booking_over"


class NoVial(Conflict):
    """No usable vial lies at the facility."""

    code = "quota.no_vial"


class DoseNotServed(Refused):
    """The session does not give this dose."""

    code = "quota.dose_not_served"


class SessionInPast(Refused):
    """A session is planned for a day to come."""

    code = "quota.session_in_past"


class OtherPlace(Refused):
    """The equipment stands at another facility than the session."""

    code = "quota.other_place"


class PlaceLacks(Conflict):
    """In the place that the session's vials are to come from lie fewer than who has booked needs."""

    code = "quota.place_lacks"


class TooManySeated(Conflict):
    """More people have come than the session is to have places; `least` is how many."""

    code = "quota.too_many_seated"


class UnknownVaccine(Refused):
    """There is no vaccine of this code."""

    code = "quota.unknown_vaccine"


class OtherRule(Conflict):
    """Another rule is in force from that day on; a rule of a later day corrects it."""

    code = "quota.other_rule"


class OtherVaccine(Conflict):
    """The booking is for another vaccine than the session gives."""

    code = "quota.other_vaccine"


class BadWindow(Refused):
    """A session ends after it begins, within a day."""

    code = "quota.bad_window"


class BadCapacity(Refused):
    """The capacity is a whole number of persons, 1 to 100,000."""

    code = "quota.bad_capacity"


class BadShare(Refused):
    """Shares are parts up to 1 or whole persons, and together not more than the capacity."""

    code = "quota.bad_share"


class UnknownBucketKind(Refused):
    """The kind of bucket is none of those in `known`."""

    code = "quota.unknown_bucket_kind"


class BucketTwice(Refused):
    """A session has one bucket of a kind."""

    code = "quota.bucket_twice"


class BadDoses(Refused):
    """Doses are different numbers from 1 to 9."""

    code = "quota.bad_doses"


class NotToday(Conflict):
    """Somebody came before the day of their session (`day`)."""

    code = "quota.not_today"


class BadDeferral(Refused):
    """Who is deferred may come on a day after the session's (`day`); nobody else has such a day."""

    code = "quota.bad_deferral"


class BadPeriod(Refused):
    """The period ends after it begins and spans 92 days at most."""

    code = "quota.bad_period"


class BucketTaken(Conflict):
    """More places of a kind are taken than it would have; who is booked keeps theirs."""

    code = "quota.bucket_taken"


class StandbyNotFound(NotFound):
    """Nobody stands so on the list of this session's facility and vaccine."""

    code = "quota.standby_not_found"


class NotDrawn(Conflict):
    """Nobody is called before the order was drawn."""

    code = "quota.not_drawn"
