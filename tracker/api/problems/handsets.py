"""Refusals of the room handsets."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "handsets.unknown": Problem(
        404, "Ponsel ini belum terdaftar untuk akun Anda.", "This phone is not known for your account yet."
    ),
    "handsets.step_not_found": Problem(
        404, "Langkah itu tidak ditemukan dalam jangkauan Anda.", "There is no such step within your reach."
    ),
    "handsets.taken": Problem(409, "Nomor itu milik ponsel lain.", "That number is another phone's."),
    "handsets.too_many": Problem(
        409,
        "Akun ini sudah memakai {most} ponsel; putuskan yang tidak dipakai lagi, lalu minta akun baru.",
        "This account has used {most} phones; cut off those no longer in use, and ask for another account.",
    ),
    "handsets.cut_off": Problem(
        403,
        "Ponsel ini sudah diputus; yang tersimpan di dalamnya dihapus. Tanyakan kepada kepala fasilitas.",
        "This phone was cut off; what it holds is deleted. Ask the head of the facility.",
    ),
    "handsets.steps_missing": Problem(
        409,
        "Langkah sebelum ini belum sampai; yang ditunggu nomor {wanted}.",
        "Steps before these have not come; number {wanted} is awaited.",
    ),
    "handsets.chain_broken": Problem(
        409,
        "Langkah {number} bukan yang tercatat di buku ponsel ini; tidak ada yang dicatat.",
        "Step {number} is not the one in this phone's book; nothing was recorded.",
    ),
    "handsets.step_unreadable": Problem(
        422,
        "Teks langkah tidak dapat dibaca; tidak ada yang dicatat.",
        "The text of the step cannot be read; nothing was recorded.",
    ),
    "handsets.step_taken": Problem(
        409,
        "Langkah {number} memakai id langkah lain; tidak ada yang dicatat.",
        "Step {number} has another step's id; nothing was recorded.",
    ),
    "handsets.kind_unknown": Problem(
        422,
        "Jenis langkah ini tidak dikenal; muat ulang aplikasi di ponsel.",
        "No step is of this kind; reload the app on the phone.",
    ),
    "handsets.need_unknown": Problem(
        422,
        "Langkah ini bergantung pada langkah yang tidak dikenal.",
        "This step builds upon one that nobody knows.",
    ),
    "handsets.need_dropped": Problem(
        409,
        "Langkah yang mendasarinya dibatalkan; putuskan apa yang terjadi dengan yang ini.",
        "The step it builds upon was dropped; decide what becomes of this one.",
    ),
    "handsets.settled": Problem(
        409,
        "Langkah ini tidak menunggu keputusan lagi; muat ulang halamannya.",
        "This step waits for no decision any more; reload the page.",
    ),
    "handsets.still_waiting": Problem(
        409,
        "Langkah yang mendasarinya masih menunggu; putuskan itu dahulu.",
        "The step it builds upon still waits; settle that one first.",
    ),
    "handsets.body_needed": Problem(422, "Tulis apa yang seharusnya tercatat.", "Say what should have been recorded."),
    "handsets.body_wrong": Problem(
        422,
        "Isi langkah ini tidak lengkap atau salah bentuknya; tulis yang seharusnya tercatat.",
        "The step's content is not whole or has another shape; say what should have been recorded.",
    ),
}
