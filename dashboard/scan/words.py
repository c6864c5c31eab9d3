"""What the page's scripts say, by key; they hold no words of their own."""

from __future__ import annotations

from dashboard.frame import labels
from dashboard.frame.texts import Texts, mark
from dashboard.scan.words_desk import DESK, DESK_WARN
from tracker.catalog.rules.barcodes.errors import SENTENCES

SAY = {
    "waiting": mark("{n} menunggu dikirim"),
    "none": mark("Tidak ada pertanyaan kode yang menunggu"),
    "others": mark("{n} pindaian pengguna lain tersimpan di ponsel ini; terkirim bila ia sendiri yang masuk."),
    "unknown": mark("produk tidak dikenal"),
    "failed": mark("Kode tidak dapat dibaca"),
    "half": mark("Halaman tidak datang utuh. Muat ulang."),
    "nothing": mark("Tidak ada kode di foto itu"),
    "unsaved": mark("Penyimpanan ponsel penuh: pindaian ini hilang bila halaman ditutup."),
    "photo_not_sent": mark("Foto tidak terkirim dan tidak disimpan; ambil lagi bila jaringan ada."),
    "not_sent": mark("Tidak terkirim; coba lagi."),
    "drop": mark("Hapus"),
    "lot": mark("Nomor batch"),
    "expiry": mark("Kedaluwarsa"),
    "expiry_label": mark("Kedaluwarsa pada label"),
    "expiry_catalogue": mark("Kedaluwarsa menurut katalog (yang berlaku)"),
    "serial": mark("Nomor seri"),
    "vials": mark("Isi kemasan (vial)"),
    "sscc": mark("Nomor kemasan (SSCC)"),
    "trace": mark("Lihat perjalanan batch"),
    "open": mark("Buka"),
    "decide": mark("Putuskan yang ditahan"),
    "recall": mark("Alasan penarikan"),
    "opened": mark("vial terbuka"),
    "day": mark("Tanggal"),
    "dose": mark("Dosis ke-"),
    "facility": mark("Fasilitas"),
    "state": mark("Keadaan"),
    "arrived": mark("Catat sudah datang"),
}
QUEUE = {
    "waiting": mark("Menunggu dikirim"),
    "sending": mark("Sedang dikirim"),
    "answered": mark("Terjawab"),
    "refused": mark("Ditolak"),
}
WHY = {
    "offline": mark("Tanpa jaringan: disimpan di ponsel, dikirim nanti."),
    "server": mark("Sistem sedang terganggu: disimpan di ponsel, dicoba lagi."),
    "foreign": mark("Yang menjawab bukan Rantai, mungkin halaman masuk Wi-Fi. Disimpan di ponsel, dicoba lagi."),
    "login": mark("Masuk lagi untuk mengirim yang menunggu."),
    "stale": mark("Muat ulang halaman ini, lalu pindaian dikirim."),
}
VERDICT = {"ask": mark("Periksa dulu"), "stop": mark("Jangan dipakai")}
THING = {
    "shipment": mark("Pengiriman"),
    "ticket": mark("Tiket vaksinasi"),
    "sensor": mark("Sensor"),
    "place": mark("Tempat simpan"),
    "facility": mark("Fasilitas"),
}
WARN = {
    "unknown_product": mark("Produk ini belum ada dalam katalog."),
    "no_product": mark(
        "Kode ini tidak dikenal: bukan produk, kiriman, tiket, sensor, atau tempat. Pindai lagi, atau ketik dari label."
    ),
    "there_already": mark("Batch {lot} sudah ada di tempat itu. Pilih tempat lain."),
    "unknown_batch": mark("Batch ini belum terdaftar."),
    "separator_missing": mark(
        "Alat pindai menghilangkan pemisah; yang dimaksud kiranya batch {lot}. Cocokkan dengan label."
    ),
    "expiry_differs": mark("Tanggal kedaluwarsa pada label berbeda dari katalog; tanggal katalog yang berlaku."),
    "old_label": mark("Label lama: tanggal atau kodenya sudah diubah secara resmi; katalog yang berlaku."),
    "codes_disagree": mark("GTIN dan NIE pada label menunjuk produk yang berbeda."),
    "expired": mark("Sudah kedaluwarsa. Jangan dipakai."),
    "recalled": mark("Batch ini ditarik. Jangan dipakai."),
    "recalled_elsewhere": mark("Batch ini ditarik di tempat lain; penarikan itu tidak mengenai vial di sini."),
    "held": mark("Ada vial batch ini yang ditahan. Jangan dipakai sebelum penahanan diputus."),
    "unusable": mark("Ada vial batch ini yang tak layak pakai di sini."),
    "vvm_spent": mark("VVM vial batch ini sudah lewat batas."),
    "out_of_service": mark("Tempat simpannya tidak berfungsi."),
    "open_too_long": mark(
        "Ada vial terbuka batch ini yang lewat waktunya: buang sisanya, jangan berikan dosis darinya."
    ),
    "several_products": mark("Lot ini ada pada beberapa produk. Pindai labelnya, atau ketik kode produk/lot."),
    "not_here": mark("Menurut catatan, batch ini tidak ada di fasilitas ini."),
    "unknown_sscc": mark("Kotak ini bukan kiriman yang dapat Anda lihat."),
    "looks_like": mark("Mirip dengan batch {lot}: cocokkan nomornya huruf demi huruf."),
}


