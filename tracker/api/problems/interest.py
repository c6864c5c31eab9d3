"""Refusals of the room interest."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "interest.not_found": Problem(
        404,
        "Di alamat ini tidak ada pendaftaran “kabari saya”. Buka lagi halaman “Saya bersedia” dan minta kode.",
        "Nobody asks to be told at this address. Open the page “I am willing” again and ask for a code.",
    ),
}
