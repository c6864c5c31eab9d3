"""Refusals of the room people."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "people.person_not_found": Problem(
        404, "Orang ini tidak ditemukan dalam jangkauan Anda.", "There is no such person within your reach."
    ),
    "people.bad_nik": Problem(
        422,
        "NIK ini tidak mungkin benar; periksa 16 angkanya pada KTP.",
        "This cannot be an identity number; check its 16 digits on the card.",
    ),
    "people.bad_phone": Problem(422, "Nomor telepon tidak mungkin benar.", "This cannot be a phone number."),
    "people.bad_name": Problem(422, "Nama terdiri atas 1 sampai 200 huruf.", "A name has 1 to 200 characters."),
    "people.nik_taken": Problem(
        409, "NIK ini sudah terdaftar.", "Somebody is registered under this identity number already."
    ),
    "people.other_content": Problem(
        409, "Id ini sudah dipakai untuk data lain.", "This id was used for a person with other data."
    ),
}
