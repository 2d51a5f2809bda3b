"""What is remembered of searches and clicks: nothing that names whoever made them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

WITHHELD = "(withheld)"  # in the place of words that look like personal data
MAX_LOGGED_CHARS = 200

_ADDRESS = re.compile(r"[^\s@]\s?@\s?[^\s@]")
# seven digits in a row, or eight with the signs between them that telephone numbers have
_LONG_NUMBER = re.compile(r"\d{7}|\d(?:[\s().\-/+]{0,3}\d){7}")


class SearchKind(StrEnum):
    """What a search was made of."""

    WORDS = "words"
    PICTURE = "picture"
    PRODUCT = "product"  # more like one of the catalog
    BOTH = "both"  # more than one of these
    LIST = "list"  # nothing but a filter, or nothing at all


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedSearch:
    """One page of results as it was answered."""

    search_id: str  # random: only who got the answer knows it
    at: datetime
    session: str | None  # a hash that another day has other ones for; None: not known
    text: str  # as `logged_text` leaves it
    kind: SearchKind
    is_filtered: bool = False
    is_sorted: bool = False  # by something else than relevance
    is_corrected: bool = False
    is_relaxed: bool = False
    page: int = 1
    total: int
    first_rank: int = 1
    product_ids: tuple[str, ...]  # in the order of the page
    took_ms: float
    generation: str

    @property
    def folded(self) -> str:
        """What searches for the same words have in common."""
        return self.text.casefold()

    def rank_of(self, product_id: str) -> int | None:
        """The rank at which the page showed a product; None where it did not."""
        if product_id not in self.product_ids:
            return None
        return self.first_rank + self.product_ids.index(product_id)


@dataclass(frozen=True, slots=True)
class LoggedClick:
    """That a product of a page was chosen."""

    search_id: str
    product_id: str
    rank: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ClickedSearch:
    """A logged search, and the clicks on what it showed, by rank."""

    search: LoggedSearch
    clicks: tuple[LoggedClick, ...]


@dataclass(frozen=True, slots=True)
class AskedText:
    """Words that were searched for, and in how many sessions."""

    text: str
    n_sessions: int


def logged_text(text: str) -> str:
    """Words as they may be kept: white space folded, cut, and withheld where they look like an
    e-mail address, a telephone number or any other long number.
    """
    if looks_personal(text):
        return WITHHELD
    return " ".join(text.replace("\x00", " ").split())[:MAX_LOGGED_CHARS].strip()


def looks_personal(text: str) -> bool:
    """Whether there is something like an e-mail address, a telephone number or any other long
    number in it.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKC", text) if _is_seen(c))
    return bool(_ADDRESS.search(plain) or _LONG_NUMBER.search(plain))


def _is_seen(character: str) -> bool:
    """Marks without a width could part a number unseen."""
    return unicodedata.category(character) != "Cf"
