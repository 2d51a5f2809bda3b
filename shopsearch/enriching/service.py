"""Enricher: the live index and the stored products in, proposals and their quality out.

Vectors of products that have a value are made anew, as if their shop had not told it: the words of
a product name its colour, and a head that learned to read them there would fail where they lack.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import PreparedItem, ProductRecord
from shopsearch.embedding import Embedder
from shopsearch.enriching.attributes import (
    DEFAULT_ATTRIBUTES,
    Attribute,
    Values,
    count_values,
)
from shopsearch.enriching.census import Census, Report, take_census
from shopsearch.enriching.folds import group_folds, numbered
from shopsearch.enriching.methods import (
    Examples,
    HeadTrainer,
    Method,
    Predictor,
    learned,
    zero_shot,
)
from shopsearch.enriching.offer import Offer, choose, make_offer
from shopsearch.enriching.outcome import AttributeOutcome, Enrichment, Proposal, Wanted
from shopsearch.enriching.prompts import N_KINDS, embed_names
from shopsearch.enriching.quality import Quality, measure
from shopsearch.errors import EnrichmentError, ProductRejected
from shopsearch.index.generations import Generation
from shopsearch.index.live import LiveGeneration
from shopsearch.store import ProductStore

_EMBEDDED_BATCH = 64  # products embedded at a time
_PREDICTED_BATCH = 2_048  # vectors of the index in memory at a time
_N_TOP = 3

Stage = Callable[[str], AbstractContextManager[Report]]


class RecordPreparer(Protocol):
    """Turns a product record into what the encoders see."""

    def prepare(self, record: ProductRecord) -> PreparedItem:
        """Raises `ProductRejected`."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One attribute of one run."""

    attribute: Attribute
    census: Census
    generation: Generation
    wanted: Wanted
    stage: Stage

    @property
    def name(self) -> str:
        return self.attribute.name


