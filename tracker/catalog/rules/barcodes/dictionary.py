"""The application identifiers of GS1: lengths, character sets, companions. Pure.

`_TABLE` is a transliteration of the GS1 Syntax Dictionary (https://github.com/gs1/gs1-syntax-dictionary,
commit ff2eb4b of 2026-07-27, Copyright GS1 AISBL, Apache License 2.0), which invites this use. A line is
identifiers, flags, then components and attributes:

- flags: `*` predefined length, no separator follows; `?` may be a query attribute of a Digital Link; `-` none
- components: `N` digits, `X` character set 82, `Y` 39, `Z` 64; `6` exactly, `..20` up to; in brackets
  optional; then the names of the checks of `components.py`
- `req=` one of these must be on the item too (`a+b`: both); `ex=` none of these may; `n` any digit,
  `~` the identifier's own family; `dlpkey` a Digital Link key, with the order of its qualifiers
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TABLE = """
00 *? N18,csum,gcppos2 dlpkey
01 *? N14,csum,gcppos2 ex=255,37 dlpkey=22,10,21|235
02 *? N14,csum,gcppos2 ex=01,03 req=37
03 * N14,csum,gcppos2 ex=01,02,37,235
10 ? X..20 req=01,02,03,8006,8026
11 *? N6,yymmd0 req=01,02,03,8006,8026
12 *? N6,yymmd0 req=8020
13,15,16 *? N6,yymmd0 req=01,02,03,8006,8026
17 *? N6,yymmd0 req=01,02,03,255,8006,8026
20 *? N2 req=01,02,03,8006,8026
21 - X..20 req=01,03,8006 ex=235
22 - X..20 req=01
235 - X..28 req=01
240,241 ? X..30 req=01,02,03,8006,8026
242 ? N..6 req=01,02,8006,8026
243 ? X..20 req=01,03
250 ? X..30 req=01+21,03+21,8006+21
251 ? X..30 req=01,03,8006
253 ? N13,csum,gcppos1 [X..17] dlpkey
254 - X..20 req=414
255 ? N13,csum,gcppos1 [N..12] dlpkey ex=01,02,415,8006,8020,8026
30 ? N..8 req=01,02
3100-3105,3110-3115,3120-3125,3130-3135,3140-3145,3150-3155,3160-3165,3200-3205,3210-3215 *? N6 req=01,02 ex=~
3220-3225,3230-3235,3240-3245,3250-3255,3260-3265,3270-3275,3280-3285,3290-3295 *? N6 req=01,02 ex=~
3300-3305,3310-3315,3320-3325,3330-3335,3340-3345,3350-3355,3360-3365 *? N6 req=00,01 ex=~
3370-3375 *? N6 req=01 ex=~
3400-3405,3410-3415,3420-3425,3430-3435,3440-3445,3450-3455,3460-3465,3470-3475,3480-3485 *? N6 req=00,01 ex=~
3490-3495 *? N6 req=00,01 ex=~
3500-3505,3510-3515,3520-3525 *? N6 req=01,02 ex=~
3530-3535,3540-3545,3550-3555 *? N6 req=00,01 ex=~
3560-3565,3570-3575,3600-3605,3610-3615 *? N6 req=01,02 ex=~
3620-3625,3630-3635 *? N6 req=00,01 ex=~
3640-3645,3650-3655,3660-3665 *? N6 req=01,02 ex=~
3670-3675,3680-3685,3690-3695 *? N6 req=00,01 ex=~
37 ? N..8 req=00+02,00+8026
3900-3909 ? N..15 req=255,8020 ex=~,391n,394n,8111
3910-3919 ? N3,iso4217 N..15 req=8020 ex=~
3920-3929 ? N..15 req=01+30,01+31nn,01+32nn,01+35nn,01+36nn ex=~,393n
3930-3939 ? N3,iso4217 N..15 req=30,31nn,32nn,35nn,36nn ex=~
3940-3943 ? N4 req=255 ex=~,8111
3950-3955 ? N6 req=30,31nn,32nn,35nn,36nn ex=392n,393n,~,8005
400 ? X..30
401 ? X..30,gcppos1 dlpkey
402 ? N17,csum,gcppos1 dlpkey
403 ? X..30 req=00
410,411,412,413 *? N13,csum,gcppos1
414 *? N13,csum,gcppos1 dlpkey=254|7040
415 *? N13,csum,gcppos1 req=8020 dlpkey=8020
416 *? N13,csum,gcppos1
417 *? N13,csum,gcppos1 dlpkey=7040
420 ? X..20 ex=421
421 ? N3,iso3166 X..9 ex=4307
422 ? N3,iso3166 req=01,02,03,8006,8026 ex=426
423 ? N3,iso3166 [N3],iso3166 [N3],iso3166 [N3],iso3166 [N3],iso3166 req=01,02,03 ex=426
424 ? N3,iso3166 req=01,02,03 ex=426
425 ? N3,iso3166 [N3],iso3166 [N3],iso3166 [N3],iso3166 [N3],iso3166 req=01,02,03 ex=426
426 ? N3,iso3166 req=01,02,03
427 ? X..3 req=01+422,02+422,03+422
4300,4301 ? X..35,pcenc req=00
4302 ? X..70,pcenc req=00
4303 ? X..70,pcenc req=4302
4304,4305,4306 ? X..70,pcenc req=00
4307 ? X2,iso3166alpha2 req=00
4308 ? X..30 req=00
4309 ? N10,latitude N10,longitude req=00
4310,4311 ? X..35,pcenc req=00
4312 ? X..70,pcenc req=00
4313 ? X..70,pcenc req=4312
4314,4315,4316 ? X..70,pcenc req=00
4317 ? X2,iso3166alpha2 req=00
4318 ? X..20 req=00
4319 ? X..30 req=00
4320 ? X..35,pcenc req=00
4321,4322,4323 ? N1,yesno req=00
4324,4325 ? N6,yymmd0 N4,hhmi req=00
4326 ? N6,yymmdd req=00
4330 ? N6 [X1],hyphen req=00 ex=4331
4331 ? N6 [X1],hyphen req=00 ex=4330
4332 ? N6 [X1],hyphen req=00 ex=4333
4333 ? N6 [X1],hyphen req=00 ex=4332
7001 ? N13 req=01,02,8006,8026
7002 ? X..30 req=01,02
7003 ? N6,yymmdd N4,hhmi req=01,02,03
7004 ? N..4 req=01+10,03+10
7005 ? X..12 req=01,02
7006 ? N6,yymmdd req=01,02
7007 ? N6,yymmdd [N6],yymmdd req=01,02
7008 ? X..3 req=01,02
7009 ? X..10 req=01,02
7010 ? X..2 req=01,02,03
7011 ? N6,yymmdd [N4],hhmi req=01,02,03
7020 ? X..20 req=01+416,03+416,8006+416
7021 ? X..20 req=01,03,8006
7022 ? X..20 req=01+7021,03+7021,8006+7021
7023 ? X..30,gcppos1
7030,7031,7032,7033,7034,7035,7036,7037,7038,7039 ? N3,iso3166999 X..27 req=01,02
7040 - N1 X1 X1 X1,importeridx
7041 - X..4,packagetype req=00
710,711,712,713,714,715,716,717 ? X..20 req=01
7230,7231,7232,7233,7234,7235,7236,7237,7238,7239 ? X2 X..28 req=01,8004
7240 ? X..20 req=01,8006 ex=03
7241 ? N2,mediatype req=8017,8018
7242 ? X..25 req=8017,8018
7250 ? N8,yyyymmdd req=8018 ex=7251
7251 ? N8,yyyymmdd N4,hhmi req=8018 ex=7250
7252 ? N1,iso5218 req=8018
7253,7254 ? X..40,pcenc req=8017,8018 ex=7256,7259
7255 ? X..10 req=8017,8018 ex=7256,7259
7256 ? X..90,pcenc req=8017,8018
7257 ? X..70,pcenc req=8018
7258 ? X3,posinseqslash req=8018+7259
7259 ? X..40,pcenc req=8018 ex=7256
8001 ? N4,nonzero N5,nonzero N3,nonzero N1,winding N1 req=01
8002 ? X..20
8003 ? N1,zero N13,csum,gcppos1 [X..16] dlpkey
8004 ? X..30,gcppos1 dlpkey=7040
8005 ? N6 req=01,02
8006 ? N14,csum,gcppos2 N4,pieceoftotal ex=01,03,37 dlpkey=22,10,21
8007 ? X..34,iban req=415
8008 ? N6,yymmdd N2,hh [N2],mi [N2],ss req=01,02,03
8009 ? X..50 req=00,01,03
8010 ? Y..30,gcppos1 dlpkey=8011
8011 - N..12,nozeroprefix req=8010
8012 ? X..20 req=01,03,8006
8013 ? X..25,csumalpha,gcppos1 dlpkey
8014 - X..25,csumalpha,gcppos1,hasnondigit req=01
8017 ? N18,csum,gcppos1 ex=8018 dlpkey=8019
8018 ? N18,csum,gcppos1 ex=8017 dlpkey=8019
8019 - N..10 req=8017,8018
8020 - X..25 req=415
8026 ? N14,csum,gcppos2 N4,pieceoftotal req=37 ex=02,03,8006
8030 ? Z..90 req=00,01+21,03+21,253,255,8003,8004,8006+21,8010+8011,8017,8018
8040 - N15 req=01+21
8041 - N15 req=01+21+8040
8042 - N32 req=01+21+8040
8043 - N18 [N..2] req=01+21+8040
8110 ? X..70,couponcode
8111 ? N4 req=255
8112 ? X..70,couponposoffer
8200 - X..70 req=01
90 ? X..30
91-99 ? X..90
"""

_COMPONENT = re.compile(r"(?P<kind>[NXYZ])(?P<upto>\.\.)?(?P<length>\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A part of a value: characters of one set, `least` to `most` of them, and the checks on them."""

    kind: str
    least: int
    most: int
    optional: bool
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """What the dictionary says of one application identifier.

    `required`: alternatives, each a set of identifiers that must all be there; empty for no demand.
    `keys`: None, or the alternative orders of qualifiers of a Digital Link key.
    Entries of `required` and `excluded` may end in `n` for any digit.
    """

    ai: str
    predefined_length: bool
    query_attribute: bool
    components: tuple[Component, ...]
    required: tuple[frozenset[str], ...] = ()
    excluded: frozenset[str] = frozenset()
    keys: tuple[tuple[str, ...], ...] | None = None

    @property
    def length(self) -> int:
        """The greatest number of characters of a value."""
        return sum(component.most for component in self.components)


