"""Refusals of the room registration."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "registration.bad_ticket": Problem(422, "Kode ini bukan tiket kami.", "This code is no ticket of ours."),
    "registration.ticket_elsewhere": Problem(409, "Tiket ini untuk {facility}.", "This ticket is for {facility}."),
    "registration.ticket_other_day": Problem(
        409, "Tiket ini untuk tanggal {day:day}.", "This ticket is for {day:day}."
    ),
    "registration.other_medium": Problem(
        409, "Percakapan ini dimulai lewat saluran lain.", "This conversation was begun through another medium."
    ),
}
