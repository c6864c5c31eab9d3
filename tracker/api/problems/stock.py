"""Refusals of the room stock."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "stock.event_not_found": Problem(
        404, "Kejadian stok tidak ditemukan dalam jangkauan Anda.", "There is no such stock event within your reach."
    ),
    "stock.open_vial_not_found": Problem(
        404, "Vial terbuka tidak ditemukan dalam jangkauan Anda.", "There is no such open vial within your reach."
    ),
    "stock.history_negative": Problem(
        409,
        "Saldo akan menjadi negatif, pertama kali pada {at:moment}.",
        "The balance would fall below zero, first at {at:moment}.",
    ),
    "stock.other_content": Problem(
        409,
        "Kejadian dengan id ini sudah tercatat dengan isi lain.",
        "An event with this id is recorded with other content.",
    ),
    "stock.already_reversed": Problem(409, "Kejadian ini sudah dibatalkan.", "This event was reversed already."),
    "stock.not_available": Problem(
        409,
        "Vial yang masih dapat dijanjikan pada {day:day} hanya {vials}.",
        "Only {vials} vials can still be promised for {day:day}.",
    ),
    "stock.vial_in_use": Problem(
        409,
        "Dosis dari vial itu sudah dipakai, jadi pembukaannya tidak dapat dibatalkan.",
        "Doses of the vial were used, so its opening cannot be taken back.",
    ),
    "stock.vial_stopped": Problem(
        409, "Vial terbuka itu ditahan atau sudah kosong.", "The open vial is on hold or already empty."
    ),
    "stock.vial_not_open": Problem(
        409,
        "Vial itu baru dibuka {opened_at:moment}, sesudah dosis ini; pilih vial lain atau perbaiki jamnya.",
        "That vial was opened at {opened_at:moment}, after this dose; choose another vial or correct the time.",
    ),
    "stock.same_lot": Problem(
        422, "Lot yang benar sama dengan yang tertulis.", "The right lot is the one that was written."
    ),
    "stock.other_product": Problem(
        422,
        "Lot itu milik produk lain; batalkan kejadiannya dan catat lagi dengan produk yang benar.",
        "That lot is of another product; take the event back and record it again with the right product.",
    ),
    "stock.too_few_of_lot": Problem(
        409,
        "Dari lot ini kejadian itu kini membawa {vials} vial; pilih kejadian atau jumlah yang benar.",
        "That event now stands for {vials} vials of this lot; choose the right event or number.",
    ),
    "stock.lots_mixed": Problem(
        409,
        "Vial lain dari lot ini juga ada di sini, dan sebagian sudah dipindah atau dipakai sejak {at:moment}; tidak dapat"
        " dipastikan yang mana. Hitung kedua lot di rak, dan betulkan vial dari tiap dosis di halaman orangnya.",
        "Other vials of this lot lay here too, and some were moved or used since {at:moment}; nobody can say which. Count"
        " both lots on the shelf, and set the vial of each dose right on its person's page.",
    ),
    "stock.sent_on": Problem(
        409,
        "Vial lot ini sudah dikirim lagi pada {at:moment}. Betulkan di tempat vialnya sekarang, dari penerimaannya; di sini"
        " hitung kedua lot di rak.",
        "Vials of this lot were sent on at {at:moment}. Correct them where they are now, from their receipt; here count"
        " both lots on the shelf.",
    ),
    "stock.lot_joined": Problem(
        409,
        "Lot itu ternyata lot {lot} yang terdaftar dua kali; catat sebagai lot {lot}.",
        "That lot turned out to be lot {lot}, registered twice; record it as lot {lot}.",
    ),
    "stock.not_joined": Problem(
        409,
        "Lot {lot} belum dapat disatukan: {why:join_hindrance}.",
        "Lot {lot} cannot be joined yet: {why:join_hindrance}.",
    ),
    "stock.counted_since": Problem(
        409,
        "Lot itu sudah dihitung di sini pada {at:moment}. Batalkan penghitungan itu, betulkan lotnya, lalu hitung lagi.",
        "The lot was counted here at {at:moment}. Take that count back, correct the lot, then count again.",
    ),
    "stock.too_far_ahead": Problem(
        422,
        "Waktu kejadian lebih dari lima menit di depan waktu server {server_time:moment}.",
        "The event lies more than five minutes ahead of the server's time {server_time:moment}.",
    ),
    "stock.too_old": Problem(422, "Waktu kejadian sebelum tahun 2000.", "The event lies before the year 2000."),
    "stock.use_shipment": Problem(
        422,
        "Pengiriman dan penerimaan dicatat melalui /shipments.",
        "Dispatch and receipt are recorded through /shipments.",
    ),
    "stock.only_follows": Problem(
        422,
        "Kejadian ini tidak dicatat sendiri: pembatalan dan pembetulan lot dicatat pada kejadian asalnya, dan vial habis"
        " mengikuti dosisnya.",
        "This is not recorded by itself: a reversal and a lot correction are recorded at the event they are of, and an"
        " emptied vial follows from its doses.",
    ),
    "stock.not_together": Problem(
        422,
        "Yang dicatat sekaligus hanya penerimaan, pemindahan, pengembalian, pembuangan dan hitungan dari satu fasilitas;"
        " catat yang lain sendiri-sendiri.",
        "Only supplies, transfers, returns, waste and counts of one facility are recorded together; record all else by"
        " itself.",
    ),
    "stock.use_hold": Problem(
        422,
        "Vial batch ini ditahan oleh alarm atau penarikan: putuskan di alarm atau penarikan itu, dengan alasannya.",
        "An alarm or a recall keeps vials of this batch: decide at that alarm or recall, with the reason.",
    ),
    "stock.unknown_batch": Problem(
        422,
        "Batch {batch} tidak dikenal: cocokkan lotnya dengan label, huruf demi huruf.",
        "The batch {batch} is not known: compare the lot with the label, letter by letter.",
    ),
    "stock.ambiguous_batch": Problem(
        422,
        "Nomor lot {batch} dipakai beberapa produk; sebut produknya atau pindai kodenya.",
        "Several products have the lot {batch}; name the product or scan the code.",
    ),
    "stock.unknown_place": Problem(
        422, "Fasilitas ini tidak mempunyai peralatan {place}.", "The facility has no equipment {place}."
    ),
    "stock.bad_barcode": Problem(
        422, "Kode batang tidak dapat diterima: {message_id}", "The barcode cannot be taken: {message}"
    ),
    "stock.separator_missing": Problem(
        422,
        "Alat pindai menghilangkan pemisah di belakang nomor batch; yang dimaksud kiranya {known}. Atur alat itu agar"
        " mengirim pemisah (GS), atau ketik nomor batch dari label.",
        "The scanner dropped the separator behind the lot; {known} is probably meant. Set it to send the separator (GS),"
        " or type the lot from the label.",
    ),
    "stock.bad_vials": Problem(
        422,
        "Jumlah vial harus bilangan bulat yang wajar, paling sedikit 1 (pada penghitungan 0).",
        "Vials are a sensible whole number, at least 1 (for a count 0).",
    ),
    "stock.missing_field": Problem(422, "Isian {field:field} diperlukan.", "The field “{field:field}” is needed."),
    "stock.needless_field": Problem(
        422,
        "Isian {field:field} tidak berlaku untuk jenis kejadian ini.",
        "The field “{field:field}” does not belong to this kind.",
    ),
    "stock.same_place": Problem(
        422, "Tempat asal dan tujuan harus berbeda.", "The two places of a transfer must differ."
    ),
    "stock.unknown_reason": Problem(
        422, "Alasan harus salah satu dari {known:waste_reason}.", "The reason must be one of {known:waste_reason}."
    ),
    "stock.bad_status_change": Problem(
        422,
        "Vial tidak dapat berpindah dari status {status:stock_status} ke {to_status:stock_status}.",
        "Vials cannot go from {status:stock_status} to {to_status:stock_status}.",
    ),
    "stock.not_usable": Problem(422, "Hanya vial layak pakai yang dapat dibuka.", "Only usable vials can be opened."),
    "stock.expired": Problem(
        422,
        "Batch kedaluwarsa {expiry:day}, sebelum {day:day}.",
        "The batch expired on {expiry:day}, before {day:day}.",
    ),
    "stock.vvm_spent": Problem(
        422, "VVM tahap {vvm_stage}: vial tidak boleh dipakai.", "VVM stage {vvm_stage}: the vials are not to be used."
    ),
    "stock.no_vvm": Problem(422, "Produk ini tidak mempunyai VVM.", "This product carries no VVM."),
    "stock.counted_twice": Problem(
        422,
        "Batch, tempat dan status yang sama dihitung dua kali.",
        "The same batch, place and status is counted twice.",
    ),
    "stock.count_needs_status": Problem(
        422,
        "Di tempat itu ada vial berstatus {statuses:stock_status}; hitung tiap status dalam baris sendiri.",
        "Vials of the statuses {statuses:stock_status} lie there; count each status in a line of its own.",
    ),
    "stock.sheet_not_found": Problem(
        404, "Lembar hitung tidak ditemukan dalam jangkauan Anda.", "There is no such count sheet within your reach."
    ),
    "stock.sheet_closed": Problem(
        409,
        "Lembar hitung ini sudah ditutup oleh {by} pada {at:moment}. Mulai lembar baru untuk menghitung lagi.",
        "This count sheet was closed by {by} at {at:moment}. Start a new one to count again.",
    ),
    "stock.count_incomplete": Problem(
        422,
        "Belum dihitung: {lots}. Hitung semua yang tercatat di tempat itu; tulis 0 bila tidak ada.",
        "Not counted yet: {lots}. Count all that the books have there; write 0 where there is none.",
    ),
    "stock.count_unsettled": Problem(
        409,
        "Selisih {lots} besar atau berbeda antara penghitung: minta orang lain menghitungnya, atau kepala menyetujuinya.",
        "The difference of {lots} is large, or people disagree: have somebody else count it, or the head approve it.",
    ),
    "stock.count_needs_reason": Problem(
        422, "Tulis alasan selisih {lots}.", "Write the reason for the difference of {lots}."
    ),
    "stock.own_count": Problem(
        422,
        "Anda ikut menghitung lembar ini; yang menyetujui harus orang lain.",
        "You counted on this sheet; somebody else must approve it.",
    ),
    "stock.out_of_service": Problem(
        422,
        "Peralatan itu sedang tidak dipakai; pindahkan vialnya atau aktifkan lagi peralatannya.",
        "The equipment is out of service; move the vials, or put it back into service.",
    ),
    "stock.place_promised": Problem(
        409,
        "{vials} vial di {place} sudah dijanjikan kepada sesi lain; ganti tempatnya, atau pindahkan vial itu dahulu.",
        "{vials} vials in {place} are promised to other sessions; choose another place, or move them first.",
    ),
    "stock.not_taken_along": Problem(
        422,
        "{place} tidak dibawa oleh sesi mana pun: vialnya dihitung bersama stok fasilitas. Tanyakan tanpa tempat.",
        "No session takes {place} along: its vials count with the facility's stores. Ask without a place.",
    ),
    "stock.packed_vials": Problem(
        422,
        "Hanya {vials} vial di tempat itu yang belum dikemas untuk pengiriman; bongkar dahulu kemasannya.",
        "Only {vials} vials there are not packed for a shipment; unpack first.",
    ),
    "stock.witnesses_missing": Problem(
        422,
        "Pemusnahan disaksikan dua orang yang berbeda; tulis nama keduanya.",
        "A destruction is witnessed by two different people; write both names.",
    ),
    "stock.not_reversible": Problem(
        422,
        "Kejadian {kind:stock_event} ini tidak dapat dibatalkan tersendiri.",
        "This event ({kind:stock_event}) cannot be reversed by itself.",
    ),
    "stock.too_many_doses": Problem(
        422, "Vial hanya berisi {remaining} dosis.", "The vial holds only {remaining} doses."
    ),
    "stock.bad_need": Problem(
        422,
        "Kebutuhan suatu hari tidak dapat negatif atau di masa lalu.",
        "The need of a day cannot be negative or in the past.",
    ),
}