@lru_cache(maxsize=1)
def identifiers() -> dict[str, Identifier]:
    """All identifiers by their digits."""
    found: dict[str, Identifier] = {}
    for line in _TABLE.strip().splitlines():
        spans, flags, *rest = line.split()
        for span in spans.split(","):
            first, _, last = span.partition("-")
            for number in range(int(first), int(last or first) + 1):
                ai = str(number).zfill(len(first))
                found[ai] = _read(ai, flags, rest)
    return found


def identifier_at(text: str) -> Identifier | None:
    """The identifier `text` begins with; no identifier is the beginning of another."""
    known = identifiers()
    return next((known[text[:length]] for length in (2, 3, 4) if text[:length] in known), None)


def family_matches(pattern: str, ai: str) -> bool:
    """Whether `ai` is what `pattern` names; `n` stands for any digit."""
    return len(pattern) == len(ai) and all(p in ("n", a) for p, a in zip(pattern, ai, strict=True))


def _read(ai: str, flags: str, rest: list[str]) -> Identifier:
    components: list[Component] = []
    required: tuple[frozenset[str], ...] = ()
    excluded: frozenset[str] = frozenset()
    keys: tuple[tuple[str, ...], ...] | None = None
    for token in rest:
        name, _, value = token.partition("=")
        if name == "req":
            required = tuple(frozenset(choice.split("+")) for choice in value.split(","))
        elif name == "ex":
            excluded = frozenset(ai[:3] + "n" if other == "~" else other for other in value.split(","))
        elif name == "dlpkey":
            keys = tuple(tuple(order.split(",")) for order in value.split("|")) if value else ((),)
        else:
            components.append(_component(token))
    return Identifier(
        ai=ai,
        predefined_length="*" in flags,
        query_attribute="?" in flags,
        components=tuple(components),
        required=required,
        excluded=excluded,
        keys=keys,
    )


def _component(token: str) -> Component:
    # `[X..17],pcenc` puts the checks of an optional component behind its bracket.
    shape, *checks = token.split(",")
    optional = shape.startswith("[")
    match = _COMPONENT.fullmatch(shape.strip("[]"))
    if match is None:
        raise ValueError(f"not a component: {token}")
    length = int(match["length"])
    return Component(
        kind=match["kind"],
        least=1 if match["upto"] else length,
        most=length,
        optional=optional,
        checks=tuple(checks),
    )
