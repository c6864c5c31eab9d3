"""A form sent after the log-in had run out: what was typed waits while somebody logs in again."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
from fastapi import Request

from dashboard.frame.viewer import safe_path
from tracker.network.queries import as_id

# A receipt has nine fields a line, and their names make most of its text.
MOST_FIELDS = 2_000
MOST_CHARACTERS = 100_000
MOST_PACKED = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A form as it was sent: to which path, from which page, and its fields in their order (without the old token)."""

    action: str
    back: str
    fields: tuple[tuple[str, str], ...]

    def readable(self) -> list[str]:
        """What a person wrote or chose, for reading it once more before it is sent; ids and empty fields are left out."""
        return [value for _, value in self.fields if value.strip() and as_id(value) is None]

    def packed(self) -> str:
        """One text for a hidden field."""
        return orjson.dumps([self.action, self.back, self.fields]).decode()


def unpacked(text: str) -> Waiting | None:
    """What `packed` gave; None for anything else, also for what leads off this host."""
    if not text or len(text) > MOST_PACKED:
        return None
    try:
        action, back, fields = orjson.loads(text)
        pairs = tuple((str(name), str(value)) for name, value in fields)
    except (ValueError, TypeError):
        return None
    if safe_path(str(action), "") != action:
        return None
    return Waiting(action=action, back=safe_path(str(back)), fields=pairs[:MOST_FIELDS])


async def waiting_of(request: Request) -> Waiting | None:
    """The form of a request that found no log-in.

    None when it was no form, held a file or a password, or was too long to keep.
    """
    kind = request.headers.get("content-type", "").partition(";")[0]
    if request.method != "POST" or kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return None
    form = await request.form(max_fields=MOST_FIELDS + 1)
    fields = [(name, value) for name, value in form.multi_items() if name != "csrf"]
    if any("password" in name for name, _ in fields):
        return None  # it would stand on the next page to be read
    texts = tuple((name, value) for name, value in fields if isinstance(value, str))
    if len(texts) < len(fields) or len(texts) > MOST_FIELDS or sum(len(v) for _, v in texts) > MOST_CHARACTERS:
        return None
    back = urlsplit(request.headers.get("referer", ""))
    return Waiting(
        action=request.url.path,
        back=safe_path(back.path + (f"?{back.query}" if back.query else "")),
        fields=texts,
    )