class Enricher:
    """Proposes values for attributes that products lack. Changes nothing in the catalog."""

    def __init__(
        self,
        *,
        preparer: RecordPreparer,
        embedder: Embedder,
        live: LiveGeneration,
        store: ProductStore,
        trainer: HeadTrainer[Any],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._preparer = preparer
        self._embedder = embedder
        self._live = live
        self._store = store
        self._trainer = trainer
        self._clock = clock

    def enrich(self, wanted: Wanted, stage: Stage) -> Enrichment:
        """Propose what is wanted. Raises `EnrichmentError`, `GenerationMissing` and
        `GenerationMismatch`.

        An attribute that was asked for by name and cannot be predicted is an error; one of the
        default attributes is left out with its reason.
        """
        started = self._clock()
        names = wanted.attributes or DEFAULT_ATTRIBUTES
        attributes = {one.field: one for one in map(Attribute.named, names)}
        generation = self._generation()
        revision = generation.manifest.store_revision
        with stage("reading the catalog") as report:
            census = take_census(
                self._store, list(attributes.values()), revision=revision, report=report
            )
        return Enrichment(
            generation=generation.manifest.generation_id,
            outcomes=tuple(
                self._outcome(_Case(attribute, census, generation, wanted, stage))
                for attribute in attributes.values()
            ),
            min_probability=wanted.min_probability,
            seconds=self._clock() - started,
        )

    def _generation(self) -> Generation:
        generation = self._live.get()
        generation.manifest.check(
            encoder_id=self._embedder.encoder_id, fusion_id=self._embedder.fusion_id
        )
        return generation

    def _outcome(self, case: _Case) -> AttributeOutcome:
        have, lack = case.census.having(case.attribute), case.census.lacking(case.attribute)
        if len(lack) == 0 and not (case.wanted.measure_all and len(have)):
            reason = f"nothing to propose: all {len(have)} products have it"
            return AttributeOutcome(attribute=case.name, reason=reason, have=len(have))
        try:
            _check(case, len(have))
            outcome = self._predicted(case, have, lack)
        except EnrichmentError as error:
            if case.wanted.attributes:
                raise
            outcome = AttributeOutcome(attribute=case.name, reason=str(error))
        return replace(outcome, have=len(have), lack=len(lack))

    def _predicted(
        self, case: _Case, have: NDArray[np.int64], lack: NDArray[np.int64]
    ) -> AttributeOutcome:
        """Examples, then the methods, then the proposals of the better one."""
        drawn = _drawn(have, case.wanted)
        vectors = self._without_value(case, drawn)  # (N, D), NaN where nothing is left
        usable = np.isfinite(vectors).all(axis=1)  # (N,)
        examples, values = _examples(case, drawn[usable], vectors[usable])
        offer = make_offer(case.name, values, case.wanted)
        predictors = list(self._predictors(case, offer, examples))
        qualities = _qualities(predictors, examples, offer, case.wanted)
        chosen, reason = choose(predictors, qualities, case.wanted)
        indexed = lack[np.array([case.census.indexed[n] for n in lack], dtype=np.bool_)]
        proposals, n_missing = self._proposals(case, chosen, indexed)
        return AttributeOutcome(
            attribute=case.name,
            reason=reason,
            not_indexed=len(lack) - len(indexed) + n_missing,
            examples=len(examples),
            unusable=int((~usable).sum()),
            method=chosen.method,
            values=chosen.values,
            rare=offer.rare if chosen.method is Method.LEARNED else {},
            calibrated=chosen.calibrated,
            qualities=qualities,
            proposals=tuple(proposals),
        )

    def _without_value(self, case: _Case, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """(N, D) vectors of products as if they lacked the value; NaN where nothing is left."""
        dimension = case.generation.manifest.dimension
        vectors = np.full((len(places), dimension), np.nan, dtype=np.float32)
        with case.stage(f"{case.name}: seeing products without it") as report:
            for start in range(0, len(places), _EMBEDDED_BATCH):
                batch = places[start : start + _EMBEDDED_BATCH]
                left = list(self._prepared(case, batch))
                if left:
                    rows, _ = self._embedder.embed([item for _, item in left])  # (B, D)
                    vectors[[start + n for n, _ in left]] = rows
                report(start + len(batch), len(places))
        return vectors

    def _prepared(
        self, case: _Case, places: NDArray[np.int64]
    ) -> Iterator[tuple[int, PreparedItem]]:
        """What is left of products without the value; their pictures are cached by content."""
        keys = [case.census.keys[place] for place in places]
        stored = self._store.fetch(keys)
        for number, key in enumerate(keys):
            if key not in stored:  # removed meanwhile
                continue
            record = stored[key].record
            blank = replace(record, product=case.attribute.without(record.product))
            try:
                yield number, self._preparer.prepare(blank)
            except ProductRejected:
                continue  # counted as unusable: its vector stays NaN

    def _predictors(self, case: _Case, offer: Offer, examples: Examples) -> Iterator[Predictor]:
        asked = case.wanted.method
        for method in offer.methods:
            if asked not in (Method.AUTO, method):
                continue
            if method is Method.LEARNED:
                with case.stage(f"{case.name}: learning") as report:
                    yield learned(self._trainer, examples, offer.learned, step=report)
            else:
                yield self._zero_shot(case, offer, examples)

    def _zero_shot(self, case: _Case, offer: Offer, examples: Examples) -> Predictor:
        is_category = case.attribute.field == "product_type"
        kinds = [] if is_category else case.census.kinds(N_KINDS)
        with case.stage(f"{case.name}: naming the values") as report:
            prompts = embed_names(self._embedder, offer.named, kinds, report)  # (C, D)
        return zero_shot(prompts, examples, offer.named)

    def _proposals(
        self, case: _Case, chosen: Predictor, places: NDArray[np.int64]
    ) -> tuple[list[Proposal], int]:
        """What is likely enough, and how many products the index does not hold after all."""
        proposals: list[Proposal] = []
        n_missing = 0
        with case.stage(f"{case.name}: predicting") as report:
            for start in range(0, len(places), _PREDICTED_BATCH):
                batch = places[start : start + _PREDICTED_BATCH]
                keys = np.array([case.census.keys[n] for n in batch], dtype=np.int64)
                vectors = case.generation.index.fetch(keys)  # (B, D)
                there = np.isfinite(vectors).all(axis=1)  # (B,)
                n_missing += int((~there).sum())
                if there.any():
                    shares = chosen.predict(vectors[there])  # (b, C)
                    proposals += _proposed(case, chosen, batch[there], shares)
                report(start + len(batch), len(places))
        return proposals, n_missing


def _check(case: _Case, n_have: int) -> None:
    """Raise `EnrichmentError` where there is neither a product nor a list to take values from."""
    if n_have or case.wanted.values:
        return
    columns = [name for name, _ in case.census.columns.most_common(12)]
    there = f"; the other columns with values are {', '.join(columns)}" if columns else ""
    raise EnrichmentError(
        f"no product has a value of {case.name!r}, so it is not known what to propose; correct the "
        f"name, or give the allowed values with --values or --value{there}"
    )


def _drawn(have: NDArray[np.int64], wanted: Wanted) -> NDArray[np.int64]:
    """At most `max_examples` of the products, in their order; the seed says which."""
    if len(have) <= wanted.max_examples:
        return have
    drawn = np.random.default_rng(wanted.seed).choice(have, wanted.max_examples, replace=False)
    return np.sort(drawn)


def _examples(
    case: _Case, places: NDArray[np.int64], vectors: NDArray[np.float32]
) -> tuple[Examples, Values]:
    """The products that teach and measure, in folds that share no title."""
    told = case.census.told[case.attribute.field]
    titles = numbered([case.census.titles[place] for place in places])  # (N,)
    raw = [told[place] for place in places]
    values = count_values(zip(raw, titles.tolist(), strict=True))
    spelled = [values.canonical(value) for value in raw]
    folds = group_folds(numbered(spelled), titles, seed=case.wanted.seed)  # (N,)
    return Examples(vectors, np.array(spelled, dtype=np.str_), folds), values


def _qualities(
    predictors: list[Predictor], examples: Examples, offer: Offer, wanted: Wanted
) -> dict[Method, Quality]:
    """The measures of each method over the same products and the same values."""
    if not len(examples):
        return {}
    return {
        one.method: measure(
            one.held_out,
            examples.numbered(one.values),
            one.values,
            min_probability=wanted.min_probability,
            compared=offer.learned if len(offer.learned) > 1 else None,
        )
        for one in predictors
    }


def _proposed(
    case: _Case, chosen: Predictor, places: NDArray[np.int64], shares: NDArray[np.float64]
) -> Iterator[Proposal]:
    order = np.argsort(-shares, axis=1, kind="stable")[:, :_N_TOP]  # (b, 3) best first
    for place, likeliest, row in zip(places, order, shares, strict=True):
        top = tuple((chosen.values[n], float(row[n])) for n in likeliest)
        value, probability = top[0]
        if probability >= case.wanted.min_probability:
            product_id = case.census.ids[place]
            yield Proposal(product_id, case.name, value, probability, chosen.method, top)
