"""Refusals of the room pcare."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "pcare.record_not_found": Problem(
        404,
        "Catatan P-Care ini tidak ditemukan dalam jangkauan Anda.",
        "There is no such record for P-Care within your reach.",
    ),
    "pcare.not_to_be_sent": Problem(
        409,
        "Catatan ini sudah selesai atau lewat berkas; tidak ada yang perlu dikirim lagi. Yang sekarang berlaku ada di versi terbarunya.",
        "This record is settled or goes by file; there is nothing to send again. What stands now is its newest version.",
    ),
    "pcare.goes_by_wire": Problem(
        409,
        "Dosis {facility} terkirim sendiri ke P-Care; berkas akan mencatatnya dua kali. Pilih dahulu cara berkas untuk fasilitas ini.",
        "Doses of {facility} go to P-Care by themselves; a file would tell them twice. First let the facility hand over by file.",
    ),
}
