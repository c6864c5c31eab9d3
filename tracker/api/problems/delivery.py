"""Refusals of the room delivery."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "delivery.webhook_not_found": Problem(404, "Webhook tidak ditemukan.", "You have no such webhook."),
    "delivery.bad_webhook_url": Problem(
        422,
        "Alamat ini tidak dapat dipakai untuk webhook: {reason:address_fault}.",
        "This address cannot be a webhook: {reason:address_fault}.",
    ),
    "delivery.bad_kinds": Problem(
        422,
        "{value} bukan jenis peristiwa; yang paling mirip: {nearest}.",
        "{value} is no kind of event; the nearest is {nearest}.",
    ),
    "delivery.bad_position": Problem(
        422,
        "Dari posisi {position} tidak dapat dilanjutkan: yang masih ada sesudah {kept_after}, yang terbaru {most}. Kirim ulang dari posisi di antaranya, atau dari 0.",
        "Nothing goes on from position {position}: what is kept comes after {kept_after}, the newest is {most}. Send again from one between, or from 0.",
    ),
    "delivery.too_many_webhooks": Problem(
        409, "Paling banyak {most} webhook per akun.", "An account may have {most} webhooks at most."
    ),
    "delivery.unknown_template": Problem(422, "Templat pesan tidak dikenal.", "There is no such message template."),
}
