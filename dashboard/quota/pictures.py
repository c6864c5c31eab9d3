"""What each session may still promise, as bars of the page itself: room, what the vials bear, what is offered."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from dashboard.frame.frames import rows_of
from dashboard.frame.pictures import HAND, Canvas, Sketch, cut_to, for_hand_and_desk, short, wide_of
from dashboard.frame.texts import Texts

_ROW = {"hand": 56.0, "desk": 34.0}
_LEGEND = {"hand": 60.0, "desk": 26.0}


def quota_picture(frame: pd.DataFrame, texts: Texts, *, title: str) -> Markup:
    """One bar a session: the outline is the room its staff has, the filling what can be booked, the wedge what the vials bear.

    frame: `facility`, `note` (day and product), `capacity_left`, `pool_available`, `available` (persons).
    """
    text = quota_text(frame, texts)
    return for_hand_and_desk(lambda canvas: _drawn(canvas, frame, texts, title, text))


def quota_text(frame: pd.DataFrame, texts: Texts) -> str:
    """What the picture shows, in words."""
    if frame.empty:
        return texts.gettext("Belum ada sesi vaksinasi")
    return " ".join(
        texts.gettext(
            "%(facility)s: %(n)s dapat dipesan dari %(room)s tempat, vial cukup untuk %(borne)s orang.",
            facility=row.facility,
            n=texts.number(row.available),
            room=texts.number(row.capacity_left),
            borne=texts.number(row.pool_available),
        )
        for row in rows_of(frame)
    )


def _drawn(canvas: Canvas, frame: pd.DataFrame, texts: Texts, title: str, text: str) -> Sketch:
    row_height, legend = _ROW[canvas.name], _LEGEND[canvas.name]
    sketch = Sketch(canvas, max(legend + row_height * len(frame), 120), key="kuota", title=title, text=text)
    if frame.empty:
        sketch.text(canvas.width / 2, 64, texts.gettext("Belum ada sesi vaksinasi"), "strong", "middle")
        return sketch
    _legend(sketch, texts)
    # Many vials bear more than any room: the scale follows the rooms, and the wedge stays at the edge.
    most = max(float(frame["capacity_left"].max()), float(frame["available"].max()), 1.0)
    for number, row in enumerate(rows_of(frame)):
        _bar(sketch, row, legend + number * row_height, most, texts)
    return sketch


def _bar(sketch: Sketch, row: Any, top: float, most: float, texts: Texts) -> None:
    narrow = sketch.canvas is HAND
    facility, note = str(row.facility), str(row.note)
    room, borne, given = float(row.capacity_left), float(row.pool_available), float(row.available)
    number = texts.gettext("%(n)s dari %(m)s", n=texts.number(given), m=texts.number(room))
    left, right = (0.0, sketch.width) if narrow else (460.0, sketch.width - 110)
    if narrow:
        fits = sketch.width - wide_of(number) - 10
        sketch.text(0, top + 12, cut_to(facility.removeprefix("Puskesmas "), fits * 0.62), "strong")
        sketch.text(0, top + 46, cut_to(note, sketch.width, 11), "tick")
        sketch.text(sketch.width, top + 12, number, "strong" if given else "strong hot", "end")
    else:
        # Bold letters are wider than others.
        sketch.text(0, top + 20, cut_to(facility.removeprefix("Puskesmas "), 180, 15), "strong")
        sketch.text(190, top + 20, cut_to(note, 260, 11), "tick")
        sketch.text(sketch.width, top + 20, number, "strong" if given else "strong hot", "end")
    y = top + (18 if narrow else 9)
    scale = (right - left - 8) / most
    sketch.rect(left, y, room * scale, 14, "room")
    sketch.rect(left, y, given * scale, 14, "given")
    if not given and room:
        sketch.rect(left, y, 3, 14, "none")
    x = left + min(borne, most) * scale
    _wedge(sketch, x, y + 15)


def _wedge(sketch: Sketch, x: float, y: float) -> None:
    sketch.add("path", d=f"M{short(x)} {short(y - 5)}l5.5 10h-11z", cls="borne")


def _legend(sketch: Sketch, texts: Texts) -> None:
    x, y, narrow = 2.0, 11.0, sketch.canvas is HAND
    for cls, name in (
        ("given", texts.gettext("Dapat dipesan")),
        ("room", texts.gettext("Sisa kapasitas petugas")),
        ("borne", texts.gettext("Sisa yang ditanggung vial")),
    ):
        if narrow and x + wide_of(name) + 20 > sketch.width:
            x, y = 2.0, y + 18
        if cls == "borne":
            _wedge(sketch, x + 6, y - 4)
        else:
            sketch.rect(x, y - 10, 12, 12, cls)
        sketch.text(x + 18, y, name, "tick")
        x += wide_of(name, 12) + 34
