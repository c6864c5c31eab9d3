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
    "people.bad_residence": Problem(
        422,
        "Tempat tinggal ditulis dengan kode wilayah: 2, 4, 6, atau 10 angka, dengan atau tanpa titik.",
        "Where somebody lives is written as an area code: 2, 4, 6 or 10 digits, with dots or without.",
    ),
    "people.unknown_group": Problem(
        422,
        "Kelompok {name} tidak dikenal. Yang dikenal: {known:person_group}.",
        "There is no group {name}. Those known are: {known:person_group}.",
    ),
    "people.no_nik_without_reason": Problem(
        422,
        "Isi NIK, atau alasan mengapa tidak ada, beserta tanggal lahir dan jenis kelamin.",
        "Give an identity number, or the reason why there is none with a birth date and a sex.",
    ),
    "people.bad_birth": Problem(
        422,
        "Tanggal lahir tidak mungkin benar, atau tidak sesuai dengan NIK; bila NIK yang salah, perbaiki NIK-nya.",
        "The birth date cannot be right or contradicts the identity number; where that is wrong, correct it.",
    ),
    "people.unit_unsaid": Problem(
        422,
        "Akun ini mendaftarkan orang di beberapa tempat: {units}. Sebutkan satu di `unit`.",
        "This account registers people at several places: {units}. Say one of them in `unit`.",
    ),
    "people.unknown_unit": Problem(
        422,
        "Akun ini tidak mendaftarkan orang di unit itu.",
        "This account does not register people at that unit.",
    ),
    "people.own_guardian": Problem(
        422,
        "Wali adalah orang lain, yang tidak diwalikan oleh orang ini sendiri.",
        "A guardian is somebody else, for whom this person does not answer.",
    ),
    "people.two_numbers": Problem(
        409,
        "Kedua data ini punya NIK yang berbeda. Perbaiki dahulu NIK yang salah.",
        "Both records have identity numbers that differ. Correct the wrong one first.",
    ),
    "people.merged_elsewhere": Problem(
        409,
        "Salah satu data ini sudah digabung dengan data lain, atau keduanya sama.",
        "One of the records is part of another already, or both are the same.",
    ),
    "people.nik_taken": Problem(
        409, "NIK ini sudah terdaftar.", "Somebody is registered under this identity number already."
    ),
    "people.other_content": Problem(
        409, "Id ini sudah dipakai untuk data lain.", "This id was used for a person with other data."
    ),
}
