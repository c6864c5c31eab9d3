"""Refusals of the room shipments."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "shipments.not_found": Problem(
        404, "Pengiriman tidak ditemukan dalam jangkauan Anda.", "There is no such shipment within your reach."
    ),
    "shipments.other_content": Problem(
        409, "Id ini sudah tercatat dengan isi lain.", "This id is recorded with other content."
    ),
    "shipments.bad_state": Problem(
        409,
        "Pengiriman {shipment} {state:shipment_state}; langkah ini tidak berlaku.",
        "The shipment {shipment} is {state:shipment_state}; this step does not apply.",
    ),
    "shipments.cancelled_already": Problem(
        409,
        "Pengiriman {shipment} sudah dibatalkan oleh {name}, {at:moment}, dengan alasan: {because}. Alasan Anda tidak dicatat.",
        "{name} gave up the shipment {shipment} already, {at:moment}, because: {because}. Your reason is not recorded.",
    ),
    "shipments.packed_already": Problem(
        409,
        "Kiriman {shipment} sudah dikemas menurut persetujuan sebelumnya. Kosongkan kotaknya dahulu, lalu setujui jumlah lain; atau biarkan.",
        "The shipment {shipment} is packed by what was approved before. Empty its boxes first, then approve other numbers; or let it be.",
    ),
    "shipments.packed_since": Problem(
        409,
        "Kiriman {shipment} sudah dikemas ulang sejak itu. Lihat kotaknya sekarang; bila kotak itu yang berangkat, catat lagi.",
        "The shipment {shipment} was packed anew since. Look at its boxes now; if these are what left, record it again.",
    ),
    "shipments.built_upon": Problem(
        409,
        "Setelah penerimaan {shipment} ini, vialnya sudah dihitung, dipindah, atau dipakai: catat yang salah dengan hitungan.",
        "Since this receipt of {shipment} its vials were counted, moved or used: put right what is wrong by a count.",
    ),
    "shipments.receipt_not_found": Problem(
        404, "Pengiriman {shipment} tidak punya penerimaan itu.", "The shipment {shipment} has no such receipt."
    ),
    "shipments.sscc_taken": Problem(409, "SSCC {sscc} sudah dipakai.", "The SSCC {sscc} is taken."),
    "shipments.nothing_to_pack": Problem(
        409, "Tidak ada vial layak pakai untuk dikemas.", "There are no usable vials to pack."
    ),
    "shipments.not_enough": Problem(
        409, "Vial layak pakai di tempat itu hanya {usable}.", "Only {usable} usable vials are in that place."
    ),
    "shipments.more_than_approved": Problem(
        409,
        "Yang disetujui hanya {most} vial, yang disebut {vials} (sampai lot {lot}): kurangi, atau setujui lebih banyak dahulu.",
        "Only {most} vials are approved, {vials} are named (up to lot {lot}): name fewer, or approve more first.",
    ),
    "shipments.earlier_first": Problem(
        409,
        "Sebelum lot {lot}, lot {first} di {place} harus keluar dahulu: ambil itu, atau sebut alasannya.",
        "Lot {first} in {place} must go before lot {lot}: take it, or say why not.",
    ),
    "shipments.reason_unsaid": Problem(422, "Alasan lain ditulis di catatan.", "Another reason is said in the note."),
    "shipments.stopped_since_packed": Problem(
        409,
        "Vial yang dikemas untuk {shipment} berubah status sejak itu (misalnya ditahan atau ditarik); kemas ulang pengiriman ini.",
        "The vials packed for {shipment} have another status by now (held or recalled, say); pack this shipment again.",
    ),
    "shipments.only_returned": Problem(
        422,
        "Vial yang tidak boleh dipakai, dan retur, hanya dikirim ke atas oleh pengirimnya: buat pengiriman `return`.",
        "Vials that may not be used, and returns, go back up the tree only, sent by who has them: make a `return`.",
    ),
    "shipments.no_route": Problem(
        422,
        "Barang dikirim ke atas atau ke bawah, atau ke tetangga di kota yang sama.",
        "Goods go up or down the tree, or sideways within the same city.",
    ),
    "shipments.arrived_expired": Problem(
        422,
        "Lot {lot} sudah kedaluwarsa ({expiry:day}) saat datang: serahkan kembali kepada pembawanya, atau periksa waktu datangnya.",
        "The lot {lot} had expired ({expiry:day}) when it came: hand it back to whoever brought it, or check when it came.",
    ),
    "shipments.other_expiry": Problem(
        422,
        "Kedaluwarsa lot {lot} menurut katalog {expiry:day}: periksa lot dan tanggalnya pada label.",
        "By the catalogue the lot {lot} expires on {expiry:day}: check lot and date on the label.",
    ),
    "shipments.not_as_told": Problem(
        422,
        "Dari lot {lot} penerima mencatat {wanted} vial, di sini {vials}. Konfirmasi sebanyak itu, atau bantah dengan alasannya.",
        "Of the lot {lot} the receiver told {wanted} vials, and here are {vials}. Confirm as many, or dispute it and say why.",
    ),
    "shipments.left_after_arrival": Problem(
        422,
        "Penerima sudah menerimanya pada {arrived_at:moment}: waktu berangkat tidak mungkin sesudah itu.",
        "The receiver had it at {arrived_at:moment}: it cannot have left after that.",
    ),
    "shipments.sender_lacks": Problem(
        409,
        "Menurut buku pengirim, saat itu di sana hanya ada {vials} vial layak pakai lot {lot}. Pilih tempat lain, catat dahulu pasokan"
        " yang belum tercatat, atau bantah kiriman ini.",
        "By the sender's books only {vials} usable vials of the lot {lot} lay there then. Choose another place, record first the supply"
        " that is not recorded yet, or dispute this delivery.",
    ),
    "shipments.gone_since": Problem(
        409,
        "Menurut buku pengirim, vial ini sesudah itu keluar, atau berubah status ({at:moment}). Betulkan catatan itu dahulu pada kartu stok,"
        " pilih tempat lain, atau bantah kiriman ini.",
        "By the sender's books these vials went elsewhere, or were stopped, since ({at:moment}). Put that right first on the stock card, choose another"
        " place, or dispute this delivery.",
    ),
    "shipments.bad_sscc": Problem(
        422,
        "SSCC terdiri atas delapan belas angka, yang terakhir angka periksa.",
        "An SSCC has eighteen digits, the last a check digit.",
    ),
    "shipments.empty_line": Problem(
        422, "Baris ini tidak menyebut satu vial pun.", "The line says of no vial what became of it."
    ),
    "shipments.empty_receipt": Problem(
        422,
        "Penerimaan ini tidak menyebut satu vial pun. Isi barisnya; bila tidak ada lagi yang datang, kirim final.",
        "The receipt says of no vial what became of it. Name its lines; where nothing more will come, send final.",
    ),
    "shipments.no_such_line": Problem(
        422,
        "Pesanan ini tidak mempunyai baris {line}; baris dihitung dari 0.",
        "The order has no line {line}; lines are counted from 0.",
    ),
    "shipments.missing_reason": Problem(
        422, "Vial yang ditolak, hilang atau lebih perlu alasan.", "Rejected, missing and surplus vials need a reason."
    ),
    "shipments.missing_place": Problem(422, "Vial yang datang perlu tempat.", "Vials that arrived need a place."),
    "shipments.before_sent": Problem(
        422,
        "Waktu terima ini sebelum kiriman berangkat ({sent_at:moment}): apakah jam Anda benar? Perbaiki waktunya.",
        "This is before the shipment was sent ({sent_at:moment}): is your clock right? Correct the time.",
    ),
    "shipments.more_than_sent": Problem(
        422,
        "Yang masih di jalan hanya {on_road} vial dan yang dicatat hilang {lost}; kelebihannya catat sebagai surplus.",
        "Only {on_road} vials are on the road and {lost} written off; record what is too many as surplus.",
    ),
}
