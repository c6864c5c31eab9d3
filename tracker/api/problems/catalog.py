"""Refusals of the room catalog."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "catalog.batch_not_found": Problem(404, "Batch tidak dikenal.", "There is no such batch."),
    "catalog.presentation_not_found": Problem(404, "Produk tidak dikenal.", "There is no such product."),
    "catalog.vaccine_not_found": Problem(404, "Vaksin tidak dikenal.", "There is no such vaccine."),
    "catalog.storage_class_not_found": Problem(404, "Kelas simpan tidak dikenal.", "There is no such storage class."),
    "catalog.code_taken": Problem(
        409, "{value} sudah dipakai untuk produk lain.", "{value} already belongs to another product."
    ),
    "catalog.batch_differs": Problem(
        409,
        "Batch {lot} sudah tercatat dengan kedaluwarsa {known:day}; salah satu terbaca keliru.",
        "Batch {lot} is known with expiry {known:day}; one of the two was read wrongly.",
    ),
    "catalog.lot_ambiguous": Problem(
        409,
        "Nomor {lot} dipakai lebih dari satu produk; sebutkan id batch atau pindai lengkap.",
        "More than one product has the lot {lot}; name the batch by its id or by a full scan.",
    ),
    "catalog.bad_gtin": Problem(
        422,
        "{value} bukan GTIN: 8, 12, 13 atau 14 angka dengan digit pemeriksa yang benar.",
        "{value} is no GTIN: 8, 12, 13 or 14 digits, the last a right check digit.",
    ),
    "catalog.bad_nie": Problem(
        422, "{value} bukan nomor izin edar BPOM.", "{value} does not have the form of a BPOM marketing number."
    ),
    "catalog.bad_lot": Problem(
        422,
        "Nomor batch terdiri atas 1 sampai 20 karakter yang boleh ada di kode GS1.",
        "A lot has 1 to 20 characters that may stand in a GS1 code.",
    ),
    "catalog.separator_missing": Problem(
        422,
        "Nomor batch {lot} berawal dengan {known} yang sudah dikenal lalu berlanjut seperti isian label berikutnya:"
        " pemisahnya hilang. Bila memang tercetak begitu, pusat mendaftarkannya sesuai label.",
        "The lot {lot} begins with {known}, which is known, and goes on like the label's next field: its separator was"
        " lost. If it is printed so, the national level registers it as printed.",
    ),
    "catalog.implausible_expiry": Problem(
        422,
        "Kedaluwarsa {value:day} tidak masuk akal: lebih dari {most} tahun dari sekarang.",
        "The expiry {value:day} cannot be right: it is more than {most} years from now.",
    ),
    "catalog.correction_incomplete": Problem(
        422,
        "Perubahan ini memerlukan alasan; perubahan resmi juga sumber dan tanggalnya.",
        "This change needs a reason; an official one also its source and that one's day.",
    ),
    "catalog.not_joined_here": Problem(
        409,
        "Ejaan {lot} tidak disatukan dengan lot ini. Halaman lot menyebut ejaan yang disatukan dengannya.",
        "The spelling {lot} is not joined into this lot. The lot's page names those that are.",
    ),
    "catalog.bad_bands": Problem(
        422,
        "Rentang penyimpanan ke-{line} tidak masuk akal: {reason:band_fault}.",
        "Condition band {line} does not make sense: {reason:band_fault}.",
    ),
    "catalog.bad_policy": Problem(
        422,
        "Nilai {field:field} tidak dapat diterima: {reason:policy_fault}.",
        "The value of “{field:field}” is not acceptable: {reason:policy_fault}.",
    ),
    "catalog.scan_unreadable": Problem(422, "{message_id}", "{message}"),
    "catalog.image_unreadable": Problem(
        422, "Tidak ada kode yang terbaca pada gambar.", "No code can be read in the picture."
    ),
    "catalog.image_too_large": Problem(
        422, "Gambar melebihi {most_pixels} piksel.", "The picture has more than {most_pixels} pixels."
    ),
}
