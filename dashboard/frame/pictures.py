"""Pictures drawn by the server: small SVG inside the page, seen before any script has come.

A picture is drawn twice, for the hand and for the desk; the style sheet shows the one that fits. It carries classes and no
colours, so that light, dark and print are the style sheet's matter, and no style attribute, which the policy of the pages forbids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import floor, log10

from markupsafe import Markup, escape


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """For whom a picture is drawn, and its width in units (pixels: 292 is what a card leaves of a 360 pixel phone)."""

    name: str
    width: float


HAND = Canvas(name="hand", width=292)
DESK = Canvas(name="desk", width=900)


class Sketch:
    """One SVG being drawn. Coordinates are units of the canvas, from the upper left corner."""

    def __init__(self, canvas: Canvas, height: float, *, key: str, title: str, text: str, role: str = "img") -> None:
        """`key` tells this picture's ids from others' of the page; `title` and `text` are read aloud instead of it."""
        self.canvas = canvas
        self.width = canvas.width
        self.height = height
        self._key = f"{key}-{canvas.name}"
        self._parts: list[str] = []
        self._head = (title, text)
        self._role = role

    def id_of(self, name: str) -> str:
        """An id within this picture, for patterns and clips."""
        return f"{self._key}-{name}"

    def add(self, tag: str, text: str | None = None, **attributes: object) -> None:
        """One element; `cls` is its class, an underscore in a name is a hyphen, None leaves an attribute out."""
        self._parts.append(_element(tag, None if text is None else str(escape(text)), attributes))

    def open(self, tag: str, **attributes: object) -> None:
        """Begin an element that holds the following ones, until `close`."""
        self._parts.append(_element(tag, "", attributes).removesuffix(f"</{tag}>"))

    def close(self, tag: str) -> None:
        """End what `open` began."""
        self._parts.append(f"</{tag}>")

    def rect(self, x: float, y: float, width: float, height: float, cls: str, fill: str | None = None) -> None:
        """A rectangle; one without width or height is left out."""
        if width > 0 and height > 0:
            self.add("rect", x=x, y=y, width=width, height=height, cls=cls or None, fill=fill)

    def line(self, x1: float, y1: float, x2: float, y2: float, cls: str) -> None:
        """A straight line."""
        self.add("path", d=f"M{short(x1)} {short(y1)}L{short(x2)} {short(y2)}", cls=cls)

    def text(self, x: float, y: float, text: str, cls: str = "", anchor: str | None = None) -> None:
        """Words with their base line at y; `anchor` is "middle" or "end"."""
        self.add("text", text, x=x, y=y, cls=cls or None, text_anchor=anchor)

    def hatch(self, name: str, cls: str) -> str:
        """A pattern of slanted lines, for what must not rest on colour alone; gives the value of `fill`."""
        pattern = self.id_of(name)
        self.open(
            "pattern", id=pattern, width=6, height=6, patternUnits="userSpaceOnUse", patternTransform="rotate(45)"
        )
        self.rect(0, 0, 6, 6, f"{cls} ground")
        self.rect(0, 0, 1.5, 6, f"{cls} stripe")
        self.close("pattern")
        return f"url(#{pattern})"

    def mark(self, state: str, x: float, y: float, radius: float) -> None:
        """The sign of a stock state, the same shape as in the tables."""
        r = radius
        cls = f"mark {state}"
        if state == "out":
            self.add("path", d=f"M{short(x)} {short(y - r * 1.2)}l{_corners(r * 1.2)}z", cls=cls)
        elif state == "low":
            self.add("path", d=f"M{short(x)} {short(y - r)}l{short(r)} {short(r * 1.8)}h{short(-2 * r)}z", cls=cls)
        elif state == "over":
            self.rect(x - r * 0.85, y - r * 0.85, r * 1.7, r * 1.7, cls)
        else:
            self.add("circle", cx=x, cy=y, r=r * 0.9, cls=cls)

    def markup(self) -> Markup:
        """The picture, ready for a template."""
        title, text = self._head
        names = f"{self.id_of('t')} {self.id_of('d')}"
        head = (
            _element("title", str(escape(title)), {"id": self.id_of("t")}),
            _element("desc", str(escape(text)), {"id": self.id_of("d")}),
        )
        size = f"0 0 {short(self.width)} {short(self.height)}"
        attributes = {
            "cls": f"picture {self.canvas.name}",
            "viewBox": size,
            "role": self._role,
            "aria_labelledby": names,
        }
        return Markup(_element("svg", "".join((*head, *self._parts)), attributes))  # noqa: S704 - all text was escaped


def for_hand_and_desk(draw: Callable[[Canvas], Sketch]) -> Markup:
    """The picture for both; the style sheet hides one, also from screen readers."""
    return draw(HAND).markup() + draw(DESK).markup()


def short(value: float) -> str:
    """A coordinate with one decimal at most: finer than any screen shows."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def path_of(points: Iterable[tuple[float, float]]) -> str:
    """Path data of a line through the points."""
    return "M" + "L".join(f"{short(x)} {short(y)}" for x, y in points)


def wide_of(text: str, size: float = 12) -> float:
    """About how wide a text is, in units: letters of system fonts are some 0.56 of their size on average."""
    return 0.56 * size * len(text)


def cut_to(text: str, width: float, size: float = 12) -> str:
    """The text, shortened with an ellipsis when it would not fit."""
    fits = int(width / (0.56 * size))
    return text if len(text) <= fits else text[: max(1, fits - 1)].rstrip() + "…"


def round_steps(low: float, high: float, most: int) -> list[float]:
    """Round numbers (1, 2, 5 × 10ⁿ apart) from low to high, at most `most` of them."""
    span = max(high - low, 1e-9)
    magnitude = 10 ** floor(log10(span / most))
    step = next(m * magnitude for m in (1, 2, 5, 10, 20) if span / (m * magnitude) <= most)
    first = -floor(-low / step)
    return [count * step for count in range(first, floor(high / step) + 1)]


def _corners(r: float) -> str:
    return f"{short(r)} {short(r)} {short(-r)} {short(r)} {short(-r)} {short(-r)}"


def _element(tag: str, inner: str | None, attributes: Mapping[str, object]) -> str:
    told = "".join(
        f' {"class" if name == "cls" else name.replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{told}/>" if inner is None else f"<{tag}{told}>{inner}</{tag}>"


def _value(value: object) -> str:
    return short(value) if isinstance(value, float) else str(escape(str(value)))
