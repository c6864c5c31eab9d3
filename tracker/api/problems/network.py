"""Refusals of the room network."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "network.facility_not_found": Problem(
        404, "Fasilitas tidak ditemukan dalam jangkauan Anda.", "There is no such facility within your reach."
    ),
    "network.equipment_not_found": Problem(
        404, "Peralatan tidak ditemukan dalam jangkauan Anda.", "There is no such equipment within your reach."
    ),
    "network.code_taken": Problem(
        409, "Kode {value} sudah dipakai untuk yang lain.", "The code {value} already belongs to something else."
    ),
    "network.bad_code": Problem(
        422,
        "Kode terdiri atas 1 sampai 64 huruf, angka, - atau _.",
        "A code has 1 to 64 letters, digits, - or _.",
    ),
    "network.bad_point": Problem(
        422, "Bujur dan lintang tidak menunjuk satu titik di bumi.", "Longitude and latitude name no point on earth."
    ),
    "network.unknown_time_zone": Problem(
        422, "Zona waktu harus salah satu dari {known}.", "The time zone must be one of {known}."
    ),
    "network.bad_feature": Problem(
        422,
        "Fitur ke-{line} ({name}) tidak dapat diterima: {reason:feature_fault}.",
        "Feature {line} ({name}) is refused: {reason:feature_fault}.",
    ),
    "network.bad_area_code": Problem(
        422,
        "{value} bukan kode kelurahan atau desa, misalnya 36.71.05.1001.",
        "{value} is no code of a kelurahan or desa, such as 36.71.05.1001.",
    ),
    "network.unknown_area": Problem(
        422,
        "Kelurahan berkode {value} tidak ada di antara wilayah yang sudah diimpor di kecamatan itu.",
        "There is no kelurahan {value} among the areas imported for that district.",
    ),
    "network.too_many_areas": Problem(
        422,
        "Satu fasilitas melayani paling banyak {most} kelurahan.",
        "A facility serves no more than {most} kelurahan.",
    ),
    "network.bad_geojson": Problem(
        422, "Berkas ini bukan GeoJSON FeatureCollection.", "This file is no GeoJSON FeatureCollection."
    ),
}
