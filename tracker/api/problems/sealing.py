"""Refusals of the room sealing."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "sealing.key_not_held": Problem(
        503,
        "Server ini belum diberi kunci rahasia nomor {key} yang dipakai basis data. Coba lagi nanti; pengelola server perlu menambahkannya.",
        "This server was not given secret key number {key}, which the database is under. Try later; whoever runs the server must add it.",
    ),
}
