"""What one does about an alarm: choices to tap instead of prose to write."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.frame import labels
from dashboard.frame.texts import Texts
from tracker.access.principal import Principal
from tracker.access.rules import Role

_TOO_WARM = ("cold_box", "checked_door", "checked_power", "called_technician", "called_city")
_TOO_COLD = ("cold_box", "turned_up", "called_technician", "called_city")
_LOOK = ("checked_door", "checked_power", "checked_sensor", "called_technician")

ACTIONS: dict[str, tuple[str, ...]] = {
    "HEAT": _TOO_WARM,
    "HEAT10": _TOO_WARM,
    "HEAT30": _TOO_WARM,
    "WARM": _LOOK,
    "FRZE": _TOO_COLD,
    "COLD": ("turned_up", *_LOOK),
    "DOOR": ("closed_door", "called_technician"),
    "POWR": ("generator", "cold_box", "checked_power", "called_city"),
    "SILENT": ("checked_sensor", "read_by_hand", "called_technician"),
}


_CITY_AND_ABOVE = frozenset({Role.CITY, Role.PROVINCE, Role.NATIONAL})


def actions_for(principal: Principal) -> dict[str, tuple[str, ...]]:
    """The choices by rule; who is the health office is not asked whether it called itself."""
    if not any(grant.role in _CITY_AND_ABOVE for grant in principal.grants):
        return ACTIONS
    return {rule: tuple(action for action in actions if action != "called_city") for rule, actions in ACTIONS.items()}


def told_in_words(actions: Sequence[str], places: Sequence[str], comment: str, texts: Texts) -> str:
    """The choices and the note as one text, in the language of who answers; unknown choices are left out."""
    said = [texts.gettext("Vaksin dipindahkan ke %(place)s", place=place) for place in places]
    said += [texts.gettext(labels.ALARM_ACTION[action]) for action in actions if action in labels.ALARM_ACTION]
    note = comment.strip()
    return "; ".join([*said, *([note] if note else [])])[:2000]
