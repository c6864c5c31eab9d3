"""Refusals of the room hotline."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "hotline.call_not_found": Problem(
        404,
        "Panggilan ini tidak ada, atau bukan panggilan Anda. Buka halaman Hotline dan pilih dari daftarnya.",
        "There is no such call, or it is not yours. Open the hotline's page and choose from the list.",
    ),
    "hotline.call_open": Problem(
        409,
        "Panggilan Anda sebelumnya belum diakhiri. Lanjutkan atau akhiri dahulu.",
        "Your call before is not over. Go on with it or end it first.",
    ),
    "hotline.call_over": Problem(
        409,
        "Panggilan ini sudah berakhir. Terima panggilan baru; dari nomor yang sama, yang terputus dilanjutkan.",
        "This call is over. Take a new one; from the same number, one that was cut off goes on.",
    ),
    "hotline.other_call": Problem(
        409,
        "Nomor panggilan ini sudah dipakai untuk panggilan lain. Mulai lagi dari halaman Hotline.",
        "This id was used for another call. Begin again from the hotline's page.",
    ),
    "hotline.no_ticket": Problem(
        409,
        "Dalam panggilan ini belum ada janji yang berlaku, jadi tidak ada tiket yang dikirim. Pesankan dahulu.",
        "Nothing that stands was booked in this call, so there is no ticket to send. Book first.",
    ),
    "hotline.no_phone_to_send": Problem(
        409,
        "Orang ini tidak punya ponsel yang menerima pesan. Bacakan tiketnya; di puskesmas ia ditemukan dengan NIK.",
        "This person has no phone that takes messages. Read the ticket out; the puskesmas finds them by their NIK.",
    ),
    "hotline.birth_date_unsaid": Problem(
        422,
        "Dengan nama saja terlalu banyak orang. Tambahkan tanggal lahir, misalnya “Siti 17-08-1950”, atau tulis NIK atau "
        "nomor ponsel.",
        "By name alone there are too many. Add the birth date, such as “Siti 17-08-1950”, or write the NIK or the phone.",
    ),
    "hotline.note_names_somebody": Problem(
        422,
        "Catatan tidak boleh berisi NIK atau nomor telepon: daftar panggilan tidak menyebut siapa pun. Hapus nomornya.",
        "A note holds no NIK and no phone number: the log of calls names nobody. Take the number out.",
    ),
}
