"""From a template's name and its values to an HTML answer in the viewer's language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from dashboard.frame import labels
from dashboard.frame.feed_kinds import FEED_KINDS
from dashboard.frame.folders import FOLDERS
from dashboard.frame.statics import static_url
from dashboard.frame.texts import LANGUAGES, Texts, texts_of, zone_label
from dashboard.frame.viewer import Viewer

# A template is named by its folder: "alarms/alarms.html" is dashboard/alarms/templates/alarms.html.
_LOADERS = {
    folder.name: FileSystemLoader(folder / "templates") for folder in FOLDERS if (folder / "templates").is_dir()
}


@lru_cache(maxsize=len(LANGUAGES))
def environment(language: str) -> Environment:
    """The templates in one language; each language has its own, so macros need no context."""
    texts = texts_of(language)
    env = Environment(
        loader=PrefixLoader(_LOADERS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(
        _=texts.gettext,
        ngettext=texts.ngettext,
        texts=texts,
        lang=texts.language,
        static=static_url,
        label=_label(texts),
        LABEL_OF_ZONE=zone_label,
        FEED_KINDS=FEED_KINDS,
    )
    env.filters.update(
        number=texts.number, celsius=texts.celsius, percent=texts.percent, day=texts.date, duration=texts.minutes
    )
    return env


def template_source(name: str) -> str:
    """A template as it was written."""
    loader = PrefixLoader(_LOADERS)
    return loader.get_source(Environment(loader=loader, autoescape=True), name)[0]


def compile_templates() -> None:
    """Make every page ready to be filled, in each language: a second that would otherwise be the first visitors'."""
    for language in LANGUAGES:
        templates = environment(language)
        for name in templates.list_templates():
            templates.get_template(name)


def _label(texts: Texts) -> Any:
    def label(group: str, value: object) -> str:
        """The word for a code, in the page's language; the code itself where we have no word."""
        words: Mapping[str, str] = getattr(labels, group)
        return texts.gettext(words[str(value)]) if str(value) in words else str(value)

    return label


def page(viewer: Viewer, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """The filled template. What every page has is added: who looks, where, and when it was made."""
    html = (
        environment(viewer.language)
        .get_template(template)
        .render(viewer=viewer, now=viewer.now, path=viewer.path, **values)
    )
    return HTMLResponse(html, status_code=status)
