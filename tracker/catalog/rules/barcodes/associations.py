"""What may, must and must not stand together on one item. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tracker.catalog.rules.barcodes.dictionary import family_matches, identifiers
from tracker.catalog.rules.barcodes.elements import Element
from tracker.catalog.rules.barcodes.errors import ScanError

# A digital signature (8030) needs the key's own serial part: minimal length of these with one.
_SERIAL_BEHIND = {"253": 13, "255": 13, "8003": 14}


def check_associations(elements: Sequence[Element], *, free: Collection[str] = ()) -> None:
    """Raise ScanError where GS1's rules are broken; identifiers in `free` need no companion."""
    check_repeats(elements)
    check_excluded(elements)
    check_required(elements, free=free)
    check_signature(elements)


def check_repeats(elements: Sequence[Element]) -> None:
    """An identifier may repeat only with the same value."""
    seen: dict[str, str] = {}
    for element in elements:
        if seen.setdefault(element.ai, element.value) != element.value:
            raise ScanError("scan.repeated", element.position, ai=element.ai)


def check_excluded(elements: Sequence[Element]) -> None:
    """Some pairs contradict one another."""
    for element in elements:
        for pattern in identifiers()[element.ai].excluded:
            for other in elements:
                if other.ai != element.ai and family_matches(pattern, other.ai):
                    later = max(element, other, key=lambda each: each.position)
                    raise ScanError("scan.forbidden_pair", later.position, ai=element.ai, other=other.ai)


def check_required(elements: Sequence[Element], *, free: Collection[str] = ()) -> None:
    """Some identifiers say something of another one, which must be there."""
    for element in elements:
        required = identifiers()[element.ai].required
        if element.ai in free or not required:
            continue
        if not any(all(_present(pattern, elements) for pattern in choice) for choice in required):
            needed = ", ".join("+".join(f"({ai})" for ai in sorted(choice)) for choice in required)
            raise ScanError("scan.missing_companion", element.position, ai=element.ai, needed=needed)


def check_signature(elements: Sequence[Element]) -> None:
    """A digital signature stands only beside a key that has its serial part."""
    signature = next((element for element in elements if element.ai == "8030"), None)
    if signature is None:
        return
    for element in elements:
        bare = _SERIAL_BEHIND.get(element.ai)
        if bare is not None and len(element.value) <= bare:
            raise ScanError("scan.missing_serial", signature.position, ai="8030", key=element.ai)


def _present(pattern: str, elements: Sequence[Element]) -> bool:
    return any(family_matches(pattern, element.ai) for element in elements)
