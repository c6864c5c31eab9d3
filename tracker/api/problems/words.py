"""Words for the codes that a refusal's parameters carry: the one table of them, in both languages.

A sentence names the group behind the parameter, `{state:booking_state}`. Groups of an enumeration hold each of its
members; a test finds a member, or a parameter with a code, that has no word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tracker.catalog.rules.policy import PolicyFault
from tracker.catalog.rules.storage import BandFault
from tracker.delivery.rules.addresses import AddressFault
from tracker.network.rules.geojson import FeatureFault
from tracker.people.rules.groups import PersonGroup
from tracker.quota.rules.words import BookingState, BucketKind
from tracker.shipments.rules.words import ShipmentState
from tracker.stock.rules.words import JoinHindrance, Kind, Status, WasteReason


@dataclass(frozen=True, slots=True)
class Words:
    """A word each for the values of one kind, (Indonesian, English); it may name further parameters of the error.

    `of` is the enumeration whose members all have one; None where the values are names of fields.
    """

    of: type[StrEnum] | None
    table: Mapping[str, tuple[str, str]]


WORDS: Mapping[str, Words] = {
    "join_hindrance": Words(
        JoinHindrance,
        {
            "expiry": (
                "kedaluwarsanya berbeda; betulkan dahulu yang salah",
                "their expiries differ; put the wrong one right first",
            ),
            "counted": (
                "salah satunya sudah dihitung di {facility}; batalkan hitungan itu dahulu, lalu hitung lagi",
                "one of them was counted at {facility}; take that count back first, and count again",
            ),
            "packed": (
                "sebagian dikemas untuk pengiriman di {facility}; bongkar dahulu",
                "some are packed for a shipment at {facility}; unpack first",
            ),
            "road": (
                "sebagian masih di jalan atau menunggu konfirmasi ({facility}); terima dahulu",
                "some are on the road or wait for a confirmation ({facility}); receive them first",
            ),
            "recalled": (
                "lot itu ditarik; tarik dahulu lot yang benar, lalu cabut penarikan ini",
                "it is called back; call back the right lot first, then withdraw this recall",
            ),
        },
    ),
    "booking_state": Words(
        BookingState,
        {
            "reserved": ("menunggu konfirmasi", "waiting for confirmation"),
            "confirmed": ("terkonfirmasi", "confirmed"),
            "arrived": ("sudah datang", "arrived"),
            "fit": ("boleh divaksin", "found fit"),
            "deferred": ("ditunda", "put off at screening"),
            "refused": ("tidak boleh divaksin", "turned away at screening"),
            "vaccinated": ("sudah divaksin", "vaccinated"),
            "no_show": ("tidak datang", "missed"),
            "cancelled": ("dibatalkan", "cancelled"),
            "displaced": ("tergeser", "displaced"),
            "lapsed": ("lewat waktu", "run out"),
        },
    ),
    "bucket_kind": Words(
        BucketKind,
        {
            "kelurahan": ("warga kelurahan", "residents of the kelurahan"),
            "city": ("warga kota", "residents of the city"),
            "walk_in": ("datang langsung", "walk-ins"),
            "second_dose": ("dosis kedua", "second doses"),
            "nakes": ("tenaga kesehatan", "health workers"),
            "general": ("umum", "anybody"),
        },
    ),
    "person_group": Words(
        PersonGroup,
        {
            "nakes": ("nakes (tenaga kesehatan)", "nakes (health workers)"),
            "lansia": ("lansia (lanjut usia)", "lansia (the elderly)"),
        },
    ),
    "shipment_state": Words(
        ShipmentState,
        {
            "requested": ("diminta", "requested"),
            "approved": ("disetujui", "approved"),
            "packed": ("dikemas", "packed"),
            "in_transit": ("di jalan", "on its way"),
            "partly_received": ("diterima sebagian", "received in part"),
            "received": ("diterima", "received"),
            "cancelled": ("dibatalkan", "cancelled"),
            "returned": ("kembali ke pengirim", "returned to its sender"),
            "unconfirmed": ("menunggu konfirmasi pengirim", "waiting for its sender's word"),
            "disputed": ("dibantah pengirim", "disputed by its sender"),
            "on_road": ("masih di jalan", "still on the road"),
        },
    ),
    "stock_status": Words(
        Status,
        {
            "usable": ("layak pakai", "usable"),
            "held": ("ditahan", "on hold"),
            "recalled": ("ditarik", "recalled"),
            "unusable": ("tidak layak pakai", "not usable"),
        },
    ),
    "stock_event": Words(
        Kind,
        {
            "supply": ("pasokan", "supply"),
            "dispatch": ("pengiriman", "dispatch"),
            "receipt": ("penerimaan", "receipt"),
            "transfer": ("pemindahan", "transfer"),
            "opening": ("pembukaan vial", "opening"),
            "use": ("vial habis dipakai", "use"),
            "return": ("pengembalian", "return"),
            "count": ("penghitungan", "count"),
            "waste": ("pembuangan", "waste"),
            "status": ("perubahan status", "change of status"),
            "destruction": ("pemusnahan", "destruction"),
            "reversal": ("pembatalan", "reversal"),
            "relabel": ("pembetulan lot", "correction of a lot"),
        },
    ),
    "waste_reason": Words(
        WasteReason,
        {
            "expired": ("kedaluwarsa", "expired"),
            "heat": ("panas", "heat"),
            "freeze": ("beku", "frost"),
            "broken": ("pecah", "broken"),
            "damaged": ("rusak", "damaged"),
            "vvm": ("VVM lewat", "VVM spent"),
            "label": ("label hilang", "label lost"),
            "contaminated": ("tercemar", "contaminated"),
            "recalled": ("ditarik", "recalled"),
            "no_diluent": ("pelarut tidak ada", "no diluent"),
            "other": ("lain", "other"),
        },
    ),
    "field": Words(
        None,
        {
            "batch": ("batch", "batch"),
            "place": ("tempat", "place"),
            "to_place": ("tempat tujuan", "place of destination"),
            "to_status": ("status baru", "new status"),
            "witnesses": ("saksi", "witnesses"),
            "lines": ("baris", "lines"),
            "reason": ("alasan", "reason"),
            "shipment": ("pengiriman", "shipment"),
            "code": ("kode", "code"),
            "gtin": ("GTIN", "GTIN"),
            "doses_per_vial": ("dosis per vial", "doses a vial"),
            "vials_per_box": ("vial per kotak", "vials a box"),
            "open_vial_hours": ("batas jam vial terbuka", "hours of an open vial"),
            "open_vial_days": ("batas hari vial terbuka", "days of an open vial"),
        },
    ),
    "policy_fault": Words(
        PolicyFault,
        {
            "out_of_range": ("harus antara {least} dan {most}", "must lie between {least} and {most}"),
            "malformed": (
                "hanya huruf, angka, tanda hubung dan titik",
                "letters, digits, hyphens and dots only",
            ),
            "gtin_or_nie": ("GTIN atau NIE diperlukan", "a GTIN or an NIE is needed"),
            "hours_or_days": ("jam atau hari, tidak keduanya", "hours or days, not both"),
            "multi_dose_limit": (
                "vial multidosis perlu batas waktu setelah dibuka",
                "a multi-dose vial needs an open-vial limit",
            ),
        },
    ),
    "band_fault": Words(
        BandFault,
        {
            "missing": ("{detail} tidak disebut", "{detail} is missing"),
            "unreadable": ("salah satu nilainya tidak dapat dibaca", "one of its values cannot be read"),
            "no_range": ("{detail} °C bukan rentang", "{detail} °C is no range"),
            "budget": (
                "batas jam hanya untuk rentang once dan cumulative, dan wajib di sana",
                "a time budget in hours belongs to once and cumulative bands, and only to them",
            ),
            "no_time": ("batas jam harus lebih dari nol", "a time budget is longer than nothing"),
            "reversed": ("berakhir sebelum dimulai", "it ends before it begins"),
            "no_shelf_life": (
                "tidak ada rentang untuk seluruh masa simpan",
                "no band is meant for the whole shelf life",
            ),
        },
    ),
    "address_fault": Words(
        AddressFault,
        {
            "unreadable": ("bukan alamat web", "it is no web address"),
            "characters": ("memuat yang tidak boleh ada dalam alamat", "it holds what no address has"),
            "no_host": (
                "tidak diawali https:// dan nama komputer",
                "it does not begin with https:// and a host",
            ),
            "password": ("memuat nama pengguna atau kata sandi", "it holds a user name or password"),
            "port": ("portnya 0", "its port is 0"),
            "fragment": (
                "memuat #, dan yang sesudahnya tidak pernah dikirim",
                "it holds #, and what follows is never sent",
            ),
            "not_https": ("bukan https", "it is not https"),
            "private": ("menuju jaringan pribadi", "it leads into a private network"),
        },
    ),
    "feature_fault": Words(
        FeatureFault,
        {
            "no_properties": ("tidak memuat properties", "it has no properties"),
            "no_name": ("tidak bernama", "it has no name"),
            "bad_kemendagri": (
                "{detail} bukan kode Kemendagri tingkat itu",
                "{detail} is no Kemendagri code of its level",
            ),
            "bad_bps": ("{detail} bukan kode BPS tingkat itu", "{detail} is no BPS code of its level"),
            "no_code": ("tidak mempunyai kode wilayah", "it has no area code"),
            "bad_level": ("{detail} bukan tingkat wilayah", "{detail} is no level"),
            "no_level": (
                "tingkatnya tidak disebut dan tidak terbaca dari kode Kemendagri",
                "its level is neither given nor told by a Kemendagri code",
            ),
            "not_polygon": (
                "bentuknya bukan Polygon atau MultiPolygon",
                "its geometry is neither Polygon nor MultiPolygon",
            ),
            "bad_coordinates": ("koordinatnya tidak dapat dibaca", "its coordinates cannot be read"),
            "empty": ("bentuknya kosong", "its geometry is empty"),
            "no_degrees": (
                "koordinatnya bukan bujur dan lintang dalam derajat",
                "its coordinates are not longitude and latitude in degrees",
            ),
            "no_surface": ("bentuknya tidak berluas", "its geometry has no surface"),
            "code_twice": ("kodenya juga milik fitur ke-{detail}", "feature {detail} has its code too"),
            "two_areas": (
                "kedua kodenya milik dua wilayah yang sudah dikenal",
                "its two codes belong to two known areas",
            ),
        },
    ),
}
