"""Refusals of the rooms access and api."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "access.unauthenticated": Problem(
        401,
        "Masuk dahulu: token, kunci, atau kuki tidak ada atau sudah tidak berlaku.",
        "Log in first: the token, key or cookie is missing or no longer valid.",
    ),
    "access.bad_credentials": Problem(401, "Nama pengguna atau kata sandi salah.", "User name or password is wrong."),
    "access.too_many_attempts": Problem(
        429, "Terlalu banyak percobaan; coba lagi sebentar lagi.", "Too many attempts; try again in a moment."
    ),
    "access.forbidden": Problem(403, "Peran Anda tidak mengizinkan tindakan ini.", "Your role does not allow this."),
    "access.csrf_failed": Problem(
        403, "Formulir sudah kedaluwarsa; muat ulang halaman.", "The form is out of date; reload the page."
    ),
    "access.grant_beyond_own": Problem(
        403, "Anda tidak dapat memberi peran yang melebihi wewenang Anda.", "You cannot give a role beyond your own."
    ),
    "access.not_found": Problem(404, "Tidak ditemukan dalam jangkauan Anda.", "Not found within your reach."),
    "access.bad_username": Problem(
        422, "Nama pengguna memerlukan huruf atau angka.", "A user name needs letters or digits."
    ),
    "access.username_taken": Problem(409, "Nama pengguna sudah dipakai.", "This user name is taken."),
    "access.unknown_unit": Problem(422, "Unit tidak dikenal.", "This unit is not known."),
    "access.weak_password": Problem(
        422, "Kata sandi paling sedikit {least} karakter.", "The password needs at least {least} characters."
    ),
    "access.other_key": Problem(
        409,
        "Id ini sudah dipakai untuk kunci lain; buka lagi halamannya untuk membuat yang baru.",
        "This id was used for another key; open the page again to make a new one.",
    ),
    "access.key_ended": Problem(
        409,
        "Kunci ini sudah diganti, dicabut, atau habis masanya; buat kunci baru.",
        "This key was rotated or revoked, or has run out; make a new one.",
    ),
    "access.too_many_keys": Problem(
        409,
        "Akun ini sudah punya {most} kunci yang berlaku; cabut yang tidak dipakai dahulu.",
        "This account has {most} live keys already; revoke those not in use first.",
    ),
    "domain.error": Problem(422, "Permintaan tidak dapat dilaksanakan.", "The request cannot be carried out."),
    "domain.conflict": Problem(409, "Bertentangan dengan catatan yang ada.", "It contradicts what is recorded."),
    "domain.refused": Problem(422, "Permintaan tidak dapat diterima.", "The request is not acceptable."),
    "api.invalid": Problem(422, "Isi permintaan tidak sesuai bentuknya.", "The request does not have the right shape."),
    "api.malformed": Problem(400, "Isi permintaan tidak dapat dibaca.", "The request cannot be read."),
    "api.not_found": Problem(404, "Alamat ini tidak ada.", "There is nothing at this address."),
    "api.method_not_allowed": Problem(
        405, "Cara ini tidak tersedia di alamat ini.", "This method is not available here."
    ),
    "api.too_large": Problem(413, "Isi permintaan melebihi {limit} bita.", "The request is larger than {limit} bytes."),
    "api.bad_cursor": Problem(422, "Penanda halaman tidak dikenal.", "The page cursor is not known."),
    "api.bad_event_id": Problem(422, "Last-Event-ID bukan posisi umpan.", "Last-Event-ID is not a feed position."),
    "api.too_many_streams": Problem(
        503, "Terlalu banyak halaman langsung; coba lagi sebentar.", "Too many live pages; try again in a moment."
    ),
    "api.media_type": Problem(415, "Jenis isi ini tidak diterima.", "This content type is not accepted."),
    "api.idempotency_mismatch": Problem(
        409, "Kunci ini sudah dipakai untuk permintaan lain.", "This key was used for another request."
    ),
    "api.given_twice": Problem(
        422,
        "Isian {field:field} terkirim lebih dari sekali, jadi tidak jelas mana yang dimaksud. Buka lagi halamannya dan isi sekali saja.",
        "The field “{field:field}” was sent more than once, so it is unclear which was meant. Open the page again and fill it in once.",
    ),
    "api.unknown_field": Problem(
        422,
        "Formulir ini tidak mengenal isian {field:field}, jadi tidak ada yang dicatat. Buka lagi halamannya dan isi ulang.",
        "This form does not know the field “{field:field}”, so nothing was recorded. Open the page again and fill it in anew.",
    ),
    "api.stale": Problem(
        412,
        "Isinya sudah diubah orang lain sejak Anda membacanya, jadi tidak ada yang dicatat. Yang berlaku sekarang ada di now, versinya di version: baca, lalu kirim lagi dengan versi itu di If-Match.",
        "It was changed by somebody else since you read it, so nothing was recorded. What stands is in now, its version in version: read it, then send again with that version in If-Match.",
    ),
    "api.no_versions": Problem(
        422,
        "Alamat ini tidak mengenal versi, jadi If-Match tidak dapat dijaga dan tidak ada yang dicatat. Kirim tanpa If-Match.",
        "This address knows no versions, so If-Match cannot be held and nothing was recorded. Send it without If-Match.",
    ),
    "api.busy": Problem(
        503, "Sistem sedang sibuk; ulangi permintaan yang sama.", "The system is busy; send the same request again."
    ),
    "api.in_line": Problem(
        429,
        "Sedang ramai: {ahead} orang di depan Anda. Tanyakan lagi setelah {again_s} detik dengan nomor antrean ini; urutannya tetap.",
        "Many have come at once: {ahead} are before you. Ask again after {again_s} seconds with this place; it stays yours.",
    ),
    "api.position_gone": Problem(
        410,
        "Kejadian setelah posisi {position} sudah dihapus karena masa simpannya habis; yang masih ada dimulai setelah {kept_after}. Baca ulang datanya, lalu lanjutkan dari sana.",
        "Events behind position {position} were let go when their time was over; what is kept begins behind {kept_after}. Read the data anew, then go on from there.",
    ),
    "api.took_too_long": Problem(
        503,
        "Yang diminta terlalu luas untuk dijawab sekaligus. Persempit: satu fasilitas atau wilayah, satu batch, atau waktu yang lebih pendek.",
        "What was asked is too wide to be answered at once. Narrow it: one facility or area, one batch, or a shorter time.",
    ),
    "api.internal": Problem(
        500, "Ada yang salah di pihak kami; sudah dicatat.", "Something went wrong on our side; it has been recorded."
    ),
}
