"""What operators answer to what people ask, in both languages; found by words while somebody talks. Pure.

The one home of these texts. What they say of the house is true of it: who changes how a booking is moved changes it here, too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardAnswer:
    """A question as people ask it and its answer, (Indonesian, English) each; `words` are others by which it is found."""

    key: str
    question: tuple[str, str]
    answer: tuple[str, str]
    words: str = ""


ANSWERS: tuple[StandardAnswer, ...] = (
    StandardAnswer(
        key="register",
        question=("Bagaimana cara mendaftar?", "How do I register?"),
        answer=(
            (
                "Saya daftarkan sekarang lewat telepon ini. Bisa juga sendiri: WhatsApp atau SMS dengan kata VAKSIN, *119#, halaman "
                "web, atau datang ke puskesmas dengan KTP. Semuanya gratis."
            ),
            (
                "I can register you now on this call. You can also do it yourself: WhatsApp or SMS with the word VAKSIN, *119#, the "
                "web page, or at the puskesmas with your identity card. All of it is free."
            ),
        ),
        words="daftar registrasi vaksin gratis biaya bayar free cost",
    ),
    StandardAnswer(
        key="bring",
        question=("Apa yang harus saya bawa?", "What do I have to bring?"),
        answer=(
            "KTP atau surat lain dengan NIK Anda, dan tiketnya bila ada. Tanpa tiket Anda tetap ditemukan dengan NIK.",
            (
                "Your identity card or another paper with your NIK, and the ticket if you have it. Without a ticket you are found "
                "by your NIK all the same."
            ),
        ),
        words="ktp kk tiket kartu berkas syarat ticket card papers",
    ),
    StandardAnswer(
        key="lost_ticket",
        question=("Tiket saya hilang.", "I lost my ticket."),
        answer=(
            (
                "Tidak apa-apa. Saya kirim lagi ke nomor yang tercatat, atau tulis HILANG lewat WhatsApp atau SMS. Petugas juga "
                "menemukan Anda dengan NIK."
            ),
            (
                "Never mind. I send it again to the number on file, or write HILANG by WhatsApp or SMS. Staff find you by your NIK, "
                "too."
            ),
        ),
        words="hilang lupa qr kode lost forgot code",
    ),
    StandardAnswer(
        key="move",
        question=("Bisa pindah hari atau tempat?", "Can I move to another day or place?"),
        answer=(
            "Bisa, sampai Anda dicatat datang. Buka alamat tiketnya, lalu “Ganti hari”, atau ulangi pendaftaran di halaman web.",
            "Yes, until you have been checked in. Open the ticket's address and choose another day, or ask on the web page.",
        ),
        words="ganti jadwal tanggal pindah ubah reschedule change date",
    ),
    StandardAnswer(
        key="cancel",
        question=("Bagaimana cara membatalkan?", "How do I cancel?"),
        answer=(
            "Buka alamat tiketnya, lalu “Batalkan”; tempatnya langsung untuk orang lain. Anda boleh memesan lagi kapan saja.",
            "Open the ticket's address and cancel; the place goes to somebody else at once. You may book again at any time.",
        ),
        words="batal urung cancel",
    ),
    StandardAnswer(
        key="displaced",
        question=("Kenapa jadwal saya tergeser?", "Why was my booking displaced?"),
        answer=(
            (
                "Vaksin di tempat itu tidak cukup, atau kulkasnya rusak dan vaksinnya tidak boleh dipakai. Anda ditawari tempat lain "
                "lewat pesan: balas YA bila mau. Anda didahulukan."
            ),
            (
                "There was not enough vaccine there, or its fridge failed and its vaccine may not be used. You are offered another "
                "place by message: answer YA to take it. You come first."
            ),
        ),
        words="geser batal vaksin habis rusak kulkas offer tawaran displaced fridge",
    ),
    StandardAnswer(
        key="second_dose",
        question=("Kapan dosis kedua?", "When is my second dose?"),
        answer=(
            (
                "Tanggalnya ada di kartu vaksinasi dan di pesan setelah dosis pertama; vaksinnya sudah disisihkan. Kami ingatkan "
                "sebelum waktunya."
            ),
            (
                "The date stands on the vaccination card and in the message after the first dose; the vaccine is set aside. We remind "
                "you before it is due."
            ),
        ),
        words="dosis dua berikut booster jarak interval second next",
    ),
    StandardAnswer(
        key="unwell",
        question=("Saya sedang demam atau batuk.", "I have a fever or a cough."),
        answer=(
            "Tunggu sampai sembuh, lalu pesan lagi. Bila sesak napas, segera ke fasilitas kesehatan terdekat atau telepon 119.",
            (
                "Wait until you are well, then book again. If it is hard to breathe, go to the nearest health facility or call 119 "
                "at once."
            ),
        ),
        words="sakit demam batuk flu pilek panas sesak fever cough ill",
    ),
    StandardAnswer(
        key="after",
        question=("Ada keluhan setelah divaksin.", "Something is wrong after the vaccination."),
        answer=(
            (
                "Nyeri, demam ringan, dan lelah biasanya hilang dalam dua hari. Bila berat, tidak hilang, atau sesak napas, segera ke "
                "puskesmas atau telepon 119; sebutkan vaksin dan tanggalnya. Puskesmas mencatatnya sebagai KIPI."
            ),
            (
                "Pain, a light fever and tiredness are usually gone within two days. If it is bad, does not pass, or it is hard to "
                "breathe, go to the puskesmas or call 119 at once; name the vaccine and its date. The puskesmas records it."
            ),
        ),
        words="kipi efek samping nyeri demam bengkak side effect adverse",
    ),
    StandardAnswer(
        key="pregnant",
        question=("Saya hamil atau menyusui.", "I am pregnant or nursing."),
        answer=(
            "Datang saja dan sampaikan kepada petugas; boleh tidaknya diputuskan saat skrining menurut aturan vaksin itu.",
            "Do come and tell the staff; whether you may have it is decided at screening by the rules of that vaccine.",
        ),
        words="hamil menyusui ibu pregnant breast",
    ),
    StandardAnswer(
        key="illness",
        question=("Saya punya penyakit lain.", "I have another illness."),
        answer=(
            "Bawa obat dan surat dokternya. Petugas memeriksa dan memutuskan saat skrining.",
            "Bring your medicines and your doctor's letter. Staff examine you and decide at screening.",
        ),
        words="darah tinggi diabetes gula jantung kanker komorbid alergi blood pressure heart allergy",
    ),
    StandardAnswer(
        key="family",
        question=("Bisa mendaftarkan orang tua atau anak saya?", "Can I register my parents or my child?"),
        answer=(
            "Bisa, dengan ponsel Anda: di halaman tiket Anda ada “Keluarga”. Anak tanpa ponsel diberi tahu lewat ponsel Anda.",
            "Yes, with your phone: the page of your ticket has “Family”. A child without a phone is told through yours.",
        ),
        words="keluarga anak orang tua ibu bapak lansia nenek kakek family child parents",
    ),
    StandardAnswer(
        key="no_nik",
        question=("Saya tidak punya NIK.", "I have no NIK."),
        answer=(
            "Datang ke puskesmas dengan surat apa pun yang ada. Petugas dapat mendaftarkan Anda tanpa NIK.",
            "Come to the puskesmas with whatever paper you have. Staff can register you without a NIK.",
        ),
        words="nik ktp asing warga foreigner papers",
    ),
    StandardAnswer(
        key="full",
        question=("Semua tempat penuh.", "All places are taken."),
        answer=(
            (
                "Tinggalkan nama di halaman “Saya bersedia, kabari saya”: begitu ada tempat dekat rumah Anda, Anda diberi tahu menurut "
                "urutan."
            ),
            "Leave your name on the page “I am willing, tell me”: when places open where you live you are told, in order.",
        ),
        words="penuh habis kuota tunggu antre full quota waiting",
    ),
    StandardAnswer(
        key="messages",
        question=("Saya tidak mau dikirimi pesan.", "I want no more messages."),
        answer=(
            "Balas STOP pada pesan kami. Untuk mulai lagi, tulis MULAI.",
            "Answer STOP to a message of ours. To begin again, write MULAI.",
        ),
        words="stop berhenti pesan sms spam messages",
    ),
)


def answers_for(text: str, language: str) -> Sequence[StandardAnswer]:
    """The answers in which each word of the text begins some word, all of them for none; in the order of the catalogue."""
    wanted = _words(text)
    return [one for one in ANSWERS if all(any(word.startswith(each) for word in _of(one, language)) for each in wanted)]


def _of(one: StandardAnswer, language: str) -> set[str]:
    spoken = language == "en"
    return _words(f"{one.question[spoken]} {one.answer[spoken]} {one.words}")


def _words(text: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return {word for word in "".join(sign if sign.isalnum() else " " for sign in plain).split() if word}
