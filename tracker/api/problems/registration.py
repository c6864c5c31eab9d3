"""Refusals of the room registration."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "registration.bad_ticket": Problem(
        422,
        "Kode ini bukan tiket kami, atau isinya diubah. Cari orangnya dengan NIK, atau minta tiketnya dibuka lagi.",
        "This code is no ticket of ours, or it was changed. Find the person by their NIK, or have the ticket opened again.",
    ),
    "registration.ticket_not_found": Problem(
        404,
        "Tiket ini tidak ada, atau alamatnya sudah diganti. Minta alamat yang berlaku di halaman “Tiket hilang”, atau datang "
        "ke puskesmas dengan KTP.",
        "There is no such ticket, or its address was changed. Ask for the present one on the page “Lost ticket”, or come to "
        "the puskesmas with your identity card.",
    ),
    "registration.no_messages": Problem(
        422,
        "Nomor ini tidak menerima pesan, jadi kode tidak sampai. Tulis nomor ponsel, boleh milik keluarga.",
        "This number takes no messages, so no code gets there. Write a mobile number; a relative's will do.",
    ),
    "registration.too_many_codes": Problem(
        429,
        "Untuk nomor ini sudah {most} kali diminta kode dalam satu jam. Coba lagi {minutes} menit lagi, tulis nomor keluarga, "
        "atau datang ke puskesmas dengan KTP.",
        "Codes for this number were asked for {most} times within an hour. Try again in {minutes} minutes, write a "
        "relative's number, or come to the puskesmas with your identity card.",
    ),
    "registration.too_many_relatives": Problem(
        409,
        "Lewat satu ponsel dapat didaftar {most} anggota keluarga. Yang lain didaftar di puskesmas dengan KTP.",
        "Through one phone {most} relatives can be registered. Others register at the puskesmas with an identity card.",
    ),
    "registration.ticket_elsewhere": Problem(
        409,
        "Tiket ini untuk {name}, dan hari ini di sini tidak ada sesi dengan vaksin dan dosis itu. Arahkan ke sana.",
        "This ticket is for {name}, and no session here gives that vaccine and dose today. Send them there.",
    ),
    "registration.ticket_other_day": Problem(
        409,
        "Tiket ini untuk {name} pada {day:day} dan berlaku di sana pada hari itu. Bila hari ini masih ada tempat, cari orangnya "
        "dengan NIK dan layani di sini.",
        "This ticket is for {name} on {day:day} and good there on that day. If there is room today, find the person by their NIK "
        "and serve them here.",
    ),
    "registration.bad_card": Problem(
        422,
        "Kode ini bukan kartu vaksinasi kami, atau isinya diubah. Minta pemiliknya membuka atau mencetak kartunya lagi.",
        "This code is no vaccination card of ours, or it was changed. Ask its owner to open or print the card again.",
    ),
    "registration.card_not_found": Problem(
        404,
        "Tidak ada kartu vaksinasi di alamat ini. Pindai lagi kodenya, seluruhnya.",
        "There is no vaccination card at this address. Scan its code again, the whole of it.",
    ),
    "registration.no_dose_yet": Problem(
        409,
        "Belum ada dosis yang tercatat, jadi belum ada kartunya. Catat dosisnya dahulu.",
        "No dose is on record, so there is no card. Record the dose first.",
    ),
    "registration.not_your_turn": Problem(
        409,
        "Saat ini hanya {group:person_group} yang mendaftar sendiri. Bila Anda termasuk, minta tempat kerja atau puskesmas mencatatnya.",
        "At present only {group:person_group} register by themselves. If you are one, ask your employer or the puskesmas to have it recorded.",
    ),
    "registration.bad_browser": Problem(
        422,
        "Peramban ini tidak dapat menerima pemberitahuan dari kami. Kabar tetap dikirim ke ponsel Anda lewat SMS.",
        "This browser cannot take notifications from us. News still goes to your phone by SMS.",
    ),
    "registration.other_medium": Problem(
        409, "Percakapan ini dimulai lewat saluran lain.", "This conversation was begun through another medium."
    ),
}
