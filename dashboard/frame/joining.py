"""A page's modules as one script, for a page that must not wait for a second answer.

A module becomes a function that gives what it exports, in the order in which they need one another; the sources stay as they
are. No tool does it, because an installation has Python and no Node (docs/adr/0032-the-phone-in-one-answer.md).
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from dashboard.frame.statics import sources

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
# Ours stand on lines of their own; what a source must not have for this to be true, a test says.
_COMMENT = re.compile(r"^[ \t]*//[^\n]*\n|/\*.*?\*/[ \t]*", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"[\w-]+")
_CLASS_OR_ID = re.compile(r"[.#]([\w-]+)")
_INDENT = re.compile(r"^\s+", re.MULTILINE)
# Space that a style sheet has for its readers alone; a selector has none behind its colon.
_SPACED = re.compile(r"\s*([{};])\s*|(?<=:)\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """An element that holds a script or a style, and the source that the page's policy lets it pass by."""

    markup: Markup
    source: str


@lru_cache(maxsize=8)
def inline_script(name: str, behind: str = "") -> Inline:
    """The module and all it takes in but what the one it stands `behind` has brought, to stand at the end of a page.

    A classic script: it runs where it stands, and those behind it see its rooms.
    """
    body = '"use strict";\n' + joined(name, behind)
    if "</script" in body:
        raise ValueError(f"{name} holds the end of a script element")
    return Inline(markup=Markup(f"<script>{body}</script>"), source=_hashed(body))  # noqa: S704 - our own file


@lru_cache(maxsize=8)
def inline_style(name: str, page: str) -> Inline:
    """What a page needs of a style sheet as an element, so that nothing is painted late for it.

    `page`: all texts that make the page, one after the other; a rule for a class or an id that none of them names is left out.
    """
    needed = _needed(_COMMENT.sub("", sources()[name].decode()), frozenset(_NAME.findall(page)))
    body = _SPACED.sub(lambda space: space[1] or "", needed)
    return Inline(markup=Markup(f"<style>{body}</style>"), source=_hashed(body))  # noqa: S704 - our own file


def _needed(css: str, named: frozenset[str]) -> str:
    """The rules whose selectors may meet something; what stands in brackets is not looked into, and stays."""
    kept, start = [], 0
    while (opening := css.find("{", start)) >= 0:
        selectors, depth, end = css[start:opening].strip(), 1, opening + 1
        while depth:
            depth += {"{": 1, "}": -1}.get(css[end], 0)
            end += 1
        body = css[opening + 1 : end - 1]
        start = end
        if selectors.startswith("@media"):
            body = _needed(body, named)
        elif not selectors.startswith("@") and "(" not in selectors:
            those = selectors.split(",")
            selectors = ",".join(one for one in those if named.issuperset(_CLASS_OR_ID.findall(one)))
        if selectors and body.strip():
            kept.append(f"{selectors} {{{body}}}\n")
    return "".join(kept)


def joined(name: str, behind: str = "") -> str:
    """The module and all it takes in as one text, without what `behind` and its own hold already."""
    made: dict[str, str] = {}
    if behind:
        _join(behind, made)
    there = len(made)
    _join(name, made)
    return "".join([*made.values()][there:])


def _join(name: str, made: dict[str, str]) -> None:
    """Modules that take in one another in a circle are a mistake of ours and a RecursionError."""
    if name in made:
        return
    text = sources()[name].decode()
    for _, needed in _IMPORT.findall(text):
        _join(needed, made)
    exported = _EXPORT.findall(text)
    body = _EXPORT.sub("", _IMPORT.sub(lambda one: f"const {{{one[1]}}} = {_room(one[2])};\n", text))
    body = _INDENT.sub("", _COMMENT.sub("", body))
    made[name] = f"const {_room(name)} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();\n"


def _room(name: str) -> str:
    return "$" + name.removesuffix(".js")


def _hashed(body: str) -> str:
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    return f"'sha256-{digest}'"
