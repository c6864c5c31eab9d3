"""What a scan says at the packing table: the line that it ticks, or why the goods in the hand do not go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Viewer
from dashboard.shipments.boxes import goods_of
from dashboard.shipments.ends import Ends
from dashboard.shipments.picking import Line, in_turn, lines_of
from dashboard.shipments.queries import place_names
from dashboard.stock.forms import Typed
from tracker.catalog.errors import ScanUnreadable
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.queries import batches_by_refs
from tracker.catalog.scanning import Caution, Resolved, resolve_scan, with_batch
from tracker.kit.days import local_day
from tracker.shipments.rules.words import ShipmentKind
from tracker.shipments.service.ordering import lines_of as ordered_lines
from tracker.shipments.service.proposing import Proposal
from tracker.stock.rules.fefo import Parcel, free, reason_to_skip, urgency
from tracker.stock.rules.use import Skip

_NO_GOODS = mark("Ini bukan kode barang yang dikenal. Pindai vial atau dusnya, atau ketik nomor lotnya.")
_UNKNOWN = mark("Batch ini belum terdaftar.")
_NOT_ASKED = mark("%(product)s tidak diminta dalam kiriman ini: kembalikan ke tempatnya.")
_NOT_HERE = mark("Lot %(lot)s tidak tercatat ada di sini. Hitung tempatnya lebih dahulu.")
_NOT_IN_RETURN = mark("Lot %(lot)s tidak termasuk yang dikembalikan.")
_FITS = mark("Lot %(lot)s cocok: ambil %(n)s vial dari %(place)s.")
_ADDED = mark("Lot %(lot)s ditambahkan: %(n)s vial dari %(place)s.")
_ALL_NAMED = mark("Semua vial lot %(lot)s di %(place)s sudah tertulis.")
_NOT_ITS_TURN = mark(
    "Bukan giliran lot %(lot)s: lot %(first)s di %(place)s keluar dahulu. Ambil itu, atau sebut alasannya."
)
_ONLY_FROM = mark("Ambil hanya dari %(place)s. %(why)s")
_ALIKE = mark("Mirip dengan lot %(lots)s: cocokkan nomornya huruf demi huruf.")
_DOUBTS = {
    Caution.SEPARATOR_MISSING: mark("Alat pindai menghilangkan pemisah: ketik nomor lotnya."),
    Caution.EXPIRY_DIFFERS: mark(
        "Tanggal kedaluwarsa pada label berbeda dari katalog. Jangan dikirim sebelum diperiksa."
    ),
    Caution.CODES_DISAGREE: mark("GTIN dan NIE pada label menunjuk produk yang berbeda. Jangan dikirim."),
}
WHY_NOT = {
    Skip.HELD: mark("Lot %(lot)s di %(place)s ditahan: jangan dikirim sebelum penahanannya diputus."),
    Skip.RECALLED: mark("Lot %(lot)s di %(place)s ditarik: jangan dikirim."),
    Skip.UNUSABLE: mark("Lot %(lot)s di %(place)s tak layak pakai: jangan dikirim."),
    Skip.VVM: mark("VVM lot %(lot)s di %(place)s sudah lewat batas: jangan dikirim."),
    Skip.EXPIRED: mark("Lot %(lot)s di %(place)s sudah kedaluwarsa, atau akan sebelum tiba: jangan dikirim."),
    Skip.OUT_OF_SERVICE: mark("%(place)s tidak berfungsi: jangan kirim lot %(lot)s dari sana."),
    Skip.TAKEN_ALONG: mark("Lot %(lot)s di %(place)s dibawa untuk sesi di luar: jangan dikirim."),
    Skip.PACKED: mark("Semua vial lot %(lot)s di %(place)s sudah dikemas untuk kiriman lain."),
}
# Vials of the same lot that one could take by mistake.
_HARMED = (Skip.HELD, Skip.RECALLED, Skip.UNUSABLE, Skip.VVM, Skip.OUT_OF_SERVICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a scan is answered with, and what of the form it changes."""

    tone: Literal["ok", "low", "out"]
    words: str
    fields: Mapping[str, str] = field(default_factory=dict)


