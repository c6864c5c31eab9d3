"""Why something happened to vials, in words."""

from __future__ import annotations

from dashboard.frame import labels
from dashboard.frame.texts import Texts


def reason_text(reason: str | None, texts: Texts) -> str | None:
    """Words for a reason: a code of waste, of a receipt or of another lot, `hold:RULE`, `released:hold`, or a person's own text."""
    if reason is None or reason in labels.STOCK_EVENT:  # the kind of the event says it already
        return None
    before, _, after = reason.partition(":")
    if before == "hold":
        return texts.gettext("alarm: %(rule)s", rule=texts.gettext(labels.RULE.get(after, after)))
    if after == "hold":
        return texts.gettext(labels.HOLD_STATE.get(before, before))
    word = labels.WASTE_REASON.get(reason) or labels.DIFFERENCE.get(reason) or labels.OTHER_LOT.get(reason)
    return texts.gettext(word) if word else reason
