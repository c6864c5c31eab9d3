"""Refusals of the room mouths; read by whoever sets a gateway up, for no citizen sees them."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "mouths.closed": Problem(
        404,
        "Saluran pesan ini belum disiapkan di instalasi ini; rahasianya diisi di pengaturan kelompok “mouths”.",
        "This installation is not set up for this medium; its secret is given in the settings “mouths”.",
    ),
    "mouths.not_signed": Problem(
        401,
        "Tanda tangan atau kata sandi kiriman ini tidak cocok dengan yang disepakati.",
        "This delivery's signature or password is not the one agreed on.",
    ),
    "mouths.bad_delivery": Problem(
        422,
        "Kiriman ini tidak berbentuk seperti saluran ini; tempatnya disebut di “errors”.",
        "This delivery is not in the form of its medium; “errors” names the place.",
    ),
}
