"""Names and phone numbers as they are kept. Pure."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from tracker.kit.seen import parts_digits, seen
from tracker.people.errors import BadName, BadPhone, BadResidence

_MOST_NAME = 200
# Signs people put between digits, beside blanks, dashes and invisible characters of any script.
_BETWEEN = frozenset("().,/'’·_")
_SPREADSHEET = re.compile(r"(\d+)[.,]0+")
# A last group that short is a second number's ending (0812…/90) or a spreadsheet's decimals, never a group of digits.
_TAIL = re.compile(r"[./,]\s*\d{1,2}")
_TAKES_MESSAGES = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
_OF_PEOPLE = _TAKES_MESSAGES | {PhoneNumberType.FIXED_LINE, PhoneNumberType.PERSONAL_NUMBER}


def clean_name(text: str) -> str:
    """The name without control characters, signs nobody sees and doubled blanks; raises BadName."""
    plain = "".join(" " if unicodedata.category(char).startswith("C") else char for char in seen(text))
    name = " ".join(plain.split())
    if not 1 <= len(name) <= _MOST_NAME:
        raise BadName(field="name")
    return name


def clean_residence(text: str | None) -> str | None:
    """An area code as it is written, BPS's digits or Kemendagri's with dots; None for none. Raises BadResidence."""
    code = (text or "").strip()
    if code and re.fullmatch(r"[0-9]{2}(\.?[0-9]{2}){0,2}(\.?[0-9]{3,4})?", code) is None:
        raise BadResidence(field="residence")
    return code or None


def clean_phone(text: str) -> str:
    """The number in international form (E.164), however it was written; Indonesia's where no country is named.

    What could be read as two numbers, or as no number that exists, is refused: a message to a stranger is worse than
    none. Raises BadPhone.
    """
    number = _parsed(_with_country(_digits(text)))
    if phonenumbers.number_type(number) not in _OF_PEOPLE:
        raise BadPhone(field="phone")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def takes_messages(phone: str | None) -> bool:
    """Whether a number as it is kept can be sent a text: a landline rings and shows nothing."""
    if phone is None:
        return False
    try:
        return phonenumbers.number_type(_parsed(phone)) in _TAKES_MESSAGES
    except BadPhone:
        return False


def masked_phone(phone: str | None) -> str | None:
    """The number with all but its first four and last three characters hidden."""
    return None if phone is None else f"{phone[:4]}{'•' * (len(phone) - 7)}{phone[-3:]}"


def _digits(text: str) -> str:
    """ASCII digits, with a plus before them where one was written."""
    plain = unicodedata.normalize("NFKC", text).strip()
    spreadsheet = _SPREADSHEET.fullmatch(plain)
    if spreadsheet is not None:  # a number that went through a spreadsheet as 8123456789.0
        plain = spreadsheet[1]
    elif _TAIL.search(plain, max(0, len(plain) - 3)):
        raise BadPhone(field="phone")
    kept = "".join(char for char in plain if char not in _BETWEEN and not parts_digits(char))
    if re.fullmatch(r"\+?[0-9]{5,20}", kept) is None:
        raise BadPhone(field="phone")
    return kept


def _with_country(digits: str) -> str:
    """The number after a plus and its country."""
    if digits.startswith("+"):
        return digits
    if digits.startswith("00"):
        # 008… is as likely a 0 too many before 08… as the way abroad to Japan or China.
        if digits.startswith("008"):
            raise BadPhone(field="phone")
        return "+" + digits[2:]
    if digits.startswith("62"):
        return "+" + digits
    if digits.startswith("0"):
        return "+62" + digits[1:]
    if digits.startswith("8"):  # a mobile whose 0 a spreadsheet took away
        return "+62" + digits
    raise BadPhone(field="phone")


def _parsed(number: str) -> PhoneNumber:
    """A number that exists; raises BadPhone."""
    # One trunk 0 is often written after the country (+62 0812, +62 (0)812); two are a slip of the finger.
    if number.startswith("+620"):
        number = "+62" + number[4:]
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        raise BadPhone(field="phone") from None
    if (number[3:].startswith("0") and number.startswith("+62")) or not phonenumbers.is_valid_number(parsed):
        raise BadPhone(field="phone")
    if number.startswith("+6262") and _calls_a_mobile(number[3:]):
        raise BadPhone(field="phone")  # 62 62812…: the country was written twice, and a landline in Karo would ring
    if parsed.country_code != 62 and _also_at_home(number) and phonenumbers.number_type(parsed) not in _TAKES_MESSAGES:
        raise BadPhone(field="phone")  # +812 3456 7890: the 62 was forgotten, and a landline in Japan would ring
    return parsed


def _also_at_home(number: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse("+62" + number[1:]))
    except phonenumbers.NumberParseException:
        return False


def _calls_a_mobile(digits: str) -> bool:
    return phonenumbers.number_type(phonenumbers.parse("+" + digits)) in _TAKES_MESSAGES
