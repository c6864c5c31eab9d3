"""What people mean by what they type, in whatever script, signs and manners. Pure, and never raises.

A message is read as words: compatibility forms become plain ones (full-width, circled and keycap digits), marks and punctuation go,
words of courtesy are overlooked. What stays must be known as a whole; half understood is not understood.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches

from tracker.people.errors import BadNik, BadPhone
from tracker.people.rules.contact import clean_phone
from tracker.people.rules.nik import read_nik


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COURTESY = _words(
    "pak bu bapak ibu mas mbak mbk kak kakak min admin dok dokter sus suster saja aja deh dong kok lah sih nih kan tolong"
    " terima kasih makasih trims please thanks thank you sir madam halo hallo hai hi hello selamat pagi siang sore malam"
    " assalamualaikum assalamu alaikum wr wb permisi mohon maaf maf izin ijin saya aku sy i the"
)
_START = _words(
    "vaksin vaksinasi vaksinnya imunisasi vaccine vaccination vaccinate daftar mendaftar daftarkan pendaftaran register"
    " mulai start"
)
_MISSPELT, _ALIKE = ("vaksin", "vaksinasi", "vaccine"), 0.82  # "vaksn", "paksin", "vacine"; not "aksi"
_WISHING = _words("mau ingin pengen pingin minta untuk buat bisa cara want to how a ya")
_TICKET = _words("tiket tiketku tiketnya ticket tickets")
_LOST = _words(
    "hilang kehilangan lupa lupakan terhapus hapus kehapus kode link alamat lagi ulang ulangi kirim kirimkan cari mana di lost lose"
    " forgot forgotten again code resend find my where is"
)
_STOP = _words("batal batalkan berhenti henti stop cancel keluar selesai")
_SILENCE = _words("stop berhenti henti unsubscribe unreg")
_HEARD_AGAIN = _words("mulai start unstop")
_HELP = _words("bantuan bantu help info informasi petunjuk menu bingung caranya")
_AGAIN = _words("ulang ulangi restart awal dari again")
_MORE = _words("lainnya lain lainya laennya more other others next berikutnya selanjutnya lanjut")
_YES = _words(
    "ya yaa ya2 y yes iya iyaa iyah yea yeah yep yup betul btul benar bener ok oke okay okey sip siap setuju baik boleh bersedia mau"
    " jadi bisa sudah udah sdh pernah ada right correct sure true nggih inggih enggeh iyo muhun"
)
_PLAIN_YES = _words("ya yaa ya2 y yes iya iyaa iyah ok oke okay")
_NO = _words(
    "tidak tdk tak ga gak gk g nggak enggak engga enga ngga nda ndak kagak mboten henteu no nope not n t bukan bkn nggk belum belom blm jangan never"
)
# What a question was about may be said again: "tidak demam", "belum pernah alergi".
_TOPIC = _words("demam panas fever alergi allergy berat sakit covid vaksin hari ini itu sama sekali have had it is")
_CHOOSING = _words(
    "no nomor nomer nmr number pilih pilihan opsi option yang yg ke mau ambil choose urutan angka ya ok oke boleh baik siap sip"
)
_NUMBERS = {
    word: number
    for number, words in enumerate(
        (
            "satu pertama kesatu one first", "dua kedua two second", "tiga ketiga three third", "empat keempat four fourth",
            "lima kelima five fifth", "enam keenam six", "tujuh ketujuh seven", "delapan kedelapan eight", "sembilan nine",
        ),
        start=1,
    )
    for word in words.split()
}  # fmt: skip
_SIGNS = dict.fromkeys("👍👌✅☑✓✔🆗🙆", " ya ") | dict.fromkeys("👎❌✖✗✘🚫🙅", " tidak ")
_WITHIN_WORDS = frozenset("'’‘ʼ`´")  # "Assalamu'alaikum" is one word
# Of a place's name: what kind of place it is, and how one says where it lies.
_KIND_OF_PLACE = _words(
    "pkm pusk puskesmas puskes rs rsud rumah sakit klinik posyandu kelurahan kel desa kecamatan kec di dekat daerah"
)


def words_of(text: str) -> list[str]:
    """The words of a message in lower case, digits of any script as 0 to 9, signs for yes and no as words."""
    plain = []
    for char in unicodedata.normalize("NFKC", "".join(_SIGNS.get(char, char) for char in text)):
        category = unicodedata.category(char)
        digit = unicodedata.digit(char, None)
        if char in _WITHIN_WORDS:
            continue
        if digit is not None:
            plain.append(str(digit))
        elif category[0] == "L":
            plain.append(char)
        elif category not in ("Mn", "Me", "Cf", "Sk"):  # marks belong to the sign before: the frame of a keycap
            plain.append(" ")
    lowered = "".join(plain).casefold()
    # "iyaaa" is an iya; "ya2" is a ya said twice.
    return re.sub(r"([^\W\d])\1{2,}", r"\1", lowered).split()


def is_start(text: str) -> bool:
    """Whether somebody wants to begin."""
    words = [word for word in words_of(text) if word not in _COURTESY | _WISHING]
    return bool(words) and all(
        word in _START or get_close_matches(word, _MISSPELT, n=1, cutoff=_ALIKE) for word in words
    )


def is_ticket_lost(text: str) -> bool:
    """Whether somebody wants their ticket back: the word alone says so."""
    words = [word for word in words_of(text) if word not in _COURTESY | _WISHING]
    return any(word in _TICKET for word in words) and all(word in _TICKET | _LOST for word in words)


def is_help(text: str) -> bool:
    """Whether somebody asks what can be said."""
    words = [word for word in words_of(text) if word not in _COURTESY | _WISHING]
    return bool(words) and all(word in _HELP for word in words)


def is_again(text: str) -> bool:
    """Whether somebody wants to begin from the beginning."""
    words = [word for word in words_of(text) if word not in _COURTESY | _WISHING | _START]
    return bool(words) and all(word in _AGAIN for word in words)


def is_more(text: str) -> bool:
    """Whether somebody wants to see what else there is."""
    words = [word for word in words_of(text) if word not in _COURTESY | _WISHING | _CHOOSING]
    return bool(words) and all(word in _MORE for word in words)


def is_stop(text: str) -> bool:
    """Whether somebody wants to end the talk."""
    words = [word for word in words_of(text) if word not in _COURTESY]
    return bool(words) and all(word in _STOP for word in words)


def is_silence(text: str) -> bool:
    """Whether somebody wants no more messages."""
    words = [word for word in words_of(text) if word not in _COURTESY]
    return bool(words) and all(word in _SILENCE for word in words)


def is_heard_again(text: str) -> bool:
    """Whether somebody wants messages again: the word by which a talk begins, too."""
    words = [word for word in words_of(text) if word not in _COURTESY]
    return bool(words) and all(word in _HEARD_AGAIN for word in words)


def yes_or_no(text: str) -> bool | None:
    """Yes, no, or None where it is neither or both. 1 and 2 stand for them, too."""
    words = [word for word in words_of(text) if word not in _COURTESY]
    if words in (["1"], ["2"]):
        return words == ["1"]
    answers = [word for word in words if word not in _TOPIC]
    if not answers or not all(word in _YES | _NO for word in answers):
        return None
    if any(word in _NO for word in answers):
        return None if any(word in _PLAIN_YES for word in answers) else False
    return True


def number_chosen(text: str) -> int | None:
    """The one number in a message that says no more than a choice; None otherwise."""
    meant = {_number_of(word) for word in words_of(text) if word not in _COURTESY | _CHOOSING}
    return meant.pop() if len(meant) == 1 else None  # "1 (satu)" says one twice


def _number_of(word: str) -> int | None:
    # As "no1" and "ke2" are written.
    bare = re.sub(r"^[^\W\d]+(?=\d+$)", lambda found: "" if found[0] in _CHOOSING else found[0], word)
    return int(bare) if re.fullmatch(r"[0-9]{1,3}", bare) else _NUMBERS.get(bare)


def place_words(text: str) -> list[str]:
    """What tells a place from others: `PKM Dahlia` looks for dahlia. The kind of place where nothing else is said."""
    words = words_of(text)
    return [word for word in words if word not in _KIND_OF_PLACE] or words


@dataclass(frozen=True, slots=True)
class Identified:
    """A number that can be a NIK, and the phone number beside it. `repr` shows neither."""

    nik: str = field(repr=False)
    phone: str | None = field(repr=False)


# What stands beside a name where somebody writes number and name in one message.
_LABELS = _words(
    "nik nikku ktp no nomor nomer nmr number name nama namaku lengkap hp ponsel telepon telp tlp phone dan and saya aku i am my is adalah ini nya wa"
)


def name_in(text: str) -> str | None:
    """The words of a message that can be somebody's name, as they were written; None where there are none."""
    kept = "".join(
        char if char.isalpha() or char in _NAME_SIGNS or unicodedata.combining(char) else " " for char in text
    )
    words = [word for word in kept.split() if words_of(word) and not set(words_of(word)) <= _LABELS | _COURTESY]
    letters = sum(char.isalpha() for word in words for char in word)
    return " ".join(words) if letters >= _SHORTEST_NAME else None


