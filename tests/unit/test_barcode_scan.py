"""What scanned texts mean, and what is said when they mean nothing."""

from __future__ import annotations

import re
import string
from datetime import date

import biip
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracker.catalog.rules.barcodes import Profile, Scan, ScanError, parse_scan
from tracker.catalog.rules.barcodes.dates import date_of, full_year
from tracker.catalog.rules.barcodes.dictionary import identifier_at, identifiers
from tracker.catalog.rules.barcodes.digits import check_digit, gtin14, is_nie
from tracker.catalog.rules.barcodes.errors import SENTENCES
from tracker.catalog.rules.lots import lots_within

TODAY = date(2026, 3, 2)
GTIN = "08991234567891"
NIE = "DKL9822206510A1"
SSCC = "18991234500000001" + check_digit("18991234500000001")


def scan(text: str) -> Scan:
    return parse_scan(text, TODAY)


def refused(text: str) -> ScanError:
    with pytest.raises(ScanError) as caught:
        scan(text)
    return caught.value


def test_a_vial_says_product_lot_expiry_and_serial() -> None:
    found = scan(f"]d201{GTIN}1726093010CV002\x1d21A1B2C3")
    assert found == Scan(
        text=found.text,
        profile=Profile.GS1,
        elements={"01": GTIN, "17": "260930", "10": "CV002", "21": "A1B2C3"},
        gtin=GTIN,
        lot="CV002",
        expiry=date(2026, 9, 30),
        serial="A1B2C3",
    )


@pytest.mark.parametrize(
    "text",
    [
        f"]d201{GTIN}1726090010CV002\x1d21A1",
        f"]Q301{GTIN}1726090010CV002\x1d21A1",
        f"]C1\x1d01{GTIN}1726090010CV002\x1d21A1",
        f"^01{GTIN}1726090010CV002^21A1",
        f"\x1d01{GTIN}1726090010CV002\x1d21A1\x1d",
        f"01{GTIN}1726090010CV002\x1d21A1\r\n",
        f"01{GTIN}\x1d17260900\x1d10CV002\x1d21A1",
        f"(01){GTIN}(17)260900(10)CV002(21)A1",
        f"]Q1(01){GTIN}(17)260900(10)CV002(21)A1",
        f"https://id.gs1.org/01/{GTIN}/10/CV002/21/A1?17=260900",
        f"]Q1https://vaksin.example/a/b/01/{GTIN}/10/CV002/21/A1?17=260900&linkType=all#x",
    ],
)
def test_one_vial_reads_the_same_in_every_form(text: str) -> None:
    found = scan(text)
    assert (found.gtin, found.lot, found.expiry, found.serial) == (GTIN, "CV002", date(2026, 9, 30), "A1")


def test_the_bpom_form_needs_no_gtin() -> None:
    found = scan(f"(90){NIE}(10)PB001(17)270131(21)77X")
    assert (found.profile, found.nie, found.lot, found.serial) == (Profile.BPOM, NIE, "PB001", "77X")
    assert found.expiry == date(2027, 1, 31)
    assert scan(f"^90{NIE}^10PB001^17270131\x1d2177X").profile is Profile.BPOM
    assert scan("(90)NA18240104109").nie == "NA18240104109"
    assert scan("90NA18240104109").profile is Profile.BPOM


def test_a_lot_without_gtin_and_nie_is_refused() -> None:
    error = refused("(10)PB001(17)270131")
    assert (error.code, error.position) == ("scan.missing_companion", 0)
    assert refused("(90)bukan-nie(10)PB001").code == "scan.bad_nie"


def test_an_internal_90_beside_a_gtin_stays_gs1() -> None:
    found = scan(f"(01){GTIN}(90){NIE}(10)PB001")
    assert (found.profile, found.nie, found.gtin) == (Profile.GS1, NIE, GTIN)
    assert scan(f"(01){GTIN}(90)gudang-3").nie is None


def test_a_box_label_says_sscc_content_and_count() -> None:
    sscc = "1899123450000000" + "1"
    sscc += check_digit(sscc)
    found = scan(f"]C100{sscc}02{GTIN}3740^10CV002")
    assert (found.profile, found.sscc, found.content_gtin, found.count) == (Profile.SSCC, sscc, GTIN, 40)
    assert found.lot == "CV002"
    assert scan(sscc).sscc == sscc


