"""SMS as a Kannel posts it: the text is the body, in one of the network's alphabets, all else stands in headers. Pure."""

from __future__ import annotations

import codecs
import re

_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9_:.\-]{1,40})", re.IGNORECASE)


def text_of(body: bytes, content_type: str | None) -> str:
    """The words of a body in the character set that its header names; what cannot be read is shown as such."""
    named = _CHARSET.search(content_type or "")
    try:
        codec = codecs.lookup(named[1]).name if named else "utf-8"
        if not codecs.lookup(codec)._is_text_encoding:  # noqa: SLF001 - what `bytes.decode` itself asks
            codec = "utf-8"
    except LookupError:
        codec = "utf-8"
    return body.decode(codec, errors="replace")