_NAME_SIGNS = frozenset("'’.-")
_SHORTEST_NAME = 3

_GAP = re.compile(r"[\s.\-–]*")
_PHONE = re.compile(r"\+?[0-9(][0-9\s().\-–]{6,}[0-9]")


def identified(text: str) -> Identified | None:
    """The sixteen digits of a message that are a NIK, wherever they stand and however grouped; None where none are."""
    plain = _ascii_digits(text)
    groups = list(re.finditer(r"[0-9]+", plain))
    for length in range(1, 8):  # one piece first: 16 digits in a row are what was meant
        for start in range(len(groups) - length + 1):
            row = groups[start : start + length]
            joined = "".join(group[0] for group in row)
            apart = all(_GAP.fullmatch(plain, a.end(), b.start()) for a, b in itertools.pairwise(row))
            if len(joined) == 16 and apart and _is_nik(joined):
                return Identified(joined, _phone_in(plain[: row[0].start()], plain[row[-1].end() :]))
    return None


def digits_in(text: str) -> int:
    """How many digits a message has."""
    return len(digits_of(text))


def digits_of(text: str) -> str:
    """The digits of a message, of whatever script, as 0 to 9."""
    return "".join(char for char in _ascii_digits(text) if char.isascii() and char.isdigit())


def _ascii_digits(text: str) -> str:
    normal = unicodedata.normalize("NFKC", text)
    return "".join(char if (digit := unicodedata.digit(char, None)) is None else str(digit) for char in normal)


def _is_nik(digits: str) -> bool:
    try:
        read_nik(digits, date.max)
    except BadNik:
        return False
    return True


def _phone_in(*parts: str) -> str | None:
    for part in parts:
        for found in _PHONE.finditer(part):
            try:
                return clean_phone(found[0])
            except BadPhone:
                continue
    return None
