"""Words for codes that rooms use, by group; shown through the catalogues."""

from __future__ import annotations

from dashboard.frame.texts import mark

# Stock state of a facility or a product, worst first. The key is also the class of shape and colour.
STOCK_STATE = {
    "out": mark("Kosong"),
    "low": mark("Menipis"),
    "ok": mark("Cukup"),
    "over": mark("Berlebih"),
    "stale": mark("Data usang"),
    "unreported": mark("Belum ada laporan"),
}
STOCK_STATUS = {
    "usable": mark("Siap pakai"),
    "held": mark("Ditahan"),
    "recalled": mark("Ditarik"),
    "unusable": mark("Tak layak pakai"),
}
OPEN_WASTE = {
    "time_limit": mark("lewat waktu"),
    "session_end": mark("sesi selesai"),
    "contamination": mark("tercemar"),
    "held": mark("ditahan"),
    "other": mark("lain"),
}
PCARE_STATE = {
    "waiting": mark("Menunggu"),
    "sent": mark("Terkirim, belum terjawab"),
    "accepted": mark("Diterima P-Care"),
    "handed": mark("Lewat berkas"),
    "refused": mark("Ditolak"),
    "corrected": mark("Dikoreksi"),
    "deleted": mark("Dihapus"),
}
PCARE_WHY = {
    "no_nik": mark("NIK-nya belum ada"),
    "by_file": mark("diserahkan lewat berkas"),
    "in_file": mark("ada di berkas yang diunduh"),
    "forgotten": mark("hilang di P-Care, dikirim lagi"),
    "no_answer": mark("P-Care tidak menjawab, ditanyakan lagi"),
    "refused": mark("P-Care menolak"),
}
CATALOG_FIELD = {
    "name": mark("Nama"),
    "gtin": mark("GTIN vial"),
    "box_gtin": mark("GTIN dus"),
    "nie": mark("Nomor izin edar (NIE)"),
    "vials_per_box": mark("Vial per dus"),
    "storage_class_id": mark("Kelas simpan"),
    "diluent": mark("Pelarut"),
    "expiry": mark("Kedaluwarsa"),
    "manufacturer": mark("Pembuat"),
    "unlike": mark("Dibandingkan, memang berbeda dari"),
    "joined": mark("Satu lot, terdaftar dua kali"),
    "parted": mark("Lot tersendiri, keliru disatukan"),
}
CHANGE_CAUSE = {"mistake": mark("salah tulis"), "official": mark("perubahan resmi")}
RULE_KIND = {
    "interval": mark("Jarak dari dosis sebelumnya"),
    "age": mark("Umur paling muda"),
    "spacing": mark("Jarak dari vaksin lain"),
}
RECALL_CLASS = {
    "1": mark("Kelas I: dapat membahayakan jiwa"),
    "2": mark("Kelas II: dapat menimbulkan sakit"),
    "3": mark("Kelas III: tidak berbahaya"),
}
UNIT_KIND = {
    "national": mark("Nasional"),
    "province": mark("Dinkes provinsi"),
    "city": mark("Dinkes kota/kabupaten"),
    "warehouse": mark("Gudang"),
    "puskesmas": mark("Puskesmas"),
    "posyandu": mark("Posyandu"),
    "hospital": mark("Rumah sakit"),
    "post": mark("Pos vaksinasi"),
}
EQUIPMENT_KIND = {
    "cold_room": mark("Kamar dingin"),
    "freezer_room": mark("Kamar beku"),
    "fridge": mark("Lemari es"),
    "freezer": mark("Freezer"),
    "cold_box": mark("Kotak dingin"),
    "truck": mark("Truk berpendingin"),
}
ROLE = {
    "national": mark("Nasional"),
    "province": mark("Provinsi"),
    "city": mark("Kota/kabupaten"),
    "facility_manager": mark("Kepala fasilitas"),
    "warehouse_staff": mark("Petugas gudang"),
    "vaccinator": mark("Vaksinator"),
    "integrator": mark("Sistem lain"),
    "auditor": mark("Pemeriksa"),
    "hotline_operator": mark("Operator hotline"),
}
CALL_OUTCOME = {
    "booked": mark("Dipesankan"),
    "informed": mark("Diberi keterangan"),
    "moved": mark("Pindah hari"),
    "cancelled": mark("Dibatalkan"),
    "complaint": mark("Keluhan"),
    "not_reached": mark("Tidak tersambung"),
    "cut_off": mark("Terputus"),
}
TICKET_BY = {"sms": mark("SMS"), "whatsapp": mark("WhatsApp")}
LOGIN_PROBLEM = {
    "access.bad_credentials": mark("Nama pengguna dan kata sandi tidak cocok."),
    "access.too_many_attempts": mark("Terlalu banyak percobaan. Tunggu satu menit, lalu coba lagi."),
}
RULE = {
    "HEAT": mark("Terlalu panas"),
    "HEAT10": mark("Terlalu lama di atas 10 °C"),
    "HEAT30": mark("Terlalu lama di atas 30 °C"),
    "FRZE": mark("Membeku"),
    "COLD": mark("Mendekati beku"),
    "WARM": mark("Mulai panas"),
    "DOOR": mark("Pintu terbuka"),
    "POWR": mark("Listrik padam"),
    "SILENT": mark("Sensor bisu"),
}
SEVERITY = {"alarm": mark("Pelanggaran"), "advisory": mark("Peringatan")}
LEVEL = {"0": mark("Fasilitas"), "1": mark("Kota/kabupaten"), "2": mark("Provinsi")}
ALARM_STEP = {
    "raised": mark("Alarm berbunyi"),
    "escalated": mark("Diteruskan ke atas"),
    "acknowledged": mark("Ditanggapi"),
    "ended": mark("Suhu kembali aman"),
    "reopened": mark("Berlanjut"),
    "withdrawn": mark("Ditarik kembali"),
    "merged": mark("Digabung"),
    "closed": mark("Ditutup"),
}
CHANNEL_ROLE = {
    "storage": mark("ruang simpan"),
    "freezer": mark("ruang beku"),
    "ambient": mark("udara sekitar"),
    "condenser": mark("kondensor"),
    "other": mark("lain"),
}
DEVICE_STATUS = {"online": mark("tersambung"), "offline": mark("terputus"), "unknown": mark("belum diketahui")}
ALARM_ACTION = {
    "cold_box": mark("Vaksin dipindahkan ke kotak dingin"),
    "checked_door": mark("Pintu diperiksa"),
    "closed_door": mark("Pintu ditutup"),
    "checked_power": mark("Listrik dan steker diperiksa"),
    "generator": mark("Genset dinyalakan"),
    "turned_up": mark("Termostat diatur"),
    "checked_sensor": mark("Sensor diperiksa"),
    "read_by_hand": mark("Suhu dibaca dengan termometer"),
    "called_technician": mark("Teknisi dipanggil"),
    "called_city": mark("Dinkes kota dihubungi"),
}
FOUND = {
    "facility": mark("Fasilitas"),
    "batch": mark("Batch"),
    "shipment": mark("Kiriman"),
    "sensor": mark("Sensor"),
}
ALARM_SHOW = {"open": mark("Terbuka"), "held": mark("Menahan stok"), "closed": mark("Selesai"), "all": mark("Semua")}
ACCOUNT = {
    "place": mark("Tempat simpan"),
    "transit": mark("Dalam perjalanan"),
    "open": mark("Vial terbuka"),
    "supplier": mark("Pemasok"),
    "used": mark("Dibuka dan dipakai"),
    "wasted": mark("Terbuang"),
    "lost": mark("Hilang"),
    "found": mark("Ditemukan"),
    "destroyed": mark("Dimusnahkan"),
    "unseen": mark("Di luar wilayah Anda"),
}
STOCK_EVENT = {
    "supply": mark("Pasokan"),
    "dispatch": mark("Dikirim"),
    "receipt": mark("Diterima"),
    "transfer": mark("Dipindah"),
    "opening": mark("Dibuka"),
    "use": mark("Habis dipakai"),
    "return": mark("Dikembalikan"),
    "count": mark("Dihitung"),
    "waste": mark("Dibuang"),
    "status": mark("Status berubah"),
    "destruction": mark("Dimusnahkan"),
    "reversal": mark("Dibatalkan"),
    "relabel": mark("Lot dibetulkan"),
}
WASTE_REASON = {
    "expired": mark("kedaluwarsa"),
    "heat": mark("panas"),
    "freeze": mark("beku"),
    "broken": mark("pecah"),
    "damaged": mark("rusak"),
    "vvm": mark("VVM lewat"),
    "label": mark("label hilang"),
    "contaminated": mark("tercemar"),
    "recalled": mark("ditarik"),
    "no_diluent": mark("pelarut tidak ada"),
    "other": mark("lain"),
}
HARM = {"freeze": mark("Membeku"), "heat": mark("Terlalu panas")}
HOLD_STATE = {"held": mark("Ditahan"), "released": mark("Dilepas"), "discarded": mark("Dibuang")}
DISPOSITION = {
    "use_first": mark("Pakai lebih dahulu"),
    "hold": mark("Tetap ditahan"),
    "discard": mark("Buang"),
    "release": mark("Lepas"),
}
SHAKE_TEST = {"passed": mark("Lulus"), "failed": mark("Gagal")}
SESSION_ACT = {
    "changed": mark("Diubah"),
    "cancelled": mark("Dibatalkan"),
    "closed": mark("Ditutup"),
    "reopened": mark("Dibuka lagi"),
}
BUCKET = {
    "kelurahan": mark("Warga kelurahan yang dilayani"),
    "city": mark("Warga kota atau kabupaten"),
    "walk_in": mark("Yang datang tanpa mendaftar"),
    "second_dose": mark("Dosis kedua dan seterusnya"),
    "nakes": mark("Tenaga kesehatan"),
    "general": mark("Siapa saja"),
}

