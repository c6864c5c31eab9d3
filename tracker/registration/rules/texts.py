"""What the conversation says, in two languages. Pure."""

from __future__ import annotations

from datetime import date

from tracker.registration.rules.wishes import (
    Say,
)

TEXTS: dict[str, tuple[str, str]] = {
    "welcome": (
        "Selamat datang. Tuliskan 16 angka NIK dan nomor ponsel Anda untuk mulai mendaftar. Ketik BATAL untuk berhenti.",
        "Welcome. Write the 16 digits of your NIK and your phone number to begin. Type CANCEL to stop.",
    ),
    "welcome_ending": (
        "Selamat datang. Tuliskan 6 angka terakhir NIK Anda. Bukan ponsel yang terdaftar? NIK lengkap dan nomor terdaftar. BATAL untuk berhenti.",
        "Welcome. Write the last 6 digits of your NIK. Not your registered phone? The whole NIK and the registered number. CANCEL to stop.",
    ),
    "ending_shape": (
        "Tuliskan 6 angka terakhir NIK Anda, atau semua 16 angkanya; yang kami terima {digits}.",
        "Write the last 6 digits of your NIK, or all 16; we got {digits}.",
    ),
    "nik_new": (
        "NIK itu belum terdaftar dengan ponsel ini. Untuk mendaftar, tuliskan 16 angka NIK dan nama lengkap seperti di KTP, dalam satu pesan.",
        "That NIK is not registered with this phone yet. To register, write the 16 digits and the full name as on the identity card in one message.",
    ),
    "nik_whole": (
        "Lewat ponsel ini ada beberapa NIK dengan akhiran itu. Tuliskan semua 16 angka.",
        "Several NIKs of this phone end like that. Write all 16 digits.",
    ),
    "nik_missed": (
        "Terlalu sering akhirannya tidak cocok. Tuliskan semua 16 angka NIK.",
        "The last digits were wrong too often. Write all 16 digits of the NIK.",
    ),
    "help": (
        "VAKSIN: mendaftar. TIKET: tiket hilang. ULANG: dari awal. BATAL: berhenti. STOP: jangan kirim pesan.",
        "VACCINE: register. TICKET: ticket lost. AGAIN: from the beginning. CANCEL: end this. STOP: send no messages.",
    ),
    "silenced": (
        "Baik, nomor ini tidak kami kirimi pesan lagi, selain yang Anda minta. Janji yang ada tetap berlaku. Kirim MULAI untuk menerimanya lagi.",
        "All right, we send nothing more to this number but what you ask for. A booking you have stands. Send START to hear from us again.",
    ),
    "heard_again": ("Baik, nomor ini kami kirimi pesan lagi.", "All right, we send messages to this number again."),
    "ask_group_nakes": (
        "Selamat datang. Saat ini giliran tenaga kesehatan. Apakah Anda tenaga kesehatan? YA/TIDAK",
        "Welcome. At present it is the turn of health workers. Are you a health worker? YES/NO",
    ),
    "ask_group_lansia": (
        "Selamat datang. Saat ini giliran warga 60 tahun ke atas. Apakah usia Anda 60 tahun atau lebih? YA/TIDAK",
        "Welcome. At present it is the turn of people of 60 years and more. Are you 60 or older? YES/NO",
    ),
    "no_nakes": (
        "NIK ini tidak ada di daftar tenaga kesehatan. Minta tempat kerja Anda atau puskesmas mencatatnya, lalu tulis VAKSIN lagi.",
        "This NIK is not on the list of health workers. Ask your employer or the puskesmas to add it, then write VACCINE again.",
    ),
    "no_lansia": (
        "Menurut NIK ini usianya belum 60 tahun. Bila keliru, datang ke puskesmas dengan KTP.",
        "By this NIK the person is not 60 yet. If that is wrong, come to the puskesmas with your identity card.",
    ),
    "turn_later": (
        "Giliran yang lain akan diumumkan. Tulis VAKSIN bila sudah tiba.",
        "The turn of others will be announced. Write VACCINE when it has come.",
    ),
    "turn_later_from": (
        "Giliran semua orang mulai {day}. Tulis VAKSIN pada hari itu.",
        "Everybody's turn is from {day} on. Write VACCINE on that day.",
    ),
    "say_vaksin": (
        "Ketik VAKSIN untuk mendaftar, atau TIKET bila tiket Anda hilang.",
        "Type VACCINE to register, or TICKET if you have lost yours.",
    ),
    "lost_welcome": (
        "Tuliskan NIK dan nomor ponsel yang Anda pakai saat mendaftar, dalam satu pesan. Tanpa ponsel: datang ke puskesmas dengan KTP.",
        (
            "Write your NIK and the phone number you registered with in one message. Without a phone: come to the puskesmas with "
            "your identity card."
        ),
    ),
    "code_sent": (
        (
            "Bila NIK dan nomor itu terdaftar, kami mengirim kode enam angka ke ponselnya. Tuliskan kode itu di sini dalam 15 menit. "
            "Tidak menerima kode? Datang ke puskesmas dengan KTP."
        ),
        (
            "If that NIK and number are registered, we are sending a code of six digits to the phone. Write it here within 15 "
            "minutes. No code? Come to the puskesmas with your identity card."
        ),
    ),
    "proof_sent": (
        (
            "Bila NIK dan nomor itu terdaftar, kami mengirim kode enam angka ke ponselnya. Tuliskan kode itu di sini dalam 15 menit. "
            "Belum terdaftar? Daftar di {address}/daftar, atau datang ke puskesmas dengan KTP."
        ),
        (
            "If that NIK and number are registered, we are sending a code of six digits to the phone. Write it here within 15 "
            "minutes. Not registered yet? Register at {address}/daftar, or come to the puskesmas with your identity card."
        ),
    ),
    "proof_shape": (
        "Kode terdiri dari enam angka. Tulis lagi, atau ketik VAKSIN untuk kode baru.",
        "A code has six digits. Write it again, or type VACCINE for a new one.",
    ),
    "proof_wrong": (
        "Kode tidak cocok atau tidak berlaku lagi. Coba lagi, atau ketik VAKSIN untuk kode baru.",
        "The code does not match, or is no longer good. Try again, or type VACCINE for a new one.",
    ),
    "code_shape": (
        "Kode terdiri dari enam angka. Tulis lagi, atau ketik TIKET untuk kode baru.",
        "A code has six digits. Write it again, or type TICKET for a new one.",
    ),
    "code_wrong": (
        "Kode tidak cocok atau tidak berlaku lagi. Coba lagi, atau ketik TIKET untuk kode baru.",
        "The code does not match, or is no longer good. Try again, or type TICKET for a new one.",
    ),
    "code_too_often": (
        "Kode sudah diminta beberapa kali. Coba lagi satu jam lagi, atau datang ke puskesmas dengan KTP.",
        "Codes have been asked for several times. Try again in an hour, or come to the puskesmas with your identity card.",
    ),
    "ticket_line": (
        "{vaccine}, dosis {dose}: {facility}, {day}. Tiket: {link}",
        "{vaccine}, dose {dose}: {facility}, {day}. Ticket: {link}",
    ),
    "no_tickets": ("Belum ada tiket. Ketik VAKSIN untuk mendaftar.", "There is no ticket. Type VACCINE to register."),
    "stopped": ("Baik, dihentikan. Ketik VAKSIN untuk mulai lagi.", "All right, stopped. Type VACCINE to begin again."),
    "nik_shape": (
        "NIK terdiri dari 16 angka; yang kami terima {digits}. Coba tulis lagi.",
        "A NIK has 16 digits; we got {digits}. Please write it again.",
    ),
    "ask_phone": (
        "Tuliskan NIK dan nomor ponsel yang Anda pakai saat mendaftar, dalam satu pesan.",
        "Write your NIK and the phone number you registered with in one message.",
    ),
    "nik_unknown": (
        (
            "Dengan NIK dan nomor ponsel ini belum ada pendaftaran. Daftar di {address}/daftar, lalu tulis lagi, atau datang "
            "ke puskesmas dengan KTP."
        ),
        (
            "Nobody is registered with this NIK and phone number yet. Register at {address}/daftar and write again, or come to "
            "the puskesmas with your identity card."
        ),
    ),
    "offer_taken": (
        "Baik, tempat pengganti menjadi milik Anda: {facility}, {day}, {hours}. Tiket: {link}",
        "All right, the other place is yours: {facility}, {day}, {hours}. Ticket: {link}",
    ),
    "offer_stands": (
        "Tempat di {facility}, {day}, {hours} sudah Anda terima. Untuk menggantinya atau membatalkannya, buka {link}",
        "You have taken the place at {facility}, {day}, {hours}. To change or cancel it, open {link}",
    ),
    "offer_declined": (
        "Baik, tempat pengganti di {facility}, {day} kami berikan kepada orang lain. Ketik VAKSIN untuk memilih sendiri.",
        "All right, the place at {facility}, {day} goes to somebody else. Type VACCINE to choose yourself.",
    ),
    "offer_over": (
        "Maaf, tempat pengganti di {facility}, {day} sudah tidak tersedia. Ketik VAKSIN untuk mencari tempat lain.",
        "Sorry, the place at {facility}, {day} is no longer free. Type VACCINE to look for another.",
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
    "no_room_near": (
        "Belum ada tempat yang bervaksin dalam 25 km dari sana dalam dua minggu ini. Tulis nama tempat lain.",
        "No place with vaccine within 25 km of there within two weeks. Write the name of another place.",
    ),
    "option": (
        "{number}. {vaccine}, dosis {dose}: {day}, {hours}, {facility}{far} (sisa {room})",
        "{number}. {vaccine}, dose {dose}: {day}, {hours}, {facility}{far} ({room} left)",
    ),
    "ask_choice": ("Tulis nomor pilihan Anda.", "Write the number of your choice."),
    "ask_choice_or_more": (
        "Tulis nomor pilihan Anda, atau LAINNYA.",
        "Write the number of your choice, or MORE.",
    ),
    "choose_number": (
        "Tulis nomor 1 sampai {most}, atau nama tempat lain.",
        "Write a number from 1 to {most}, or another place.",
    ),
    "choose_number_or_more": (
        "Tulis nomor 1 sampai {most}, LAINNYA untuk pilihan lain, atau nama tempat lain.",
        "Write a number from 1 to {most}, MORE for others, or another place.",
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
        "{vaccine}, dosis {dose}: {facility}, {day}, {hours}. Sudah benar? YA/TIDAK",
        "{vaccine}, dose {dose}: {facility}, {day}, {hours}. Is this right? YES/NO",
    ),
    "another_place": ("Baik. Tulis nama tempat lain.", "All right. Write another place."),
    "booked": (
        "Terdaftar: {vaccine}, dosis {dose}, {facility}, {day}, {hours}. Tunjukkan tiket di {link} saat datang.",
        "Booked: {vaccine}, dose {dose}, {facility}, {day}, {hours}. Show the ticket at {link} when you come.",
    ),
    "how_to": (
        "Bawa KTP dan tiket ini. Kesehatan Anda diperiksa dahulu; setelah suntikan tunggu 30 menit. Berhalangan? Ubah di tautan itu.",
        "Bring your identity card and this ticket. Your health is checked first; stay 30 minutes after the dose. Cannot come? Change it at that link.",
    ),
    "booking_stands": (
        (
            "Janji Anda tetap: {vaccine}, dosis {dose}, {facility}, {day}, {hours}. Untuk mengganti atau membatalkannya, "
            "buka {link}. Ketik VAKSIN untuk pendaftaran lain."
        ),
        (
            "Your booking stands: {vaccine}, dose {dose}, {facility}, {day}, {hours}. To change or cancel it, open {link}. "
            "Type VACCINE for another one."
        ),
    ),
    "refused": ("Tidak berhasil: {reason}", "That did not work: {reason}"),
    # On buttons and in lists: 20 letters, 24 and 72.
    "label_yes": ("Ya", "Yes"),
    "label_no": ("Tidak", "No"),
    "label_more": ("Lainnya", "More"),
    "label_option": ("{number}. {day}", "#{number} {day}"),
    "detail_option": (
        "{hours}, {facility}{far} (sisa {room}), {vaccine}",
        "{hours}, {facility}{far} ({room} left), {vaccine}",
    ),
}


def spoken(say: Say, language: str) -> str:
    """The sentence in `language` (`id` unless it is `en`)."""
    indonesian, english = TEXTS[say.key]
    params = dict(say.params)
    if "day" in params:
        params["day"] = _day(params["day"], language)
    if "distance" in params:
        params["far"] = _FAR[language == "en"].format(params["distance"]) if params["distance"] else ""
    return (english if language == "en" else indonesian).format(**params)


_FAR = (", {} km", ", {} km away")
_DAYS = (
    ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)


def _day(iso: str, language: str) -> str:
    day = date.fromisoformat(iso)
    return f"{_DAYS[language == 'en'][day.weekday()]} {day:%d-%m-%Y}"
