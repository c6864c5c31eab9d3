"""Two weeks at a glance: small bars a day, with the newest number said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from markupsafe import Markup

from dashboard.frame.pictures import HAND, Canvas, Sketch
from dashboard.frame.texts import Texts

_HEIGHT = 168.0
_BAND = 74.0


class Days(Protocol):
    """Counts a day, oldest first."""

    @property
    def days(self) -> tuple[date, ...]: ...
    @property
    def alarms(self) -> tuple[int, ...]: ...
    @property
    def vaccinated(self) -> tuple[int, ...]: ...


def trend_picture(trend: Days, texts: Texts) -> Markup:
    """Alarms and people vaccinated, a bar a day; `trend` has both as counts, oldest first."""
    title = texts.gettext("Dua pekan terakhir")
    rows = (
        (texts.gettext("Alarm per hari"), trend.alarms, "hot"),
        (texts.gettext("Orang divaksin per hari"), trend.vaccinated, "given"),
    )
    said = " ".join(
        texts.gettext(
            "%(name)s: hari ini %(today)s, paling banyak %(most)s, rata-rata %(mean)s.",
            name=name,
            today=texts.number(counts[-1]),
            most=texts.number(max(counts)),
            mean=texts.number(sum(counts) / len(counts), 1),
        )
        for name, counts, _ in rows
    )

    def drawn(canvas: Canvas) -> Sketch:
        sketch = Sketch(canvas, _HEIGHT, key="dua-pekan", title=title, text=said)
        for number, (name, counts, cls) in enumerate(rows):
            _bars(sketch, number * (_BAND + 6), name, counts, cls, texts)
        sketch.text(0, _HEIGHT - 2, texts.short_day(trend.days[0]), "tick")
        sketch.text(sketch.width, _HEIGHT - 2, texts.gettext("hari ini"), "tick", "end")
        return sketch

    # The same for both: it stands in a narrow card on a desk, too.
    return Markup('<div class="trend">') + drawn(HAND).markup() + Markup("</div>")


def _bars(sketch: Sketch, top: float, name: str, counts: Sequence[int], cls: str, texts: Texts) -> None:
    sketch.text(0, top + 13, name, "tick")
    sketch.text(sketch.width, top + 13, texts.number(counts[-1]), "strong", "end")
    step = sketch.width / len(counts)
    room = _BAND - 22
    most = max(*counts, 1)
    for number, count in enumerate(counts):
        height = max(1.5, room * count / most)
        sketch.rect(number * step + 1.5, top + 20 + room - height, step - 3, height, cls if count else "room")
