"""Catalogs -> pairs of a picture and what can be said of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.domain import FeedRow, Product
from shopsearch.errors import TrainingError
from shopsearch.training.captions import TITLE, Captions, captions_of

MIN_PAIRS = 64
_HELD_OUT = "val"  # the value of a column `split` that keeps a product out of training


@dataclass(frozen=True, slots=True)
class Pair:
    """One picture and its captions."""

    picture: Path
    captions: Captions
    catalog: int  # which of the catalogs it is from


@dataclass(frozen=True, slots=True)
class TrainingPairs:
    """The pairs that are learned from, and those that only measure."""

    learned: Sequence[Pair]
    held_out: Sequence[Pair]
    n_left_out: int  # of the kinds that were to be left out
    n_without_picture: int


def read_pairs(
    catalogs: Sequence[Path],
    val: Path | None = None,
    *,
    leave_out: Collection[str] = (),
    mapping: FieldMapping | None = None,
) -> TrainingPairs:
    """The pairs of some catalogs. Raises `TrainingError` where they cannot carry a training run.

    Products with `val` in a column `split` are held out. Those of `val`, a catalog of its own, are
    held out too, all of them or, where it has that column, those that the column names.
    """
    mapping = mapping or FieldMapping()
    unwanted = {kind.casefold() for kind in leave_out}
    learned, held_out, n_left_out, n_without = [], [], 0, 0
    for number, catalog in enumerate(catalogs):
        for product in _products(catalog, mapping):
            pair = _pair(product, number)
            if pair is None:
                n_without += 1
            elif pair.captions.kind.casefold() in unwanted:
                n_left_out += 1
            elif _is_held_out(product):
                if val is None:
                    held_out.append(pair)
            else:
                learned.append(pair)
    if val is not None:
        held_out = _validation(val, mapping, number=len(catalogs))
        learned = _without(learned, held_out)
    pairs = TrainingPairs(learned, held_out, n_left_out, n_without)
    _check(catalogs, pairs, unwanted)
    return pairs


def _products(feed: Path, mapping: FieldMapping) -> Iterable[Product]:
    return (row.product for row in open_feed(feed, mapping=mapping) if isinstance(row, FeedRow))


def _pair(product: Product, catalog: int) -> Pair | None:
    picture = Path(product.images[0]) if product.images else None
    captions = captions_of(product)
    if picture is None or not captions.texts[0] or not picture.is_file():
        return None  # addresses are not fetched here: index the feed first, and train on copies
    return Pair(picture, captions, catalog)


def _is_held_out(product: Product) -> bool:
    return product.attributes.get("split", "").casefold() == _HELD_OUT


def _validation(feed: Path, mapping: FieldMapping, *, number: int) -> list[Pair]:
    products = list(_products(feed, mapping))
    if any(_is_held_out(product) for product in products):
        products = [product for product in products if _is_held_out(product)]
    pairs = [pair for product in products if (pair := _pair(product, number)) is not None]
    if not pairs:
        raise TrainingError(f"{feed}: no product has a picture file and words to measure with")
    return pairs


def _without(learned: list[Pair], held_out: list[Pair]) -> list[Pair]:
    """The pairs whose title is not held out: nothing that measures may be learned from."""
    titles = {pair.captions.texts[TITLE] for pair in held_out}
    return [pair for pair in learned if pair.captions.texts[TITLE] not in titles]


def _check(catalogs: Sequence[Path], pairs: TrainingPairs, unwanted: Collection[str]) -> None:
    names = ", ".join(str(catalog) for catalog in catalogs)
    if len(pairs.learned) < MIN_PAIRS:
        raise TrainingError(
            f"{names}: {len(pairs.learned)} products with a picture file and words are too few to "
            f"learn from; at least {MIN_PAIRS} are needed (pictures at addresses are not fetched)"
        )
    if len({pair.captions.texts[TITLE] for pair in pairs.learned}) < 2:
        raise TrainingError(
            f"{names}: all {len(pairs.learned)} products have the same title, so there is nothing "
            "to tell apart; give them titles of their own, or take another catalog"
        )
    if unwanted and not pairs.n_left_out:
        raise TrainingError(
            f"none of {', '.join(sorted(unwanted))} is the last level of a category in {names}; "
            "check the spelling of --leave-out"
        )
