"""Refusals of the room coldchain."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "coldchain.alarm_not_found": Problem(
        404, "Alarm ini tidak ada dalam jangkauan Anda.", "This alarm is not within your reach."
    ),
    "coldchain.already_acknowledged": Problem(
        409, "Alarm ini sudah ditanggapi oleh {name}.", "This alarm has been acknowledged by {name}."
    ),
    "coldchain.alarm_closed": Problem(
        409,
        "Alarm ini sudah ditutup atau digabungkan dengan alarm lain.",
        "This alarm is closed, or went on in another one.",
    ),
    "coldchain.comment_missing": Problem(
        422, "Tulis keterangan: apa yang sedang dilakukan.", "Write a comment: what is being done."
    ),
}