JOB = {
    "transfer": mark("Pindahkan"),
    "opening": mark("Buka vial"),
    "waste": mark("Buang rusak"),
    "kept": mark("Tercatat. {text}"),
    "good": mark("Boleh dipakai"),
    "receipt_undone": mark("Penerimaan dibatalkan {by}, {at}: {reason}"),
    "road": mark("{from} → {to}"),
    "by_phone": mark("Menurut catatan di ponsel ini per {at}."),
    "expires": mark("ked."),
    "vials": mark("Jumlah vial"),
    "from": mark("Dari"),
    "to": mark("Ke {place}"),
    "where_to": mark("Disimpan di mana?"),
    "why": mark("Mengapa?"),
    "not_here": mark("Batch {lot} tidak tercatat ada di sini. Hitung tempatnya lebih dulu."),
    "there_already": mark("Batch {lot} sudah ada di tempat itu. Pilih tempat lain."),
    "unknown_batch": mark("Batch ini tidak dikenal ponsel ini. Cocokkan labelnya, atau terima kirimannya lebih dulu."),
    "lot_twice": mark("Lot {lot} ada pada beberapa produk. Pindai labelnya, atau ketik salah satu: {codes}"),
    "no_goods": mark("{text} bukan kode barang. Pindai label vial atau dusnya, atau ketik lotnya."),
    "more_than_there": mark("Menurut catatan hanya ada {n}. Hitung tempatnya bila memang lebih."),
    "count_waits": mark("Belum masuk buku: menunggu orang kedua atau alasan"),
    "only_from": mark("Ambil hanya dari {place}. {why}"),
    "undo_last": mark("Batalkan langkah terakhir"),
    "undo_why": mark("Batalkan “{text}”: mengapa?"),
    "undone": mark("Dibatalkan ({reason}): {text}"),
    "see_conflict": mark("Lihat bentrokan"),
    "transfer_how": mark("Pindai barang, lalu tempat tujuannya."),
    "transfer_do": mark("Pindahkan {n} vial"),
    "opening_how": mark("Pindai vial yang dibuka."),
    "opening_do": mark("Buka {n} vial"),
    "waste_how": mark("Pindai vial tertutup yang dibuang."),
    "waste_do": mark("Buang {n} vial"),
}
JOB_LATER = {
    "receive": mark("Terima"),
    "count": mark("Hitung"),
    "discard": mark("Buang sisa"),
    "approve": mark("Setujui"),
    "pick": mark("Ambil dan kemas"),
    "desk": mark("Meja"),
    "dispatch": mark("Berangkatkan"),
    "order": mark("Minta"),
    "return": mark("Kembalikan"),
    "tell": mark("Tanpa kabar"),
    "order_how": mark("Isi yang diminta; yang paling sedikit di atas."),
    "order_from": mark("Minta dari"),
    "order_do": mark("Minta {n} vial"),
    "lies_here": mark("di sini {n} vial"),
    "nobody_near": mark("Fasilitas lain belum terunduh ke ponsel ini: sambungkan ke jaringan sekali."),
    "nobody_above": mark("Tidak ada fasilitas di atas yang menerima kembalian, atau namanya belum terunduh."),
    "return_how": mark("Pindai vial yang dikembalikan, juga yang ditarik, ditahan, atau tak layak."),
    "return_do": mark("Tutup kotak ({n} vial)"),
    "tell_how": mark("Kotak datang tanpa kabar? Pindai setiap vial di dalamnya."),
    "tell_from": mark("Kata surat, dari"),
    "tell_label": mark("Pindai label vialnya: perlu produk dan lot. {text}"),
    "tell_apart": mark("Sisihkan, jangan dipakai: baru masuk buku setelah pengirimnya mengonfirmasi."),
    "tell_do": mark("Kabari pengirim ({n} vial)"),
    "doses": mark("{n} dosis"),
    "n_vials": mark("{n} vial"),
    "back": mark("Kembali"),
    "remark": mark("Catatan"),
    "count_where": mark("Tempat mana yang dihitung? Pindai kodenya atau pilih."),
    "count_how": mark("pindai atau isi jumlah yang Anda lihat."),
    "count_empty": mark("Menurut catatan tempat ini kosong. Pindai apa yang ada."),
    "count_do": mark("Catat hitungan ({n} dari {all} batch)"),
    "count_why": mark("Ini berbeda dari catatan. Hitung lagi, atau sebut alasannya."),
    "count_choose": mark("pilih alasan"),
    "count_again": mark("Hitung lagi"),
    "count_send": mark("Kirim hitungan"),
    "counted": mark("Hitungan tercatat"),
    "difference": mark("selisih {n}"),
    "agrees": mark("cocok"),
    "place_first": mark("Pilih atau pindai tempatnya dulu."),
    "discard_how": mark("Vial terbuka, yang paling mendesak di atas."),
    "discard_this": mark("Buang sisanya"),
    "discard_why": mark("Buang {n} dosis: mengapa?"),
    "doses_left": mark("sisa {n} dari {all} dosis"),
    "no_open_vials": mark("Tidak ada vial terbuka."),
    "none_open": mark("Tidak ada vial terbuka dari batch {lot}."),
    "opened_at": mark("dibuka {at}; batas waktunya tampil setelah terkirim"),
    "overdue": mark("Lewat waktu: buang"),
    "still": mark("masih {time} jam"),
    "receive_how": mark("Pindai kotak, kode kiriman, atau satu vial."),
    "receive_do": mark("Catat penerimaan"),
    "nothing_coming": mark("Tidak ada kiriman dalam perjalanan ke sini. Kotaknya sudah datang? Pakai “Tanpa kabar”."),
    "shipment_facts": mark("dari {from}, {boxes} kotak, {vials} vial"),
    "from_sender": mark("dari {from}"),
    "open_shipment": mark("Buka"),
    "opened": mark("Kiriman {code} dari {from}"),
    "all_as_noted": mark("Semua sesuai surat ({n} vial)"),
    "one_by_one": mark("Periksa satu per satu"),
    "bad_on_note": mark("Kedaluwarsa, atau dihentikan dalam perjalanan: {lots}. Periksa satu per satu dan tolak."),
    "box_unknown": mark("Kotak ini tidak ada dalam kiriman ke sini. Sisihkan dan hubungi pengirimnya."),
    "box_not_waiting": mark(
        "Kotak kiriman {code} tidak ditunggu di sini: mungkin rekan sudah menerimanya. Bila untuk tempat lain, sisihkan."
    ),
    "box_of_other": mark("Kotak ini milik kiriman {code}. Catat dulu yang sedang dibuka."),
    "box_twice": mark("Kotak ini sudah dipindai."),
    "box_ok": mark("Kotak {n} dari {all}"),
    "several_shipments": mark("Ada beberapa kiriman dengan batch ini. Pindai kotaknya atau pilih."),
    "no_shipment": mark(
        "Tidak ada kiriman ke sini yang memuat ini. Pakai “Tanpa kabar”, atau sisihkan dan hubungi pengirimnya."
    ),
    "not_waiting": mark("Kiriman {code} tidak sedang ditunggu: mungkin rekan sudah menerimanya."),
    "of_sent": mark("dikirim {n}"),
    "not_on_note": mark("tidak ada di surat"),
    "accepted": mark("Diterima"),
    "rejected": mark("Ditolak"),
    "surplus_label": mark("Lebih dari surat"),
    "surplus": mark("{n} lebih dari surat"),
    "something_wrong": mark("Ada masalah"),
    "unknown_goods": mark("barang yang tidak dikenal ponsel ini"),
    "rest": mark("{n} vial belum datang. Sisanya:"),
    "later": mark("menyusul"),
    "never": mark("tidak akan datang: catat kurang"),
    "approve_how": mark("Pilih permintaan, atau pindai kodenya."),
    "approve_do": mark("Setujui {n} vial"),
    "nothing_asked": mark("Tidak ada permintaan yang menunggu persetujuan."),
    "not_asking": mark("{text} tidak menunggu persetujuan di sini. Pilih dari daftar."),
    "asked_here": mark("diminta {n}, dapat dikirim {here}"),
    "dispatch_how": mark("Pilih kiriman yang sudah dikemas, atau pindai kotaknya."),
    "dispatch_do": mark("Sudah berangkat"),
    "dispatch_none": mark("Tidak ada kiriman yang sudah dikemas."),
    "dispatch_not": mark("{text} belum siap berangkat dari sini: kemas dulu, atau pilih dari daftar."),
    "confirm": mark("Konfirmasi kiriman"),
    "confirm_how": mark("Yang dicatat penerima tanpa kabar. Apakah dikirim dari sini?"),
    "confirm_do": mark("Ya, dikirim dari sini"),
    "confirm_else": mark("Bukan dari sini, atau isinya lain"),
    "confirm_none": mark("Tidak ada kiriman yang menunggu konfirmasi."),
    "confirm_not": mark("{text} tidak menunggu konfirmasi di sini. Pilih dari daftar."),
    "seal_logger": mark("Segel dan pencatat suhu"),
    "seal": mark("Nomor segel"),
    "logger": mark("Nomor pencatat suhu"),
    "scan_seal": mark("Pindai segelnya"),
    "scan_logger": mark("Pindai pencatat suhunya"),
    "loggers_in_boxes": mark("Pencatat suhu di dalam kotak"),
    "logger_of_other": mark(
        "Menurut surat, pencatat suhu {number} ikut kiriman {code}: mungkin kotaknya tertukar. Periksa isi kotak itu."
    ),
    "logger_unknown": mark(
        "Pencatat suhu {number} tidak ada di surat. Periksa nomornya; ketuk nomornya bila salah. Pengirim melihatnya."
    ),
    "scan_now": mark("Pindai sekarang kodenya, atau ketik."),
    "no_device": mark("Bukan nomor segel atau pencatat suhu: {text}"),
    "label_taken": mark("Label ini sudah ada pada kotak kiriman {code}. Pakai label lain."),
    "pick_how": mark("Pilih permintaan yang sudah disetujui, atau pindai kodenya."),
    "pick_first": mark("Pilih permintaannya dulu."),
    "pick_scan": mark("pindai yang masuk kotak"),
    "pick_do": mark("Tutup kotak ({n} vial)"),
    "nothing_to_pick": mark("Tidak ada permintaan yang menunggu dikemas."),
    "take_next": mark("ambil {lot} dari {place}"),
    "none_left": mark("tidak ada lagi yang boleh dikirim"),
    "complete": mark("lengkap"),
    "too_many": mark("{n} vial lebih dari yang disetujui: kurangi."),
    "enough": mark("Cukup: tinggal {n} yang disetujui."),
    "not_asked_for": mark("{name} tidak diminta dalam kiriman ini: kembalikan ke tempatnya."),
    "earlier_first": mark("Batch {lot} lebih dulu kedaluwarsa: ambil itu dulu."),
    "none_free": mark("Batch {lot}: tidak ada lagi yang boleh diambil untuk kiriman ini."),
    "why_not_first": mark("Mengapa bukan lot {lot} dahulu?"),
    "box_labelled": mark("Nomor kotak terpasang."),
}
COUNT_REASON = {
    "misread": mark("salah catat sebelumnya"),
    "broken": mark("pecah, tidak tercatat"),
    "lost": mark("hilang"),
    "taken": mark("terbawa ke lapangan"),
}
UNDO = {
    "slip": mark("salah pindai"),
    "amount": mark("salah jumlah"),
    "place": mark("salah tempat"),
    "not_done": mark("tidak jadi"),
}
STEP = {
    "waiting": mark("menunggu dikirim"),
    "done": mark("tercatat di pusat"),
    "conflict": mark("bentrok: perlu keputusan"),
    "behind": mark("menunggu keputusan"),
    "dropped": mark("dilepas"),
    "undone": mark("dibatalkan"),
}
STATE_OF = {
    "sent": mark("Semua langkah terkirim."),
    "waiting": mark("{n} langkah menunggu dikirim."),
    "conflicts": mark("{n} langkah bentrok dan menunggu keputusan."),
    "others": mark("{n} langkah pengguna lain tersimpan di ponsel ini; terkirim bila ia sendiri yang masuk."),
    "no_holdings": mark("Persediaan belum terunduh ke ponsel ini: sambungkan ke jaringan sekali."),
    "no_facility": mark("Pilih fasilitas dulu."),
    "offline": mark("Tanpa jaringan."),
    "server": mark("Sistem sedang terganggu; dicoba lagi."),
    "foreign": mark("Yang menjawab bukan Rantai, mungkin halaman masuk Wi-Fi."),
    "login": mark("Waktu masuk Anda habis. Pekerjaan tetap tersimpan; masuk lagi untuk mengirim."),
    "cut_off": mark("Ponsel ini sudah diputus oleh kepala fasilitas. Isinya sudah dihapus."),
    "broken": mark("Rantai langkah di ponsel ini tidak cocok dengan pusat. Hubungi kepala fasilitas. {said}"),
    "refused": mark("Pusat menolak: {said}"),
    "full": mark("Penyimpanan ponsel penuh: langkah terakhir TIDAK tercatat. Kosongkan ruang, lalu ulangi."),
    "insecure": mark("Halaman ini tidak dibuka lewat HTTPS: pekerjaan tidak dapat dicatat di ponsel."),
}


