"""Refusals of the room telemetry and of the program that takes readings in."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "telemetry.unknown_device": Problem(404, "Perangkat ini tidak dikenal.", "This device is not known."),
    "telemetry.unknown_sensor": Problem(404, "Sensor ini tidak dikenal.", "This sensor is not known."),
    "telemetry.device_taken": Problem(
        409,
        "Kode ini, atau nomor seri ini di gerbang yang sama, sudah dipakai.",
        "This code, or this serial behind the same gateway, is taken.",
    ),
    "telemetry.bad_device_code": Problem(
        422,
        "Kode perangkat hanya huruf, angka, tanda hubung dan garis bawah, paling banyak 64.",
        "A device code has letters, digits, hyphens and underscores only, at most 64.",
    ),
    "telemetry.unknown_unit": Problem(422, "Fasilitas ini tidak dikenal.", "This facility is not known."),
    "telemetry.bad_gateway": Problem(
        422,
        "Gerbang harus perangkat berjenis gateway, dan perangkat di belakangnya harus bernomor seri.",
        "The gateway must be a device of that kind, and a device behind it needs a serial.",
    ),
    "telemetry.no_credentials": Problem(
        422,
        "Perangkat {device} tidak masuk ke broker sendiri.",
        "Device {device} does not log in to the broker itself.",
    ),
    "telemetry.bad_channel": Problem(
        422, "Nama atau peran kanal tidak dapat diterima.", "The channel's name or role is not acceptable."
    ),
    "telemetry.unknown_target": Problem(
        422, "Peralatan atau pengiriman ini tidak dikenal.", "This equipment or shipment is not known."
    ),
    "telemetry.one_target": Problem(
        422,
        "Satu kanal memantau satu hal: peralatan atau pengiriman.",
        "A channel watches one thing: equipment or a shipment.",
    ),
    "telemetry.assignment_overlap": Problem(
        409,
        "Kanal ini sudah memantau hal lain mulai {next_from:moment}.",
        "The channel already watches something else from {next_from:moment} on.",
    ),
    "telemetry.bad_period": Problem(
        422,
        "Kurun waktu kosong, terbalik, di masa depan, atau sebelum 2015.",
        "The period is empty, reversed, in the future, or before 2015.",
    ),
    "telemetry.month_archived": Problem(
        409,
        "Bacaan sebelum {until:moment} sudah diarsipkan dan tidak dinilai ulang. Pilih waktu mulai sesudahnya.",
        "Readings from before {until:moment} are archived and are not judged anew. Choose a beginning after it.",
    ),
    "telemetry.nothing_watched": Problem(
        404, "Kanal ini tidak memantau apa pun pada waktu itu.", "The channel watched nothing at that time."
    ),
    "telemetry.reason_missing": Problem(422, "Sebutkan alasan koreksi.", "Give the reason of the correction."),
    "telemetry.device_retired": Problem(
        409,
        "Perangkat {device} sudah tidak dipakai; pakai lagi dahulu (reinstate).",
        "Device {device} is out of use; take it back into use first (reinstate).",
    ),
    "ingest.counted_elsewhere": Problem(
        409,
        "Pembacaan ini dihitung untuk {place} sejak {since:moment}. Bila sebenarnya untuk {equipment}: rantai device "
        "correct {device} {channel} --equipment {equipment} --reason …, atau POST …/channels/{channel}/corrections.",
        "These readings count for {place} since {since:moment}. If they are really of {equipment}: rantai device "
        "correct {device} {channel} --equipment {equipment} --reason …, or POST …/channels/{channel}/corrections.",
    ),
    "ingest.malformed": Problem(400, "Isi kiriman tidak dapat dibaca: {detail}", "The body cannot be read: {detail}"),
    "ingest.too_large": Problem(413, "Isi kiriman melebihi {limit} bita.", "The body is larger than {limit} bytes."),
    "ingest.encoding": Problem(
        415,
        "Pengodean isi ini tidak diterima; kirim gzip atau tanpa.",
        "This content encoding is not accepted; use gzip or none.",
    ),
    "ingest.invalid": Problem(
        422,
        "Isi kiriman tidak sesuai bentuknya; lihat `errors`.",
        "The body does not have the right shape; see `errors`.",
    ),
    "ingest.unknown_serial": Problem(
        422,
        "Nomor seri ini tidak terikat pada pengirim.",
        "This serial is not bound to the sender.",
    ),
    "ingest.logger_file": Problem(
        422, "Berkas pencatat suhu ini tidak dapat diterima: {detail}", "This logger file is not acceptable: {detail}"
    ),
}