def test_retail_codes_are_plain_with_a_gtin() -> None:
    ean = "899123456789" + check_digit("899123456789")
    assert scan(ean).gtin == "0" + ean
    assert scan("]E0" + ean).profile is Profile.PLAIN
    assert refused(ean[:-1] + str((int(ean[-1]) + 1) % 10)).position == 12
    assert refused("]E0123").code == "scan.value_short"


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("]I118991234567898", "18991234567898"),
        ("]I018991234567898", "18991234567898"),
        ("]I31899123456789", "18991234567898"),
        ("]E0036000291452", "00036000291452"),
        ("]E00036000291452", "00036000291452"),
        ("]E3899123456789152999", "08991234567891"),
        ("]E303600029145212", "00036000291452"),
        ("]E402345673", "00000002345673"),
        ("]C018991234567898", "18991234567898"),
        ("]L218991234567898", "18991234567898"),
        (f"]d501{GTIN}10AB", GTIN),
        (f"]Q4\x1d01{GTIN}10AB", GTIN),
        (f"]J401{GTIN}10AB", GTIN),
        (f"]d4(01){GTIN}(10)AB", GTIN),
        (f"]Q2https://id.gs1.org/01/{GTIN}", GTIN),
        (f"]Q4\\00002601{GTIN}10AB", GTIN),
    ],
)
def test_every_symbology_that_carries_a_gtin_gives_its_fourteen_digits(text: str, gtin: str) -> None:
    assert scan(text).gtin == gtin


@pytest.mark.parametrize("prefix", ["]E1", "]E2", "]F0", "]H0", "]M0", "]I4", "]B0"])
def test_a_symbology_without_gs1_data_is_refused(prefix: str) -> None:
    assert refused(prefix + "18991234567898").code == "scan.bad_symbology"


def test_numbers_in_retail_symbols_keep_their_check_digit_and_length() -> None:
    assert refused("]I118991234567897").code == "scan.check_digit"
    assert refused("]I11899123456789").code == "scan.value_short"
    assert refused("]E3899123456789352999").code == "scan.check_digit"
    assert refused("]d4\\000026").code == "scan.empty"


@pytest.mark.parametrize(
    "gs",
    ["<GS>", "<gs>", "<FNC1>", "%1D", "%1d", "[GS]", "{GS}", "{FNC1}", r"\x1d", r"\u001D", "^]", "\u241d"],
)
def test_separators_that_scanners_spell_out_are_separators(gs: str) -> None:
    for text in (
        f"01{GTIN}10AB{gs}17270831",
        f"]d201{GTIN}10AB{gs}17270831{gs}",
        f"{gs}01{GTIN}10AB{gs}17270831",
        f"(01){GTIN}(10)AB{gs}(17)270831",
        f"{gs}(01){GTIN}(10)AB(17)270831",
    ):
        found = scan(text)
        assert (found.gtin, found.lot, found.expiry) == (GTIN, "AB", date(2027, 8, 31))


@pytest.mark.parametrize(
    "other",
    [
        "<RS>",
        "<0x1D>",
        "<1D>",
        "<GS1>",
        "<FNC4>",
        "(GS)",
        "%1E",
        "%04",
        "FNC1",
        "|",
        "#",
        "~",
        "$",
        " ",
        "&#29;",
        r"\GS",
    ],
)
def test_other_spellings_are_errors_that_point_at_them(other: str) -> None:
    error = refused(f"01{GTIN}10AB{other}17270831")
    assert 20 <= error.position <= 22
    assert error.code in ("scan.spelled_control", "scan.bad_character")


def test_places_of_errors_count_the_text_as_it_was_sent() -> None:
    error = refused(f"<FNC1>01{GTIN}10AB<GS>17271301")
    assert (error.code, error.position) == ("scan.bad_date", 32)


def test_only_qualifiers_of_the_order_in_use_are_no_attributes() -> None:
    found = scan("https://id.gs1.org/01/08990000000013/235/TP1?10=ABC")
    assert found.elements == {"01": "08990000000013", "235": "TP1", "10": "ABC"}
    assert refused("https://id.gs1.org/01/08990000000013/22/A?10=ABC").code == "scan.link_attribute"
    assert refused("https://id.gs1.org/01/08990000000013/10/A?10=ABC").code == "scan.link_order"
    assert refused("https://id.gs1.org/01/08990000000013/235/TP1?21=A").code == "scan.link_attribute"