Words = dict[str, str]


def words_of(texts: Texts) -> tuple[Words, Words]:
    """All words in one language, by `group.key`: those of the first program, those of what comes behind it."""
    # What the reader refuses is said in the server's own sentences.
    sentences = {code: said[texts.language != "id"] for code, said in SENTENCES.items()}
    return _said(texts, _first()), _said(texts, _later()) | sentences


def _said(texts: Texts, groups: dict[str, dict[str, str]]) -> Words:
    return {f"{group}.{key}": texts.gettext(word) for group, words in groups.items() for key, word in words.items()}


def _later() -> dict[str, dict[str, str]]:
    return {
        "warn": DESK_WARN,
        "job": JOB_LATER,
        "desk": DESK,
        "health": labels.HEALTH_QUESTION,
        "without": labels.WITHOUT_NIK,
        "sex": labels.SEX,
        "count_reason": COUNT_REASON,
        "open_waste": labels.OPEN_WASTE,
        "difference": labels.DIFFERENCE,
        "other_lot": labels.OTHER_LOT,
    }


def _first() -> dict[str, dict[str, str]]:
    return {
        "say": SAY,
        "queue": QUEUE,
        "why": WHY,
        "verdict": VERDICT,
        "thing": THING,
        "warn": WARN,
        "status": labels.STOCK_STATUS,
        "job": JOB,
        "undo": UNDO,
        "step": STEP,
        "state_of": STATE_OF,
        "waste": labels.WASTE_REASON,
        "state": {**labels.SHIPMENT_STATE, **labels.BOOKING_STATE},
    }
