"""The items of an XML feed, one by one as they are parsed; nothing else of the file is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from shopsearch.catalog.fields import is_spread
from shopsearch.catalog.source import FeedSource
from shopsearch.catalog.textfile import MAX_LINE_CHARS
from shopsearch.catalog.values import Json
from shopsearch.errors import FeedFormatError

ITEM_NAMES = frozenset({"item", "entry", "product"})  # RSS, Atom, and what shops make up
_GOOGLE = "http://base.google.com/"
_MAX_DEPTH = 20  # of elements in an item; Google's have two levels
_MAX_ELEMENTS = 10_000
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class XmlItem:
    """One item: what its elements say, or why that cannot be used."""

    line: int  # where it begins
    record: Mapping[str, Json]
    problem: str = ""


@dataclass(slots=True)
class _Element:
    """An element that is open."""

    name: str
    is_googles: bool
    address: str = ""  # that an attribute tells: <link href="..."/>
    text: list[str] = field(default_factory=list)  # its own words and those of all within
    has_words: bool = False
    ours: dict[str, list[Json]] = field(default_factory=dict)  # those of Google's namespace
    others: dict[str, list[Json]] = field(default_factory=dict)

    def value(self) -> Json:
        """Words, also with markup among them; an object where it has elements alone."""
        if (self.ours or self.others) and not self.has_words:
            return self.children()
        return "".join(self.text).strip() or self.address

    def children(self) -> dict[str, Json]:
        """What the elements within say; Google's own win over others of the same name."""
        told = {**self.others, **self.ours}
        return {
            name: values if len(values) > 1 or is_spread(name) else values[0]
            for name, values in told.items()
        }


class _Items:
    """What a parser tells of, collected: items that are complete wait in `done`."""

    def __init__(self) -> None:
        self.done: list[XmlItem] = []
        self.line: Callable[[], int] = lambda: 0
        self._open: list[_Element] = []  # the item and what is open in it
        self._begun = 0
        self._n_chars = 0
        self._n_elements = 0
        self._depth_left_out = 0
        self._problem = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element opens."""
        namespace, _, name = tag.rpartition("}")
        if not self._open:
            if name in ITEM_NAMES:
                self._open = [_Element(name, is_googles=False)]
                self._begun = self.line()
                self._n_chars = self._n_elements = self._depth_left_out = 0
                self._problem = ""
                self._open[0].others = {key: [told] for key, told in attributes.items()}
            return
        self._n_elements += 1
        if len(self._open) > _MAX_DEPTH:
            self._problem = f"the elements are nested more than {_MAX_DEPTH} levels deep"
        elif self._n_elements > _MAX_ELEMENTS:
            self._problem = f"the item has more than {_MAX_ELEMENTS:,} elements"
        if self._problem:
            self._depth_left_out += 1
            return
        address = attributes.get("href") or attributes.get("url") or ""
        if attributes.get("rel", "alternate") != "alternate":
            address = ""  # Atom's link to the feed itself, to a picture and so on
        self._open.append(_Element(name, namespace.startswith("{" + _GOOGLE), address))

    def data(self, text: str) -> None:
        """Words within the element that is open."""
        if not self._open or self._problem:
            return
        self._n_chars += len(text)
        if self._n_chars > MAX_LINE_CHARS:
            self._problem = f"the item is longer than {MAX_LINE_CHARS:,} characters"
            return
        element = self._open[-1]
        element.text.append(text)
        element.has_words = element.has_words or not text.isspace()

    def end(self, _tag: str) -> None:
        """The element that is open closes."""
        if not self._open:
            return
        if self._depth_left_out:
            self._depth_left_out -= 1
            return
        element = self._open.pop()
        if not self._open:
            record = {} if self._problem else element.children()
            problem = self._problem and f"{self._problem}; shorten it"
            self.done.append(XmlItem(self._begun, record, problem))
            return
        parent = self._open[-1]
        value = element.value()
        (parent.ours if element.is_googles else parent.others).setdefault(element.name, []).append(
            value
        )
        if len(self._open) > 1:  # words with markup among them are the words of what holds them
            parent.text.extend(element.text)

    def close(self) -> None:
        """The end of the file."""


def read_items(source: FeedSource) -> Iterator[XmlItem]:
    """The items in the order of the file, in constant memory.

    Document types and entities are refused: they can make a small file endless, or read others.
    Raises `FeedFormatError` where the XML breaks, after the items before that; and `CatalogError`.
    """
    items = _Items()
    parser: Any = DefusedXMLParser(target=items, forbid_dtd=True)
    items.line = lambda: int(parser.parser.CurrentLineNumber)
    with source.open() as binary:
        while True:
            chunk = binary.read(_CHUNK_BYTES)
            broken = _broken(parser, chunk, source)
            yield from items.done
            items.done.clear()
            if broken is not None:
                raise broken
            if not chunk:
                return


def _broken(parser: Any, chunk: bytes, source: FeedSource) -> FeedFormatError | None:
    """Parse one chunk more, the end of the file if it is empty; what was wrong with it."""
    try:
        if chunk:
            parser.feed(chunk)
        else:
            parser.close()
    except ParseError as error:
        line, column = error.position
        reason = str(error).rpartition(":")[0] or str(error)
        return FeedFormatError(
            f"{source.name}: line {line:,}, column {column + 1:,}: the XML is broken ({reason}); "
            f"what came before was read; export the feed again"
        )
    except DefusedXmlException as error:
        return FeedFormatError(
            f"{source.name}: line {parser.parser.CurrentLineNumber:,}: the XML declares a document "
            f"type or an entity ({type(error).__name__}), which is refused, as it can hide endless "
            f"text or read other files; export the feed without it"
        )
    except (ValueError, LookupError) as error:
        return FeedFormatError(
            f"{source.name}: the XML cannot be read ({error}); export it again as UTF-8"
        )
    return None
