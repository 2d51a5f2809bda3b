"""Bring web/translations into step with the messages of the pages.

    python .ci/translations.py [LANGUAGE ...]      a new LANGUAGE gets a catalog of its own

New messages are added without a translation, those that are gone are dropped, and the .mo files
that the pages read are written. Prints what has no translation yet, and ends with 1 where there is
some.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "web" / "translations"
METHODS = {"web": [("templates/*.html", "jinja2")], "shopsearch/server": [("**.py", "python")]}
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
WHEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # the same files from the same messages


def messages() -> Catalog:
    """Every message of templates and server."""
    template = Catalog(project="shopsearch", creation_date=WHEN)
    for folder, method_map in METHODS.items():
        found = extract_from_dir(ROOT / folder, method_map, keywords=KEYWORDS)
        for _, _, message, _, context in found:
            template.add(message, context=context)
    return template


def catalog_of(language: str) -> Catalog:
    """What there is of a language."""
    path = FOLDER / language / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return Catalog(locale=language, project="shopsearch", creation_date=WHEN)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def main(languages: list[str]) -> int:
    """Update and compile; the exit status."""
    missing = 0
    known = [path.name for path in FOLDER.iterdir() if path.is_dir()]
    template = messages()
    for language in sorted({*known, *languages}):
        catalog = catalog_of(language)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.creation_date = catalog.revision_date = WHEN
        catalog.header_comment = f"# shopsearch: {catalog.locale.english_name}"
        catalog.fuzzy = False
        folder = FOLDER / language / "LC_MESSAGES"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "messages.po").open("wb") as file:
            write_po(file, catalog, width=100, sort_output=True, no_location=True)
        with (folder / "messages.mo").open("wb") as file:
            write_mo(file, catalog)
        for message in catalog:
            if message.id and not all(message.string if message.pluralizable else [message.string]):
                missing += 1
                print(f"{language}: {message.id}")  # noqa: T201 - what a translator looks for
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
