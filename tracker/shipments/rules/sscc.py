"""Serial shipping container codes (GS1 General Specifications 3.2, AI 00). Pure."""

from __future__ import annotations

from tracker.catalog.rules.barcodes.digits import check_digit, is_checked

# GS1 Indonesia's prefix 899 with a company number of our own making: a programme that prints labels for
# the world outside replaces it with the company prefix GS1 has given it.
COMPANY_PREFIX = "8990000"
LENGTH = 18


def make_sscc(serial: int, company_prefix: str = COMPANY_PREFIX) -> str:
    """The SSCC of a box; `serial` counts boxes, from 0. Raises ValueError when the numbers are used up."""
    room = LENGTH - 2 - len(company_prefix)
    digits = str(serial).rjust(room, "0")
    if serial < 0 or len(digits) > room:
        raise ValueError("no serial reference left under this company prefix")
    body = f"0{company_prefix}{digits}"
    return body + check_digit(body)


def is_sscc(text: str) -> bool:
    """Whether text is eighteen digits with a right check digit."""
    return len(text) == LENGTH and is_checked(text)
