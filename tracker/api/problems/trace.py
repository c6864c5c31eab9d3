"""Refusals of the room trace."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "trace.recall_not_found": Problem(404, "Penarikan tidak ditemukan.", "There is no such recall within your reach."),
    "trace.already_recalled": Problem(409, "Batch ini sedang ditarik.", "This batch is being recalled already."),
    "trace.other_recall": Problem(
        409, "Id ini milik penarikan lain.", "This id belongs to a recall with another batch or reason."
    ),
    "trace.recall_withdrawn": Problem(
        409,
        "Penarikan ini sudah dicabut oleh {name}, {at:moment}. Bila batch harus ditarik, mulai penarikan baru.",
        "{name} withdrew this recall, {at:moment}. If the batch must be called back, start another recall.",
    ),
    "trace.recall_closed": Problem(
        409,
        "Penarikan ini sudah ditutup oleh {name}, {at:moment}, dengan alasan: {because}. Alasan Anda tidak dicatat.",
        "{name} closed this recall already, {at:moment}, because: {because}. Your reason is not recorded.",
    ),
    "trace.query_parameter": Problem(
        400,
        "Pertanyaan EPCIS ini tidak dapat dijawab: {field}: {reason}.",
        "This EPCIS query cannot be answered: {field}: {reason}.",
        kind="epcisException:QueryParameterException",
    ),
    "trace.recall_unfinished": Problem(
        409, "Masih ada {vials} vial dalam stok.", "{vials} vials of the batch are still in stock."
    ),
}
