"""Refusals of the room passport."""

from __future__ import annotations

from tracker.api.problems.problem import Problem

PROBLEMS: dict[str, Problem] = {
    "passport.hold_not_found": Problem(
        404, "Penahanan ini tidak ada dalam jangkauan Anda.", "There is no such hold within your reach."
    ),
    "passport.hold_decided": Problem(
        409, "Penahanan ini sudah diputuskan oleh {name}.", "{name} has already decided about this hold."
    ),
    "passport.moved_meanwhile": Problem(
        409,
        "Vial sedang dipindahkan; ulangi permintaan yang sama.",
        "Vials are being moved; send the same request again.",
    ),
    "passport.reason_missing": Problem(422, "Tuliskan alasannya.", "Write down the reason."),
    "passport.shake_test_needed": Problem(
        422,
        "Setelah pembekuan, vial hanya dilepas dengan uji kocok yang lulus atau keputusan dinas kota.",
        "After freezing, vials are freed only by a passed shake test or by the city's override.",
    ),
    "passport.alarm_ongoing": Problem(
        409,
        "Alarm masih berlangsung; tutup setelah suhu kembali normal.",
        "The alarm is still going on; close it afterwards.",
    ),
    "passport.disposition_missing": Problem(
        422, "Batch {batch} belum diberi keputusan.", "Batch {batch} has no disposition yet."
    ),
    "passport.disposition_twice": Problem(422, "Satu batch diberi dua keputusan.", "One batch has two dispositions."),
    "passport.batch_not_held": Problem(
        422, "Alarm ini tidak menahan salah satu batch itu.", "This alarm does not hold one of these batches."
    ),
    "passport.nothing_there": Problem(
        404, "Batch ini belum pernah berada di fasilitas tersebut.", "This batch has never been at that facility."
    ),
}
