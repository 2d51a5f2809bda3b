"""A clause that asks for something: values that the catalog has, something else, or more words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from shopsearch.domain import PartKind
from shopsearch.refining import cues, editing
from shopsearch.refining.draft import Draft
from shopsearch.refining.naming import Named, named_in
from shopsearch.refining.turns import Known

_LEADING = re.compile(
    r"^(?:(?:in|with|of|for|from|by|made (?:of|from|by)|the|an?|that (?:is|are)|which (?:is"
    r"|are)|and|to|as"
    r"|only|just|all|some|any|it|them|something|is|are|be|has|have|having|brand|colou?r|material"
    r"|category)\s+)+",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:\s+(?:in|with|of|for|from|by|made of|made from|only|please|colou?red|colou?rs?"
    r"|brand|category"
    r"|material|ones?|things?|products?|items?|instead|now))+$",
    re.IGNORECASE,
)
_QUALIFIES = re.compile(
    r"^(?:in|with|for|from|by|of|made|that|which|having|only|to)\b", re.IGNORECASE
)
_FIELD_WORDS = re.compile(
    r"^(?:colou?r(?:ed)?|brand|size|material|category|gender)$", re.IGNORECASE
)


class Wants:
    """Reads what clauses ask for."""

    def __init__(self, draft: Draft, known: Known) -> None:
        self._draft = draft
        self._known = known
        self._fields: set[str] = set()  # that this turn has named values of

    def read(self, said: str, *, adds: bool) -> None:
        """One clause; all of it is done or said not to be."""
        text, is_instead = _without(cues.INSTEAD, said)
        text, is_too = _without(cues.TOO, text)
        if match := cues.IN_PLACE_OF.match(text):
            self._take_away(match["old"])
            text = match["new"]
        is_asked = cues.NEW_THING.match(text) is not None
        thing = cues.ASKING.sub("", cues.NEW_THING.sub("", text)).strip()
        named = named_in(thing, self._known)
        rest = _rest(thing, named)
        if self._is_topic(thing, named, rest, is_new=is_instead or is_asked):
            self._begin(thing, said)
            return
        self._filter(named, adds=adds or is_too)
        if rest:
            self._draft.add_words(rest)
        elif not named:
            self._draft.miss(said, f"“{said}” was not understood.")

    def _is_topic(self, thing: str, named: Sequence[Named], rest: str, *, is_new: bool) -> bool:
        """Whether a clause names something else to search for."""
        names_a_thing = bool(rest) or any(one.kind is PartKind.CATEGORY for one in named)
        if not names_a_thing or _QUALIFIES.match(thing):
            return False
        query = self._draft.query
        is_bare = not (query.text or query.product_id or query.also or query.where)
        return is_new or is_bare

    def _begin(self, thing: str, said: str) -> None:
        words = cues.SOMETHING.sub("", _AFTER.sub("", thing)).strip() or thing
        if not (self._draft.query.text or self._draft.query.product_id or self._draft.query.where):
            self._draft.add_words(words)
        elif editing.same(self._draft.query.text, words):
            self._draft.miss(said, f"“{words}” is searched for already.")
        else:
            self._draft.begin_anew(words)

    def _filter(self, named: Sequence[Named], *, adds: bool) -> None:
        """Values of one field that come together, or in one turn, are alternatives."""
        by_field: dict[str, Named] = {}
        for one in named:
            if before := by_field.get(one.field):
                values = tuple(dict.fromkeys((*before.values, *one.values)))
                by_field[one.field] = replace(before, values=values)
            else:
                by_field[one.field] = one
        for one in by_field.values():
            self._draft.want(one, adds=adds or one.field in self._fields)
            self._fields.add(one.field)

    def _take_away(self, old: str) -> None:
        for one in named_in(old, self._known):
            query = editing.without_values(self._draft.query, one.field, one.values)
            for part in self._draft.parts:
                if part.wish.field == one.field and part.kind is one.kind:
                    query = editing.without_words(query, part.text)
            self._draft.query = query
        self._draft.query = editing.without_words(self._draft.query, old)


def _without(cue: re.Pattern[str], text: str) -> tuple[str, bool]:
    shorter = cue.sub("", text)
    return shorter.strip(), shorter != text


def _rest(text: str, named: Sequence[Named]) -> str:
    """What a clause says beside the values that it names; "" where that is nothing."""
    pieces, at = [], 0
    for one in named:
        pieces.append(text[at : one.span.start])
        at = one.span.end
    pieces.append(text[at:])
    kept = []
    for piece in pieces:
        bare = _AFTER.sub("", f" {_LEADING.sub('', piece.strip() + ' ').strip()}").strip(" -'")
        words = re.findall(r"[^\W_]+", bare.lower())
        if not all(word in cues.SAYS_NOTHING or _FIELD_WORDS.match(word) for word in words):
            kept.append(bare)
    return " ".join(kept)
