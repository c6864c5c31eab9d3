"""Refusals of the room adverse."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "adverse.not_found": Problem(
        404, "KIPI ini tidak ditemukan dalam jangkauan Anda.", "There is no such adverse event within your reach."
    ),
    "adverse.no_dose": Problem(
        409,
        "Pendaftaran ini tidak mempunyai dosis yang tercatat. Catat dosisnya dahulu, atau cabut KIPI yang salah orang.",
        "This booking has no dose on record. Record the dose first, or withdraw an adverse event of somebody else.",
    ),
    "adverse.other_content": Problem(
        409, "Id ini sudah dipakai untuk KIPI lain.", "This id was used for another adverse event."
    ),
    "adverse.nothing_told": Problem(
        422,
        "Pilih paling sedikit satu gejala, atau tulis apa yang dialami.",
        "Choose at least one symptom, or write what happened.",
    ),
    "adverse.bad_onset": Problem(
        422,
        "Gejala mulai sesudah dosisnya ({given_at:moment}) dan tidak di masa datang. Perbaiki waktunya; bila waktu dosisnya salah, perbaiki itu dahulu.",
        "It began after the dose ({given_at:moment}) and not in time to come. Correct the time; where the dose's time is wrong, correct that first.",
    ),
    "adverse.death_is_serious": Problem(
        422,
        "Bila orangnya meninggal, KIPI ini serius. Tandai serius.",
        "Where somebody died it is serious. Mark it so.",
    ),
    "adverse.unknown_symptom": Problem(
        422,
        "Gejala {symptom} tidak ada di daftar. Pilih dari daftar, atau tulis dengan kata-kata.",
        "The list has no symptom {symptom}. Choose from the list, or write it in words.",
    ),
    "adverse.not_serious": Problem(
        409,
        "Hanya KIPI serius yang berlaku yang ditindaklanjuti di sini.",
        "Only serious adverse events that stand are followed up here.",
    ),
}
