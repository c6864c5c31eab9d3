"""What is wrong with a scanned text: a stable code, a position, a sentence in two languages. Pure."""

from __future__ import annotations

# code: (Indonesian, English); `{…}` are the error's details.
SENTENCES: dict[str, tuple[str, str]] = {
    "scan.empty": ("Tidak ada isi.", "There is nothing in it."),
    "scan.too_long": ("Teks melebihi {most} karakter.", "The text has more than {most} characters."),
    "scan.bad_symbology": (
        "Awalan {prefix} bukan pengenal simbologi yang memuat data GS1.",
        "The prefix {prefix} belongs to no symbology that carries GS1 data.",
    ),
    "scan.spelled_control": (
        "{text} adalah karakter kendali yang ditulis dengan huruf; atur alat pindai agar mengirim <GS>.",
        "{text} is a control character written out; set the scanner to send <GS>.",
    ),
    "scan.bad_padding": (
        "({ai}) diisi tanda = dengan jumlah yang salah.",
        "({ai}) is filled up with a wrong number of = signs.",
    ),
    "scan.unknown_ai": (
        "Tidak ada pengenal aplikasi GS1 yang diawali {text}.",
        "No GS1 application identifier begins with {text}.",
    ),
    "scan.too_many": ("Lebih dari {most} elemen.", "There are more than {most} elements."),
    "scan.value_empty": ("({ai}) tidak berisi nilai.", "({ai}) has no value."),
    "scan.value_short": (
        "Nilai ({ai}) kurang panjang: {length} karakter.",
        "The value of ({ai}) is too short: {length} characters.",
    ),
    "scan.value_long": (
        "Nilai ({ai}) melebihi {most} karakter.",
        "The value of ({ai}) has more than {most} characters.",
    ),
    "scan.bad_character": (
        "Karakter {char} tidak boleh ada di ({ai}).",
        "The character {char} may not stand in ({ai}).",
    ),
    "scan.check_digit": (
        "Digit pemeriksa ({ai}) salah: tertulis {given}, seharusnya {right}.",
        "The check digit of ({ai}) is wrong: {given} is written, {right} would be right.",
    ),
    "scan.bad_date": ("({ai}) bukan tanggal: {value}.", "({ai}) is no date: {value}."),
    "scan.bad_time": ("({ai}) bukan waktu: {value}.", "({ai}) is no time of day: {value}."),
    "scan.bad_value": ("Nilai {value} tidak berlaku untuk ({ai}).", "{value} is no value of ({ai})."),
    "scan.repeated": (
        "({ai}) muncul dua kali dengan nilai berbeda.",
        "({ai}) stands there twice with different values.",
    ),
    "scan.forbidden_pair": (
        "({ai}) dan ({other}) tidak boleh ada pada satu barang.",
        "({ai}) and ({other}) may not stand on one item.",
    ),
    "scan.missing_companion": (
        "({ai}) memerlukan salah satu dari {needed}.",
        "({ai}) needs one of {needed} beside it.",
    ),
    "scan.missing_serial": (
        "({ai}) memerlukan nomor seri dalam ({key}).",
        "({ai}) needs a serial number within ({key}).",
    ),
    "scan.bracket_open": ("Tanda kurung tidak ditutup.", "A bracket is not closed."),
    "scan.bracket_expected": ("Di sini harus ada (AI).", "An (AI) is expected here."),
    "scan.bad_nie": (
        "(90) bukan nomor izin edar (NIE) BPOM: {value}.",
        "(90) is no BPOM marketing number (NIE): {value}.",
    ),
    "scan.link_scheme": (
        "Tautan harus diawali http:// atau https://.",
        "A link begins with http:// or https://.",
    ),
    "scan.link_character": (
        "Karakter {char} tidak boleh ada di tautan.",
        "The character {char} may not stand in a link.",
    ),
    "scan.link_host": ("Nama domain tautan tidak benar.", "The link's domain name is not right."),
    "scan.link_no_key": (
        "Tautan ini tidak memuat kunci GS1 seperti /01/GTIN.",
        "This link holds no GS1 key such as /01/GTIN.",
    ),
    "scan.link_order": (
        "({ai}) tidak boleh ada di sini dalam tautan.",
        "({ai}) may not stand at this place of the link.",
    ),
    "scan.link_attribute": (
        "({ai}) tidak boleh ada di belakang tanda tanya.",
        "({ai}) may not stand behind the question mark.",
    ),
    "scan.contradicts": (
        "Label ini bertentangan dengan katalog.",
        "The label contradicts the catalogue.",
    ),
    "scan.dates_disagree": (
        (
            "Tanggal pada label ini tidak mungkin benar semua (produksi, kedaluwarsa). Baca lagi labelnya; bila memang"
            " tercetak begitu, minta tingkat nasional mendaftarkan batchnya."
        ),
        (
            "The days on the label cannot all be true (production, expiry). Read the label again; if it is really"
            " printed so, ask the national level to register the batch."
        ),
    ),
    "scan.link_nul": ("Tautan memuat karakter nol.", "The link holds a NUL character."),
}


class ScanError(Exception):
    """A scanned text that cannot be taken as it is.

    `position` counts characters of the text as given, from 0; `message` is the English sentence.
    """

    def __init__(self, code: str, position: int, **details: object) -> None:
        self.code = code
        self.position = position
        self.details = details
        indonesian, english = SENTENCES[code]
        self.message_id = indonesian.format(**details)
        self.message = english.format(**details)
        super().__init__(f"{self.message} (position {position})")

    def moved_to(self, position: int) -> ScanError:
        """The same at another place."""
        return ScanError(self.code, position, **self.details)