SEX = {"female": mark("Perempuan"), "male": mark("Laki-laki")}
WITHOUT_NIK = {
    "infant": mark("Bayi"),
    "foreigner": mark("Orang asing"),
    "no_papers": mark("Tidak punya dokumen"),
    "unknown": mark("Tidak dibawa, atau tidak diketahui"),
}
MESSAGE = {
    "quota_confirmed": mark("Tempat dicatat"),
    "quota_moved": mark("Jadwal pindah"),
    "quota_reminder": mark("Pengingat"),
    "dose_next": mark("Dosis berikutnya"),
    "dose_due": mark("Dosis jatuh tempo"),
    "dose_awaited": mark("Dosis ditunggu"),
    "quota_offer": mark("Tempat pengganti"),
    "quota_displaced_no_place": mark("Belum ada pengganti"),
    "quota_session_changed": mark("Jam berubah"),
    "quota_cancelled": mark("Dibatalkan"),
    "places_open": mark("Ada tempat"),
    "ticket_code": mark("Kode tiket"),
    "phone_code": mark("Kode pendaftaran"),
    "push_started": mark("Pemberitahuan peramban"),
}
MESSAGE_FATE = {
    "waits": mark("menunggu"),
    "left": mark("terkirim"),
    "arrived": mark("sampai"),
    "read": mark("dibaca"),
    "failed": mark("tidak sampai"),
}
HEALTH_QUESTION = {
    "fever": mark("Demam"),
    "severe_allergy": mark("Alergi berat"),
    "recent_covid": mark("Baru sembuh dari COVID"),
}