class _Stays(Exception):  # nothing went wrong: the goods do not go
    """The goods stay here; the text says why."""


class Table:
    """The packing table: what is proposed, what the form says by now, and what is scanned there."""

    def __init__(self, db: Session, viewer: Viewer, ends: Ends, proposal: Proposal, typed: Typed) -> None:
        self.db, self.viewer, self.proposal = db, viewer, proposal
        self.returns = proposal.shipment.kind is ShipmentKind.RETURN
        self.today = local_day(viewer.now, ends.sender.timezone)
        self.lines = lines_of(proposal, typed)
        self.places = place_names(db, ends.sender.id)
        self.asked = Counter[UUID]()
        for line in ordered_lines(db, proposal.shipment.id):
            self.asked[line.presentation_id] += line.vials if line.approved is None else line.approved

    def answer(self, text: str) -> Answer:
        """Its line is ticked, another lot becomes a line, or it stays here and why."""
        try:
            resolved = self._named(text)
            batch, product = self._known(resolved)
            return self._in_return(batch) if self.returns else self._in_order(batch, product, resolved)
        except ScanUnreadable as error:
            return Answer(tone="out", words=sentence_of(error, self.viewer.language))
        except _Stays as said:
            return Answer(tone="out", words=str(said))

    def _known(self, resolved: Resolved) -> tuple[Batch, Presentation]:
        """The goods that were scanned, where their label leaves no doubt; raises _Stays."""
        doubt = next((words for caution, words in _DOUBTS.items() if caution in resolved.warnings), None)
        if doubt is not None:
            raise _Stays(self._say(doubt))
        if resolved.presentation is None:
            raise _Stays(self._say(_NO_GOODS))
        if resolved.batch is None:
            raise _Stays(self._say(_UNKNOWN))
        return resolved.batch, resolved.presentation

    def _in_order(self, batch: Batch, product: Presentation, resolved: Resolved) -> Answer:
        able = sorted((p for p in self._lying(batch.id) if free(p, self.proposal.shelf.day)), key=urgency)
        if not able:
            raise _Stays(self._why_none(batch))
        if product.id not in self.asked:
            raise _Stays(self._say(_NOT_ASKED, product=product.name))
        answer, parcel = self._taken(able, resolved.vials or 1)
        return self._minding(answer, parcel, resolved)

    def _named(self, text: str) -> Resolved:
        """What the code names, or the lot that somebody typed: of several products' that of one that is asked for."""
        resolved = resolve_scan(self.db, text, today=self.today)
        if Caution.NO_PRODUCT not in resolved.warnings:
            return resolved
        found = [self.db.get_one(Batch, batch_id) for batch_id, _ in batches_by_refs(self.db, {text})[text]]
        fitting = [batch for batch in found if batch.presentation_id in self.asked] or found
        return with_batch(self.db, resolved, fitting[0], today=self.today) if len(fitting) == 1 else resolved

    def _say(self, words: str, **values: object) -> str:
        return self.viewer.texts.gettext(words) % values

    def _lying(self, batch_id: UUID) -> list[Parcel]:
        return [parcel for parcel in self.proposal.shelf.parcels if parcel.batch_id == batch_id]

    def _stopped(self, batch_id: UUID) -> list[tuple[Parcel, Skip]]:
        """What of a lot may not go, and why: the gravest reason first."""
        order = list(Skip)
        found = ((parcel, reason_to_skip(parcel, self.proposal.shelf.day)) for parcel in self._lying(batch_id))
        stopped = [(parcel, why) for parcel, why in found if why is not None]
        return sorted(stopped, key=lambda one: (order.index(one[1]), one[0].place))

    def _why(self, parcel: Parcel, why: Skip) -> str:
        return self._say(WHY_NOT[why], lot=parcel.lot, place=self.places[parcel.place])

    def _why_none(self, batch: Batch) -> str:
        stopped = self._stopped(batch.id)
        return self._why(*stopped[0]) if stopped else self._say(_NOT_HERE, lot=batch.lot)

    def _of(self, batch_id: UUID) -> Line | None:
        """The line of a lot that is to be ticked next."""
        own = [line for line in self.lines if line.parcel.batch_id == batch_id]
        return next((line for line in own if not line.ticked), own[0] if own else None)

    def _in_return(self, batch: Batch) -> Answer:
        line = self._of(batch.id)
        if line is None:
            raise _Stays(self._say(_NOT_IN_RETURN, lot=batch.lot))
        return self._ticked(line)

    def _taken(self, able: Sequence[Parcel], vials: int) -> tuple[Answer, Parcel]:
        """A line is ticked, or made of what is in the hand; with the parcel it is of."""
        line = self._of(able[0].batch_id)
        if line is not None and line.proposed and line.vials:
            return self._ticked(line), line.parcel
        parcel = line.parcel if line is not None and line.parcel in able else able[0]
        return self._added(parcel, vials), parcel

    def _ticked(self, line: Line) -> Answer:
        words = self._say(
            _FITS, lot=line.parcel.lot, n=self.viewer.texts.number(line.vials), place=self.places[line.parcel.place]
        )
        return Answer(tone="ok", words=words, fields={f"s/{line.goods}": "1"})

    def _added(self, parcel: Parcel, vials: int) -> Answer:
        """Vials that are not proposed become a line, and what is proposed gives way where it would be too many."""
        goods = goods_of(parcel.place, parcel.batch_id, parcel.status)
        here = next((line.vials for line in self.lines if line.goods == goods), 0)
        now = min(here + vials, free(parcel, self.proposal.shelf.day))
        if now <= here:
            words = self._say(_ALL_NAMED, lot=parcel.lot, place=self.places[parcel.place])
            return Answer(tone="low", words=words, fields={f"s/{goods}": "1"})
        own = Line(goods=goods, parcel=parcel, proposed=0, vials=now, first=None, ticked=True)
        lines = [*self._giving_way(own), own]
        fields = {f"v/{line.goods}": str(line.vials) for line in lines} | {f"s/{goods}": "1"}
        first = in_turn(self.proposal, lines)[-1].first
        if first is not None:
            words = self._say(_NOT_ITS_TURN, lot=parcel.lot, first=first.lot, place=self.places[first.place])
            return Answer(tone="low", words=words, fields=fields)
        words = self._say(_ADDED, lot=parcel.lot, n=self.viewer.texts.number(now), place=self.places[parcel.place])
        return Answer(tone="ok", words=words, fields=fields)

    def _giving_way(self, own: Line) -> list[Line]:
        """The other lines, with fewer vials where the product would be more than was approved: the last in turn first."""
        products = self.proposal.shelf.products
        product = products[own.parcel.batch_id]
        others = [line for line in self.lines if line.goods != own.goods]
        alike = [line for line in others if products[line.parcel.batch_id] == product]
        over = max(0, own.vials + sum(line.vials for line in alike) - self.asked[product])
        left: dict[str, int] = {}
        for line in sorted(alike, key=lambda one: urgency(one.parcel), reverse=True):
            less = min(over, line.vials)
            left[line.goods] = line.vials - less
            over -= less
        return [replace(line, vials=left.get(line.goods, line.vials)) for line in others]

    def _minding(self, answer: Answer, parcel: Parcel, resolved: Resolved) -> Answer:
        """The answer with what must not be mixed up: vials of the lot that may not go, and lots that look alike."""
        more = [
            self._say(_ONLY_FROM, place=self.places[parcel.place], why=self._why(other, why))
            for other, why in self._stopped(parcel.batch_id)[:1]
            if why in _HARMED
        ]
        if resolved.alike:
            more.append(self._say(_ALIKE, lots=", ".join(each.lot for each in resolved.alike)))
        return replace(answer, tone="low", words=" ".join([answer.words, *more])) if more else answer