@pytest.mark.parametrize(
    ("value", "good"),
    [("123", True), ("12=", True), ("1==", True), ("123=", False), ("12==", False), ("1===", False), ("1=2", False)],
)
def test_signatures_are_filled_up_as_gs1_fills_them(value: str, good: bool) -> None:
    text = f"(00)189912345000000019(8030){value}".replace("189912345000000019", SSCC)
    if good:
        assert scan(text).elements["8030"] == value
    else:
        assert refused(text).code in ("scan.bad_padding", "scan.bad_character")


@pytest.mark.parametrize(
    ("key", "serial"),
    [("(253)899123400001X", "7"), ("(255)899123400001X", "7"), ("(8003)0899123400001X", "A7")],
)
def test_a_signature_stands_beside_a_key_with_its_serial_only(key: str, serial: str) -> None:
    digits = key.rpartition(")")[2][:-1]
    key = key.replace("X", check_digit(digits))
    error = refused(f"{key}(8030)12=")
    assert (error.code, error.position) == ("scan.missing_serial", len(key))
    assert scan(f"{key}{serial}(8030)12=").elements["8030"] == "12="


def test_other_text_is_plain() -> None:
    found = scan("Kulkas 2, rak atas")
    assert (found.profile, found.elements, found.gtin) == (Profile.PLAIN, {}, None)
    assert scan("]Q1^01123").profile is Profile.PLAIN


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("", "scan.empty", 0),
        ("  \n", "scan.empty", 0),
        ("x" * 2001, "scan.too_long", 2000),
        ("]d2", "scan.empty", 3),
        ("]ZZ123", "scan.bad_symbology", 0),
        (f"]d201{GTIN[:-1]}3", "scan.check_digit", 18),
        (f"(01){GTIN}(17)261301", "scan.bad_date", 22),
        (f"(01){GTIN}(17)260230", "scan.bad_date", 22),
        (f"(01){GTIN}(17)2609", "scan.value_short", 22),
        (f"^01{GTIN}17260930^05", "scan.unknown_ai", 26),
        (f"^01{GTIN}10A~B", "scan.bad_character", 20),
        (f"^01{GTIN}10{'A' * 21}", "scan.value_long", 39),
        (f"^01{GTIN}10", "scan.value_empty", 19),
        (f"^01{GTIN}10A^10B", "scan.repeated", 21),
        (f"^01{GTIN}02{GTIN}", "scan.forbidden_pair", 17),
        (f"(01){GTIN}(10", "scan.bracket_open", 18),
        (f"(01){GTIN})x", "scan.value_long", 18),
        (f"(01){GTIN}10)x(21)A", "scan.value_long", 18),
        ("https://example.com/aplikasi", "scan.link_no_key", 19),
        (f"https://a/01/{GTIN}/21/A/10/B", "scan.link_order", 33),
        (f"https://a/01/{GTIN}?10=B", "scan.link_attribute", 28),
        ("a\x07b", "scan.bad_character", 1),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, code: str, position: int) -> None:
    error = refused(text)
    assert (error.code, error.position) == (code, position)


def test_every_sentence_stands_in_two_languages() -> None:
    for indonesian, english in SENTENCES.values():
        assert indonesian != english
        assert indonesian.endswith(".")
        assert english.endswith(".")


def test_day_zero_is_the_last_of_the_month() -> None:
    assert date_of("280200", TODAY) == date(2028, 2, 29)
    assert date_of("260200", TODAY) == date(2026, 2, 28)
    assert date_of("260200", TODAY, day_zero=False) is None


@pytest.mark.parametrize(
    ("year", "digits", "full"), [(2026, 76, 2076), (2026, 77, 1977), (2095, 5, 2105), (2060, 10, 2110)]
)
def test_two_digit_years_reach_49_back_and_50_ahead(year: int, digits: int, full: int) -> None:
    assert full_year(digits, date(year, 1, 1)) == full


def test_marketing_numbers_are_known_by_their_form() -> None:
    assert is_nie("EUA2057300143A1")
    assert is_nie("NA18240104109")
    assert not is_nie("8991234567892")
    assert not is_nie("DKL98222")


def test_shorter_gtins_are_filled_up() -> None:
    assert gtin14("96385074") == "00000096385074"
    assert gtin14("96385075") is None
    assert gtin14("123") is None


def test_no_identifier_is_the_beginning_of_another() -> None:
    known = identifiers()
    assert len(known) > 480
    for ai in known:
        assert identifier_at(ai + "9999") is known[ai]


# --- properties ---------------------------------------------------------------------------------------

