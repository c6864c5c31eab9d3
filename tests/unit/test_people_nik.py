"""Identity numbers: what is refused, what only warned of, and how they are kept."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from tracker.people.errors import BadName, BadNik, BadPhone
from tracker.people.rules.contact import clean_name, clean_phone, masked_phone, takes_messages
from tracker.people.rules.nik import Sex, read_nik
from tracker.people.service import NewPerson
from tracker.people.vault import NikPen, NikVault
from tracker.sealing.service import KeyInUse

TODAY = date(2026, 3, 2)
SECRET = "a secret for tests only, at least 32 characters"


def reason(text: str) -> object:
    with pytest.raises(BadNik) as refused:
        read_nik(text, TODAY)
    assert text not in str(refused.value)
    return refused.value.params["reason"]


def test_a_womans_day_of_birth_carries_forty() -> None:
    nik = read_nik("3671055708900001", TODAY)
    assert (nik.sex, nik.birth_date) == (Sex.FEMALE, date(1990, 8, 17))
    assert read_nik("3671051708900001", TODAY).sex is Sex.MALE


def test_the_century_is_the_latest_that_is_not_in_the_future() -> None:
    assert read_nik("3671050203260001", TODAY).birth_date == date(2026, 3, 2)
    assert read_nik("3671050303260001", TODAY).birth_date == date(1926, 3, 3)


def test_the_29th_of_february_exists_in_leap_years_only() -> None:
    assert read_nik("3671052902000001", TODAY).birth_date == date(2000, 2, 29)
    assert reason("3671052902010001") == "birth_date"


def test_blanks_and_dots_are_overlooked() -> None:
    for text in (
        "3671.0517.0890.0001 ",
        "3671\u00a00517\u00a00890\u00a00001",
        "３６７１０５１７０８９００００１",
        "\u20683671–0517–0890–0001\u2069",
    ):
        assert read_nik(text, TODAY).digits == "3671051708900001"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("367105170890000", "length"),
        ("36710517089000011", "length"),
        ("36710517089O0001", "digits"),
        ("٣٦٧١٠٥١٧٠٨٩٠٠٠٠١", "digits"),
        ("3671050008900001", "birth_date"),
        ("3671053208900001", "birth_date"),
        ("3671057208900001", "birth_date"),
        ("3671051713900001", "birth_date"),
        ("3671051708900000", "serial"),
        ("3600051708900001", "area"),
    ],
)
def test_what_cannot_be_a_number_is_refused_with_its_reason(text: str, why: str) -> None:
    assert reason(text) == why


def test_an_area_nobody_knows_is_warned_of_and_accepted() -> None:
    assert read_nik("9971051708900001", TODAY).warnings
    assert not read_nik("3671051708900001", TODAY).warnings


@given(st.text(max_size=24))
def test_any_text_is_either_a_number_or_refused(text: str) -> None:
    try:
        digits = read_nik(text, TODAY).digits
    except BadNik as refused:
        params = refused.params
    else:
        assert len(digits) == 16
        return
    assert set(params) == {"field", "reason"}


def test_neither_the_number_nor_the_command_shows_it() -> None:
    assert "3671" not in repr(read_nik("3671051708900001", TODAY))
    assert "3671" not in repr(NewPerson(id=UUID(int=1), nik="3671051708900001", name="x"))


def test_the_hash_needs_the_key_and_the_cipher_its_person() -> None:
    vault, other = NikVault.from_secret(SECRET), NikVault.from_secret(SECRET + "!")
    pen = NikPen.of(KeyInUse(1, vault.keyring))
    number, person = "3671051708900001", UUID(int=7)
    assert [pen.digest(number)] == vault.digests(number) != other.digests(number)
    sealed = pen.seal(number, person)
    assert number.encode() not in sealed
    assert sealed != pen.seal(number, person)
    assert vault.open(sealed, person) == number
    for wrong, whom in ((vault, UUID(int=8)), (other, person)):
        with pytest.raises(InvalidTag):
            wrong.open(sealed, whom)


@pytest.mark.parametrize(
    "text",
    [
        "0812-3456-789", "+62 0812-3456-789", "+62(0)812 3456 789", "(+62) 812 3456 789", "62 0812 3456 789",
        "0062 812 3456 789", "0062 0812 3456 789", "08123456789.0", "8123456789.00", "8123456789,0", "8123456789",
        "0812–3456–789", "0812/3456/789", "０８１２３４５６７８９", "+6208123456789", "\u202a+62 812‑3456‑789\u202c",
        "'08123456789", "0812.3456.789", "0 812 3456 789", "0812\u00a03456\u00a0789", "628123456789",
    ],
)  # fmt: skip
def test_every_spelling_of_a_phone_comes_to_one_form(text: str) -> None:
    assert clean_phone(text) == "+628123456789"


@pytest.mark.parametrize(
    "text",
    [
        "", "12", "+62abc", "0800000000000000000", "+٦٢٨١٢٣٤٥٦٧", "0021-1234567", "+62 00812 3456 789", "0812 3456 78O9",
        "08123456789/08129876543", "08123456789/90", "0812.3456.789.0", "8.123456789E9", "++628123456789", "112",
        "6262812345678", "062812345678", "+62 62 813 2000 3000", "0081234567890", "+812 3456 7890", "+62 812 345", "0800 123 4567", "000812345678", "+62-8123456789 ext 5", "²",
    ],
)  # fmt: skip
def test_what_is_no_one_s_number_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(BadPhone):
        clean_phone(text)


@given(st.text(max_size=24))
def test_any_text_is_either_a_phone_number_that_stays_itself_or_refused(text: str) -> None:
    try:
        kept = clean_phone(text)
    except BadPhone:
        return
    assert clean_phone(kept) == kept


def test_a_foreigner_s_number_stays_and_a_landline_takes_no_messages() -> None:
    assert clean_phone("+65 8123 4567") == clean_phone("0065 8123 4567") == "+6581234567"
    assert takes_messages(clean_phone("+81 90-1234-5678"))
    assert clean_phone("021-555 1234") == clean_phone("+62 (0)21 5551234") == "+62215551234"
    assert not takes_messages("+62215551234")
    assert not takes_messages(None)


def test_a_shown_phone_hides_its_middle() -> None:
    shown = masked_phone("+6281234567890")
    assert shown is not None
    assert shown.startswith("+628")
    assert shown.endswith("890")
    assert "1234567" not in shown
    assert masked_phone(None) is None


def test_names_lose_control_characters_and_doubled_blanks() -> None:
    assert clean_name("  Siti\x00 \n Aminah ") == "Siti Aminah"
    for bad in ("", " \t", "x" * 201):
        with pytest.raises(BadName):
            clean_name(bad)
