"""What the phone says at a desk."""

from __future__ import annotations

from dashboard.frame.texts import mark

DESK = {
    "how": mark(
        "Pindai tiket, atau ketik nama, tanggal lahir, atau 4 angka akhir NIK. Pindai label vial sebelum menyuntik."
    ),
    "which": mark("Sesi mana?"),
    "no_session": mark(
        "Tidak ada sesi hari ini di ponsel ini. Sambungkan ke jaringan sekali, atau rencanakan sesinya."
    ),
    "session_first": mark("Pilih sesinya dulu."),
    "counts": mark("{expected} ditunggu · {waiting} di sini · {done} selesai"),
    "found": mark("Ditemukan"),
    "waiting": mark("Menunggu"),
    "number": mark("Nomor antrean {n}"),
    "watched": mark("Observasi"),
    "more": mark("Masih {n} orang lagi: cari dengan nama."),
    "nobody": mark("Tidak ada di daftar sesi ini. Periksa ejaannya, atau catat sebagai datang tanpa janji."),
    "several": mark("{n} orang cocok: pilih di bawah."),
    "open": mark("Layani {name}"),
    "look": mark("Lihat {name}"),
    "born": mark("lahir {day}"),
    "dose": mark("dosis {n}"),
    "dose_label": mark("Dosis ke-"),
    "dose_next": mark("dosis berikutnya baginya"),
    "arrive": mark("Catat hadir"),
    "screening": mark("Skrining"),
    "note": mark("Alasan (bila ditunda atau ditolak)"),
    "until_day": mark("Ditunda sampai (boleh kosong)"),
    "until_later": mark("Ditunda sampai hari sesudah hari ini."),
    "put_off": mark("sampai {day}"),
    "why": mark("Tulis alasannya, supaya yang lain mengerti."),
    "fit": mark("Layak"),
    "deferred": mark("Tunda"),
    "refused": mark("Tolak"),
    "inject": mark("Suntik dari {vial}"),
    "no_vial": mark("Tidak ada vial terbuka yang boleh dipakai. Pindai label vial untuk membukanya."),
    "open_vial": mark("Buka vial baru {lot}"),
    "closed": mark("Vial {lot} belum dibuka."),
    "until": mark("sampai {at}"),
    "watch": mark("Observasi: masih {n} menit"),
    "watched_out": mark("Observasi selesai"),
    "said": mark("Jawaban ya:"),
    "broken": mark("Bentrok, perlu keputusan."),
    "did_arrived": mark("Hadir"),
    "did_fit": mark("Skrining: layak"),
    "did_deferred": mark("Skrining: ditunda"),
    "did_refused": mark("Skrining: ditolak"),
    "did_vaccinated": mark("Vaksinasi"),
    "forged": mark("Bukan tiket yang sah: tidak ditandatangani oleh Rantai. Cari orangnya dengan nama atau NIK."),
    "elsewhere": mark("Tiket ini untuk {place}, {day}. Minta ia ke sana, atau catat sebagai datang tanpa janji."),
    "unchecked": mark("Ponsel ini tidak dapat memeriksa tanda tangan tiket. Cocokkan KTP: {name}."),
    "unchecked_unknown": mark(
        "Tiket ini tidak ada di daftar, dan ponsel ini tidak dapat memeriksanya. Cari dengan nama atau NIK."
    ),
    "unlisted": mark(
        "Tiket sah untuk hari ini, tetapi belum ada di daftar ponsel ini. Namanya menyusul. Cocokkan KTP."
    ),
    "by_ticket": mark("Pemegang tiket …{n}"),
    "here_already": mark("{name} sudah di sini: {state}."),
    "next": mark("Dosis {n}: {day} (paling cepat {first})"),
    "card": mark("Kartu vaksinasi"),
    "adverse": mark("Catat KIPI"),
    "screen": mark("Layar nomor antrean"),
    "end": mark("Akhir sesi"),
    "walk_in": mark("Datang tanpa janji"),
    "walk_in_how": mark(
        "Isi dari KTP; bila hanya ada surat dosis 1, nama dan tanggal lahir dari surat itu cukup. Data ini disandikan untuk pusat "
        "dan tidak terbaca lagi di ponsel ini setelah hari ini."
    ),
    "walk_in_do": mark("Catat datang"),
    "name": mark("Nama"),
    "without": mark("Punya NIK?"),
    "has_nik": mark("Ya"),
    "sex": mark("Jenis kelamin"),
    "born_label": mark("Tanggal lahir"),
    "no_name": mark("Tulis namanya."),
    "bad_nik": mark("NIK ini tidak mungkin: 16 angka, dengan tanggal lahir di dalamnya."),
    "no_born": mark("Tanpa NIK, tulis tanggal lahir dan jenis kelamin."),
    "no_key": mark("Kunci pusat belum terunduh: sambungkan ke jaringan sekali."),
}
DESK_WARN = {
    "vial_over": mark("Vial terbuka ini lewat waktunya: buang sisanya."),
    "vial_empty": mark("Vial ini sudah habis. Pindai label vial lain."),
    "other_product": mark("Ini bukan vaksin sesi ini."),
}
