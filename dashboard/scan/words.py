"""What the page's scripts say, by key; they hold no words of their own."""

from __future__ import annotations

from dashboard.frame import labels
from dashboard.frame.texts import Texts, mark

SAY = {
    "waiting": mark("{n} menunggu dikirim"),
    "none": mark("Tidak ada yang menunggu"),
    "others": mark("{n} pindaian pengguna lain tersimpan di ponsel ini; terkirim bila ia sendiri yang masuk."),
    "unknown": mark("produk tidak dikenal"),
    "failed": mark("Kode tidak dapat dibaca"),
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
    "no_product": mark("Kode ini tidak menyebut produk, dan tidak dikenal sebagai kiriman, tiket, sensor atau tempat."),
    "unknown_batch": mark("Batch ini belum terdaftar."),
    "separator_missing": mark(
        "Alat pindai menghilangkan pemisah; yang dimaksud kiranya batch {lot}. Cocokkan dengan label."
    ),
    "expiry_differs": mark("Tanggal kedaluwarsa pada label berbeda dari katalog; tanggal katalog yang berlaku."),
    "old_label": mark("Label lama: tanggal atau kodenya sudah diubah secara resmi; katalog yang berlaku."),
    "codes_disagree": mark("GTIN dan NIE pada label menunjuk produk yang berbeda."),
    "expired": mark("Sudah kedaluwarsa. Jangan dipakai."),
    "recalled": mark("Batch ini ditarik. Jangan dipakai."),
    "held": mark("Ada vial batch ini yang ditahan. Jangan dipakai sebelum penahanan diputus."),
    "unusable": mark("Ada vial batch ini yang tak layak pakai di sini."),
    "vvm_spent": mark("VVM vial batch ini sudah lewat batas."),
    "out_of_service": mark("Tempat simpannya tidak berfungsi."),
    "not_here": mark("Menurut catatan, batch ini tidak ada di fasilitas ini."),
    "unknown_sscc": mark("Kotak ini bukan kiriman yang dapat Anda lihat."),
    "looks_like": mark("Mirip dengan batch {lot}: cocokkan nomornya huruf demi huruf."),
}


def words_of(texts: Texts) -> dict[str, str]:
    """All words in one language, by `group.key`."""
    groups = {
        "say": SAY,
        "queue": QUEUE,
        "why": WHY,
        "verdict": VERDICT,
        "thing": THING,
        "warn": WARN,
        "status": labels.STOCK_STATUS,
        "state": {**labels.SHIPMENT_STATE, **labels.BOOKING_STATE},
    }
    return {f"{group}.{key}": texts.gettext(word) for group, words in groups.items() for key, word in words.items()}
