"""What is taken away from a query: `forget the price`, `any brand`, `remove red`."""

from __future__ import annotations

import re
from dataclasses import replace

from shopsearch.domain import Query, Sort
from shopsearch.refining import cues, editing
from shopsearch.refining.draft import Draft
from shopsearch.refining.naming import named_in
from shopsearch.refining.turns import Known


def forget(draft: Draft, known: Known, what: str, said: str, *, is_sure: bool) -> bool:
    """Take away what some words name; False where they name nothing that could be there.

    Where it `is_sure` that something shall go, words that are not there are said to be so.
    """
    name = re.sub(r"^(?:(?:the|my|that|this|any)\s+)+", "", what.strip().lower())
    for word in ("filter", "filters", "limit", "limits", "part"):
        name = name.removesuffix(f" {word}")
    if name in cues.FIELDS:
        draft.forget_field(said, cues.FIELDS[name])
        return True
    if name in cues.SORT_NAMES:
        draft.forget(said, "order", lambda query: replace(query, sort=Sort.RELEVANCE))
        return True
    if name in cues.WISH_NAMES:
        draft.forget(said, "wishes", lambda query: replace(query, also=()))
        return True
    if name in cues.UNWANTED_NAMES:
        draft.forget(said, "unwanted words", lambda query: replace(query, negatives=()))
        return True
    return _forget_value(draft, known, what.strip(), said, is_sure=is_sure)


def _forget_value(draft: Draft, known: Known, what: str, said: str, *, is_sure: bool) -> bool:
    named = named_in(what, known)

    def taken_away(query: Query) -> Query:
        for one in named:
            query = editing.without_values(query, one.field, one.values)
            for part in draft.parts:
                if part.wish.field == one.field and part.kind is one.kind:
                    query = editing.without_words(query, part.text) if what else query
        without = tuple(one for one in query.negatives if not editing.same(one, what))
        wishes = tuple(one for one in query.also if not editing.same(one.text, what))
        return editing.without_words(replace(query, negatives=without, also=wishes), what)

    if taken_away(draft.query) == draft.query and not is_sure:
        return False
    draft.forget(said, f"“{what}”", taken_away)
    return True