ADVERSE_OUTCOME = {
    "unknown": mark("Belum diketahui"),
    "recovering": mark("Membaik"),
    "recovered": mark("Sembuh"),
    "not_recovered": mark("Belum sembuh"),
    "sequelae": mark("Sembuh, dengan gejala sisa"),
    "died": mark("Meninggal"),
}
STANDBY_GROUP = {"1": mark("tenaga kesehatan"), "2": mark("lansia"), "3": mark("yang lain")}
STANDBY_SAID = {"coming": mark("Akan datang"), "declined": mark("Tidak mau"), "unreached": mark("Tidak tersambung")}
CARD_STATE = {"valid": mark("Berlaku"), "corrected": mark("Sudah dibetulkan"), "withdrawn": mark("Ditarik kembali")}
ADVERSE_LEVEL = {"facility": mark("Kepala fasilitas"), "office": mark("Dinas kesehatan")}
BOOKING_STATE = {
    "reserved": mark("Menunggu konfirmasi"),
    "confirmed": mark("Terkonfirmasi"),
    "arrived": mark("Sudah datang"),
    "fit": mark("Boleh divaksin"),
    "deferred": mark("Ditunda"),
    "refused": mark("Tidak boleh divaksin"),
    "vaccinated": mark("Sudah divaksin"),
    "no_show": mark("Tidak datang"),
    "cancelled": mark("Dibatalkan"),
    "displaced": mark("Tergeser"),
    "lapsed": mark("Lewat waktu"),
}
OFFER_STATE = {
    "pending": mark("Tempat lain sedang dicari"),
    "offered": mark("Ditawari, belum menjawab"),
    "accepted": mark("Menerima tempat pengganti"),
    "lapsed": mark("Tawaran lewat waktu"),
    "declined": mark("Menolak tempat pengganti"),
    "none_found": mark("Belum ada tempat lain"),
    "rebooked": mark("Sudah mendaftar lagi"),
}
DISPLACED_SHOW = {
    "waiting": mark("Menunggu"),
    "untold": mark("Belum dikabari"),
    "offered": mark("Ditawari"),
    "accepted": mark("Mendapat tempat"),
    "lapsed": mark("Tanpa tempat"),
    "all": mark("Semua"),
}
SHIPMENT_STATE = {
    "requested": mark("Diminta"),
    "approved": mark("Disetujui"),
    "packed": mark("Dikemas"),
    "in_transit": mark("Di jalan"),
    "partly_received": mark("Diterima sebagian"),
    "received": mark("Diterima"),
    "cancelled": mark("Dibatalkan"),
    "returned": mark("Kembali ke pengirim"),
    "unconfirmed": mark("Menunggu konfirmasi pengirim"),
    "disputed": mark("Dibantah pengirim"),
}
SHIPMENT_SHOW = {"going": mark("Berjalan"), "done": mark("Selesai"), "all": mark("Semua")}
DIFFERENCE = {
    "broken": mark("pecah"),
    "damaged": mark("rusak"),
    "expired": mark("kedaluwarsa"),
    "vvm": mark("VVM lewat"),
    "heat": mark("panas"),
    "freeze": mark("beku"),
    "lost": mark("hilang"),
    "stolen": mark("dicuri"),
    "not_sent": mark("tidak dikirim"),
    "wrong_lot": mark("batch lain"),
    "wrong_product": mark("produk lain"),
    "not_ordered": mark("tidak dipesan"),
    "not_received": mark("tidak diterima"),
    "other": mark("lain"),
}
# Why another lot goes than first expiry, first out says.
OTHER_LOT = {
    "not_found": mark("tidak ditemukan di tempatnya"),
    "damaged": mark("rusak, basah atau labelnya tak terbaca"),
    "whole_box": mark("supaya dus tidak dibongkar"),
    "asked_for": mark("penerima butuh lot ini"),
    "too_short": mark("terlalu dekat kedaluwarsa bagi penerima"),
    "other": mark("alasan lain"),
}
# By the names of the rules (`tracker/retention.py`).
KEPT = {
    "codes for lost tickets": mark("Kode tiket hilang"),
    "log-ins that ran out": mark("Sesi masuk yang habis"),
    "answers kept for repeats": mark("Jawaban untuk permintaan berulang"),
    "conversations": mark("Percakapan"),
    "messages of devices that could not be read": mark("Pesan perangkat yang tak terbaca"),
    "messages": mark("Pesan ke warga"),
    "browsers that are told": mark("Peramban yang diberi kabar"),
    "health answers": mark("Jawaban kesehatan saat mendaftar"),
    "calls of the hotline": mark("Panggilan hotline"),
    "wishes to be told": mark("Yang minta dikabari"),
    "look-ups": mark("Catatan siapa membuka data orang"),
    "persons": mark("Orang yang tak pernah datang"),
    "events of the feed": mark("Kejadian di umpan"),
    "phones laid aside": mark("Ponsel yang lama tidak dipakai"),
    "months of readings": mark("Bacaan suhu, per bulan"),
    "hours of sensors": mark("Ringkasan suhu per jam"),
}
