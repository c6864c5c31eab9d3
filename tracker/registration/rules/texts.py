"""What the conversation says, in two languages. Pure."""

from __future__ import annotations

from tracker.registration.rules.conversation import Say

TEXTS: dict[str, tuple[str, str]] = {
    "welcome": (
        "Selamat datang. Tuliskan 16 angka NIK Anda untuk mulai mendaftar. Ketik BATAL untuk berhenti.",
        "Welcome. Write the 16 digits of your NIK to begin. Type CANCEL to stop.",
    ),
    "say_vaksin": ("Ketik VAKSIN untuk mendaftar.", "Type VACCINE to register."),
    "stopped": ("Baik, dihentikan. Ketik VAKSIN untuk mulai lagi.", "All right, stopped. Type VACCINE to begin again."),
    "nik_shape": (
        "NIK terdiri dari 16 angka; yang kami terima {digits}. Coba tulis lagi.",
        "A NIK has 16 digits; we got {digits}. Please write it again.",
    ),
    "nik_unknown": (
        "NIK ini belum terdaftar. Daftarkan diri di halaman /daftar, lalu tulis lagi.",
        "This NIK is not registered yet. Register at /daftar, then write it again.",
    ),
    "ask_place": (
        "Di mana Anda ingin divaksin? Tulis nama puskesmas atau kelurahan.",
        "Where would you like to be vaccinated? Write the name of a puskesmas or kelurahan.",
    ),
    "place_short": ("Tulis paling sedikit tiga huruf nama tempatnya.", "Write at least three letters of the place."),
    "no_room": (
        "Belum ada tempat yang bervaksin untuk “{place}” dalam dua minggu ini. Coba nama tempat lain.",
        "No place with vaccine for “{place}” within two weeks. Try another name.",
    ),
    "option": (
        "{number}. {facility}, {day}, dosis {dose} (sisa {room})",
        "{number}. {facility}, {day}, dose {dose} ({room} left)",
    ),
    "ask_choice": ("Tulis nomor pilihan Anda.", "Write the number of your choice."),
    "choose_number": (
        "Tulis nomor 1 sampai {most}, atau nama tempat lain.",
        "Write a number from 1 to {most}, or another place.",
    ),
    "ask_fever": (
        "Apakah hari ini Anda demam (37,5 °C atau lebih)? YA/TIDAK",
        "Do you have a fever today (37.5 °C or more)? YES/NO",
    ),
    "ask_severe_allergy": (
        "Pernah alergi berat setelah vaksin? YA/TIDAK",
        "Have you ever had a severe allergy after a vaccine? YES/NO",
    ),
    "ask_recent_covid": (
        "Sakit COVID-19 dalam satu bulan terakhir? YA/TIDAK",
        "Have you had COVID-19 within the last month? YES/NO",
    ),
    "yes_or_no": ("Jawab YA atau TIDAK.", "Answer YES or NO."),
    "wait_fever": (
        "Lebih baik sembuh dahulu. Ketik VAKSIN lagi bila sudah sehat.",
        "Better get well first. Type VACCINE again when you are.",
    ),
    "wait_severe_allergy": (
        "Bicarakan dahulu dengan dokter puskesmas; vaksinasi Anda perlu pengawasan.",
        "Please see a doctor at the puskesmas first; your vaccination needs supervision.",
    ),
    "wait_recent_covid": (
        "Tunggu satu bulan setelah sembuh, lalu ketik VAKSIN lagi.",
        "Wait one month after recovery, then type VACCINE again.",
    ),
    "ask_sure": (
        "{facility}, {day}, dosis {dose}. Sudah benar? YA/TIDAK",
        "{facility}, {day}, dose {dose}. Is this right? YES/NO",
    ),
    "another_place": ("Baik. Tulis nama tempat lain.", "All right. Write another place."),
    "booked": (
        "Terdaftar: {facility}, {day}, dosis {dose}. Tunjukkan tiket di {link} saat datang.",
        "Booked: {facility}, {day}, dose {dose}. Show the ticket at {link} when you come.",
    ),
    "refused": ("Tidak berhasil: {reason}", "That did not work: {reason}"),
}


def spoken(say: Say, language: str) -> str:
    """The sentence in `language` (`id` unless it is `en`)."""
    indonesian, english = TEXTS[say.key]
    return (english if language == "en" else indonesian).format(**say.params)
