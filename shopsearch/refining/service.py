"""A turn about a search: the catalog is asked for what the rules need, and the rules are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shopsearch.domain import (
    EVERYTHING,
    AnyOf,
    Product,
    ProductFilter,
    Query,
    UnderstoodPart,
)
from shopsearch.index.generations import Generation
from shopsearch.index.live import LiveGeneration
from shopsearch.refining.naming import AVAILABILITY
from shopsearch.refining.reading import MAX_SAID_CHARS, refine
from shopsearch.refining.spelling import with_typos_corrected
from shopsearch.refining.turns import Known, Missed, Refined, Turn
from shopsearch.store import ProductStore
from shopsearch.understanding import Understanding
from shopsearch.wording import WordingService

MAX_SHOWN = 100  # products that a turn may speak of
_MAX_VALUES = 1000


class RefiningService:
    """Refines searches by what shoppers say of them, in English."""

    def __init__(
        self,
        *,
        live: LiveGeneration,
        store: ProductStore,
        understanding: Understanding,
        wording: WordingService,
    ) -> None:
        self._live = live
        self._store = store
        self._understanding = understanding
        self._wording = wording

    def refine(
        self, said: str, query: Query, shown: Sequence[str] = (), *, pictured: bool = False
    ) -> Refined:
        """The query after a turn about it, with `shown` products in sight, by id and in order.

        Values of the query's filter may be spelled in any case. It may be `pictured`: a picture
        that it does not hold is searched by, too. Raises `GenerationMissing`.
        """
        with self._live.one() as generation:
            read = self._corrected(said, generation)
            turn = Turn(
                said=read,
                query=query,
                parts=self._parts(query, generation),
                shown=self._products(shown[:MAX_SHOWN]),
                pictured=pictured,
            )
            refined = refine(turn, self._known(generation))
            if read != said:
                refined = replace(refined, read_as=read)
            if refined.changes and not _leaves_any(generation, refined.query.where):
                missed = Missed("", "No product passes all of these filters now.")
                return replace(refined, missed=(*refined.missed, missed))
            return refined

    def _corrected(self, said: str, generation: Generation) -> str:
        _, ambiguity = self._understanding.values_of(generation)
        return with_typos_corrected(
            said[:MAX_SAID_CHARS], ambiguity.is_held, lambda word: self._wording.read(word).text
        )

    def _products(self, shown: Sequence[str]) -> tuple[Product | None, ...]:
        found = self._store.find(list(shown))
        return tuple(found[one].product if one in found else None for one in shown)

    def _parts(self, query: Query, generation: Generation) -> tuple[UnderstoodPart, ...]:
        where = ProductFilter(query.where.conditions).canonical()
        return self._understanding.read(replace(query, where=where), generation).parts

    def _known(self, generation: Generation) -> Known:
        values, ambiguity = self._understanding.values_of(generation)
        fields = generation.index.fields

        def spelled(field: str, value: str) -> str:
            found = fields.counts(field, EVERYTHING, limit=0, named=[value.casefold()])
            by_word = dict(zip(found.words, found.spellings, strict=True))
            return by_word.get(value.casefold(), value)

        return Known(
            values=values,
            availabilities=tuple(fields.counts(AVAILABILITY, limit=_MAX_VALUES).words),
            genders=tuple(fields.counts("gender", limit=_MAX_VALUES).words),
            is_usual=ambiguity.is_usual,
            spelled=spelled,
        )


def _leaves_any(generation: Generation, where: ProductFilter) -> bool:
    folded = tuple(
        replace(one, values=tuple(map(str.casefold, one.values))) if isinstance(one, AnyOf) else one
        for one in where.conditions
    )
    return len(generation.index.fields.matching(ProductFilter(folded).canonical())) > 0
