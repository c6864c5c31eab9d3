"""Refusals of the room quota."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "quota.session_not_found": Problem(
        404, "Sesi tidak ditemukan dalam jangkauan Anda.", "There is no such session within your reach."
    ),
    "quota.booking_not_found": Problem(
        404, "Pendaftaran tidak ditemukan dalam jangkauan Anda.", "There is no such booking within your reach."
    ),
    "quota.unknown_person": Problem(
        422, "Tidak ada orang yang terdaftar dengan id ini.", "Nobody is registered under this id."
    ),
    "quota.exhausted": Problem(
        409,
        "Kuota sesi ini habis; lihat pilihan terdekat.",
        "This session has no place left; see the nearest alternatives.",
    ),
    "quota.already_booked": Problem(
        409,
        "Orang ini sudah terdaftar untuk dosis {dose} vaksin ini.",
        "This person is booked for dose {dose} of this vaccine already.",
    ),
    "quota.dose_given": Problem(
        409, "Dosis {dose} sudah diberikan kepada orang ini.", "This person has had dose {dose} already."
    ),
    "quota.other_standby": Problem(
        409,
        "Nomor permintaan ini sudah dipakai untuk orang atau dosis lain di daftar siaga.",
        "The id of this request was used for another person or dose on the standby list.",
    ),
    "quota.other_content": Problem(
        409, "Id ini sudah dipakai untuk pendaftaran lain.", "This id was used for another booking."
    ),
    "quota.other_session": Problem(
        409, "Id ini sudah dipakai untuk sesi lain.", "This id was used for another session."
    ),
    "quota.template_not_found": Problem(
        404, "Pola sesi tidak ditemukan dalam jangkauan Anda.", "There is no such session template within your reach."
    ),
    "quota.other_template": Problem(
        409,
        "Fasilitas ini sudah punya pola lain bernama {name}. Pilih nama lain, atau hapus yang lama.",
        "This facility has another template named {name}. Choose another name, or remove the old one.",
    ),
    "quota.too_many_templates": Problem(
        409,
        "Satu fasilitas menyimpan paling banyak {most} pola sesi. Hapus yang tidak dipakai lagi.",
        "A facility keeps {most} session templates at most. Remove those that are no longer used.",
    ),
    "quota.bad_step": Problem(
        409,
        "Pendaftaran ini {state:booking_state}, jadi tidak dapat menjadi {to:booking_state}. Bila itu salah catat, kembalikan dahulu dengan alasannya.",
        "This booking is {state:booking_state} and cannot become {to:booking_state}. Where that was noted by mistake, bring it back first, with the reason.",
    ),
    "quota.lapsed": Problem(
        409, "Batas waktu konfirmasi sudah lewat; silakan daftar lagi.", "The reservation has run out; book again."
    ),
    "quota.session_closed": Problem(409, "Sesi sudah ditutup.", "The session is closed."),
    "quota.not_due": Problem(
        409,
        "Dosis {dose} belum waktunya: paling cepat {first_day:day}. Petugas dapat mengesampingkan jadwal dengan alasan.",
        "Dose {dose} is not due yet: {first_day:day} at the earliest. Staff may set the schedule aside with a reason.",
    ),
    "quota.too_young": Problem(
        409,
        "Belum cukup umur untuk dosis {dose}: paling cepat {first_day:day}. Petugas dapat mengesampingkan jadwal dengan alasan.",
        "Too young for dose {dose}: {first_day:day} at the earliest. Staff may set the schedule aside with a reason.",
    ),
    "quota.too_near": Problem(
        409,
        "Vaksin lain baru saja diberikan: paling cepat {first_day:day}. Petugas dapat mengesampingkan jadwal dengan alasan.",
        "Another vaccine was given shortly before: {first_day:day} at the earliest. Staff may set the schedule aside with a reason.",
    ),
    "quota.dose_before": Problem(
        409,
        "Sebelum dosis {dose} ada dosis lain yang belum tercatat; bila diberikan hari ini, paling cepat {first_day:day}. "
        "Petugas dapat mengesampingkan jadwal dengan alasan.",
        "Before dose {dose} comes another that is not recorded; if that were given today, {first_day:day} at the earliest. "
        "Staff may set the schedule aside with a reason.",
    ),
    "quota.dose_not_foreseen": Problem(
        409,
        "Jadwal tidak mengenal dosis {dose} vaksin ini. Petugas dapat mengesampingkan jadwal dengan alasan.",
        "The schedule knows no dose {dose} of this vaccine. Staff may set the schedule aside with a reason.",
    ),
    "quota.not_today": Problem(
        409,
        "Janji ini untuk {day:day}. Minta ia datang pada hari itu, atau cari namanya di meja sesi hari ini dan layani di sana.",
        "This booking is for {day:day}. Ask them to come on that day, or find them by name at the desk of a session of today and serve them there.",
    ),
    "quota.other_day": Problem(
        409,
        "Sesi ini untuk {day:day}; dosis yang benar diberikan pada hari lain dicatat dengan alasan.",
        "This session is for {day:day}; a dose that was given on another day is recorded with a reason.",
    ),
    "quota.dose_differs": Problem(
        409,
        "Dosis ini sudah tercatat, diberikan pada {given_at:moment}, dengan jam, vial atau alasan lain. Bila yang tercatat salah, "
        "betulkan dengan alasan; bila orangnya lain, cari pendaftarannya.",
        "This dose is recorded already, given at {given_at:moment}, with another hour, vial or reason. Where that is wrong, set it right "
        "with a reason; where it is somebody else, find their booking.",
    ),
    "quota.cannot_await": Problem(
        409,
        "Sesi sudah ditutup: pendaftaran tidak dapat menjadi {to:booking_state} lagi.",
        "The session is closed: a booking in it cannot become {to:booking_state} again.",
    ),
    "quota.booking_over": Problem(
        409,
        "Pendaftaran ditutup setengah jam sebelum sesi berakhir; pilih sesi lain.",
        "Booking ends half an hour before the session does; choose another session.",
    ),
    "quota.no_vial": Problem(
        409, "Tidak ada vial layak pakai di fasilitas ini.", "No usable vial lies at this facility."
    ),
    "quota.dose_not_served": Problem(
        422, "Sesi ini tidak memberikan dosis {dose}.", "This session does not give dose {dose}."
    ),
    "quota.session_in_past": Problem(422, "Sesi harus di hari mendatang.", "A session is planned for a day to come."),
    "quota.other_place": Problem(
        422, "Peralatan ini milik fasilitas lain.", "This equipment stands at another facility."
    ),
    "quota.place_lacks": Problem(
        409,
        "Vial di tempat itu belum cukup untuk {persons} orang yang sudah terdaftar: pindahkan vialnya ke sana dahulu.",
        "Too few vials lie in that place for the {persons} people who have booked: move them there first.",
    ),
    "quota.too_many_seated": Problem(
        409,
        "Sudah {least} orang datang: kapasitas tidak dapat lebih kecil.",
        "{least} people have come: the capacity cannot be smaller.",
    ),
    "quota.unknown_vaccine": Problem(
        422, "Tidak ada vaksin dengan kode {vaccine}.", "There is no vaccine with the code {vaccine}."
    ),
    "quota.other_rule": Problem(
        409,
        "Sejak {day:day} sudah berlaku aturan lain; perbaiki dengan aturan mulai hari sesudahnya.",
        "Another rule is in force from {day:day}; correct it by a rule from a later day.",
    ),
    "quota.other_vaccine": Problem(409, "Pendaftaran ini untuk vaksin lain.", "This booking is for another vaccine."),
    "quota.bad_window": Problem(
        422, "Jam sesi tidak masuk akal pada hari itu.", "The hours of the session do not fit its day."
    ),
    "quota.bad_capacity": Problem(
        422, "Kapasitas adalah bilangan bulat 1 sampai 100.000 orang.", "The capacity is 1 to 100,000 persons."
    ),
    "quota.bad_share": Problem(
        422,
        "Porsi: bagian sampai 1 atau jumlah orang bulat, bersama tidak melebihi kapasitas.",
        "Shares are parts up to 1 or whole persons, together not more than the capacity.",
    ),
    "quota.unknown_bucket_kind": Problem(
        422,
        "Jenis porsi harus salah satu dari {known:bucket_kind}.",
        "The kind of bucket must be one of {known:bucket_kind}.",
    ),
    "quota.bucket_twice": Problem(
        422, "Porsi {kind:bucket_kind} disebut dua kali.", "The bucket for {kind:bucket_kind} is named twice."
    ),
    "quota.bad_doses": Problem(
        422, "Dosis adalah angka berbeda dari 1 sampai 9.", "Doses are different numbers from 1 to 9."
    ),
    "quota.bad_deferral": Problem(
        422,
        "Ditunda sampai {until:day}: tulis hari sesudah {day:day}, dan hanya bagi yang ditunda.",
        "Put off until {until:day}: name a day after {day:day}, and only for who is put off.",
    ),
    "quota.bad_period": Problem(
        422, "Rentang tanggal terbalik atau lebih dari 92 hari.", "The period is reversed or longer than 92 days."
    ),
    "quota.bucket_taken": Problem(
        409,
        "Dari tempat untuk {kind:bucket_kind} sudah terisi {least}: tidak dapat menjadi {persons}. Yang terdaftar tetap memiliki tempatnya; beri paling sedikit {least}.",
        "Of the places for {kind:bucket_kind} {least} are taken, so there cannot be {persons}. Who is booked keeps their place; give at least {least}.",
    ),
    "quota.standby_not_found": Problem(
        404,
        "Orang ini tidak ada di daftar siaga sesi ini. Muat ulang halamannya.",
        "This person is not on the standby list of this session. Load the page again.",
    ),
    "quota.not_drawn": Problem(
        409,
        "Urutan daftar siaga sesi ini belum diundi. Undi dahulu, lalu panggil menurut urutannya.",
        "The order of this session's standby list is not drawn yet. Draw it, then call in its order.",
    ),
}
