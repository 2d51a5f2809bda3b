"""A turn of talk read by rules: first what it says as a whole, then clause by clause."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from shopsearch.domain import NEGATIVE_WEIGHT, Price, Product, Query
from shopsearch.refining import cues, editing
from shopsearch.refining.amounts import (
    Bounds,
    Compared,
    beyond,
    comparisons,
    landmark,
    number_words,
    shown_prices,
    told_bounds,
)
from shopsearch.refining.clauses import Clause, clauses_of
from shopsearch.refining.draft import ORDERS, Draft
from shopsearch.refining.forgetting import forget
from shopsearch.refining.naming import joined_phrases, named_in
from shopsearch.refining.pointing import Pointed, described, is_place, pointed
from shopsearch.refining.turns import ChangeKind, Known, Refined, Turn
from shopsearch.refining.wanting import Wants

MAX_SAID_CHARS = 500
LIKE_WEIGHT = 1.0  # of one product pointed at; of several each half
WISH_WEIGHTS = {-1: 0.3, 0: 0.5, 1: 0.8}  # a bit more, more, much more
LESS_WEIGHTS = {-1: 0.3, 0: 0.4, 1: 0.8}  # below 0.5 nothing is put last, see `Wanted.is_excluded`

_PRICED = " , "  # what stands where a price was: it parts what is around it
_ORS: Final = ("or", "and")


def refine(turn: Turn, known: Known) -> Refined:
    """The query after a turn. Any text will do: what says nothing changes nothing."""
    return _Reading(turn, known).refined()


class _Reading:
    """One turn being read."""

    def __init__(self, turn: Turn, known: Known) -> None:
        self._turn = turn
        self._known = known
        self._draft = Draft(turn, known)
        self._wants = Wants(self._draft, known)
        self._carried: Callable[[str], bool] | None = None  # what `and ...` goes on with

    def refined(self) -> Refined:
        said = " ".join(self._turn.said[:MAX_SAID_CHARS].split())
        plain = cues.TRAILING.sub("", cues.POLITE.sub("", said.strip(" .!?,"))).strip(" .!?,")
        if not (plain or said):
            self._draft.miss("", "Nothing was said.")
        elif not self._whole(plain):
            self._parts(said)
        if self._draft.is_untouched:
            self._draft.miss(said, f"“{said}” asks for nothing.")
        return self._draft.refined()

    def _whole(self, said: str) -> bool:
        """What a turn says as a whole."""
        draft = self._draft
        if cues.UNDO.fullmatch(said):
            draft.did(ChangeKind.UNDO, "undo", "Back to the search before the last turn.")
        elif cues.EVERYTHING.fullmatch(said):
            draft.forget(said, "all filters, wishes and limits", self._cleared)
        elif cues.START_OVER.fullmatch(said):
            draft.query = editing.renewed(draft.query, "")
            draft.did(ChangeKind.RESTART, "start over", "Everything is taken away: a new search.")
        else:
            return False
        return True

    def _cleared(self, query: Query) -> Query:
        cleared = editing.cleared(query)
        for part in self._draft.parts:
            if part.is_filter:
                cleared = editing.without_words(cleared, part.text)
        return cleared

    def _parts(self, said: str) -> None:
        text, bounds = told_bounds(cues.ALL_BUT.sub("except", said), self._known.values.currencies)
        for one in reversed(bounds):
            text = text[: one.span.start] + _PRICED + text[one.span.end :]
        for clause in clauses_of(text, joined_phrases(text, self._known)):
            self._clause(clause)
        for one in bounds:
            self._told_price(one)

    def _clause(self, clause: Clause) -> None:
        if clause.link in _ORS and self._carried is not None and self._carried(clause.text):
            return
        self._carried = None
        text = self._compared(clause.text)
        if not text:
            return
        rules = (self._liked, self._sorted, self._forgotten, self._unwanted, self._wished)
        asked = cues.ASKING.sub("", text)
        for candidate in dict.fromkeys((text, asked)):
            if any(rule(candidate) for rule in rules):
                return
        self._wants.read(text, adds=clause.link == "or")

    # prices

    def _told_price(self, told: Bounds) -> None:
        low, high = told.low, told.high
        now = self._draft.bounds()
        if low is None and now.low is not None and high is not None and now.low <= high:
            low = now.low
        if high is None and now.high is not None and low is not None and now.high >= low:
            high = now.high
        self._draft.price(low, high, told.currency)

    def _compared(self, text: str) -> str:
        """What a clause says beside a comparison of prices, which is done with."""
        found = comparisons(text)
        if any(pattern.match(cues.ASKING.sub("", text)) for _, pattern in cues.SORTS):
            return text
        for one in reversed(found):
            text = f"{text[: one.span.start]} {text[one.span.end :]}"
        if found:
            self._cheaper(found[0])
        rest = " ".join(text.split())
        return "" if found and _says_nothing(rest) else rest

    def _cheaper(self, compared: Compared) -> None:
        if compared.than and compared.than.lower() not in ("this", "that", "these", "those", "it"):
            spot = pointed(compared.than, self._turn.shown)
            spot = spot or described(compared.than, self._turn.shown)
            if spot is None or not spot.products:
                why = spot.why if spot else f"“{compared.than}” is not among what is shown."
                self._draft.miss(compared.said, why)
                return
            self._beyond(compared, spot.products[0].price, "the price of", spot.products[0].title)
            return
        prices = shown_prices(self._turn.shown)
        if not prices:
            self._draft.miss(compared.said, "Nothing that is shown has a price to compare with.")
            return
        names = {-1: "upper quartile", 0: "median", 1: "lower quartile"}
        if not compared.is_cheaper:
            names = {-1: "lower quartile", 0: "median", 1: "upper quartile"}
        what = f"the {names[compared.much]} of the prices shown,"
        mark = landmark(prices, compared)
        self._beyond(compared, mark, what, number_words(float(mark.amount)))

    def _beyond(self, compared: Compared, price: Price | None, what: str, name: str) -> None:
        if price is None:
            self._draft.miss(compared.said, f"“{name}” has no price to compare with.")
            return
        now, bound = self._draft.bounds(), beyond(price, is_cheaper=compared.is_cheaper)
        low, high = (now.low, bound) if compared.is_cheaper else (bound, now.high)
        if compared.is_cheaper and now.high is not None:
            high = min(bound, now.high)
        if not compared.is_cheaper and now.low is not None:
            low = max(bound, now.low)
        if (low is not None and high is not None and low > high) or bound <= 0:
            side = "below" if compared.is_cheaper else "above"
            self._draft.miss(compared.said, f"There is no price {side} that within the limits.")
            return
        several = len(self._known.values.currencies) > 1
        side = "below" if compared.is_cheaper else "above"
        because = f": {side} {what} {name}".replace(" ,", ",")
        self._draft.price(low, high, price.currency if several else "", because)

    # what is shown

    def _liked(self, text: str) -> bool:
        """`more like the second one`, `the last two`, `not like the first`."""
        if match := cues.LIKE.match(text):
            how = (match["how"] or "").lower()
            sign = -1.0 if re.search(r"less|not|nothing|unlike", how) else 1.0
            return self._like(match["what"], sign, text, or_words=True)
        if match := cues.LIKING.match(text) or cues.PLEASED.match(text):
            sign = -1.0 if cues.DISLIKING.search(text) else 1.0
            return self._like(match["what"], sign, text)
        return self._pointed_at(text)

    def _pointed_at(self, text: str) -> bool:
        """`the last two`, `the red one`, `not the first`: without a word of likeness."""
        bare = cues.ASKING.sub("", text)
        if is_place(bare):
            return self._like(bare, 1.0, text)
        if match := cues.NOT.match(text):
            return is_place(match["what"]) and self._like(match["what"], -1.0, text)
        spot = described(bare, self._turn.shown) if cues.SINGULAR_ONE.search(bare) else None
        if spot is None or not spot.products:
            return False
        self._point(spot, 1.0, text)
        return True

    def _like(self, what: str, sign: float, said: str, *, or_words: bool = False) -> bool:
        spot = pointed(what, self._turn.shown)
        if spot is None and re.match(r"(?:the|that|this)\s", what, re.IGNORECASE):
            spot = described(what, self._turn.shown)
            if spot is not None and not spot.products and not cues.SINGULAR_ONE.search(what):
                spot = None
        if spot is None:
            if or_words and not _says_nothing(what):
                weight = WISH_WEIGHTS[0] if sign > 0.0 else -LESS_WEIGHTS[0]
                self._draft.wish(_bare(what), weight)
                return True
            return False
        self._point(spot, sign, said)
        self._carried = lambda more: is_place(more) and self._like(more, sign, more)
        return True

    def _point(self, spot: Pointed, sign: float, said: str) -> None:
        if spot.why:
            self._draft.miss(said, spot.why)
            return
        products: tuple[Product, ...] = spot.products
        weight = LIKE_WEIGHT if len(products) == 1 else LIKE_WEIGHT / 2
        self._draft.like(products, weight if sign > 0.0 else -NEGATIVE_WEIGHT, said)

    # order

    def _sorted(self, text: str) -> bool:
        for order, pattern in cues.SORTS:
            if pattern.match(text):
                self._draft.sort(order, text)
                return True
        if match := cues.SORTING.match(text):
            there = ", ".join(ORDERS.values())
            self._draft.miss(text, f"There is no order by “{match['what']}”; there is: {there}.")
            return True
        return False

    # taking away

    def _forgotten(self, text: str) -> bool:
        if match := cues.FORGET.match(text):
            whats = [match["what"]]
            is_sure = True
        elif match := cues.ANY.match(text):
            whats = [match["one"] or match["two"] or match["three"]]
            is_sure = False
        else:
            return False
        if cues.ONES.search(whats[0]) and is_sure:
            return self._unwanted(f"no {whats[0]}")
        if not forget(self._draft, self._known, whats[0], text, is_sure=is_sure):
            return False
        self._carried = lambda more: forget(self._draft, self._known, more, more, is_sure=False)
        return True

    def _unwanted(self, text: str) -> bool:
        match = cues.NOT.match(text)
        if match is None:
            return False
        if cues.TOO_MUCH.match(text) and not named_in(match["what"], self._known):
            return False  # `not so formal` is a wish
        kinds = self._refuse(match["what"])
        is_without = re.match(r"without|no\b|w/o|except|exclud|hide|avoid", match["how"], re.I)

        def go_on(more: str) -> bool:
            bare = cues.NOT.match(more)
            if bare is None and (
                comparisons(more) or re.match(r"(?:in|only|with|for|more)\b", more)
            ):
                return False
            what = bare["what"] if bare else more
            if {one.field for one in named_in(what, self._known)} != kinds:
                return False
            self._refuse(what)
            return True

        if is_without or kinds:
            self._carried = go_on
        return True

    def _refuse(self, what: str) -> set[str]:
        """Exclude the values that are named, or else have products with the words come last."""
        found = named_in(what, self._known)
        rest = what
        for one in reversed(found):
            rest = f"{rest[: one.span.start]} {rest[one.span.end :]}"
        if found and _says_nothing(rest):
            for one in found:
                self._draft.exclude(one)
            return {one.field for one in found}
        words = _bare(what)
        if _says_nothing(words):
            self._draft.miss(what, f"“{what}” does not say what is unwanted.")
        else:
            self._draft.unwant(words)
        return set()

    # wishes

    def _wished(self, text: str) -> bool:
        """`a bit more formal`, `warmer`, `not so colourful`, `too long`."""
        if match := cues.WISH.match(text):
            way = 1.0 if match["way"].lower() == "more" else -1.0
            return self._wish(match["what"], way * _weight(match["much"], way))
        if match := cues.TOO_MUCH.match(text):
            return self._wish(match["what"], -LESS_WEIGHTS[0])
        if match := cues.COMPARATIVE.match(cues.ONES.sub("", cues.SOMETHING.sub("", text))):
            adjective = cues.ADJECTIVES.get(match["what"].lower())
            return adjective is not None and self._wish(adjective, _weight(match["much"], 1.0))
        return False

    def _wish(self, what: str, weight: float) -> bool:
        words = cues.ONES.sub("", what).strip()
        if _says_nothing(words):
            return False
        self._draft.wish(words, weight)
        self._carried = lambda more: self._wish_too(more, weight)
        return True

    def _wish_too(self, more: str, weight: float) -> bool:
        plain = not (cues.NOT.match(more) or comparisons(more) or " " in more.strip())
        if not plain or named_in(more, self._known) or cues.COMPARATIVE.match(more):
            return False
        return self._wish(more, weight)


def _weight(much: str | None, way: float) -> float:
    degree = 0 if not much else -1 if cues.SLIGHTLY.fullmatch(much.strip()) else 1
    return (WISH_WEIGHTS if way > 0.0 else LESS_WEIGHTS)[degree]


def _says_nothing(text: str) -> bool:
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower())
    return all(word in cues.SAYS_NOTHING for word in words)


def _bare(text: str) -> str:
    """Words without what stands before and after a thing."""
    text = cues.ONES.sub("", text.strip())
    return re.sub(r"^(?:(?:the|an?|any|some|with|in|of|for)\s+)+", "", text, flags=re.I).strip()