LOT_CHARS = string.ascii_letters + string.digits + "-_./+*!%&,:;<=>?\"'"
gtins = st.from_regex(r"[0-9]{13}", fullmatch=True).map(lambda body: body + check_digit(body))
# Not what spells a control character: `<GS>` is a separator.
texts = st.text(LOT_CHARS, min_size=1, max_size=20).filter(
    lambda text: re.search(r"<[#+\w]{2,8}>|%[01][0-9A-Fa-f]|FNC1", text, re.IGNORECASE) is None
)
expiries = st.dates(min_value=date(1977, 1, 1), max_value=date(2076, 12, 31))


def quoted(text: str) -> str:
    return "".join(char if char.isalnum() else f"%{ord(char):02X}" for char in text)


@given(gtins, texts, expiries, texts)
def test_what_is_written_is_read_in_every_form(gtin: str, lot: str, expiry: date, serial: str) -> None:
    day = expiry.strftime("%y%m%d")
    for text in (
        f"]d201{gtin}17{day}10{lot}\x1d21{serial}",
        f"^01{gtin}10{lot}^17{day}21{serial}",
        f"(01){gtin}(10){lot}(17){day}(21){serial}",
        f"https://x.example/01/{gtin}/10/{quoted(lot)}/21/{quoted(serial)}?17={day}",
    ):
        found = scan(text)
        assert (found.gtin, found.lot, found.expiry, found.serial) == (gtin, lot, expiry, serial)


@given(gtins, texts, expiries)
def test_biip_reads_what_we_read(gtin: str, lot: str, expiry: date) -> None:
    text = f"01{gtin}17{expiry:%y%m%d}10{lot}"
    message = biip.parse("]d2" + text).gs1_message
    assert message is not None
    theirs = {element.ai.ai: element.value for element in message.element_strings}
    assert scan("]d2" + text).elements == theirs


@given(gtins, st.integers(0, 13), st.integers(1, 9))
def test_one_wrong_digit_of_a_gtin_never_passes(gtin: str, place: int, by: int) -> None:
    wrong = gtin[:place] + str((int(gtin[place]) + by) % 10) + gtin[place + 1 :]
    error = refused("]d201" + wrong)
    assert (error.code, error.position) == ("scan.check_digit", 18)


@given(st.text(st.sampled_from("01724()[]^\x1d%/?=&#: .abcN\u00e9\u0661hts") | st.characters(), max_size=60))
@example("(01\u0661\u0661)")
@example("https://\u0661/01/\u0661")
@example("]E0\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661")
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    found: Scan | ScanError
    try:
        found = scan(text)
    except ScanError as error:
        found = error
    if isinstance(found, ScanError):
        assert 0 <= found.position <= len(text)
    else:
        assert all(ai in identifiers() for ai in found.elements)


# --- a lot that swallowed the product behind it -----------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["", "]d2", "]C1", "\x1d", "]d2\x1d"])
@pytest.mark.parametrize(
    ("label", "lot"),
    [
        (f"10QA7701{GTIN}17270831", f"QA7701{GTIN}17270831"),
        (f"10QA7701{GTIN}", f"QA7701{GTIN}"),
        (f"1727083110QA7701{GTIN}", f"QA7701{GTIN}"),
        (f"10QA772100101{GTIN}17270831", f"QA772100101{GTIN}17270831"),
        (f"10QA7701{GTIN}17270831\x1d21A001", f"QA7701{GTIN}17270831"),
    ],
)
def test_a_lot_that_swallowed_the_product_behind_it_is_read_with_it(mark: str, label: str, lot: str) -> None:
    found = scan(mark + label)
    assert (found.profile, found.gtin, found.lot, found.swallowed) == (Profile.GS1, GTIN, lot, True)
    # What swallowed twice says only that it did.
    assert "QA77" in lots_within(found.elements, TODAY) or "21001" in lot


def test_a_product_with_a_wrong_check_digit_is_swallowed_by_nothing() -> None:
    wrong = GTIN[:-1] + str((int(GTIN[-1]) + 1) % 10)
    assert refused(f"]d210QA7701{wrong}17270831").code == "scan.value_long"
    assert scan(f"10QA7701{wrong}17270831").profile is Profile.PLAIN


def test_a_lot_first_with_its_separator_is_as_it_is() -> None:
    for text in (f"]d210QA77\x1d01{GTIN}17270831", f"10QA77\x1d01{GTIN}17270831", f"(10)QA77(01){GTIN}(17)270831"):
        found = scan(text)
        assert (found.lot, found.gtin, found.swallowed) == ("QA77", GTIN, False)
